/* A chain of blocks; each is twice the one before. */
#include "arena.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "alloc.h"

enum { FIRST_BLOCK = 4096, KEEP = 1 << 20 };

struct arena_block {
	struct arena_block *next;
	size_t size;
	char bytes[];
};

char *arena_bytes(struct arena *a, size_t n)
{
	struct arena_block *block = a->current;
	char *piece;

	while (block && block->size - a->used < n && block->next) {
		a->current = block = block->next;
		a->used = 0;
	}
	if (!block || block->size - a->used < n) {
		size_t size = block ? block->size * 2 : FIRST_BLOCK;

		if (size < n)
			size = n;
		block = alloc_resize(NULL, sizeof *block + size, 1);
		block->next = NULL;
		block->size = size;
		if (a->current)
			a->current->next = block;
		else
			a->first = block;
		a->current = block;
		a->used = 0;
	}
	piece = block->bytes + a->used;
	a->used += n;
	return piece;
}

void *arena_zero(struct arena *a, size_t n)
{
	const size_t align = _Alignof(max_align_t);
	char *piece = arena_bytes(a, n + align - 1);

	return memset(piece + (-(uintptr_t)piece & (align - 1)), 0, n);
}

struct text arena_text(struct arena *a, struct text t)
{
	char *copy = arena_bytes(a, t.len);

	if (t.len)
		memcpy(copy, t.at, t.len);
	return (struct text){ copy, t.len };
}

static void free_chain(struct arena_block *block)
{
	while (block) {
		struct arena_block *next = block->next;

		free(block);
		block = next;
	}
}

void arena_clear(struct arena *a)
{
	size_t kept = 0;

	for (struct arena_block *block = a->first; block; block = block->next) {
		kept += block->size;
		if (kept > KEEP) {
			free_chain(block->next);
			block->next = NULL;
		}
	}
	if (a->first && a->first->size > KEEP) {
		free_chain(a->first);
		a->first = NULL;
	}
	a->current = a->first;
	a->used = 0;
}

void arena_free(struct arena *a)
{
	free_chain(a->first);
	*a = (struct arena){ NULL, NULL, 0 };
}
