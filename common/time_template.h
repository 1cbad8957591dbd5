/* Times in URLs and paths: `{time[%Y-%m-%d]}`, the local time; `{{` and `}}` are braces (collectors.md 1.10). */
#ifndef IMQ_TIME_TEMPLATE_H
#define IMQ_TIME_TEMPLATE_H

#include <stdbool.h>

#include "buf.h"
#include "problem.h"
#include "text.h"

/* What an option like --http-url-formatting says: false, true, or a map of a difference to now, {"days": -1}. NO_TEXT is false. On
 * success *WANTED tells whether to format at all and *DELTA is in microseconds. False with PROBLEM's text filled in. */
bool time_template_option(struct text json, bool *wanted, long long *delta, struct problem *problem);
/* Appends TEMPLATE with the local time NOW (microseconds since 1970). False with PROBLEM's text filled in. */
bool time_template_write(struct text template, long long now, struct buf *out, struct problem *problem);

#endif
