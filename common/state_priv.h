/* The file behind a state. */
#ifndef IMQ_STATE_PRIV_H
#define IMQ_STATE_PRIV_H

#include "state.h"

struct state_file;

/* A key's value before or after a change. */
struct state_row {
	struct hash key;
	struct text value;
	int64_t expires;
	bool exists;
};

/* Opens, locks, undoes batch BATCH if the file has it (-1: not numbered). SEED is read, or kept if the file is new.
 * NULL with PROBLEM filled in. */
struct state_file *state_file_open(
	const char *path, const char *name, long long batch, uint64_t *seed, struct problem *problem);
/* Calls ADD for each row; false with PROBLEM: it could not be read. */
bool state_file_load(struct state_file *f, void (*add)(void *context, const struct state_row *row), void *context,
	struct problem *problem);
/* One transaction: begin, an undo row (numbered batches only) and a new row for each change, end with the batch's number. */
bool state_file_begin(struct state_file *f);
bool state_file_undo(struct state_file *f, const struct state_row *old);
bool state_file_write(struct state_file *f, const struct state_row *row);
bool state_file_end(struct state_file *f, long long batch);
/* Why one of these failed; always returns false. */
bool state_file_problem(struct state_file *f, struct problem *problem);
void state_file_close(struct state_file *f);

#endif
