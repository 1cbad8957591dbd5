/* A security.txt file (RFC 9116). */
#ifndef IMQ_SECURITY_TXT_ANSWER_H
#define IMQ_SECURITY_TXT_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "problem.h"
#include "text.h"

struct security_txt {
	struct buf mail; /* of Contact fields mailto: (2.5.3), the addresses, separated by commas, best first */
	bool expires;
	int64_t expiry; /* microseconds since 1970 (2.5.5) */
};

/* Reads FILE, which was found at URL. False, with PROBLEM's text: it is none, or says by its Canonical fields
 * (2.5.2) that it belongs elsewhere. FOUND->mail is the caller's to free in any case. */
bool security_txt_read(struct text file, const char *url, struct security_txt *found, struct problem *problem);

#endif
