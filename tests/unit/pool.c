/* The pool: pieces do not overlap, hold their bytes, and are used again. */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "check.h"
#include "pool.h"

enum { PIECES = 5000 };

static size_t length_of(size_t i)
{
	return 1 + i * 7919 % 5000; /* some are longer than POOL_LONGEST */
}

static void test_pieces(void)
{
	static char *pieces[PIECES];
	struct pool pool = { .used = 0 };
	bool whole = true, aligned = true;

	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < PIECES; i++) {
			pieces[i] = pool_take(&pool, length_of(i));
			aligned = aligned && (uintptr_t)pieces[i] % POOL_UNIT == 0;
			memset(pieces[i], (int)(i & 127), length_of(i));
		}
		for (size_t i = 0; i < PIECES; i++) {
			for (size_t at = 0; at < length_of(i); at++)
				whole = whole && pieces[i][at] == (char)(i & 127);
			pool_give(&pool, pieces[i], length_of(i));
		}
	}
	CHECK(aligned);
	CHECK(whole);
	pool_free(&pool);
	CHECK(!pool.blocks);
}

static void test_reuse(void)
{
	struct pool pool = { .used = 0 };
	char *first = pool_take(&pool, 100);

	pool_give(&pool, first, 100);
	CHECK(pool_take(&pool, 96) != first);
	CHECK(pool_take(&pool, 101) == first);
	pool_free(&pool);
}

int main(void)
{
	test_pieces();
	test_reuse();
	return check_end();
}
