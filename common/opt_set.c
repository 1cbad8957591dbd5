/* What the texts of options mean, by the kinds of their rows. */
#include <math.h>
#include <stdlib.h>

#include "alloc.h"
#include "opt_priv.h"
#include "value.h"

static bool bad_value(const struct opt *row, const char *wanted, struct text value, struct problem *problem)
{
	if (row->secret)
		return problem_set(problem, "--%s: not %s", row->name, wanted);
	return problem_set(problem, "--%s: not %s: \"%.*s\"", row->name, wanted, TEXT_ARGS(value));
}

static bool parse_boolean(struct text value, bool *result)
{
	*result = text_eq_nocase(value, TEXT("true")) || text_eq_nocase(value, TEXT("yes")) ||
	          text_eq_nocase(value, TEXT("on")) || text_is(value, "1");
	return *result || text_eq_nocase(value, TEXT("false")) || text_eq_nocase(value, TEXT("no")) ||
	       text_eq_nocase(value, TEXT("off")) || text_is(value, "0");
}

/* A decimal number, and what follows it. */
static bool parse_number(struct text value, double *number, struct text *rest)
{
	char copy[64], *end;

	if (value.len == 0 || value.len >= sizeof copy || value.at[0] == ' ')
		return false;
	memcpy(copy, value.at, value.len);
	copy[value.len] = '\0';
	*number = strtod(copy, &end);
	*rest = text_from(value, (size_t)(end - copy));
	return end != copy && isfinite(*number);
}

static bool parse_bytes(struct text value, size_t *bytes)
{
	static const struct { const char *unit; double factor; } units[] = { { "", 1 }, { "K", 1024 }, { "KiB", 1024 },
		{ "M", 1 << 20 }, { "MiB", 1 << 20 }, { "G", 1 << 30 }, { "GiB", 1 << 30 } };
	struct text unit;
	double number;

	if (!parse_number(value, &number, &unit) || number < 0)
		return false;
	for (size_t i = 0; i < LENGTH(units); i++)
		if (text_eq_nocase(unit, text_of(units[i].unit)) && number * units[i].factor < 9e18) {
			*bytes = (size_t)(number * units[i].factor);
			return true;
		}
	return false;
}

static bool parse_seconds(struct text value, double *seconds)
{
	static const struct { const char *unit; double factor; } units[] = { { "", 1 }, { "s", 1 }, { "ms", 0.001 },
		{ "m", 60 }, { "h", 3600 }, { "d", 86400 } };
	struct text unit;
	double number;

	if (!parse_number(value, &number, &unit) || number < 0)
		return false;
	for (size_t i = 0; i < LENGTH(units); i++)
		if (text_is(unit, units[i].unit)) {
			*seconds = number * units[i].factor;
			return true;
		}
	return false;
}

/* The texts of options live as long as the process, those that a later option replaced too: leak checkers find them here. */
static void remember(void *memory)
{
	static void **all;
	static size_t count, cap;

	alloc_grow(&all, &cap, count + 1, sizeof *all);
	all[count++] = memory;
}

static struct text keep(struct text t)
{
	char *copy = alloc_string(t);

	remember(copy);
	return (struct text){ copy, t.len };
}

/* T as a JSON string. */
static struct text quoted(struct text t)
{
	struct buf json = BUF_INIT;
	struct text kept;

	buf_json(&json, t);
	kept = keep(buf_view(&json));
	buf_free(&json);
	return kept;
}

bool opt_takes_json(const struct opt *row)
{
	return row->kind == OPT_KIND_JSON || row->kind == OPT_KIND_VALUE;
}

static void list_add(struct list *list, size_t *cap, struct text item)
{
	alloc_grow(&list->items, cap, list->count + 1, sizeof *list->items);
	list->items[list->count++] = keep(item);
}

/* Reads VALUE into LIST, behind what it has if it ADDS. */
static bool parse_list(struct text value, struct list *list, bool adds)
{
	struct list fresh = { NULL, 0 };
	struct value array, element;
	struct value_error unused;
	struct arena arena = { 0 };
	struct text item;
	size_t cap = 0;
	bool fine = true;

	for (size_t i = 0; adds && i < list->count; i++)
		list_add(&fresh, &cap, list->items[i]);
	if (value.len && value.at[0] == '[' && value_parse(value, &array, &unused)) {
		struct value_walk walk = value_walk(array);

		while (value_next(&walk, &element)) {
			fine &= element.kind != VALUE_ARRAY && element.kind != VALUE_OBJECT;
			list_add(&fresh, &cap, element.kind == VALUE_STRING ? value_text(element, &arena) : element.raw);
		}
	} else {
		while (text_split(&value, ',', &item))
			if (text_trim(item).len || value.at || fresh.count)
				list_add(&fresh, &cap, text_trim(item));
	}
	arena_free(&arena);
	remember(fresh.items);
	*list = fresh;
	return fine;
}

bool opt_set(const struct opt *row, struct text value, struct problem *problem)
{
	struct value json;
	struct value_error error;
	struct text rest;
	bool yes;

	switch (row->kind) {
	case OPT_KIND_BOOLEAN:
		return parse_boolean(value, row->to.boolean) || bad_value(row, "true or false", value, problem);
	case OPT_KIND_TRISTATE:
		if (text_is(value, "null") || value.len == 0) {
			*row->to.tristate = TRISTATE_UNSET;
			return true;
		}
		if (!parse_boolean(value, &yes))
			return bad_value(row, "true or false", value, problem);
		*row->to.tristate = yes ? TRISTATE_YES : TRISTATE_NO;
		return true;
	case OPT_KIND_INTEGER:
		return text_integer(value, row->to.integer) || bad_value(row, "an integer", value, problem);
	case OPT_KIND_NUMBER:
		return (parse_number(value, row->to.number, &rest) && rest.len == 0) ||
		       bad_value(row, "a number", value, problem);
	case OPT_KIND_SECONDS:
		return parse_seconds(value, row->to.number) || bad_value(row, "a time in seconds", value, problem);
	case OPT_KIND_BYTES:
		return parse_bytes(value, row->to.bytes) || bad_value(row, "a size in bytes", value, problem);
	case OPT_KIND_TEXT:
		if (memchr(value.at, '\0', value.len))
			return bad_value(row, "a text without NUL", value, problem);
		*row->to.text = keep(value).at;
		return true;
	case OPT_KIND_CHOICE:
		for (int i = 0; row->choices[i]; i++)
			if (text_is(value, row->choices[i])) {
				*row->to.choice = i;
				return true;
			}
		return bad_value(row, "one of the choices", value, problem);
	case OPT_KIND_LIST:
		return parse_list(value, row->to.list, row->adds) || bad_value(row, "a list", value, problem);
	case OPT_KIND_JSON:
		if (value.len == 0) { /* IntelMQ's configurations write no map as an empty text */
			*row->to.json = NO_TEXT;
			return true;
		}
		if (!value_parse(value, &json, &error))
			return problem_set(problem, "--%s: character %td: %s", row->name, error.at - value.at + 1, error.reason);
		*row->to.json = keep(value);
		return true;
	case OPT_KIND_VALUE:
		*row->to.json = value_parse(value, &json, &error) ? keep(value) : quoted(value);
		return true;
	case OPT_KIND_MIXIN:
	case OPT_KIND_END:
		break;
	}
	return true;
}
