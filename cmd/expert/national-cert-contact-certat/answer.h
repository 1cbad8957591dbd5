/* What CERT.at's service says about an address: `address;country;name;contact`. */
#ifndef IMQ_CERTAT_ANSWER_H
#define IMQ_CERTAT_ANSWER_H

#include "rest.h"

/* `country;contact`, either may be empty. */
enum rest_verdict certat_read(const struct http_reply *reply, struct buf *answer, struct problem *problem);

#endif
