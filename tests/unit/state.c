/* The state: what is kept, forgotten, committed, undone. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "state.h"

static struct problem problem;
static char path[64];

static struct hash key(uint64_t n)
{
	return (struct hash){ n * 0x9e3779b97f4a7c15u, n };
}

static void put(struct state *s, uint64_t n, const char *value, int64_t expires)
{
	struct hash k = key(n);

	state_put(s, &k, text_of(value), 100, expires);
}

static void drop(struct state *s, uint64_t n)
{
	struct hash k = key(n);

	state_delete(s, &k);
}

static const char *get(struct state *s, uint64_t n, int64_t now)
{
	static char out[64];
	struct hash k = key(n);
	struct text value;

	if (!state_get(s, &k, now, &value))
		return "(none)";
	snprintf(out, sizeof out, "%.*s", TEXT_ARGS(value));
	return out;
}

static struct state opened(const char *file, long long limit, long long batch)
{
	struct state s = { .path = file, .limit = limit };

	CHECK(state_open(&s, "test", batch, &problem));
	return s;
}

static void test_memory(void)
{
	struct state s = opened(NULL, 1000000, -1);

	for (uint64_t n = 0; n < 50000; n++)
		put(&s, n, n % 2 ? "short" : "a value that is longer than the slot", n % 3 ? 0 : 1000);
	for (uint64_t n = 0; n < 50000; n += 5)
		drop(&s, n);
	CHECK(state_count(&s) == 40000);
	CHECK_SAME(get(&s, 1, 200), "short");
	CHECK_SAME(get(&s, 2, 200), "a value that is longer than the slot");
	CHECK_SAME(get(&s, 5, 200), "(none)");
	CHECK_SAME(get(&s, 3, 999), "short");
	CHECK_SAME(get(&s, 3, 1000), "(none)");
	put(&s, 2, "now short", 0);
	CHECK_SAME(get(&s, 2, 200), "now short");
	put(&s, 2, "", 0);
	CHECK_SAME(get(&s, 2, 200), "");
	state_close(&s);
}

static void test_limit(void)
{
	struct state s = opened(NULL, 500, -1);

	for (uint64_t n = 0; n < 20000; n++)
		put(&s, n, "a value that is longer than the slot", 1000 + (int64_t)n);
	CHECK(state_full(&s));
	CHECK(state_count(&s) == 500);
	CHECK_SAME(get(&s, 19999, 200), "a value that is longer than the slot");
	state_close(&s);
}

static void commit_first(void)
{
	struct state s = opened(path, 1000, 1);

	put(&s, 1, "one", 0);
	put(&s, 2, "two, in a value that is longer", 0);
	put(&s, 3, "three", 0);
	CHECK(state_commit(&s, 1, &problem));
	drop(&s, 1);
	put(&s, 1, "eins", 0);
	drop(&s, 1);
	put(&s, 2, "zwei", 0);
	put(&s, 2, "deux", 0);
	drop(&s, 3);
	put(&s, 3, "drei", 0);
	put(&s, 4, "vier", 0);
	put(&s, 5, "gone", 0);
	drop(&s, 5);
	CHECK(state_commit(&s, 2, &problem));
	put(&s, 6, "never committed", 0);
	state_close(&s);
}

static void test_batches(void)
{
	struct state s;
	uint64_t seed;

	commit_first();
	s = opened(path, 1000, 3);
	seed = state_seed(&s);
	CHECK_SAME(get(&s, 1, 200), "(none)");
	CHECK_SAME(get(&s, 2, 200), "deux");
	CHECK_SAME(get(&s, 3, 200), "drei");
	CHECK_SAME(get(&s, 4, 200), "vier");
	CHECK_SAME(get(&s, 5, 200), "(none)");
	CHECK_SAME(get(&s, 6, 200), "(none)");
	state_close(&s);
	for (int again = 0; again < 2; again++) { /* the second time there is nothing left to undo */
		s = opened(path, 1000, 2);
		CHECK(state_seed(&s) == seed);
		CHECK_SAME(get(&s, 1, 200), "one");
		CHECK_SAME(get(&s, 2, 200), "two, in a value that is longer");
		CHECK_SAME(get(&s, 3, 200), "three");
		CHECK_SAME(get(&s, 4, 200), "(none)");
		CHECK(state_count(&s) == 3);
		state_close(&s);
	}
}

static void test_refusals(void)
{
	struct state mine = opened(path, 10, -1), other = { .path = path, .limit = 10 };

	CHECK(!state_open(&other, "test", -1, &problem));
	CHECK_SAME(problem.text, "another process is using this state");
	state_close(&other);
	state_close(&mine);
	CHECK(!state_open(&other, "imq-other", -1, &problem));
	CHECK_SAME(problem.text, "this is a state of test");
	state_close(&other);
}

int main(void)
{
	char folder[] = "/tmp/imq-state-XXXXXX";

	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof path, "%s/s", folder);
	test_memory();
	test_limit();
	test_batches();
	test_refusals();
	unlink(path);
	rmdir(folder);
	return check_end();
}
