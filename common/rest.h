/* Lookups by web services that answer each question with one document, JSON mostly: what is the same for all of
 * them. What a service says is not to be trusted: readers check every type and length they rely on. */
#ifndef IMQ_REST_H
#define IMQ_REST_H

#include <stdbool.h>

#include <jansson.h>

#include "buf.h"
#include "http.h"
#include "lookup.h"
#include "problem.h"

enum rest_verdict {
	REST_FOUND,   /* the answer has been appended */
	REST_NOTHING, /* the service says that there is none */
	REST_BROKEN,  /* no answer: the problem's text says why */
};

/* Ends QUESTION by REPLY: READ, called if there is a reply, whatever its status, appends to ANSWER what is worth
 * remembering, for TTL seconds. */
void rest_settle(struct lookup_question *question, const struct http_reply *reply,
	enum rest_verdict (*read)(const struct http_reply *reply, struct buf *answer, struct problem *problem),
	double ttl);
/* For readers: REST_BROKEN with PROBLEM's text. */
enum rest_verdict rest_broken(struct problem *problem, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Whether the status is 2xx; false with PROBLEM's text. */
bool rest_is_fine(const struct http_reply *reply, struct problem *problem);
/* The object in the body of a 2xx reply, the caller's to json_decref(); NULL with PROBLEM's text. */
json_t *rest_object(const struct http_reply *reply, struct problem *problem);
/* Appends STRING to a list separated by commas. False: it is no text, or longer than any address, or has a
 * control character. An empty one is left out. */
bool rest_list_add(struct buf *list, const json_t *string);

/* For start(): whether VALUE of OPTION is there, an http(s) URL, and a text that may stand in a header. */
bool rest_check_url(const char *option, const char *value, struct problem *problem);
/* As rest_check_url(), and puts VALUE into BASE, with a slash at its end whether it has one or not. */
bool rest_base(const char *option, const char *value, struct buf *base, struct problem *problem);
bool rest_check_secret(const char *option, const char *value, struct problem *problem);

#endif
