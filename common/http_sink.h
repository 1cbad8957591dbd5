/* Outputs that deliver records by HTTP: some requests in flight, each with one record or many, and what becomes of the records by the
 * answer.
 *
 * A 2xx answer has delivered them, but those that the command's answered() refuses. Where a server is not there, or says that it cannot
 * now or not to us (no answer; 401, 403, 407, 408, 429, 502, 503, 504), nothing is wrong with the records: the command ends with
 * EXIT_REMOTE, so that a pump sends them again; --on-failure reject keeps them as rejects instead. Any other answer, redirects too, refuses
 * them. */
#ifndef IMQ_HTTP_SINK_H
#define IMQ_HTTP_SINK_H

#include <stdbool.h>

#include "event.h"
#include "filter.h"
#include "http.h"

/* A record on its way. */
struct parcel_record {
	size_t at, len;           /* of the event as it came, in the parcel's records */
	size_t body_at, body_len; /* of what is sent of it */
	const char *file;
	long line;
	bool settled; /* refused, or in another parcel */
};

struct http_sink;

/* A request with its records. */
struct parcel {
	struct http_sink *sink;
	struct buf body, records;
	struct parcel_record *list;
	size_t count, cap;
	unsigned tries; /* for the command */
	bool sent;
	struct parcel *next;
};

struct http_sink {
	struct http *http;
	const char *url;
	const char *const *headers; /* as http_request's */
	bool repeatable;            /* sending a record twice does no harm */
	int on_failure;             /* 0: stop, 1: reject */
	long long concurrency;
	/* Looks at a 2xx answer: refuses records of PARCEL, or sends them again in another one. NULL: all is well. */
	void (*answered)(struct parcel *parcel, const struct http_reply *reply);
	struct parcel *free, *on_way;
	size_t in_flight;
	bool failed;
};

/* clang-format off */
#define HTTP_SINK_OPTIONS(s) \
	OPT_CHOICE(0, "on-failure", &(s)->on_failure, http_sink_failures, "stop", \
		"where the server is not there: stop, or reject the events"), \
	OPT_INTEGER(0, "concurrency", &(s)->concurrency, "8", "that many requests at a time")
/* clang-format on */
extern const char *const http_sink_failures[];

/* An empty parcel, the caller's until parcel_send(); waits while there are as many in flight as may be. NULL: the command ends. */
struct parcel *parcel_new(struct http_sink *s);
/* As parcel_new() without waiting: for answered(). */
struct parcel *parcel_new_now(struct http_sink *s);
/* Appends EV, of which the body from BODY_AT on is; its event() returns MERGE. */
void parcel_add(struct parcel *p, struct event *ev, size_t body_at);
/* Moves record I of FROM to TO, body and all. */
void parcel_move(struct parcel *from, size_t i, struct parcel *to);
/* Refuses record I. */
void parcel_refuse(struct parcel *p, size_t i, struct text reason);
/* Sends it, after so many seconds. */
void parcel_send(struct parcel *p, double after);
/* Waits until at most MOST are in flight. False: the command ends. */
bool http_sink_wait(struct http_sink *s, size_t most);
/* Frees everything; what is still in flight must not come back: after http_stop(), which the mixin calls before. */
void http_sink_stop(struct http_sink *s);

#endif
