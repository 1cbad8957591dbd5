/* Conditions: tests of values, for records, rules, variants and steps. */
#include "parse.h"

struct text url_file(struct text url)
{
	for (size_t i = 0; i < url.len; i++)
		if (url.at[i] == '?' || url.at[i] == '#')
			url.len = i;
	for (size_t i = url.len; i; i--)
		if (url.at[i - 1] == '/')
			return text_from(url, i);
	return url;
}

bool cell_ignored(struct cell c)
{
	if (c.kind != VALUE_STRING)
		return c.kind == VALUE_NONE || c.kind == VALUE_NULL;
	return c.text.len == 0 || (c.text.len == 1 && c.text.at[0] == '-') ||
		(c.text.len == 3 && memcmp(c.text.at, "N/A", 3) == 0);
}

/* How many elements or members there are; characters of a text do not count. */
static double count_of(struct cell c)
{
	struct value v = { .raw = c.text, .kind = c.kind };
	struct value_walk walk = value_walk(v);
	struct value key, member;
	double n = 0;

	if (c.kind == VALUE_NONE || c.kind == VALUE_NULL)
		return 0;
	if (c.kind != VALUE_ARRAY && c.kind != VALUE_OBJECT)
		return 1;
	if (c.kind == VALUE_ARRAY)
		while (value_next(&walk, &member))
			n++;
	else
		while (value_next_member(&walk, &key, &member))
			n++;
	return n;
}

bool cell_true(struct cell c)
{
	double number;

	switch (c.kind) {
	case VALUE_NONE:
	case VALUE_NULL:
	case VALUE_FALSE:
		return false;
	case VALUE_TRUE:
		return true;
	case VALUE_NUMBER:
		return !value_double((struct value){ c.text, c.kind, false }, &number) || number != 0;
	case VALUE_STRING:
		return c.text.len > 0;
	default:
		return count_of(c) > 0;
	}
}

static bool text_test(enum test_kind kind, struct text value, struct text want)
{
	switch (kind) {
	case TEST_IS:
		return text_eq(value, want);
	case TEST_STARTS:
		return text_starts(value, want);
	case TEST_ENDS:
		return text_ends(value, want);
	case TEST_CONTAINS:
		return value.len >= want.len && (want.len == 0 || memmem(value.at, value.len, want.at, want.len));
	case TEST_FILE:
		return text_eq(url_file(value), want);
	default:
		return false;
	}
}

static bool number_of(struct cell cell, double *number)
{
	struct value v;
	struct value_error error;

	return cell.text.at && value_parse(text_trim(cell.text), &v, &error) && value_double(v, number);
}

static bool number_test(struct session *s, const struct condition *c, struct cell cell, const struct record *r)
{
	double number, limit = c->number;

	if (c->other && !number_of(source_get(s, c->other, r), &limit))
		return false;
	if (c->kind == TEST_COUNT)
		return count_of(cell) == limit;
	return number_of(cell, &number) && (c->kind == TEST_LEAST ? number >= limit : number <= limit);
}

/* Whether the field takes the value, after sanitising. */
static bool valid(struct session *s, enum field f, struct cell cell)
{
	size_t before = s->composed.len;
	bool fine = !cell_ignored(cell) && field_sanitise(f, cell.kind, cell.text, &s->composed) == FIELD_FINE;

	s->composed.len = before;
	return fine;
}

static bool passes(struct session *s, const struct condition *c, struct cell cell, const struct record *r)
{
	struct cell other;

	switch (c->kind) {
	case TEST_EMPTY:
		return cell.kind == VALUE_NONE || cell.kind == VALUE_NULL || cell.text.len == 0;
	case TEST_PRESENT:
		return cell.kind != VALUE_NONE;
	case TEST_TRUE:
		return cell_true(cell);
	case TEST_VALID:
		return valid(s, c->field, cell);
	case TEST_SAME:
		other = source_get(s, c->other, r);
		return (cell.kind == VALUE_NONE) == (other.kind == VALUE_NONE) && text_eq(cell.text, other.text);
	case TEST_MATCHES:
		return cell.kind != VALUE_NONE && regex_search(c->regex, cell.text);
	case TEST_LEAST:
	case TEST_MOST:
	case TEST_COUNT:
		return number_test(s, c, cell, r);
	default:
		break;
	}
	if (cell.kind == VALUE_NONE)
		return false;
	for (size_t i = 0; i < c->count; i++)
		if (text_test(c->kind, cell.text, c->values[i]))
			return true;
	return false;
}

bool conditions_hold(struct session *s, const struct conditions *conditions, const struct record *r)
{
	bool holds = true;

	for (size_t i = 0; i < conditions->count; i++) {
		const struct condition *c = &conditions->at[i];

		if (i && c->group != conditions->at[i - 1].group) {
			if (holds)
				return true;
			holds = true;
		}
		holds = holds && passes(s, c, source_get(s, &c->source, r), r) != c->negated;
	}
	return holds;
}

bool tests_hold(struct session *s, const struct conditions *tests, struct cell cell)
{
	struct cell before = s->current;
	bool holds;

	s->current = cell;
	holds = conditions_hold(s, tests, s->record);
	s->current = before;
	return holds;
}
