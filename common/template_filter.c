/* The filters of templates: `value | name(arguments)`. */
#include <stdlib.h>

#include "alloc.h"
#include "facts.h"
#include "nest.h"
#include "template_priv.h"
#include "unicode.h"

enum filter_number {
	FILTER_UPPER,
	FILTER_LOWER,
	FILTER_TITLE,
	FILTER_CAPITALIZE,
	FILTER_TRIM,
	FILTER_DEFAULT,
	FILTER_D,
	FILTER_LENGTH,
	FILTER_COUNT,
	FILTER_REPLACE,
	FILTER_JOIN,
	FILTER_TOJSON,
	FILTER_SORT,
	FILTER_FIRST,
	FILTER_LAST,
	FILTER_STRING
};

static const struct {
	const char *name;
	int least, most;
} filters[] = {
	[FILTER_UPPER] = { "upper", 0, 0 },
	[FILTER_LOWER] = { "lower", 0, 0 },
	[FILTER_TITLE] = { "title", 0, 0 },
	[FILTER_CAPITALIZE] = { "capitalize", 0, 0 },
	[FILTER_TRIM] = { "trim", 0, 0 },
	[FILTER_DEFAULT] = { "default", 1, 2 },
	[FILTER_D] = { "d", 1, 2 },
	[FILTER_LENGTH] = { "length", 0, 0 },
	[FILTER_COUNT] = { "count", 0, 0 },
	[FILTER_REPLACE] = { "replace", 2, 2 },
	[FILTER_JOIN] = { "join", 0, 1 },
	[FILTER_TOJSON] = { "tojson", 0, 0 },
	[FILTER_SORT] = { "sort", 0, 0 },
	[FILTER_FIRST] = { "first", 0, 0 },
	[FILTER_LAST] = { "last", 0, 0 },
	[FILTER_STRING] = { "string", 0, 0 },
};

int template_filter_named(struct text name, int *least, int *most)
{
	for (size_t i = 0; i < LENGTH(filters); i++)
		if (text_is(name, filters[i].name)) {
			*least = filters[i].least;
			*most = filters[i].most;
			return (int)i;
		}
	return -1;
}

/* Every word as `Word`: words are divided by what is no letter and no digit, but apostrophes, as Jinja2 does
 * it. */
static void title(struct text t, struct buf *out)
{
	struct buf word = BUF_INIT;
	bool start = true;

	while (t.len) {
		struct text rest = t;
		uint32_t rune;
		bool letter;

		if (!unicode_next(&rest, &rune))
			break;
		buf_clear(&word);
		if (start)
			unicode_upper((struct text){ t.at, t.len - rest.len }, &word);
		else
			unicode_lower((struct text){ t.at, t.len - rest.len }, &word);
		letter = !(rune == '-' || rune == '(' || rune == '{' || rune == '[' || rune == '<' ||
			   unicode_space(rune));
		buf_text(out, buf_view(&word));
		start = !letter;
		t = rest;
	}
	buf_free(&word);
}

static void capitalize(struct text t, struct buf *out)
{
	struct text rest = t;
	uint32_t rune;

	if (unicode_next(&rest, &rune)) {
		unicode_upper((struct text){ t.at, t.len - rest.len }, out);
		unicode_lower(rest, out);
	}
}

static void replace(struct text t, struct text old, struct text new, struct buf *out)
{
	while (t.len && old.len && out->len < TEMPLATE_TEXT) {
		const char *found = memmem(t.at, t.len, old.at, old.len);

		if (!found)
			break;
		buf_add(out, t.at, (size_t)(found - t.at));
		buf_text(out, new);
		t = text_from(t, (size_t)(found - t.at) + old.len);
	}
	buf_text(out, t);
}

static struct value length(struct render *r, const struct expr *e, struct value v)
{
	struct value_walk walk = value_walk(v);
	struct value element, key;
	struct text text;
	uint32_t rune;
	long long count = 0;

	switch (v.kind) {
	case VALUE_NONE:
		break;
	case VALUE_STRING:
		for (text = template_text(r, v); unicode_next(&text, &rune);)
			count++;
		break;
	case VALUE_ARRAY:
		while (value_next(&walk, &element))
			count++;
		break;
	case VALUE_OBJECT:
		while (value_next_member(&walk, &key, &element))
			count++;
		break;
	default:
		return template_fail(r, e, "length is had of texts, lists and maps");
	}
	return template_of_integer(r, count);
}

static struct value join(struct render *r, struct value v, struct text between, struct buf *out)
{
	struct value_walk walk = value_walk(v);
	struct value element;
	bool first = true;

	if (v.kind != VALUE_ARRAY)
		return v;
	for (; value_next(&walk, &element) && out->len < TEMPLATE_TEXT; first = false) {
		if (!first)
			buf_text(out, between);
		buf_text(out, template_text(r, element));
	}
	return template_string_value(event_arena(r->ev), buf_view(out));
}

struct sortable {
	struct value value;
	struct text folded; /* a text's lower case, by which Jinja2 sorts */
	double number;
	bool is_number;
};

static int by_size(const void *a, const void *b)
{
	const struct sortable *x = a, *y = b;

	if (x->is_number && y->is_number)
		return (x->number > y->number) - (x->number < y->number);
	if (x->is_number != y->is_number)
		return y->is_number - x->is_number;
	return text_cmp(x->folded, y->folded);
}

static struct value sorted(struct render *r, struct value v, struct buf *out)
{
	struct value_walk walk = value_walk(v);
	struct sortable *items = NULL;
	size_t count = 0, cap = 0;
	struct buf lower = BUF_INIT;
	struct value element;

	if (v.kind != VALUE_ARRAY)
		return v;
	while (value_next(&walk, &element)) {
		struct sortable item = { .value = element };

		item.is_number = value_double(element, &item.number);
		buf_clear(&lower);
		unicode_lower(template_text(r, element), &lower);
		item.folded = arena_text(event_arena(r->ev), buf_view(&lower));
		alloc_grow(&items, &cap, count + 1, sizeof *items);
		items[count++] = item;
	}
	if (count)
		qsort(items, count, sizeof *items, by_size);
	buf_char(out, '[');
	for (size_t i = 0; i < count; i++) {
		buf_string(out, i ? "," : "");
		buf_text(out, items[i].value.raw);
	}
	buf_char(out, ']');
	free(items);
	buf_free(&lower);
	return template_of_json(r, out);
}

/* As Jinja2's: safe in HTML too. */
static void to_json(struct render *r, struct value v, struct buf *out)
{
	struct buf plain = BUF_INIT;

	nest_value(&plain, v, event_arena(r->ev));
	for (size_t i = 0; i < plain.len; i++)
		if (strchr("<>&'", plain.at[i]) && plain.at[i])
			buf_printf(out, "\\u%04x", plain.at[i]);
		else
			buf_char(out, plain.at[i]);
	buf_free(&plain);
}

static struct value last_of(struct value list)
{
	struct value_walk walk = value_walk(list);
	struct value v, last = NO_VALUE;

	if (list.kind == VALUE_ARRAY)
		while (value_next(&walk, &v))
			last = v;
	return last;
}

static struct value apply(struct render *r, const struct expr *e, struct value v,
	const struct value *arguments, struct buf *out)
{
	struct text text;

	switch (e->number) {
	case FILTER_DEFAULT:
	case FILTER_D:
		return v.kind == VALUE_NONE || (value_is_true(arguments[1]) && !value_is_true(v))
			       ? arguments[0]
			       : v;
	case FILTER_LENGTH:
	case FILTER_COUNT:
		return length(r, e, v);
	case FILTER_JOIN:
		return join(r, v, template_text(r, arguments[0]), out);
	case FILTER_SORT:
		return sorted(r, v, out);
	case FILTER_FIRST:
		return v.kind == VALUE_ARRAY ? value_first(v) : NO_VALUE;
	case FILTER_LAST:
		return last_of(v);
	default:
		break;
	}
	text = template_text(r, v);
	if (e->number == FILTER_UPPER)
		unicode_upper(text, out);
	else if (e->number == FILTER_LOWER)
		unicode_lower(text, out);
	else if (e->number == FILTER_TITLE)
		title(text, out);
	else if (e->number == FILTER_CAPITALIZE)
		capitalize(text, out);
	else if (e->number == FILTER_TRIM)
		buf_text(out, unicode_strip(text));
	else if (e->number == FILTER_REPLACE)
		replace(text, template_text(r, arguments[0]), template_text(r, arguments[1]), out);
	else if (e->number == FILTER_TOJSON && v.kind == VALUE_NONE)
		return template_fail(r, e, "tojson of something absent");
	else if (e->number == FILTER_TOJSON)
		to_json(r, v, out);
	else
		buf_text(out, text);
	return template_string_value(event_arena(r->ev), buf_view(out));
}

struct value template_filter(struct render *r, const struct expr *e, struct value v)
{
	struct value arguments[2] = { NO_VALUE, NO_VALUE };
	struct buf out = BUF_INIT;
	size_t count = 0;

	for (const struct expr *a = e->items; a && count < LENGTH(arguments); a = a->next)
		arguments[count++] = template_eval(r, a);
	v = r->failed ? NO_VALUE : apply(r, e, v, arguments, &out);
	buf_free(&out);
	return v;
}
