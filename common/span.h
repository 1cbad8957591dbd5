/* Lengths of time as people write them. data-format.md 7.2. */
#ifndef IMQ_SPAN_H
#define IMQ_SPAN_H

#include <stdbool.h>

#include "buf.h"
#include "text.h"

/* Reads `1 hour`, `2 weeks`: a number, blanks, a unit from second to year with s or not; a month has 30 days,
 * a year 365. False: T is nothing like that, or the seconds do not fit. */
bool span_parse(struct text t, long long *seconds);
/* Appends SECONDS as `1d 1h 1m 1s`, without the parts that are zero; nothing for 0. */
void span_write(struct buf *out, long long seconds);

#endif
