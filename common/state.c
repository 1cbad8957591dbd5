/* An open-addressed table of 32-byte slots, values of up to eight bytes in the slot itself. Changed keys are marked, and
 * what they were before the batch is kept until the commit; without a file nothing of that is needed. */
#include "state.h"

#include <stdlib.h>
#include <sys/random.h>

#include "alloc.h"
#include "buf.h"
#include "clock.h"
#include "filter.h"
#include "log.h"
#include "pool.h"
#include "redis.h"
#include "state_priv.h"

enum { INLINE = 8, FIRST_SLOTS = 1024, SAMPLE = 32 };
#define NEVER UINT32_MAX /* as expires */

struct slot {
	struct hash key;
	uint32_t expires; /* seconds since 1970; 0: the slot is empty */
	uint32_t changed : 1, len : 31;
	union {
		char *at;
		char bytes[INLINE];
	} value;
};

/* What a key was before the batch; its old value is in the table's OLD. */
struct change {
	struct hash key;
	size_t offset, len;
	int64_t expires;
	bool existed;
};

struct state_table {
	struct slot *slots;
	struct pool values; /* those that do not fit into a slot */
	size_t size, count, limit;
	size_t hand; /* where looking for something to forget goes on */
	uint32_t soonest; /* when the key expires that was forgotten last */
	uint64_t forgotten; /* keys that went before their time */
	uint64_t seed;
	struct state_store *store;
	bool numbered;
	struct change *changes;
	size_t change_count, change_cap;
	struct buf old;
};

static char *value_at(struct slot *slot)
{
	return slot->len > INLINE ? slot->value.at : slot->value.bytes;
}

static int64_t expiry_of(const struct slot *slot)
{
	return slot->expires == NEVER ? 0 : slot->expires;
}

static size_t find(const struct state_table *t, const struct hash *key)
{
	size_t i = key->low & (t->size - 1);

	while (t->slots[i].expires && (t->slots[i].key.low != key->low || t->slots[i].key.high != key->high))
		i = (i + 1) & (t->size - 1);
	return i;
}

static bool has_expired(const struct slot *slot, int64_t now)
{
	return slot->expires <= now;
}

/* Notes what KEY was, if this is its first change in the batch. SLOT may be empty. */
static void note_change(struct state_table *t, struct slot *slot, const struct hash *key)
{
	struct change *c;

	if (!t->store || slot->changed)
		return;
	alloc_grow(&t->changes, &t->change_cap, t->change_count + 1, sizeof *t->changes);
	c = &t->changes[t->change_count++];
	*c = (struct change){ .key = *key, .offset = t->old.len };
	if (slot->expires) {
		c->existed = true;
		c->expires = expiry_of(slot);
		c->len = slot->len;
		if (t->numbered) /* the undo log is for numbered batches */
			buf_add(&t->old, value_at(slot), slot->len);
		slot->changed = 1;
	}
}

/* Empties slot I and moves up what had been displaced by it. */
static void empty(struct state_table *t, size_t i)
{
	size_t mask = t->size - 1, j = i;

	if (t->slots[i].len > INLINE)
		pool_give(&t->values, t->slots[i].value.at, t->slots[i].len);
	for (;;) {
		j = (j + 1) & mask;
		if (!t->slots[j].expires)
			break;
		if (((j - t->slots[j].key.low) & mask) >= ((j - i) & mask)) {
			t->slots[i] = t->slots[j];
			i = j;
		}
	}
	t->slots[i] = (struct slot){ .expires = 0 };
	t->count--;
}

static void forget(struct state_table *t, size_t i)
{
	struct hash key = t->slots[i].key;

	note_change(t, &t->slots[i], &key);
	empty(t, i);
}

static void resize(struct state_table *t, size_t size)
{
	struct slot *old = t->slots;
	size_t old_size = t->size;

	t->slots = alloc_table(size, sizeof *t->slots);
	t->size = size;
	for (size_t i = 0; i < old_size; i++)
		if (old[i].expires)
			t->slots[find(t, &old[i].key)] = old[i];
	free(old);
}

static void sweep(struct state_table *t, int64_t now)
{
	for (size_t i = 0; i < t->size; i++)
		while (t->slots[i].expires && has_expired(&t->slots[i], now))
			forget(t, i);
}

/* Forgets the key that expires soonest of the next few: near enough, and needs no order to be kept. One that expires as soon as the
 * last that was forgotten is taken at once: where many come within a second there are many of them. */
static void forget_one(struct state_table *t, int64_t now)
{
	size_t best = t->size, seen = 0;

	for (; seen < SAMPLE && seen < t->count; t->hand++) {
		size_t i = t->hand & (t->size - 1);

		if (!t->slots[i].expires)
			continue;
		seen++;
		if (best == t->size || t->slots[i].expires < t->slots[best].expires)
			best = i;
		if (t->slots[best].expires <= t->soonest)
			break;
	}
	if (best == t->size)
		return;
	t->soonest = t->slots[best].expires;
	if (!has_expired(&t->slots[best], now) && t->forgotten++ == 0)
		log_message("--limit: more than %zu keys to remember: forgetting some before their time", t->limit);
	forget(t, best);
}

static void make_room(struct state_table *t, int64_t now)
{
	while (t->count >= t->limit)
		forget_one(t, now);
	if (t->count < t->size / 4 * 3)
		return;
	sweep(t, now);
	if (t->count >= t->size / 2)
		resize(t, t->size * 2);
}

static void set_value(struct state_table *t, struct slot *slot, struct text value)
{
	if (value.len != slot->len) {
		if (slot->len > INLINE)
			pool_give(&t->values, slot->value.at, slot->len);
		if (value.len > INLINE)
			slot->value.at = pool_take(&t->values, value.len);
		slot->len = (uint32_t)value.len & 0x7fffffffu;
	}
	if (value.len)
		memcpy(value_at(slot), value.at, value.len);
}

static void insert(struct state_table *t, size_t i, const struct hash *key, struct text value, int64_t expires)
{
	struct slot *slot = &t->slots[i];

	if (!slot->expires) {
		*slot = (struct slot){ .key = *key, .changed = t->store != NULL };
		t->count++;
	}
	set_value(t, slot, value);
	slot->expires = expires <= 0 || expires >= NEVER ? NEVER : (uint32_t)expires;
}

/* Runs without batches commit in between. What was printed before goes out first: a crash may repeat, not lose. */
static void commit_if_due(struct state *s)
{
	struct problem problem;

	if (!s->table->store || s->table->numbered || s->table->change_count < STATE_CHANGES)
		return;
	problem = (struct problem){ .line = 0 };
	filter_flush();
	if (!state_commit(s, -1, &problem))
		filter_fail(EXIT_IO, &problem);
}

uint64_t state_seed(const struct state *s)
{
	return s->table->seed;
}

size_t state_count(const struct state *s)
{
	return s->table->count;
}

bool state_full(const struct state *s)
{
	return s->table->count >= s->table->limit;
}

void state_expect(const struct state *s, const struct hash *key)
{
	__builtin_prefetch(&s->table->slots[key->low & (s->table->size - 1)]);
}

bool state_get(struct state *s, const struct hash *key, int64_t now, struct text *value)
{
	struct slot *slot = &s->table->slots[find(s->table, key)];

	if (has_expired(slot, now))
		return false;
	*value = (struct text){ value_at(slot), slot->len };
	return true;
}

bool state_edit(struct state *s, const struct hash *key, int64_t now, char **value, size_t *len)
{
	struct slot *slot;

	commit_if_due(s);
	slot = &s->table->slots[find(s->table, key)];
	if (has_expired(slot, now))
		return false;
	note_change(s->table, slot, key);
	*value = value_at(slot);
	*len = slot->len;
	return true;
}

void state_put(struct state *s, const struct hash *key, struct text value, int64_t now, int64_t expires)
{
	struct state_table *t = s->table;
	size_t i;

	commit_if_due(s);
	i = find(t, key);
	if (!t->slots[i].expires && (t->count >= t->limit || t->count >= t->size / 4 * 3)) {
		make_room(t, now);
		i = find(t, key);
	}
	note_change(t, &t->slots[i], key);
	insert(t, i, key, value, expires);
}

void state_delete(struct state *s, const struct hash *key)
{
	size_t i;

	commit_if_due(s);
	i = find(s->table, key);
	if (s->table->slots[i].expires)
		forget(s->table, i);
}

bool state_next(struct state *s, size_t *cursor, struct hash *key, struct text *value)
{
	struct state_table *t = s->table;

	while (*cursor < t->size) {
		struct slot *slot = &t->slots[(*cursor)++];

		if (!slot->expires)
			continue;
		*key = slot->key;
		*value = (struct text){ value_at(slot), slot->len };
		return true;
	}
	return false;
}

static void add_loaded(void *context, const struct state_row *row)
{
	struct state_table *t = context;
	size_t i;

	if (t->count >= t->size / 2)
		resize(t, t->size * 2);
	i = find(t, &row->key);
	insert(t, i, &row->key, row->value, row->expires);
	t->slots[i].changed = 0;
}

bool state_open(struct state *s, const char *name, long long batch, struct problem *problem)
{
	struct state_table *t;

	if (s->limit < 1)
		return problem_set(problem, "--limit must be at least 1");
	s->table = t = alloc_zero(1, sizeof *t);
	t->limit = (size_t)s->limit;
	t->numbered = batch >= 0;
	if (getrandom(&t->seed, sizeof t->seed, 0) != sizeof t->seed)
		return problem_set(problem, "no random numbers for the seed of the state");
	resize(t, FIRST_SLOTS);
	if (!s->path || (s->apart && *s->apart))
		return true;
	if (!redis_is_url(s->path) && strstr(s->path, "://"))
		return problem_set(problem, "--state %s: a file, or redis://HOST[:PORT][/DB]", s->path);
	t->store = (redis_is_url(s->path) ? state_redis_open : state_file_open)(s->path, name, batch, &t->seed, problem);
	return t->store && t->store->load(t->store, add_loaded, t, problem);
}

static int by_key(const void *a, const void *b)
{
	return memcmp(&((const struct change *)a)->key, &((const struct change *)b)->key, sizeof(struct hash));
}

static bool same_key(const struct change *a, const struct change *b)
{
	return by_key(a, b) == 0;
}

/* A key that was put and deleted again has several entries. Its first one, which has the lowest offset, tells what it
 * was; but only an entry of a key that existed moves the offset, and such a key's later entries say "did not exist". */
static const struct change *first_of(const struct change *group, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (group[i].existed)
			return &group[i];
	return group;
}

static bool write_change(struct state_table *t, const struct change *old)
{
	struct slot *slot = &t->slots[find(t, &old->key)];
	struct state_row row = { old->key, { value_at(slot), slot->len }, expiry_of(slot), slot->expires != 0 };
	struct state_row before = { old->key, NO_TEXT, old->expires, old->existed };

	if (t->numbered) {
		before.value = (struct text){ t->old.at ? t->old.at + old->offset : "", old->len };
		if (!t->store->undo(t->store, &before))
			return false;
	}
	slot->changed = 0;
	return t->store->write(t->store, &row);
}

bool state_commit(struct state *s, long long batch, struct problem *problem)
{
	struct state_table *t = s->table;
	size_t next;

	if (!t->store || !t->change_count)
		return true;
	qsort(t->changes, t->change_count, sizeof *t->changes, by_key);
	if (!t->store->begin(t->store))
		return t->store->problem(t->store, problem);
	for (size_t i = 0; i < t->change_count; i = next) {
		for (next = i + 1; next < t->change_count && same_key(&t->changes[i], &t->changes[next]);)
			next++;
		if (!write_change(t, first_of(&t->changes[i], next - i)))
			return t->store->problem(t->store, problem);
	}
	if (!t->store->end(t->store, batch, clock_now()))
		return t->store->problem(t->store, problem);
	t->change_count = 0;
	buf_clear(&t->old);
	return true;
}

void state_close(struct state *s)
{
	struct state_table *t = s->table;

	if (!t)
		return;
	if (t->store)
		t->store->close(t->store);
	for (size_t i = 0; i < t->size; i++)
		if (t->slots[i].len > INLINE)
			pool_give(&t->values, t->slots[i].value.at, t->slots[i].len);
	pool_free(&t->values);
	free(t->slots);
	free(t->changes);
	buf_free(&t->old);
	free(t);
	s->table = NULL;
}

static bool start(void *self, const struct filter *filter, const struct batch *batch, struct problem *problem)
{
	struct state *s = self;

	if (!state_open(s, filter->name, batch->numbered ? batch->undo : -1, problem))
		return false;
	/* A batch that comes again must come out as it did: a sink that has it already will not look at it. So a batch
	 * has one moment for everything in it, and keeps it. */
	if (batch->numbered)
		clock_hold(s->table->store && batch->number == batch->undo ? s->table->store->moment : 0);
	return true;
}

static bool barrier(void *self, const struct batch *batch, struct problem *problem)
{
	/* Printed first, then remembered: without a pump a crash in between may repeat an event but not lose it. */
	if (!batch->numbered)
		filter_flush();
	if (!state_commit(self, batch->numbered ? batch->number : -1, problem))
		return false;
	if (batch->numbered)
		clock_hold(0);
	return true;
}

static void stop(void *self)
{
	state_close(self);
}

static void stats(void *self, struct buf *json)
{
	const struct state *s = self;

	if (s->table)
		buf_printf(json, ",\"state_keys\":%zu,\"state_forgotten\":%llu", s->table->count,
			(unsigned long long)s->table->forgotten);
}

const struct mixin state_mixin = { .name = "state", .start = start, .barrier = barrier, .stats = stats, .stop = stop };
