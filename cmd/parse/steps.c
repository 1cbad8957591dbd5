/* What happens to a value between the record and the field. A step works on text; its result is a part of the
 * value, or stands in the session's arena, which lasts for the record. */
#include <stdlib.h>

#include "parse.h"

static bool is_in(char c, struct text set)
{
	return memchr(set.at, c, set.len) != NULL;
}

static struct text strip_of(struct text t, struct text set)
{
	while (t.len && is_in(t.at[0], set))
		t = text_from(t, 1);
	while (t.len && is_in(t.at[t.len - 1], set))
		t.len--;
	return t;
}

/* The first, or the last, WHAT in T; NULL: none. */
static const char *find(struct text t, struct text what, bool last)
{
	if (!last)
		return what.len ? memmem(t.at, t.len, what.at, what.len) : NULL;
	for (size_t i = t.len; what.len && i-- >= what.len;)
		if (memcmp(t.at + i + 1 - what.len, what.at, what.len) == 0)
			return t.at + i + 1 - what.len;
	return NULL;
}

/* Part INDEX of T. False: T has other parts than OF, or no such part. */
static bool part_of(struct text t, struct text at, long index, long of, struct text *part)
{
	long count = 1, want = index;
	struct text rest = t;
	const char *hit;

	while ((hit = find(rest, at, false))) {
		rest = text_from(rest, (size_t)(hit - rest.at) + at.len);
		count++;
	}
	if (want < 0)
		want += count;
	if ((of && count != of) || want < 0 || want >= count)
		return false;
	for (rest = t; want; want--)
		rest = text_from(rest, (size_t)(find(rest, at, false) - rest.at) + at.len);
	hit = find(rest, at, false);
	*part = hit ? (struct text){ rest.at, (size_t)(hit - rest.at) } : rest;
	return true;
}

static struct text cased(struct session *s, struct text t, char from, char to)
{
	char *copy = arena_bytes(&s->arena, t.len ? t.len : 1);

	for (size_t i = 0; i < t.len; i++)
		copy[i] = (char)(t.at[i] >= from && t.at[i] <= to ? t.at[i] ^ 0x20 : t.at[i]);
	return (struct text){ copy, t.len };
}

static struct text joined(struct session *s, struct text a, struct text b)
{
	char *p = arena_bytes(&s->arena, a.len + b.len + 1);

	memcpy(p, a.at, a.len);
	memcpy(p + a.len, b.at, b.len);
	return (struct text){ p, a.len + b.len };
}

/* T with every WHAT, or match of R, replaced by WITH. */
static struct text replaced(struct session *s, struct text t, struct text what, struct regex *r, struct text with)
{
	struct text hit;
	const char *at;

	buf_clear(&s->work);
	while (t.len) {
		if (r) {
			if (!regex_match(r, t, &hit, 1) || hit.len == 0)
				break;
		} else if ((at = find(t, what, false))) {
			hit = (struct text){ at, what.len };
		} else {
			break;
		}
		buf_add(&s->work, t.at, (size_t)(hit.at - t.at));
		buf_text(&s->work, with);
		t = text_from(t, (size_t)(hit.at - t.at) + hit.len);
	}
	buf_text(&s->work, t);
	return arena_text(&s->arena, buf_view(&s->work));
}

static struct text cut(struct text t, long characters)
{
	const char *p = t.at, *end = t.at + t.len;
	long left = characters < 0 ? -characters : characters;

	if (characters < 0) {
		while (end > p && left) {
			end--;
			left -= ((unsigned char)*end & 0xc0) != 0x80;
		}
		return (struct text){ t.at, (size_t)(end - t.at) };
	}
	for (; p < end; p++)
		if (((unsigned char)*p & 0xc0) != 0x80 && left-- == 0)
			break;
	return (struct text){ t.at, (size_t)(p - t.at) };
}

static enum outcome fail(struct session *s, const char *what, struct text t)
{
	buf_printf(&s->reason, "%s: ", what);
	buf_json(&s->reason, cut(t, 80));
	return STEP_FAIL;
}

static enum outcome translate(struct session *s, const struct table *table, struct cell *cell)
{
	for (size_t i = 0; i < table->count; i++)
		if (text_eq(table->rows[i].key, cell->text)) {
			*cell = table->rows[i].value;
			return STEP_FINE;
		}
	switch (table->unmapped) {
	case UNMAPPED_KEEP:
		return STEP_FINE;
	case UNMAPPED_SKIP:
		return STEP_NEXT;
	case UNMAPPED_DEFAULT:
		*cell = table->fallback;
		return STEP_FINE;
	case UNMAPPED_REJECT:
		break;
	}
	return fail(s, "unexpected value", cell->text);
}

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
		return fail(s, whole ? "not an integer" : "not a number", cell->text);
	*cell = (struct cell){ v.raw, VALUE_NUMBER };
	return STEP_FINE;
}

static enum outcome parse_json(struct session *s, struct cell *cell)
{
	struct value v;
	struct value_error error;

	if (!value_parse(cell->text, &v, &error))
		return fail(s, "not JSON", cell->text);
	*cell = json_cell(v, &s->arena);
	return v.kind == VALUE_NULL ? STEP_NOTHING : STEP_FINE;
}

static enum outcome convert_time(struct session *s, const struct when_format *when, struct cell *cell)
{
	buf_clear(&s->work);
	if (!when_convert(when, cell->text, &s->work))
		return fail(s, "not a time", cell->text);
	*cell = cell_of(arena_text(&s->arena, buf_view(&s->work)));
	return STEP_FINE;
}

/* The generic parser goes on with nothing where nothing matches: what that means, later steps decide. */
static enum outcome search(const struct step *step, struct cell *cell)
{
	struct text groups[2];

	if (!regex_match(step->regex, cell->text, groups, LENGTH(groups))) {
		*cell = (struct cell){ TEXT(""), VALUE_NULL };
		return step->generic ? STEP_FINE : STEP_NOTHING;
	}
	*cell = cell_of(!step->generic && regex_groups(step->regex) && groups[1].at ? groups[1] : groups[0]);
	return STEP_FINE;
}

/* Steps that make a text of a text. */
static struct text change(struct session *s, const struct step *step, struct text t)
{
	const char *hit;

	switch (step->kind) {
	case STEP_STRIP:
		return step->text.at ? strip_of(t, step->text) : text_trim(t);
	case STEP_LOWER:
		return cased(s, t, 'A', 'Z');
	case STEP_UPPER:
		return cased(s, t, 'a', 'z');
	case STEP_BEFORE:
	case STEP_BEFORE_LAST:
		hit = find(t, step->text, step->kind == STEP_BEFORE_LAST);
		return hit ? (struct text){ t.at, (size_t)(hit - t.at) } : t;
	case STEP_AFTER:
	case STEP_AFTER_LAST:
		hit = find(t, step->text, step->kind == STEP_AFTER_LAST);
		return hit ? text_from(t, (size_t)(hit - t.at) + step->text.len) : t;
	case STEP_CUT:
		return cut(t, step->index);
	case STEP_PREFIX:
		return joined(s, step->text, t);
	case STEP_SUFFIX:
		return joined(s, t, step->text);
	case STEP_SCHEME:
		return find(t, TEXT("://"), false) ? t : joined(s, step->text, t);
	case STEP_REMOVE:
		return find(t, step->text, false) ? replaced(s, t, step->text, NULL, TEXT("")) : t;
	case STEP_REPLACE:
		return replaced(s, t, NO_TEXT, step->regex, step->text);
	default:
		return t;
	}
}

static enum outcome run_one(struct session *s, const struct step *step, struct cell *cell)
{
	struct text part;

	switch (step->kind) {
	case STEP_PART:
		if (!part_of(cell->text, step->text, step->index, step->of, &part))
			return fail(s, "not of the wanted parts", cell->text);
		*cell = cell_of(part);
		return STEP_FINE;
	case STEP_SCHEME:
		if (cell->text.len == 0)
			return STEP_NEXT;
		*cell = cell_of(change(s, step, cell->text));
		return STEP_FINE;
	case STEP_SEARCH:
		return search(step, cell);
	case STEP_MAP:
		return translate(s, step->table, cell);
	case STEP_INTEGER:
	case STEP_FLOAT:
		return number(s, cell, step->kind == STEP_INTEGER);
	case STEP_JSON:
		return parse_json(s, cell);
	case STEP_TIME:
		return convert_time(s, step->when, cell);
	default:
		*cell = cell_of(change(s, step, cell->text));
		return STEP_FINE;
	}
}

enum outcome steps_run(struct session *s, const struct steps *steps, struct cell *cell)
{
	for (size_t i = 0; i < steps->count; i++) {
		enum outcome outcome = run_one(s, &steps->at[i], cell);

		if (outcome != STEP_FINE)
			return outcome;
	}
	return STEP_FINE;
}
