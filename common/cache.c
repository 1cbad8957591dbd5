/* The memory of the cache is one ring: answers are appended, the oldest are overwritten, and a hash table of
 * their offsets finds them. So its size is exact, it never fragments, and nothing is allocated for an answer.
 *
 * A range is kept as the networks it consists of, one as a rule. Looking up an address tries the prefix
 * lengths that occur, longest first. */
#include "cache.h"

#include <stdlib.h>

#include "alloc.h"
#include "cache_priv.h"
#include "clock.h"
#include "filter.h"
#include "redis.h"
#include "value.h"

struct entry {
	uint32_t size; /* all of it, a multiple of 8 */
	uint32_t hash;
	int64_t expires; /* seconds since 1970 */
	uint32_t key_len;
	uint32_t value_len; /* NOTHING: a negative answer */
};

enum { ALIGN = 8, SPACE_MAX = 31, PIECES_MAX = 256 };
#define NOTHING UINT32_MAX
#define FILLER UINT32_MAX /* as key_len: nothing until the end of the ring */

struct cache_state {
	char *ring;
	size_t size, head, tail; /* head: where the next goes; tail: the oldest */
	size_t used;
	uint32_t *table; /* offset / ALIGN + 1, 0: empty */
	size_t slots, count;
	bool lengths[2][129]; /* prefix lengths seen, of 32 and 128 bits */
	struct buf key;
	struct cache_file *file;
	struct cache_redis *redis;
	struct buf keys; /* of all networks that an address is in */
};

static struct entry *entry_at(const struct cache_state *s, size_t offset)
{
	return (struct entry *)(void *)(s->ring + offset);
}

static struct text entry_key(const struct entry *e)
{
	return (struct text){ (const char *)(e + 1), e->key_len };
}

static size_t offset_of(uint32_t slot)
{
	return (size_t)(slot - 1) * ALIGN;
}

static size_t find(const struct cache_state *s, struct text key, uint32_t hash)
{
	size_t i = hash & (s->slots - 1);

	for (; s->table[i]; i = (i + 1) & (s->slots - 1)) {
		const struct entry *e = entry_at(s, offset_of(s->table[i]));

		if (e->hash == hash && text_eq(entry_key(e), key))
			break;
	}
	return i;
}

/* Empties slot I and moves up what had been displaced by it. */
static void empty(struct cache_state *s, size_t i)
{
	size_t mask = s->slots - 1, j = i;

	for (;;) {
		size_t home;

		j = (j + 1) & mask;
		if (!s->table[j])
			break;
		home = entry_at(s, offset_of(s->table[j]))->hash & mask;
		if (((j - home) & mask) >= ((j - i) & mask)) {
			s->table[i] = s->table[j];
			i = j;
		}
	}
	s->table[i] = 0;
	s->count--;
}

static void drop_oldest(struct cache_state *s)
{
	const struct entry *e = entry_at(s, s->tail);
	size_t left = s->size - s->tail, size = left < sizeof *e ? left : e->size;

	if (left >= sizeof *e && e->key_len != FILLER) {
		uint32_t me = (uint32_t)(s->tail / ALIGN) + 1;
		size_t i = e->hash & (s->slots - 1);

		while (s->table[i] && s->table[i] != me)
			i = (i + 1) & (s->slots - 1);
		if (s->table[i]) /* else a newer answer has its place */
			empty(s, i);
	}
	s->tail = (s->tail + size) % s->size;
	s->used -= size;
}

/* Room for an entry of NEED bytes at the head. */
static struct entry *make_room(struct cache_state *s, size_t need)
{
	size_t left = s->size - s->head;

	while (s->used &&
		(s->size - s->used < need + (left < need ? left : 0) || s->count > s->slots / 4 * 3))
		drop_oldest(s);
	if (left < need) {
		if (left >= sizeof(struct entry))
			*entry_at(s, s->head) = (struct entry){ .size = (uint32_t)left, .key_len = FILLER };
		s->used += left;
		s->head = 0;
	}
	return entry_at(s, s->head);
}

static void remember(struct cache_state *s, struct text key, struct text value, int64_t expires)
{
	size_t need = (sizeof(struct entry) + key.len + value.len + ALIGN - 1) / ALIGN * ALIGN, i;
	uint32_t hash = (uint32_t)value_hash(key);
	struct entry *e;

	if (need > s->size / 8 || key.len >= NOTHING)
		return;
	e = make_room(s, need);
	*e = (struct entry){ (uint32_t)need, hash, expires, (uint32_t)key.len,
		value.at ? (uint32_t)value.len : NOTHING };
	memcpy(e + 1, key.at, key.len);
	if (value.len)
		memcpy((char *)(e + 1) + key.len, value.at, value.len);
	i = find(s, key, hash);
	s->count += s->table[i] == 0;
	s->table[i] = (uint32_t)(s->head / ALIGN) + 1;
	s->head = (s->head + need) % s->size;
	s->used += need;
}

static int64_t now_seconds(void)
{
	return clock_now() / 1000000;
}

static enum cache_answer from_memory(struct cache_state *s, struct text key, int64_t now, struct text *value)
{
	const struct entry *e;
	size_t i;

	if (!s->size)
		return CACHE_MISS;
	i = find(s, key, (uint32_t)value_hash(key));
	if (!s->table[i])
		return CACHE_MISS;
	e = entry_at(s, offset_of(s->table[i]));
	if (e->expires <= now) {
		empty(s, i);
		return CACHE_MISS;
	}
	*value = NO_TEXT;
	if (e->value_len == NOTHING)
		return CACHE_NOTHING;
	*value = (struct text){ (const char *)(e + 1) + e->key_len, e->value_len };
	return CACHE_FOUND;
}

static enum cache_answer from_file(struct cache_state *s, struct text key, int64_t now, struct text *value)
{
	int64_t expires;
	enum cache_answer answer;

	if (!s->file && !s->redis)
		return CACHE_MISS;
	if (s->redis)
		cache_redis_get(s->redis, &key, 1, now, &answer, value, &expires);
	else
		answer = cache_file_get(s->file, key, now, value, &expires);
	if (answer != CACHE_MISS && s->size)
		remember(s, key, answer == CACHE_FOUND ? *value : NO_TEXT, expires);
	return answer;
}

static void set(struct cache_state *s, struct text key, struct text value, double ttl)
{
	int64_t now = now_seconds(), expires = now + (ttl < 1e12 ? (int64_t)ttl : (int64_t)1e12);

	if (ttl < 1)
		return;
	if (s->size)
		remember(s, key, value, expires);
	if (s->file)
		cache_file_set(s->file, key, value, expires);
	if (s->redis)
		cache_redis_set(s->redis, key, value, expires, now);
}

/* Plain keys and ranges share one table; their first byte tells them apart. */
static struct text plain_key(struct cache_state *s, struct text key)
{
	buf_clear(&s->key);
	buf_char(&s->key, '=');
	buf_text(&s->key, key);
	return buf_view(&s->key);
}

static struct text range_key(struct cache_state *s, struct text space, const struct ip *ip, unsigned prefix)
{
	struct ip network = *ip;
	unsigned char head[3];

	if (space.len > SPACE_MAX)
		space.len = SPACE_MAX;
	head[0] = (unsigned char)space.len;
	head[1] = (unsigned char)ip->bits;
	head[2] = (unsigned char)prefix;
	ip_mask(&network, prefix);
	buf_clear(&s->key);
	buf_add(&s->key, (const char *)head, sizeof head);
	buf_text(&s->key, space);
	buf_add(&s->key, (const char *)network.bytes, network.bits / 8);
	return buf_view(&s->key);
}

enum cache_answer cache_get(struct cache *c, struct text key, struct text *value)
{
	struct cache_state *s = c->state;
	int64_t now = now_seconds();
	enum cache_answer answer = from_memory(s, plain_key(s, key), now, value);

	return answer != CACHE_MISS ? answer : from_file(s, buf_view(&s->key), now, value);
}

void cache_set(struct cache *c, struct text key, struct text value, double ttl)
{
	set(c->state, plain_key(c->state, key), value, ttl);
}

/* Asks for all networks that IP is in at once, the smallest first. */
static enum cache_answer range_from_redis(
	struct cache_state *s, struct text space, const struct ip *ip, int64_t now, struct text *value)
{
	struct text keys[CACHE_KEYS];
	enum cache_answer answer;
	size_t count = 0, at = 0, found;
	int64_t expires;

	buf_clear(&s->keys);
	for (unsigned prefix = ip->bits + 1; prefix-- > 0; count++) {
		keys[count].len = range_key(s, space, ip, prefix).len;
		buf_text(&s->keys, buf_view(&s->key));
	}
	for (size_t i = 0; i < count; at += keys[i++].len)
		keys[i].at = s->keys.at + at;
	found = cache_redis_get(s->redis, keys, count, now, &answer, value, &expires);
	if (answer != CACHE_MISS && s->size) {
		s->lengths[ip->bits == 128][ip->bits - found] = true;
		remember(s, keys[found], answer == CACHE_FOUND ? *value : NO_TEXT, expires);
	}
	return answer;
}

enum cache_answer cache_get_range(struct cache *c, struct text space, const struct ip *ip, struct text *value)
{
	struct cache_state *s = c->state;
	bool *seen = s->lengths[ip->bits == 128];
	int64_t now = now_seconds();
	enum cache_answer answer;

	for (unsigned prefix = ip->bits + 1; prefix-- > 0;) {
		if (!seen[prefix])
			continue;
		answer = from_memory(s, range_key(s, space, ip, prefix), now, value);
		if (answer != CACHE_MISS)
			return answer;
	}
	if (s->redis)
		return range_from_redis(s, space, ip, now, value);
	/* Another process may have any length in the file. */
	for (unsigned prefix = ip->bits + 1; s->file && prefix-- > 0;) {
		answer = from_file(s, range_key(s, space, ip, prefix), now, value);
		if (answer != CACHE_MISS) {
			seen[prefix] = true;
			return answer;
		}
	}
	return CACHE_MISS;
}

/* How many trailing bits of IP are zero. */
static unsigned zero_bits(const struct ip *ip)
{
	unsigned n = 0;

	while (n < ip->bits && !(ip->bytes[(ip->bits - 1 - n) / 8] & (1U << n % 8)))
		n++;
	return n;
}

/* The last address of the network IP/PREFIX. */
static struct ip last_of(const struct ip *ip, unsigned prefix)
{
	struct ip last = *ip;

	for (unsigned bit = prefix; bit < ip->bits; bit++)
		last.bytes[bit / 8] |= (unsigned char)(0x80 >> bit % 8);
	return last;
}

/* The address behind IP. False: IP was the last one. */
static bool next_address(struct ip *ip)
{
	for (unsigned i = ip->bits / 8; i-- > 0;)
		if (++ip->bytes[i])
			return true;
	return false;
}

void cache_set_range(struct cache *c, struct text space, const struct ip *from, const struct ip *to,
	struct text value, double ttl)
{
	struct cache_state *s = c->state;
	struct ip at = *from, last;

	if (from->bits != to->bits || ip_cmp(from, to) > 0)
		return;
	for (unsigned pieces = 0; pieces < PIECES_MAX; pieces++) {
		/* The largest network that begins here and does not reach beyond TO. */
		unsigned prefix = at.bits - zero_bits(&at);

		while (last = last_of(&at, prefix), ip_cmp(&last, to) > 0)
			prefix++;
		s->lengths[at.bits == 128][prefix] = true;
		set(s, range_key(s, space, &at, prefix), value, ttl);
		at = last;
		if (ip_cmp(&last, to) == 0 || !next_address(&at))
			return;
	}
}

void cache_flush(struct cache *c)
{
	if (c->state->file)
		cache_file_flush(c->state->file);
	if (c->state->redis)
		cache_redis_flush(c->state->redis);
}

bool cache_open(struct cache *c, struct problem *problem)
{
	struct cache_state *s = c->state = alloc_zero(1, sizeof *s);
	const char *name = c->name ? c->name : "imq";

	s->size = c->limit / ALIGN * ALIGN;
	if (s->size && s->size < 4096)
		s->size = 4096;
	if (s->size / ALIGN >= UINT32_MAX)
		return problem_set(problem, "--cache-size: too large");
	if (s->size) {
		for (s->slots = 64; s->slots < s->size / 64;)
			s->slots *= 2;
		s->ring = alloc_zero(s->size, 1);
		s->table = alloc_zero(s->slots, sizeof *s->table);
	}
	if (c->path && redis_is_url(c->path))
		s->redis = cache_redis_open(c->path, name, problem);
	else if (c->path)
		s->file = cache_file_open(c->path, name, problem);
	return !c->path || s->file || s->redis;
}

void cache_close(struct cache *c)
{
	struct cache_state *s = c->state;

	if (!s)
		return;
	cache_file_close(s->file);
	cache_redis_close(s->redis);
	buf_free(&s->key);
	buf_free(&s->keys);
	free(s->ring);
	free(s->table);
	free(s);
	c->state = NULL;
}

static bool start_mixin(
	void *self, const struct filter *filter, const struct batch *batch, struct problem *problem)
{
	struct cache *c = self;

	(void)batch;
	c->name = filter->name;
	return cache_open(c, problem);
}

static bool barrier_mixin(void *self, const struct batch *batch, struct problem *problem)
{
	(void)batch, (void)problem;
	cache_flush(self);
	return true;
}

static void stop_mixin(void *self)
{
	cache_close(self);
}

const struct mixin cache_mixin = {
	.name = "cache", .start = start_mixin, .barrier = barrier_mixin, .stop = stop_mixin
};
