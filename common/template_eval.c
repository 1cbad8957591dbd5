/* Expressions of templates, evaluated. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "facts.h"
#include "repr.h"
#include "template_priv.h"

struct value template_fail(struct render *r, const struct expr *e, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	r->failed = true;
	event_mark(r->ev, "%s:%ld: %s", r->template->name, e->line, text);
	return NO_VALUE;
}

struct value template_of_bool(bool yes)
{
	return (struct value){ yes ? TEXT("true") : TEXT("false"), yes ? VALUE_TRUE : VALUE_FALSE, false };
}

static struct value of_number_text(struct render *r, struct buf *digits)
{
	struct value v = { arena_text(event_arena(r->ev), buf_view(digits)), VALUE_NUMBER, false };

	buf_free(digits);
	return v;
}

struct value template_of_integer(struct render *r, long long n)
{
	struct buf digits = BUF_INIT;

	buf_integer(&digits, n);
	return of_number_text(r, &digits);
}

struct value template_of_json(struct render *r, const struct buf *json)
{
	struct text raw = arena_text(event_arena(r->ev), buf_view(json));
	enum value_kind kind = raw.at[0] == '['   ? VALUE_ARRAY
			       : raw.at[0] == '{' ? VALUE_OBJECT
						  : VALUE_STRING;

	return (struct value){ raw, kind, kind == VALUE_STRING && memchr(raw.at, '\\', raw.len) != NULL };
}

struct text template_text(struct render *r, struct value v)
{
	if (v.kind == VALUE_NONE)
		return TEXT("");
	return facts_text(r->ev, v);
}

/* All of the event as one flat object. */
static struct value whole_message(struct render *r)
{
	struct buf json = BUF_INIT;
	struct value v, result;
	struct text name;
	enum field f;
	size_t cursor = 0;

	event_flatten(r->ev);
	buf_char(&json, '{');
	while (event_next(r->ev, &cursor, &name, &f, &v)) {
		if (value_ignored(v) || f == F_MESSAGE_TYPE || f == F_MESSAGE_PATH)
			continue;
		if (json.len > 1)
			buf_char(&json, ',');
		buf_json(&json, name);
		buf_char(&json, ':');
		buf_text(&json, v.raw);
	}
	buf_char(&json, '}');
	result = template_of_json(r, &json);
	buf_free(&json);
	return result;
}

static struct value member_of(struct render *r, struct value object, struct text wanted)
{
	struct value_walk walk = value_walk(object);
	struct value key, member;

	while (value_next_member(&walk, &key, &member))
		if (text_eq(value_text(key, event_arena(r->ev)), wanted))
			return member;
	return NO_VALUE;
}

static struct value message_field(struct render *r, struct text name)
{
	enum field f = field_find(name);

	return f != F_NONE ? facts_value(r->ev, f) : member_of(r, whole_message(r), name);
}

static struct value element_of(struct value list, long long index)
{
	struct value_walk walk = value_walk(list);
	struct value v;

	if (index < 0) {
		for (struct value_walk w = walk; value_next(&w, &v);)
			index++;
		if (index < 0)
			return NO_VALUE;
	}
	for (long long i = 0; value_next(&walk, &v); i++)
		if (i == index)
			return v;
	return NO_VALUE;
}

/* OBJECT[KEY], or OBJECT.get(KEY). */
static struct value lookup(struct render *r, const struct expr *e)
{
	struct value key = template_eval(r, e->right), object = NO_VALUE;
	struct text name = value_text(key, event_arena(r->ev));
	long long index;

	if (e->left->kind == EXPR_MESSAGE)
		return name.at ? message_field(r, name) : NO_VALUE;
	if (!r->failed)
		object = template_eval(r, e->left);
	if (r->failed)
		return NO_VALUE;
	if (object.kind == VALUE_NONE)
		return template_fail(r, e, "there is nothing to look into");
	if (object.kind == VALUE_ARRAY && value_integer(key, &index))
		return element_of(object, index);
	return object.kind == VALUE_OBJECT && name.at ? member_of(r, object, name) : NO_VALUE;
}

/* items(), keys() and values(). */
static struct value take_apart(struct render *r, const struct expr *e)
{
	struct value object = template_eval(r, e->left), key, member;
	struct value_walk walk = value_walk(object);
	struct buf json = BUF_INIT;
	bool first = true;

	if (r->failed)
		return NO_VALUE;
	if (object.kind != VALUE_OBJECT)
		return template_fail(r, e, "items, keys and values are had of a map");
	buf_char(&json, '[');
	for (; value_next_member(&walk, &key, &member); first = false) {
		if (!first)
			buf_char(&json, ',');
		if (e->kind == EXPR_ITEMS)
			buf_char(&json, '[');
		if (e->kind != EXPR_VALUES)
			buf_text(&json, key.raw);
		if (e->kind == EXPR_ITEMS)
			buf_char(&json, ',');
		if (e->kind != EXPR_KEYS)
			buf_text(&json, member.raw);
		if (e->kind == EXPR_ITEMS)
			buf_char(&json, ']');
	}
	buf_char(&json, ']');
	object = template_of_json(r, &json);
	buf_free(&json);
	return object;
}

static struct value build(struct render *r, const struct expr *e)
{
	bool map = e->kind == EXPR_MAP, key = true;
	struct buf json = BUF_INIT;
	struct value v = NO_VALUE;

	buf_char(&json, map ? '{' : '[');
	for (const struct expr *item = e->items; item && !r->failed; item = item->next, key = !key) {
		v = template_eval(r, item);
		if (json.len > 1)
			buf_char(&json, map && !key ? ':' : ',');
		if (map && key)
			buf_json(&json, template_text(r, v));
		else
			buf_text(&json, v.kind == VALUE_NONE ? TEXT("null") : v.raw);
	}
	buf_char(&json, map ? '}' : ']');
	v = r->failed ? NO_VALUE : template_of_json(r, &json);
	buf_free(&json);
	return v;
}

static bool is_number(struct value v)
{
	return v.kind == VALUE_NUMBER;
}

static struct value of_double(struct render *r, const struct expr *e, double d)
{
	struct buf digits = BUF_INIT;

	if (!isfinite(d))
		return template_fail(r, e, "the result is no number");
	buf_double(&digits, d);
	return of_number_text(r, &digits);
}

static struct value integers(struct render *r, const struct expr *e, long long a, long long b)
{
	long long n = 0;
	bool fits;

	switch (e->kind) {
	case EXPR_ADD:
		fits = !__builtin_add_overflow(a, b, &n);
		break;
	case EXPR_SUBTRACT:
		fits = !__builtin_sub_overflow(a, b, &n);
		break;
	case EXPR_MULTIPLY:
		fits = !__builtin_mul_overflow(a, b, &n);
		break;
	default:
		if (b == 0)
			return template_fail(r, e, "division by zero");
		if (b == -1) { /* the one quotient that may not fit */
			fits = e->kind == EXPR_MODULO || !__builtin_sub_overflow(0, a, &n);
			n = e->kind == EXPR_MODULO ? 0 : n;
			break;
		}
		/* Towards minus infinity, as Python does. */
		n = e->kind == EXPR_FLOOR ? a / b - (a % b != 0 && (a % b < 0) != (b < 0))
					  : a % b + (a % b != 0 && (a % b < 0) != (b < 0) ? b : 0);
		fits = true;
	}
	return fits ? template_of_integer(r, n) : template_fail(r, e, "a number too large");
}

static struct value doubles(struct render *r, const struct expr *e, double a, double b)
{
	if (b == 0 && (e->kind == EXPR_DIVIDE || e->kind == EXPR_FLOOR || e->kind == EXPR_MODULO))
		return template_fail(r, e, "division by zero");
	switch (e->kind) {
	case EXPR_ADD:
		return of_double(r, e, a + b);
	case EXPR_SUBTRACT:
		return of_double(r, e, a - b);
	case EXPR_MULTIPLY:
		return of_double(r, e, a * b);
	case EXPR_DIVIDE:
		return of_double(r, e, a / b);
	case EXPR_FLOOR:
		return of_double(r, e, floor(a / b));
	default:
		return of_double(r, e, a - b * floor(a / b));
	}
}

static struct value joined(struct render *r, const struct expr *e, struct text a, struct text b)
{
	struct buf text = BUF_INIT;
	struct value v;

	if (a.len + b.len > TEMPLATE_TEXT)
		return template_fail(r, e, "a text too long");
	buf_text(&text, a);
	buf_text(&text, b);
	v = template_string_value(event_arena(r->ev), buf_view(&text));
	buf_free(&text);
	return v;
}

static struct value arithmetic(struct render *r, const struct expr *e)
{
	struct value a = template_eval(r, e->left), b = r->failed ? NO_VALUE : template_eval(r, e->right);
	long long m, n;
	double x, y;

	if (r->failed)
		return NO_VALUE;
	if (e->kind == EXPR_CONCAT ||
		(e->kind == EXPR_ADD && a.kind == VALUE_STRING && b.kind == VALUE_STRING))
		return joined(r, e, template_text(r, a), template_text(r, b));
	if (e->kind != EXPR_DIVIDE && value_integer(a, &m) && value_integer(b, &n))
		return integers(r, e, m, n);
	if (is_number(a) && is_number(b) && value_double(a, &x) && value_double(b, &y))
		return doubles(r, e, x, y);
	return template_fail(r, e, "numbers wanted");
}

static struct value negated(struct render *r, const struct expr *e)
{
	struct expr minus = { .kind = EXPR_SUBTRACT, .line = e->line };
	struct value v = template_eval(r, e->left);
	long long n;
	double d;

	if (value_integer(v, &n))
		return integers(r, &minus, 0, n);
	if (value_double(v, &d))
		return of_double(r, e, -d);
	return r->failed ? NO_VALUE : template_fail(r, e, "a number wanted");
}

static struct value ordered(struct render *r, const struct expr *e, struct value a, struct value b)
{
	double x, y;
	int order;

	if (is_number(a) && is_number(b) && value_double(a, &x) && value_double(b, &y))
		order = (x > y) - (x < y);
	else if (a.kind == VALUE_STRING && b.kind == VALUE_STRING)
		order = text_cmp(template_text(r, a), template_text(r, b));
	else
		return template_fail(r, e, "two numbers or two texts can be put in order, nothing else");
	return template_of_bool(e->kind == EXPR_LESS         ? order < 0
				: e->kind == EXPR_LESS_EQUAL ? order <= 0
				: e->kind == EXPR_GREATER    ? order > 0
							     : order >= 0);
}

static bool contains(struct render *r, struct value v, struct value within)
{
	struct value_walk walk = value_walk(within);
	struct value element, key;
	struct text part, all;

	if (within.kind == VALUE_STRING && v.kind == VALUE_STRING) {
		part = template_text(r, v);
		all = template_text(r, within);
		return part.len == 0 || memmem(all.at, all.len, part.at, part.len);
	}
	if (within.kind == VALUE_ARRAY)
		while (value_next(&walk, &element))
			if (value_equal(v, element))
				return true;
	if (within.kind == VALUE_OBJECT)
		while (value_next_member(&walk, &key, &element))
			if (value_equal(v, key))
				return true;
	return false;
}

static struct value compare(struct render *r, const struct expr *e)
{
	struct value a = template_eval(r, e->left), b = NO_VALUE;

	if (!r->failed && (e->kind == EXPR_IN || e->kind == EXPR_NOT_IN) && e->right->kind == EXPR_MESSAGE) {
		struct text name = value_text(a, event_arena(r->ev));
		bool there = name.at && message_field(r, name).kind != VALUE_NONE;

		return template_of_bool(there == (e->kind == EXPR_IN));
	}
	if (!r->failed)
		b = template_eval(r, e->right);
	if (r->failed)
		return NO_VALUE;
	switch (e->kind) {
	case EXPR_EQUAL:
	case EXPR_UNEQUAL:
		return template_of_bool(
			(value_equal(a, b) || (a.kind == VALUE_NONE && b.kind == VALUE_NONE)) ==
			(e->kind == EXPR_EQUAL));
	case EXPR_IN:
	case EXPR_NOT_IN:
		return template_of_bool(contains(r, a, b) == (e->kind == EXPR_IN));
	default:
		return ordered(r, e, a, b);
	}
}

static struct value loop_value(struct render *r, int attribute)
{
	switch (attribute) {
	case LOOP_FIRST:
		return template_of_bool(r->loop_index == 0);
	case LOOP_LAST:
		return template_of_bool(r->loop_index + 1 == r->loop_length);
	case LOOP_LENGTH:
		return template_of_integer(r, r->loop_length);
	default:
		return template_of_integer(r, r->loop_index + (attribute == LOOP_INDEX));
	}
}

/* `:>6` of a format string; characters are counted. */
static struct value padded(struct render *r, const struct expr *e)
{
	struct value v = template_eval(r, e->left);
	struct text text = template_text(r, v);
	size_t length = 0, missing, before;
	char align = e->align ? e->align : v.kind == VALUE_NUMBER ? '>' : '<';
	struct buf out = BUF_INIT;

	for (size_t i = 0; i < text.len; i++)
		length += ((unsigned char)text.at[i] & 0xc0) != 0x80;
	missing = (size_t)e->number > length ? (size_t)e->number - length : 0;
	before = align == '<' ? 0 : align == '>' ? missing : missing / 2;
	for (size_t i = 0; i < missing + 1; i++) {
		if (i == before)
			buf_text(&out, text);
		if (i < missing)
			buf_char(&out, e->fill);
	}
	v = template_string_value(event_arena(r->ev), buf_view(&out));
	buf_free(&out);
	return v;
}

/* `!r`: a text in quotes. */
static struct value represented(struct render *r, const struct expr *e)
{
	struct value v = template_eval(r, e->left);
	struct buf out = BUF_INIT;

	repr_value(&out, v.kind == VALUE_NONE ? (struct value){ TEXT("null"), VALUE_NULL, false } : v);
	v = template_string_value(event_arena(r->ev), buf_view(&out));
	buf_free(&out);
	return v;
}

static struct value field_value(struct render *r, const struct expr *e)
{
	struct value v = facts_value(r->ev, e->field);

	if (e->required && v.kind == VALUE_NONE)
		return template_fail(r, e, "%.*s is absent", TEXT_ARGS(field_name(e->field)));
	if (e->none && v.kind == VALUE_NONE)
		return template_string_value(event_arena(r->ev), TEXT("None"));
	return v;
}

static struct value match_value(struct render *r, const struct expr *e)
{
	struct text match = r->matches ? r->matches[e->number] : NO_TEXT;

	/* A group that took no part prints as None. */
	return template_string_value(event_arena(r->ev), match.at ? match : TEXT("None"));
}

static struct value simple(struct render *r, const struct expr *e)
{
	switch (e->kind) {
	case EXPR_CONSTANT:
		return e->value;
	case EXPR_VARIABLE:
		return r->variables[e->number];
	case EXPR_FIELD:
		return field_value(r, e);
	case EXPR_MESSAGE:
		return whole_message(r);
	case EXPR_MATCH:
		return match_value(r, e);
	case EXPR_LOOP:
		return loop_value(r, e->number);
	case EXPR_PAD:
		return padded(r, e);
	case EXPR_REPR:
		return represented(r, e);
	case EXPR_LIST:
	case EXPR_MAP:
		return build(r, e);
	case EXPR_ITEMS:
	case EXPR_KEYS:
	case EXPR_VALUES:
		return take_apart(r, e);
	case EXPR_INDEX:
		return lookup(r, e);
	default:
		return arithmetic(r, e);
	}
}

struct value template_eval(struct render *r, const struct expr *e)
{
	struct value v = NO_VALUE;

	switch (e->kind) {
	case EXPR_NOT:
		v = template_eval(r, e->left);
		return template_of_bool(!value_is_true(v));
	case EXPR_NEGATE:
		return negated(r, e);
	case EXPR_AND:
	case EXPR_OR:
		v = template_eval(r, e->left);
		return value_is_true(v) == (e->kind == EXPR_OR) ? v : template_eval(r, e->right);
	case EXPR_CHOICE:
		if (value_is_true(template_eval(r, e->right)))
			return template_eval(r, e->left);
		return e->third ? template_eval(r, e->third) : NO_VALUE;
	case EXPR_DEFINED:
		return template_of_bool(template_eval(r, e->left).kind != VALUE_NONE);
	case EXPR_IS_NONE:
		return template_of_bool(template_eval(r, e->left).kind == VALUE_NULL);
	case EXPR_GET:
		v = lookup(r, e);
		return v.kind != VALUE_NONE ? v
		       : e->third           ? template_eval(r, e->third)
					    : (struct value){ TEXT("null"), VALUE_NULL, false };
	case EXPR_FILTER:
		v = template_eval(r, e->left);
		return r->failed ? NO_VALUE : template_filter(r, e, v);
	case EXPR_EQUAL:
	case EXPR_UNEQUAL:
	case EXPR_LESS:
	case EXPR_LESS_EQUAL:
	case EXPR_GREATER:
	case EXPR_GREATER_EQUAL:
	case EXPR_IN:
	case EXPR_NOT_IN:
		return compare(r, e);
	default:
		return simple(r, e);
	}
}
