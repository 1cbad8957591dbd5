/* Memory for one record: given out piece by piece, taken back all at once, kept for the next record.
 * Pieces never move. */
#ifndef IMQ_ARENA_H
#define IMQ_ARENA_H

#include "buf.h"
#include "text.h"

struct arena_block;

struct arena {
	struct arena_block *first, *current;
	size_t used; /* bytes of the current block */
};

/* N bytes that hold until arena_clear(). */
char *arena_bytes(struct arena *a, size_t n);
/* N zeroed bytes, aligned for any object. */
void *arena_zero(struct arena *a, size_t n);
/* A copy of T. */
struct text arena_text(struct arena *a, struct text t);
/* Takes everything back. A record that needed more than usual does not keep that memory for ever. */
void arena_clear(struct arena *a);
void arena_free(struct arena *a);

#endif
