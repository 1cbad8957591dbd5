/* Lookups: events wait in a window for answers from outside, many at a time, and come out in their order. A
 * command says what it wants (lookup_want), how to ask (filter.ask) and where an answer goes (filter.fill);
 * the window, equal questions asked once, the cache, deadlines, failures, barriers and the end of input are
 * dealt with here. */
#ifndef IMQ_LOOKUP_H
#define IMQ_LOOKUP_H

#include <stdbool.h>
#include <stddef.h>

#include "cache.h"
#include "event.h"
#include "ip.h"
#include "opt.h"
#include "text.h"

struct lookup_state;
/* A question that has been asked; belongs to the lookup until one of lookup_found(), _nothing(), _failed() is
 * called on it. */
struct lookup_question;

struct lookup {
	long long concurrency, window; /* questions, records */
	size_t window_size;            /* bytes */
	bool unordered;
	double deadline;  /* seconds */
	int on_failure;   /* enum lookup_failure */
	double cache_ttl; /* seconds; the command may use other times */
	struct cache cache;
	struct lookup_state *state;
};

enum lookup_failure { LOOKUP_PASS, LOOKUP_REJECT, LOOKUP_STOP };

extern const struct mixin lookup_mixin;
extern const char *const lookup_failures[];

/* ATONCE and TTL are the defaults, as strings. List it once; transports (HTTP_OPTIONS) in the same table are
 * found. */
/* clang-format off */
#define LOOKUP_OPTIONS(l, atOnce, ttl) LOOKUP_OPTIONS_WITH(l, atOnce, ttl, "60", "pass")
/* With other defaults for --deadline and --on-failure. */
#define LOOKUP_OPTIONS_WITH(l, atOnce, ttl, deadLine, onFailure) \
	OPT_INTEGER('c', "concurrency", &(l)->concurrency, atOnce, "questions in flight"), \
	OPT_INTEGER(0, "window", &(l)->window, "0", "records that may wait (0: 5 for each question, at least 500)"), \
	OPT_BYTES(0, "window-size", &(l)->window_size, "8M", "and their size"), \
	OPT_BOOL(0, "unordered", &(l)->unordered, false, "let records overtake those that wait"), \
	OPT_SECONDS(0, "deadline", &(l)->deadline, deadLine, "how long one question may take, retries included"), \
	OPT_CHOICE(0, "on-failure", &(l)->on_failure, lookup_failures, onFailure, "what to do when a lookup failed"), \
	{ .kind = OPT_KIND_SECONDS, .name = "ttl", .to.number = &(l)->cache_ttl, .fallback = ttl, \
		.parameter = "redis_cache_ttl", .help = "how long answers are remembered" }, \
	CACHE_OPTIONS(&(l)->cache), \
	OPT_MIXIN(&lookup_mixin, l)
/* clang-format on */

/* In filter.event: EV wants the answer for KEY, for fill() to put in under TAG. A known answer is filled in
 * at once, so what fill() must not lose has to be done before. Equal keys are equal questions. */
void lookup_want(struct lookup *l, struct event *ev, unsigned tag, struct text key);
/* As lookup_want(), where answers may hold for whole ranges of numbers: a cached one is found by NUMBER in
 * SPACE (cache.h). */
void lookup_want_in_range(struct lookup *l, struct event *ev, unsigned tag, struct text key,
	struct text space, const struct ip *number);

/* In or after filter.ask: the answer. TTL is in seconds, 0 or less: not remembered; ANSWER is copied. */
void lookup_found(struct lookup_question *question, struct text answer, double ttl);
/* As lookup_found(); remembered for all numbers from FROM to TO too. Ignored as a range where NUMBER is
 * outside, or none was given. */
void lookup_found_range(struct lookup_question *question, struct text answer, double ttl,
	const struct ip *from, const struct ip *to);
/* There is no answer: the events go on unchanged, fill() is not called. */
void lookup_nothing(struct lookup_question *question, double ttl);
/* The question could not be answered, all retries being over; what happens to the events is --on-failure's
 * business. REASON is copied. */
void lookup_failed(struct lookup_question *question, const char *reason);

/* In filter.fill or filter.filled: the event in hand is dropped once it has all its answers. */
void lookup_drop(struct lookup *l);

/* The key of a question, and the number given with it (NULL: none). */
struct text lookup_key(const struct lookup_question *question);
const struct ip *lookup_number(const struct lookup_question *question);

#endif
