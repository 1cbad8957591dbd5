/* What an RDAP server says (RFC 9083), reduced to what events can have. */
#ifndef IMQ_RDAP_ANSWER_H
#define IMQ_RDAP_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "ip.h"
#include "text.h"

/* The range that an answer holds for; an AS number is an address of 32 bits. */
struct range {
	bool known;
	struct ip from, to;
};

/* Appends to OUT a JSON object: for each role with a mail address `"@role":"address"`, and what is there of
 * `network` (that around ABOUT, which may be NULL), `as_name`, `registry` (told by SERVER's name),
 * `geolocation.cc`, `allocated`. Nothing is appended if there is none of them. False: BODY is no RDAP answer;
 * REASON says why. */
bool answer_read(struct text body, const struct ip *about, bool autnum, const char *server, struct buf *out,
	struct range *range, const char **reason);

#endif
