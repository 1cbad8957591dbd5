#include "netmap.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "alloc.h"

static void free_ranges(struct netmap_ranges *r)
{
	free(r->starts);
	free(r->values);
	free(r->prefixes);
	free(r->index);
	memset(r, 0, sizeof *r);
}

void netmap_free(struct netmap *m)
{
	free(m->entries);
	m->entries = NULL;
	m->count = m->cap = 0;
	if (m->map) {
		munmap(m->map, m->map_size);
		m->map = NULL;
		memset(&m->v4, 0, sizeof m->v4);
		memset(&m->v6, 0, sizeof m->v6);
	}
	free_ranges(&m->v4);
	free_ranges(&m->v6);
}

void netmap_add(struct netmap *m, const struct ip *ip, unsigned prefix, uint32_t value)
{
	struct netmap_entry *e;

	if (m->count == m->cap)
		alloc_grow(&m->entries, &m->cap, m->count + 1, sizeof *m->entries);
	e = &m->entries[m->count];
	*e = (struct netmap_entry){ *ip, prefix, (unsigned)m->count, value };
	ip_mask(&e->ip, prefix);
	m->count++;
}

/* A network before those inside of it. */
static int by_network(const void *a, const void *b)
{
	const struct netmap_entry *x = a, *y = b;
	int order = ip_cmp(&x->ip, &y->ip);

	if (order == 0)
		order = (x->prefix > y->prefix) - (x->prefix < y->prefix);
	return order ? order : (x->order > y->order) - (x->order < y->order);
}

/* From START on addresses are in network E, or in none. A range of no length is replaced. */
static void start_range(
	struct netmap_ranges *r, size_t width, const unsigned char *start, const struct netmap_entry *e)
{
	if (r->count == 0 || memcmp(r->starts + (r->count - 1) * width, start, width) != 0) {
		memcpy(r->starts + r->count * width, start, width);
		r->count++;
	}
	r->values[r->count - 1] = e ? e->value : 0;
	r->prefixes[r->count - 1] = e ? (unsigned char)e->prefix : NETMAP_NOTHING;
}

/* The address behind network E; false: there is none. */
static bool behind(const struct netmap_entry *e, unsigned char *next)
{
	unsigned bit = e->prefix;

	memcpy(next, e->ip.bytes, sizeof e->ip.bytes);
	while (bit-- > 0) {
		unsigned char mask = (unsigned char)(0x80 >> bit % 8);

		next[bit / 8] ^= mask;
		if (next[bit / 8] & mask)
			return true;
	}
	return false;
}

/* Networks that are open where the sweep is: each inside of the one before. */
struct sweep {
	const struct netmap_entry *open[130];
	size_t depth;
};

/* Closes the networks that E is not in; all of them without E. */
static void close_networks(
	struct sweep *s, struct netmap_ranges *r, size_t width, const struct netmap_entry *e)
{
	unsigned char next[16];

	while (s->depth &&
		!(e && ip_same_network(&s->open[s->depth - 1]->ip, &e->ip, s->open[s->depth - 1]->prefix))) {
		const struct netmap_entry *last = s->open[--s->depth];

		if (behind(last, next))
			start_range(r, width, next, s->depth ? s->open[s->depth - 1] : NULL);
	}
}

static void make_index(struct netmap_ranges *r, size_t width)
{
	size_t at = 0;

	r->index = alloc_zero(NETMAP_BUCKETS + 1, sizeof *r->index);
	for (size_t bucket = 0; bucket <= NETMAP_BUCKETS; bucket++) {
		while (at < r->count &&
			(size_t)(r->starts[at * width] << 8 | r->starts[at * width + 1]) < bucket)
			at++;
		r->index[bucket] = (uint32_t)at;
	}
}

static void make_ranges(
	struct netmap_ranges *r, const struct netmap_entry *entries, size_t count, size_t width)
{
	struct sweep sweep = { .depth = 0 };

	r->starts = alloc_zero(count * 2 + 1, width);
	r->values = alloc_zero(count * 2 + 1, sizeof *r->values);
	r->prefixes = alloc_zero(count * 2 + 1, 1);
	for (size_t i = 0; i < count; i++) {
		bool again = i && ip_cmp(&entries[i - 1].ip, &entries[i].ip) == 0 &&
			     entries[i - 1].prefix == entries[i].prefix;

		if (again) /* the network is open already: the later one takes its place */
			sweep.depth--;
		close_networks(&sweep, r, width, &entries[i]);
		start_range(r, width, entries[i].ip.bytes, &entries[i]);
		sweep.open[sweep.depth++] = &entries[i];
	}
	close_networks(&sweep, r, width, NULL);
	/* Two ranges for a network is the most: half of that is usual. */
	r->starts = alloc_resize(r->starts, r->count + 1, width);
	r->values = alloc_resize(r->values, r->count + 1, sizeof *r->values);
	r->prefixes = alloc_resize(r->prefixes, r->count + 1, 1);
	make_index(r, width);
}

void netmap_finish(struct netmap *m)
{
	size_t v4 = 0;

	if (m->count)
		qsort(m->entries, m->count, sizeof *m->entries, by_network);
	while (v4 < m->count && m->entries[v4].ip.bits == 32)
		v4++;
	make_ranges(&m->v4, m->entries, v4, 4);
	make_ranges(&m->v6, m->entries ? m->entries + v4 : NULL, m->count - v4, 16);
	free(m->entries);
	m->entries = NULL;
	m->count = m->cap = 0;
}

bool netmap_find(const struct netmap *m, const struct ip *ip, unsigned *prefix, uint32_t *value)
{
	const struct netmap_ranges *r = ip->bits == 32 ? &m->v4 : &m->v6;
	size_t width = ip->bits / 8, bucket = (size_t)(ip->bytes[0] << 8 | ip->bytes[1]), low, high;

	if (!r->index)
		return false;
	/* The last range that starts at the address or before: in its bucket, or the one before that. */
	low = r->index[bucket];
	high = r->index[bucket + 1];
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memcmp(r->starts + middle * width, ip->bytes, width) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || r->prefixes[low - 1] == NETMAP_NOTHING)
		return false;
	*prefix = r->prefixes[low - 1];
	*value = r->values[low - 1];
	return true;
}
