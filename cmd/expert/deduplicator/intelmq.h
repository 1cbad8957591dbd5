/* imq-deduplicator --keys intelmq: what IntelMQ's deduplicator keeps in Redis, a string `hash` at the SHA-256 of each event
 * (data-format.md 3.9). */
#ifndef IMQ_DEDUPLICATOR_INTELMQ_H
#define IMQ_DEDUPLICATOR_INTELMQ_H

#include <stdbool.h>

#include "event.h"
#include "filter.h"
#include "opt.h"
#include "problem.h"
#include "state.h"

struct dedup_settings {
	int filter_type; /* BLACKLIST, WHITELIST */
	struct list filter_keys;
	bool bypass;
	double ttl; /* seconds, 0: for ever */
	int keys; /* not 0: IntelMQ's */
	struct state *state; /* memory only, then */
};

enum { BLACKLIST, WHITELIST };

/* Its instance is the settings. Does nothing without those keys. */
extern struct mixin intelmq_mixin;
/* The callbacks of the filter. */
enum verdict intelmq_event(struct event *ev);
void intelmq_idle(void);

enum { DIGEST = 32, HEX = 2 * DIGEST };

struct intelmq_hash;

/* The fields NAMES count (WHITELIST), or all but them; NAMES stays the caller's. Free with intelmq_hash_free(). */
struct intelmq_hash *intelmq_hash_new(const struct list *names, bool whitelist);
void intelmq_hash_free(struct intelmq_hash *h);
/* The hash of EV, which is flattened by that. */
void intelmq_hash(struct intelmq_hash *h, struct event *ev, unsigned char digest[DIGEST]);

struct intelmq_keys;

/* Connects to Redis at URL. What batch BATCH (-1: not numbered) left there, if it comes again, is removed. TTL in seconds, 0: for ever.
 * NULL with PROBLEM. Free with intelmq_keys_close(). */
struct intelmq_keys *intelmq_keys_open(const char *url, long long batch, long long ttl, struct problem *problem);
void intelmq_keys_close(struct intelmq_keys *k);
/* Which of COUNT digests are there, asked for in one go. False: PROBLEM, also after another attempt to connect. */
bool intelmq_keys_test(
	struct intelmq_keys *k, const unsigned char (*digests)[DIGEST], size_t count, bool *known, struct problem *problem);
/* Remembers to keep the digest; returns how many there are now. */
size_t intelmq_keys_add(struct intelmq_keys *k, const unsigned char digest[DIGEST]);
/* Keeps them, in one transaction with the batch's number (-1: it has none). */
bool intelmq_keys_commit(struct intelmq_keys *k, long long batch, struct problem *problem);

#endif
