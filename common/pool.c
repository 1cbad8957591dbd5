/* Blocks grow up to the size of a huge page, so that a state of many pieces needs few page faults. */
#include "pool.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"

enum { FIRST_BLOCK = 64 << 10, LARGEST_BLOCK = 2 << 20 };

struct pool_block {
	_Alignas(POOL_UNIT) struct pool_block *next;
};

static size_t rounded(size_t n)
{
	return (n + POOL_UNIT - 1) / POOL_UNIT * POOL_UNIT;
}

static void add_block(struct pool *p)
{
	struct pool_block *block;

	if (p->size < LARGEST_BLOCK)
		p->size = p->size ? p->size * 2 : FIRST_BLOCK;
	block = alloc_table(p->size, 1);
	block->next = p->blocks;
	p->blocks = block;
	p->used = sizeof *block;
}

char *pool_take(struct pool *p, size_t n)
{
	size_t bytes = rounded(n);
	char *piece;

	if (n > POOL_LONGEST)
		return alloc_resize(NULL, n, 1);
	piece = p->given_back[bytes / POOL_UNIT - 1];
	if (piece) {
		memcpy(&p->given_back[bytes / POOL_UNIT - 1], piece, sizeof p->given_back[0]);
		return piece;
	}
	if (p->size - p->used < bytes)
		add_block(p);
	piece = (char *)p->blocks + p->used;
	p->used += bytes;
	return piece;
}

void pool_give(struct pool *p, char *piece, size_t n)
{
	size_t class = rounded(n) / POOL_UNIT - 1;

	if (n > POOL_LONGEST) {
		free(piece);
		return;
	}
	memcpy(piece, &p->given_back[class], sizeof p->given_back[0]);
	p->given_back[class] = piece;
}

void pool_free(struct pool *p)
{
	while (p->blocks) {
		struct pool_block *next = p->blocks->next;

		free(p->blocks);
		p->blocks = next;
	}
	memset(p, 0, sizeof *p);
}
