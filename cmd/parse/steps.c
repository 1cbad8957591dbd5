/* What happens to a value between the record and the field. A step works on text or on a JSON value (values.c); its
 * result is a part of the value, or stands in the session's arena, which lasts for the record. */
#include <stdlib.h>

#include "parse.h"
#include "steps.h"
#include "unicode.h"

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

static bool blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The next run of characters that are not blank; false: there is none. */
static bool next_word(struct text *rest, struct text *word)
{
	size_t n = 0;

	while (rest->len && blank(rest->at[0]))
		*rest = text_from(*rest, 1);
	while (n < rest->len && !blank(rest->at[n]))
		n++;
	*word = (struct text){ rest->at, n };
	*rest = text_from(*rest, n);
	return n > 0;
}

/* Word INDEX of T. False: there is no such word. */
static bool word_of(struct text t, long index, struct text *word)
{
	struct text rest = t;
	long count = 0;

	if (index < 0) {
		while (next_word(&rest, word))
			count++;
		index += count;
		rest = t;
	}
	while (index-- >= 0)
		if (!next_word(&rest, word))
			return false;
	return word->len > 0;
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

/* WITH, `\1` to `\9` standing for groups. */
static void add_replacement(struct buf *out, struct text with, const struct text *groups, size_t count)
{
	for (size_t i = 0; i < with.len; i++) {
		char next = i + 1 < with.len ? with.at[i + 1] : '\0';

		if (with.at[i] != '\\' || !groups || ((next < '1' || next > '9') && next != '\\')) {
			buf_char(out, with.at[i]);
			continue;
		}
		i++;
		if (next == '\\')
			buf_char(out, next);
		else if ((size_t)(next - '0') < count && groups[next - '0'].at)
			buf_text(out, groups[next - '0']);
	}
}

/* T with every match of R, or the first, replaced by WITH. */
static struct text replaced(struct session *s, struct text t, const struct step *step)
{
	struct text groups[10] = { NO_TEXT };

	buf_clear(&s->work);
	while (t.len) {
		if (!regex_match(step->regex, t, groups, LENGTH(groups)) || groups[0].len == 0)
			break;
		buf_add(&s->work, t.at, (size_t)(groups[0].at - t.at));
		add_replacement(&s->work, step->text, groups, regex_groups(step->regex) + 1);
		t = text_from(t, (size_t)(groups[0].at - t.at) + groups[0].len);
		if (step->index == 1)
			break;
	}
	buf_text(&s->work, t);
	return arena_text(&s->arena, buf_view(&s->work));
}

static struct text removed(struct session *s, struct text t, struct text what)
{
	const char *hit;

	buf_clear(&s->work);
	while ((hit = find(t, what, false))) {
		buf_add(&s->work, t.at, (size_t)(hit - t.at));
		t = text_from(t, (size_t)(hit - t.at) + what.len);
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

enum outcome step_fail(struct session *s, const char *what, struct text t)
{
	buf_clear(&s->reason);
	buf_printf(&s->reason, "%s: ", what);
	buf_json(&s->reason, cut(t, 80));
	return STEP_FAIL;
}

const struct table_row *table_find(const struct table *table, struct text key)
{
	size_t low = 0, high = table->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = text_cmp(key, table->rows[middle].key);

		if (order == 0)
			return &table->rows[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static enum outcome translate(struct session *s, const struct table *table, struct cell *cell)
{
	const struct table_row *row = table_find(table, cell->text);

	if (row) {
		*cell = row->value;
		return cell->kind == VALUE_NULL ? STEP_NOTHING : STEP_FINE;
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
	return step_fail(s, "unexpected value", cell->text);
}

static enum outcome convert_time(struct session *s, const struct step *step, struct cell *cell)
{
	buf_clear(&s->work);
	for (size_t i = 0; i < step->when_count; i++)
		if (when_convert(step->whens[i], cell->text, &s->work)) {
			*cell = cell_of(arena_text(&s->arena, buf_view(&s->work)));
			return STEP_FINE;
		}
	return step_fail(s, "not a time", cell->text);
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

static enum outcome unbase64(struct session *s, struct cell *cell)
{
	buf_clear(&s->work);
	if (!buf_unbase64(&s->work, cell->text) || !unicode_valid(buf_view(&s->work)))
		return step_fail(s, "not base64 of a text", cell->text);
	*cell = cell_of(arena_text(&s->arena, buf_view(&s->work)));
	return STEP_FINE;
}

static struct text base64(struct session *s, struct text t)
{
	buf_clear(&s->work);
	buf_base64(&s->work, t);
	return arena_text(&s->arena, buf_view(&s->work));
}

/* `192.000.002.061` as `192.0.2.61`; other texts stay. */
static struct text unpadded(struct session *s, struct text t)
{
	struct text rest = t, part;
	long long n;

	buf_clear(&s->work);
	while (text_split(&rest, '.', &part)) {
		if (!text_integer(text_trim(part), &n))
			return t;
		if (s->work.len)
			buf_char(&s->work, '.');
		buf_integer(&s->work, n);
	}
	return arena_text(&s->arena, buf_view(&s->work));
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
		return find(t, step->text, false) ? removed(s, t, step->text) : t;
	case STEP_REPLACE:
		return replaced(s, t, step);
	case STEP_UNPAD:
		return unpadded(s, t);
	case STEP_BASE64:
		return base64(s, t);
	default:
		return t;
	}
}

static enum outcome test_step(struct session *s, const struct step *step, struct cell *cell)
{
	bool holds = tests_hold(s, step->test, *cell);

	switch (step->kind) {
	case STEP_NONE:
	case STEP_EXCEPT:
		return holds ? STEP_NOTHING : STEP_FINE;
	case STEP_ONLY:
		return holds ? STEP_FINE : STEP_NOTHING;
	default:
		return holds ? STEP_FINE : step_fail(s, "unexpected value", cell->text);
	}
}

static enum outcome run_one(struct session *s, const struct step *step, struct cell *cell)
{
	struct text part;

	switch (step->kind) {
	case STEP_PART:
	case STEP_WORD:
		if (step->kind == STEP_PART ? !part_of(cell->text, step->text, step->index, step->of, &part) :
					      !word_of(cell->text, step->index, &part))
			return step_fail(s, "not of the wanted parts", cell->text);
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
	case STEP_TIME:
		return convert_time(s, step, cell);
	case STEP_UNBASE64:
		return unbase64(s, cell);
	case STEP_NONE:
	case STEP_ONLY:
	case STEP_EXCEPT:
	case STEP_ASSERT:
		return test_step(s, step, cell);
	case STEP_URL:
	case STEP_RESOLVE:
		return step_url(s, step, cell);
	default:
		if (step->kind >= STEP_FIRST || (step->kind >= STEP_INTEGER && step->kind <= STEP_JSON) ||
			(step->kind >= STEP_MULTIPLY && step->kind <= STEP_ADD))
			return step_value(s, step, cell);
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
