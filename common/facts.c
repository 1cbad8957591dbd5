#include "facts.h"

#include <stdlib.h>

#include "alloc.h"
#include "nest.h"
#include "repr.h"

enum { DEPTH = 64 };

void facts_free(struct facts *facts)
{
	free(facts->items);
	*facts = (struct facts){ 0 };
}

unsigned facts_want(struct facts *facts, enum field f)
{
	for (size_t i = 0; i < facts->count; i++)
		if (facts->items[i].field == f)
			return (unsigned)i;
	alloc_grow(&facts->items, &facts->cap, facts->count + 1, sizeof *facts->items);
	/* The stamp of no event: facts_start() counts up first. */
	facts->items[facts->count] = (struct fact){ .field = f, .extra = field_is_extra(f) };
	facts->items[facts->count].stamp = facts->stamps[field_is_extra(f)];
	return (unsigned)facts->count++;
}

void facts_changed(struct facts *facts, enum field f)
{
	if (field_is_extra(f)) {
		facts->stamps[1]++;
		return;
	}
	for (size_t i = 0; i < facts->count; i++)
		if (facts->items[i].field == f)
			facts->items[i].stamp = facts->stamps[0] - 1;
}

struct fact fact_of(struct event *ev, struct value v)
{
	return (struct fact){ .value = v, .text = value_text(v, event_arena(ev)) };
}

bool fact_find_number(struct fact *fact)
{
	bool is = fact->value.kind == VALUE_NUMBER && value_double(fact->value, &fact->number);

	fact->known_number = is ? FACT_IS : FACT_IS_NOT;
	return is;
}

bool fact_find_ip(struct fact *fact)
{
	bool is = fact->text.at
			  ? ip_parse(fact->text, &fact->ip)
			  : fact->value.kind == VALUE_NUMBER && ip_of_number(fact->value.raw, &fact->ip);

	fact->known_ip = is ? FACT_IS : FACT_IS_NOT;
	return is;
}

/* `extra` as the text of one JSON object. */
static struct value whole_extra(struct event *ev)
{
	struct buf json = BUF_INIT, quoted = BUF_INIT;
	struct value v = NO_VALUE;

	if (nest_write(ev, TEXT("extra"), &json)) {
		buf_json(&quoted, buf_view(&json));
		v.raw = arena_text(event_arena(ev), buf_view(&quoted));
		v.kind = VALUE_STRING;
		v.escaped = memchr(v.raw.at, '\\', v.raw.len) != NULL;
	}
	buf_free(&json);
	buf_free(&quoted);
	return v;
}

struct value facts_value(struct event *ev, enum field f)
{
	return f == F_EXTRA ? whole_extra(ev) : event_value(ev, f);
}

void facts_look_up(struct facts *facts, struct fact *fact)
{
	struct value v = facts_value(facts->event, fact->field);

	fact->stamp = facts->stamps[fact->extra];
	fact->known_number = fact->known_ip = fact->known_hash = fact->known_pairs = FACT_UNKNOWN;
	fact->value = v;
	fact->several = v.kind == VALUE_ARRAY && !field_is_extra(fact->field);
	fact->text = v.kind == VALUE_STRING ? value_text(v, event_arena(facts->event)) : NO_TEXT;
	if (fact->several && value_first(v).kind == VALUE_NONE)
		fact->value = NO_VALUE;
}

struct event_values facts_values(const struct fact *fact)
{
	return (struct event_values){ fact->value, value_walk(fact->value), fact->several };
}

struct text facts_text(struct event *ev, struct value v)
{
	struct buf out = BUF_INIT;
	struct text t;

	switch (v.kind) {
	case VALUE_STRING:
		return value_text(v, event_arena(ev));
	case VALUE_TRUE:
		return TEXT("True");
	case VALUE_FALSE:
		return TEXT("False");
	case VALUE_NUMBER:
		if (repr_is_integer(v.raw))
			return v.raw;
		repr_number(&out, v.raw);
		break;
	case VALUE_OBJECT:
		nest_value(&out, v, event_arena(ev));
		break;
	default:
		repr_value(&out, v);
	}
	t = arena_text(event_arena(ev), buf_view(&out));
	buf_free(&out);
	return t;
}

static bool numbers_equal(struct value a, struct value b)
{
	long long m, n;
	double x, y;

	if (value_integer(a, &m) && value_integer(b, &n))
		return m == n;
	return text_eq(a.raw, b.raw) || (value_double(a, &x) && value_double(b, &y) && x == y);
}

static bool strings_equal(struct value a, struct value b)
{
	struct arena arena = { 0 };
	bool equal;

	if (!a.escaped && !b.escaped)
		return text_eq(a.raw, b.raw);
	equal = text_eq(value_text(a, &arena), value_text(b, &arena));
	arena_free(&arena);
	return equal;
}

static bool equal_within(struct value a, struct value b, int depth);

static bool arrays_equal(struct value a, struct value b, int depth)
{
	struct value_walk left = value_walk(a), right = value_walk(b);
	struct value x, y;

	while (value_next(&left, &x))
		if (!value_next(&right, &y) || !equal_within(x, y, depth))
			return false;
	return !value_next(&right, &y);
}

static bool objects_equal(struct value a, struct value b, int depth)
{
	struct value_walk left = value_walk(a);
	struct value key, v, other_key, other;
	size_t members = 0, others = 0;

	for (struct value_walk w = value_walk(b); value_next_member(&w, &key, &v);)
		others++;
	for (; value_next_member(&left, &key, &v); members++) {
		struct value_walk right = value_walk(b);
		bool found = false;

		while (!found && value_next_member(&right, &other_key, &other))
			found = strings_equal(key, other_key) && equal_within(v, other, depth);
		if (!found)
			return false;
	}
	return members == others;
}

static bool equal_within(struct value a, struct value b, int depth)
{
	if (a.kind != b.kind || depth == DEPTH)
		return false;
	switch (a.kind) {
	case VALUE_NUMBER:
		return numbers_equal(a, b);
	case VALUE_STRING:
		return strings_equal(a, b);
	case VALUE_ARRAY:
		return arrays_equal(a, b, depth + 1);
	case VALUE_OBJECT:
		return objects_equal(a, b, depth + 1);
	default:
		return a.kind != VALUE_NONE;
	}
}

bool value_equal(struct value a, struct value b)
{
	return equal_within(a, b, 0);
}
