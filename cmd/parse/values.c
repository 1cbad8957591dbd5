/* Steps that make numbers and JSON values, and those that look into arrays and objects. */
#include <math.h>
#include <stdlib.h>

#include "repr.h"
#include "steps.h"

static enum outcome number(struct session *s, struct cell *cell, bool whole)
{
	struct text t = text_trim(cell->text);
	struct value v;
	struct value_error unused;
	long long n;
	double d;

	if (whole && text_integer(t, &n)) {
		buf_clear(&s->work);
		buf_integer(&s->work, n);
		*cell = (struct cell){ arena_text(&s->arena, buf_view(&s->work)), VALUE_NUMBER };
		return STEP_FINE;
	}
	if (whole || !value_parse(t, &v, &unused) || !value_double(v, &d))
		return step_fail(s, whole ? "not an integer" : "not a number", cell->text);
	*cell = (struct cell){ v.raw, VALUE_NUMBER };
	return STEP_FINE;
}

static enum outcome boolean(struct cell *cell)
{
	static const struct { const char *word; bool yes; } words[] = { { "true", true }, { "yes", true },
		{ "y", true }, { "1", true }, { "on", true }, { "enabled", true }, { "false", false },
		{ "no", false }, { "n", false }, { "0", false }, { "off", false }, { "disabled", false } };

	for (size_t i = 0; i < LENGTH(words); i++)
		if (text_eq_nocase(cell->text, text_of(words[i].word))) {
			*cell = words[i].yes ? (struct cell){ TEXT("true"), VALUE_TRUE } :
					       (struct cell){ TEXT("false"), VALUE_FALSE };
			return STEP_FINE;
		}
	return STEP_NOTHING;
}

static enum outcome parse_json(struct session *s, struct cell *cell)
{
	struct value v;
	struct value_error error;

	if (!value_parse(cell->text, &v, &error))
		return step_fail(s, "not JSON", cell->text);
	*cell = json_cell(v, &s->arena);
	return v.kind == VALUE_NULL ? STEP_NOTHING : STEP_FINE;
}

/* False: no number. *WHOLE stays only if it is an integer. */
static bool read_number(struct text t, double *d, bool *whole)
{
	struct value v;
	struct value_error unused;

	if (!value_parse(text_trim(t), &v, &unused) || !value_double(v, d))
		return false;
	*whole &= repr_is_integer(v.raw);
	return true;
}

static enum outcome arithmetic(struct session *s, const struct step *step, struct cell *cell)
{
	bool whole = step->kind != STEP_DIVIDE;
	double a, b = step->number;
	struct cell other;

	if (!read_number(cell->text, &a, &whole))
		return step_fail(s, "not a number", cell->text);
	other = step->source ? source_get(s, step->source, s->record) : NO_CELL;
	if (other.kind != VALUE_NONE && other.kind != VALUE_NULL) {
		if (!read_number(other.text, &b, &whole))
			return step_fail(s, "not a number", other.text);
	} else {
		whole &= b == floor(b);
	}
	a = step->kind == STEP_MULTIPLY ? a * b : step->kind == STEP_DIVIDE ? a / b : a + b;
	if (!isfinite(a))
		return step_fail(s, "beyond all numbers", cell->text);
	buf_clear(&s->work);
	if (whole && fabs(a) < 9007199254740992.0)
		buf_integer(&s->work, (long long)a);
	else
		buf_double(&s->work, a);
	*cell = (struct cell){ arena_text(&s->arena, buf_view(&s->work)), VALUE_NUMBER };
	return STEP_FINE;
}

static struct value value_of(struct cell cell)
{
	return (struct value){ cell.text, cell.kind, false };
}

static enum outcome first(struct session *s, const struct step *step, struct cell *cell)
{
	struct value_walk walk = value_walk(value_of(*cell));
	struct value element;

	if (cell->kind != VALUE_ARRAY)
		return !step->test || tests_hold(s, step->test, *cell) ? STEP_FINE : STEP_NOTHING;
	while (value_next(&walk, &element)) {
		struct cell candidate = json_cell(element, &s->arena);

		if (!step->test || tests_hold(s, step->test, candidate)) {
			*cell = candidate;
			return STEP_FINE;
		}
	}
	return STEP_NOTHING;
}

static enum outcome single(struct session *s, struct cell *cell)
{
	struct value_walk walk = value_walk(value_of(*cell));
	struct value element, second;

	if (cell->kind == VALUE_ARRAY && value_next(&walk, &element) && !value_next(&walk, &second))
		*cell = json_cell(element, &s->arena);
	return STEP_FINE;
}

/* JSON text made anew in the session's work buffer. */
static void take_work(struct session *s, struct cell *cell, enum value_kind kind)
{
	*cell = (struct cell){ arena_text(&s->arena, buf_view(&s->work)), kind };
}

static void add_cell(struct buf *out, struct cell cell)
{
	if (cell.kind == VALUE_STRING)
		buf_json(out, cell.text);
	else
		buf_text(out, cell.text);
}

static enum outcome keys(struct session *s, struct cell *cell)
{
	struct value_walk walk = value_walk(value_of(*cell));
	struct value key, member;

	if (cell->kind != VALUE_OBJECT)
		return STEP_NOTHING;
	buf_clear(&s->work);
	buf_char(&s->work, '[');
	while (value_next_member(&walk, &key, &member)) {
		buf_string(&s->work, s->work.len > 1 ? "," : "");
		buf_text(&s->work, key.raw);
	}
	buf_char(&s->work, ']');
	take_work(s, cell, VALUE_ARRAY);
	return STEP_FINE;
}

/* `{"a":{"x":1}}` as `[{"x":1,"NAME":"a"}]`. */
static enum outcome entries(struct session *s, struct text name, struct cell *cell)
{
	struct value_walk walk = value_walk(value_of(*cell));
	struct value key, member;

	if (cell->kind != VALUE_OBJECT)
		return STEP_NOTHING;
	buf_clear(&s->work);
	buf_char(&s->work, '[');
	while (value_next_member(&walk, &key, &member)) {
		bool empty = member.kind == VALUE_OBJECT &&
			value_space(member.raw.at + 1, member.raw.at + member.raw.len) ==
				member.raw.at + member.raw.len - 1;
		struct path_step step = { name, PATH_KEY };

		if (member.kind != VALUE_OBJECT || json_path(member, &step, 1).kind != VALUE_NONE)
			return STEP_NOTHING;
		buf_string(&s->work, s->work.len > 1 ? "," : "");
		buf_add(&s->work, member.raw.at, member.raw.len - 1);
		buf_string(&s->work, empty ? "" : ",");
		buf_json(&s->work, name);
		buf_char(&s->work, ':');
		buf_text(&s->work, key.raw);
		buf_char(&s->work, '}');
	}
	buf_char(&s->work, ']');
	take_work(s, cell, VALUE_ARRAY);
	return STEP_FINE;
}

static enum outcome list(struct session *s, struct cell *cell)
{
	if (cell->kind == VALUE_ARRAY)
		return STEP_FINE;
	buf_clear(&s->work);
	buf_char(&s->work, '[');
	add_cell(&s->work, *cell);
	buf_char(&s->work, ']');
	take_work(s, cell, VALUE_ARRAY);
	return STEP_FINE;
}

static enum outcome join(struct session *s, struct text between, struct cell *cell)
{
	struct value_walk walk = value_walk(value_of(*cell));
	struct value element;
	size_t n = 0;

	if (cell->kind != VALUE_ARRAY)
		return STEP_FINE;
	buf_clear(&s->work);
	while (value_next(&walk, &element)) {
		if (n++)
			buf_text(&s->work, between);
		buf_text(&s->work, json_cell(element, &s->arena).text);
	}
	take_work(s, cell, VALUE_STRING);
	return STEP_FINE;
}

enum outcome step_value(struct session *s, const struct step *step, struct cell *cell)
{
	switch (step->kind) {
	case STEP_INTEGER:
	case STEP_FLOAT:
		return number(s, cell, step->kind == STEP_INTEGER);
	case STEP_BOOLEAN:
		return boolean(cell);
	case STEP_TEXT:
		cell->kind = VALUE_STRING;
		return STEP_FINE;
	case STEP_JSON:
		return parse_json(s, cell);
	case STEP_MULTIPLY:
	case STEP_DIVIDE:
	case STEP_ADD:
		return arithmetic(s, step, cell);
	case STEP_FIRST:
		return first(s, step, cell);
	case STEP_SINGLE:
		return single(s, cell);
	case STEP_LIST:
		return list(s, cell);
	case STEP_KEYS:
		return keys(s, cell);
	case STEP_ENTRIES:
		return entries(s, step->text, cell);
	case STEP_JOIN:
		return join(s, step->text, cell);
	default:
		return STEP_FINE;
	}
}
