/* What Lookyloo says when a capture is ordered. */
#ifndef IMQ_LOOKYLOO_ANSWER_H
#define IMQ_LOOKYLOO_ANSWER_H

#include "rest.h"

/* The UUID of the capture. */
enum rest_verdict lookyloo_read(const struct http_reply *reply, struct buf *answer, struct problem *problem);

#endif
