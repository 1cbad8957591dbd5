/* Each field is hashed on its own, its name being part of the seed, and the hashes are added up, so that order does not
 * matter. The seed is secret: nobody can choose fields whose hashes cancel out. */
#include "hash.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "alloc.h"
#include "event_priv.h"
#include "repr.h"

bool hash_filter_init(struct hash_filter *h, const struct list *names, bool whitelist, struct problem *problem)
{
	h->whitelist = whitelist;
	h->fields = alloc_zero(names->count + 1, sizeof *h->fields);
	h->count = 0;
	for (size_t i = 0; i < names->count; i++) {
		enum field f = field_intern(names->items[i]);
		bool twice = false;

		if (f == F_NONE)
			return problem_set(problem, "not a field name: \"%.*s\"", TEXT_ARGS(names->items[i]));
		for (size_t j = 0; j < h->count; j++)
			twice = twice || h->fields[j] == f;
		if (!twice && f != F_TIME_OBSERVATION)
			h->fields[h->count++] = f;
	}
	return true;
}

static uint64_t seed_of_name(const struct hash_filter *h, struct text name)
{
	return XXH3_64bits_withSeed(name.at, name.len, h->seed) | 1;
}

void hash_filter_seed(struct hash_filter *h, uint64_t seed)
{
	h->seed = seed;
	h->known = field_count();
	free(h->seeds);
	h->seeds = alloc_zero(h->known, sizeof *h->seeds);
	for (size_t f = 1; f < h->known; f++)
		h->seeds[f] = h->whitelist ? 0 : seed_of_name(h, field_name((enum field)f));
	for (size_t i = 0; i < h->count; i++)
		h->seeds[h->fields[i]] = h->whitelist ? seed_of_name(h, field_name(h->fields[i])) : 0;
	h->seeds[F_TIME_OBSERVATION] = h->seeds[F_MESSAGE_TYPE] = h->seeds[F_MESSAGE_PATH] = 0;
}

void hash_filter_free(struct hash_filter *h)
{
	free(h->fields);
	free(h->seeds);
	buf_free(&h->name);
	buf_free(&h->form);
}

enum { KIND_SHIFT = 56, LONGEST_IGNORED = 5 }; /* "N/A", with its quotes */

static void add_bytes(struct hash *sum, struct text t, uint64_t seed)
{
	XXH128_hash_t one = XXH3_128bits_withSeed(t.at, t.len, seed);
	uint64_t low = sum->low + one.low64;

	sum->high += one.high64 + (low < sum->low);
	sum->low = low;
}

/* Whether a number is written as repr_number() would: few digits, no sign or exponent, at most four digits of fraction
 * that do not end in a needless 0. */
static bool is_canonical(struct text t)
{
	size_t i = 0, point;

	if (t.len > 15)
		return false;
	while (i < t.len && t.at[i] >= '0' && t.at[i] <= '9')
		i++;
	if (i == t.len)
		return true;
	if (t.at[i] != '.' || t.len - i > 5)
		return false;
	for (point = i++; i < t.len; i++)
		if (t.at[i] < '0' || t.at[i] > '9')
			return false;
	return t.at[t.len - 1] != '0' || t.len - point == 2;
}

/* The kind is part of the seed, so that 1 and "1" differ. */
static void add_single(struct hash_filter *h, struct hash *sum, struct event *ev, struct value v, uint64_t seed)
{
	if (value_ignored(v))
		return;
	seed ^= (uint64_t)v.kind << KIND_SHIFT;
	if (v.kind == VALUE_STRING) {
		add_bytes(sum, v.escaped ? value_text(v, event_arena(ev)) : value_inside(v), seed);
	} else if (v.kind == VALUE_NUMBER && is_canonical(v.raw)) {
		add_bytes(sum, v.raw, seed);
	} else {
		buf_clear(&h->form);
		repr_value(&h->form, v);
		add_bytes(sum, buf_view(&h->form), seed);
	}
}

/* Several values are a set in a known field (imq-filter(7), "Multiple values"); below `extra` an array is data, which has an
 * order. F is F_NONE for names that nobody asked for, which cannot be known fields. */
static void add_value(
	struct hash_filter *h, struct hash *sum, struct event *ev, enum field f, struct value v, uint64_t seed)
{
	if (v.kind == VALUE_ARRAY && f != F_NONE && field_type(f)) {
		struct value_walk walk = value_walk(v);
		struct value one;

		while (value_next(&walk, &one))
			add_single(h, sum, ev, one, seed);
	} else {
		add_single(h, sum, ev, v, seed);
	}
}

static bool has_members(struct value v)
{
	struct value_walk walk;
	struct value key, member;

	if (v.kind != VALUE_OBJECT)
		return false;
	walk = value_walk(v);
	return value_next_member(&walk, &key, &member);
}

/* The value of the field whose name is in H->name, and all below it if it holds an object. */
static void add_leaves(struct hash_filter *h, struct hash *sum, struct event *ev, struct value v)
{
	size_t len = h->name.len;
	struct value_walk walk;
	struct value key, member;
	enum field f;

	if (!has_members(v)) {
		f = field_find(buf_view(&h->name));
		add_value(h, sum, ev, f, v, f && f < h->known ? h->seeds[f] : seed_of_name(h, buf_view(&h->name)));
		return;
	}
	walk = value_walk(v);
	while (value_next_member(&walk, &key, &member)) {
		buf_char(&h->name, '.');
		buf_text(&h->name, value_text(key, event_arena(ev)));
		f = field_find(buf_view(&h->name));
		if (!f || f >= h->known || h->seeds[f] || has_members(member))
			add_leaves(h, sum, ev, member);
		h->name.len = len;
	}
}

/* A member that is a plain string or a number in canonical form, of which nothing is to be found out: as add_single() does.
 * False: it needs a closer look. */
static bool add_simple(struct hash *sum, const struct member *m, uint64_t seed)
{
	struct text t = { m->value, m->value_len };

	if (m->kind == VALUE_STRING && !(m->flags & ESCAPED_VALUE)) {
		if (t.len > LONGEST_IGNORED || !value_ignored(member_value(m)))
			add_bytes(sum, (struct text){ t.at + 1, t.len - 2 }, seed ^ (uint64_t)VALUE_STRING << KIND_SHIFT);
		return true;
	}
	if (m->kind != VALUE_NUMBER || !is_canonical(t))
		return false;
	add_bytes(sum, t, seed ^ (uint64_t)VALUE_NUMBER << KIND_SHIFT);
	return true;
}

static void add_all(struct hash_filter *h, struct hash *sum, struct event *ev)
{
	for (size_t i = 0; i < ev->count; i++) {
		const struct member *m = &ev->members[i];
		bool numbered = m->field != F_NONE && m->field < h->known;
		uint64_t seed;
		struct value v;

		if (!live(m))
			continue;
		seed = numbered ? h->seeds[m->field] : seed_of_name(h, member_name(ev, m));
		if (seed ? add_simple(sum, m, seed) : m->kind != VALUE_OBJECT)
			continue;
		v = member_value(m);
		if (v.kind == VALUE_OBJECT && below_extra(m) && has_members(v)) {
			buf_clear(&h->name);
			buf_text(&h->name, member_name(ev, m));
			add_leaves(h, sum, ev, v);
		} else if (seed) {
			add_value(h, sum, ev, (enum field)m->field, v, seed);
		}
	}
}

struct hash hash_event(struct hash_filter *h, struct event *ev)
{
	struct hash sum = { 0, 0 };
	XXH128_hash_t mixed;

	if (!h->whitelist) {
		add_all(h, &sum, ev);
	} else {
		for (size_t i = 0; i < h->count; i++) {
			struct value v = event_value(ev, h->fields[i]);

			if (v.kind && h->seeds[h->fields[i]] && !(field_is_extra(h->fields[i]) && has_members(v)))
				add_value(h, &sum, ev, h->fields[i], v, h->seeds[h->fields[i]]);
		}
	}
	mixed = XXH3_128bits_withSeed(&sum, sizeof sum, h->seed);
	return (struct hash){ mixed.low64, mixed.high64 };
}
