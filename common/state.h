/* The state of a filter: what deduplicator, threshold and aggregate remember, from a 16-byte key to a small value that
 * may expire. It is all in memory; with --state FILE (SQLite) or --state redis://… (redis.h) it survives as well.
 *
 * A batch's changes are committed there at its barrier in one transaction, with the batch's number and the old
 * values of what it changed. Started with IMQ_BATCH=n, a state that has batch n already gives it back first: the
 * batch will come again. Without IMQ_BATCH there is a commit every STATE_CHANGES changes and at the end. */
#ifndef IMQ_STATE_H
#define IMQ_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hash.h"
#include "opt.h"
#include "problem.h"
#include "text.h"

enum { STATE_CHANGES = 10000 };

struct state_table;

struct state {
	const char *path; /* NULL: memory only */
	long long limit;  /* keys */
	const int *apart; /* not NULL and not 0: the command keeps itself what PATH names, this is memory only */
	struct state_table *table;
};

extern const struct mixin state_mixin;

/* clang-format off */
#define STATE_OPTIONS(s) \
	OPT_FILE(0, "state", &(s)->path, "keep the state in FILE (SQLite), which no other process may use meanwhile, or redis://HOST[:PORT][/DB][#NAME]"), \
	OPT_INTEGER(0, "limit", &(s)->limit, "4000000", "remember that many keys at most"), \
	OPT_MIXIN(&state_mixin, s)
/* clang-format on */

/* The seed of hashes, as old as the state. Valid from the filter's start() on. */
uint64_t state_seed(const struct state *s);
/* Keys, those that have expired but were not noticed included. */
size_t state_count(const struct state *s);
/* Whether there are as many keys as may be: then state_put() of a new one forgets an old one, near the soonest to expire. */
bool state_full(const struct state *s);
/* Tells that KEY will be asked for: fetching it from memory goes on meanwhile. */
void state_expect(const struct state *s, const struct hash *key);
/* False: no such key, or it has expired at NOW (seconds since 1970). VALUE holds until the next call. */
bool state_get(struct state *s, const struct hash *key, int64_t now, struct text *value);
/* As state_get(), for changing the value's bytes in place, at most until the next call. */
bool state_edit(struct state *s, const struct hash *key, int64_t now, char **value, size_t *len);
/* EXPIRES: seconds since 1970, 0 for never. VALUE is copied; it must not be the state's own. A refused commit (disk full)
 * ends the command through filter_fail(). */
void state_put(struct state *s, const struct hash *key, struct text value, int64_t now, int64_t expires);
void state_delete(struct state *s, const struct hash *key);
/* Steps through all keys, *CURSOR being 0 at first; nothing may be put or deleted meanwhile. False: no more. */
bool state_next(struct state *s, size_t *cursor, struct hash *key, struct text *value);

/* What the mixin does, for others: opens (FILE belongs to the command NAME; BATCH -1: not numbered) … */
bool state_open(struct state *s, const char *name, long long batch, struct problem *problem);
/* … makes the changes durable as BATCH (-1: not numbered), with false if that fails … */
bool state_commit(struct state *s, long long batch, struct problem *problem);
/* … and forgets what has not been committed. */
void state_close(struct state *s);

#endif
