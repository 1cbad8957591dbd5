/* What commands share that ask URLs of events themselves whether they answer: which field the URL is in, the
 * question about it, and `status` and `extra.reason` as the answer. */
#ifndef IMQ_PROBE_H
#define IMQ_PROBE_H

#include "event.h"
#include "filter.h"
#include "http.h"
#include "lookup.h"

struct probe {
	const char *field_name;
	bool overwrite;
	enum field field, reason;
	size_t head; /* bytes of every key before the URL */
	struct buf key, url;
	struct http http;
	struct lookup lookup;
};

/* clang-format off */
#define PROBE_OPTIONS(p, maxReply) \
	OPT_TEXT('f', "field", &(p)->field_name, "source.url", "the field with the URL"), \
	OPT_BOOL('o', "overwrite", &(p)->overwrite, true, "replace the status that an event has already"), \
	LOOKUP_OPTIONS(&(p)->lookup, "100", "5m"), \
	HTTP_OPTIONS_UP_TO(&(p)->http, maxReply)
/* clang-format on */

/* Checks the options. False with PROBLEM filled in. */
bool probe_start(struct probe *p, struct problem *problem);
void probe_stop(struct probe *p);
/* In filter.event: EV wants to know about its URL, if it has one and would take the answer. KIND, which is the
 * same for all events, keeps questions of different kinds apart. */
enum verdict probe_want(struct probe *p, struct event *ev, struct text kind);
/* In filter.ask: sends a GET to the URL of the question about KEY. CHUNK and DONE as in http.h. */
void probe_ask(struct probe *p, struct text key, bool (*chunk)(void *, const struct http_reply *, struct text),
	void (*done)(void *, const struct http_reply *), void *context);
/* Appends what is remembered of REPLY: its status and phrase, or 0 and what went wrong. What that means is the
 * business of each run, whose options may differ. */
void probe_outcome(const struct http_reply *reply, struct buf *out);
/* Sets `status` to `online` or `offline`, and `extra.reason` to REASON if there is one. */
void probe_put(struct probe *p, struct event *ev, bool online, struct text reason);

#endif
