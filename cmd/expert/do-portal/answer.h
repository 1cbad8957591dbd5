/* What a do-portal says about an address. */
#ifndef IMQ_DO_PORTAL_ANSWER_H
#define IMQ_DO_PORTAL_ANSWER_H

#include "rest.h"

/* The contacts, separated by commas. */
enum rest_verdict do_portal_read(const struct http_reply *reply, struct buf *answer, struct problem *problem);

#endif
