/* Host names and the places of hosts in URLs. */
#ifndef IMQ_HOST_H
#define IMQ_HOST_H

#include <stdbool.h>

#include "buf.h"
#include "text.h"

/* Appends NAME as ASCII, by IDNA 2003 (RFC 3490 ToASCII, unassigned code points allowed, any ASCII character
 * taken): labels between dots of any script, each but the last of 1 to 63 bytes. ASCII letters stay in their
 * case. False, with nothing appended: NAME has no such form. */
bool host_to_ascii(struct text name, struct buf *out);
/* Whether ASCII NAME has labels of those lengths. */
bool host_labels(struct text name);

#endif
