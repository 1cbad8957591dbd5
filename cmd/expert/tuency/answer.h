/* What tuency says about an address or a domain. */
#ifndef IMQ_TUENCY_ANSWER_H
#define IMQ_TUENCY_ANSWER_H

#include "rest.h"

/* A line `suppress`, or one with the seconds between notifications; then the contacts, separated by commas. */
enum rest_verdict tuency_read(const struct http_reply *reply, struct buf *answer, struct problem *problem);

#endif
