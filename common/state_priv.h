/* What is behind a state: a file, or Redis. */
#ifndef IMQ_STATE_PRIV_H
#define IMQ_STATE_PRIV_H

#include "state.h"

/* A key's value before or after a change. */
struct state_row {
	struct hash key;
	struct text value;
	int64_t expires;
	bool exists;
};

/* Where a state is kept. One transaction: begin, an undo row (numbered batches only) and a new row for each change, end with the
 * batch's number and the moment at which it took place. A call that returns false has filled in the problem, as problem() tells it. */
struct state_store {
	/* When batch BATCH of the opener took place, if it has been committed before; else 0. */
	int64_t moment;
	/* Calls ADD for each row. */
	bool (*load)(struct state_store *store, void (*add)(void *context, const struct state_row *row), void *context,
		struct problem *problem);
	bool (*begin)(struct state_store *store);
	bool (*undo)(struct state_store *store, const struct state_row *old);
	bool (*write)(struct state_store *store, const struct state_row *row);
	bool (*end)(struct state_store *store, long long batch, int64_t moment);
	/* Why one of these failed; always returns false. */
	bool (*problem)(struct state_store *store, struct problem *problem);
	void (*close)(struct state_store *store);
};

/* Opens, locks, undoes batch BATCH if the store has it (-1: not numbered). SEED is read, or kept if the store is new.
 * NULL with PROBLEM filled in. state_file.c: an SQLite file. */
struct state_store *state_file_open(
	const char *path, const char *name, long long batch, uint64_t *seed, struct problem *problem);
/* state_redis.c: a hash in Redis. A later opener takes the state over: what the earlier one commits from then on is refused. */
struct state_store *state_redis_open(
	const char *url, const char *name, long long batch, uint64_t *seed, struct problem *problem);

#endif
