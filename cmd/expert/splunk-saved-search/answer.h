/* What Splunk's REST API says about a search. */
#ifndef IMQ_SPLUNK_ANSWER_H
#define IMQ_SPLUNK_ANSWER_H

#include "rest.h"

/* The id of a search that has been started. */
enum rest_verdict splunk_read_job(const struct http_reply *reply, struct buf *answer, struct problem *problem);
/* `[]`, or the first row of the results in an array, with a `null` behind it if there are more. */
enum rest_verdict splunk_read_results(const struct http_reply *reply, struct buf *answer, struct problem *problem);

#endif
