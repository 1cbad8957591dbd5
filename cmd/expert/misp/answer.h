/* What MISP's search for attributes says. */
#ifndef IMQ_MISP_ANSWER_H
#define IMQ_MISP_ANSWER_H

#include "rest.h"

/* The UUIDs of the first attribute and of its event, with a blank between them. */
enum rest_verdict misp_read(const struct http_reply *reply, struct buf *answer, struct problem *problem);

#endif
