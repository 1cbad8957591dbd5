/* What a whois server says, as text for an event. */
#ifndef IMQ_UWHOISD_ANSWER_H
#define IMQ_UWHOISD_ANSWER_H

#include <stdbool.h>

#include "buf.h"
#include "ip.h"

/* Appends ANSWER as UTF-8 that no terminal obeys: bytes that are none, and control characters but line feed,
 * carriage return and tab, become U+FFFD. */
void whois_clean(struct text answer, struct buf *out);
/* The smallest range around ABOUT that a line of ANSWER names: `inetnum:` and `NetRange:` (first - last),
 * `inet6num:` and `CIDR:` (a prefix, or several). False: none does. */
bool whois_range(struct text answer, const struct ip *about, struct ip *from, struct ip *to);

#endif
