/* Memory for many pieces of a few hundred bytes that come and go: taken from large blocks, where a piece has no header, given back
 * to a list of those of its size. Pieces of one size do not become pieces of another; long ones are malloc()'s. Starts as all zero. */
#ifndef IMQ_POOL_H
#define IMQ_POOL_H

#include <stddef.h>

enum { POOL_UNIT = 16, POOL_LONGEST = 4096 };

struct pool_block;

struct pool {
	struct pool_block *blocks;
	size_t used, size; /* of the first block */
	char *given_back[POOL_LONGEST / POOL_UNIT]; /* by size: each begins with the address of the next */
};

/* N bytes, N not 0, aligned to POOL_UNIT, that hold until they are given back. */
char *pool_take(struct pool *p, size_t n);
/* The N bytes that pool_take(P, N) returned. */
void pool_give(struct pool *p, char *piece, size_t n);
/* Takes all back but the pieces longer than POOL_LONGEST, which must have been given back. */
void pool_free(struct pool *p);

#endif
