/* Runs a program on a record: for each rule finds the value, takes it through its steps and writes it, by the type
 * of its field, straight to the end of the output. What fails takes back all that the record has written. */
#include "log.h"
#include "driver.h"
#include "parse.h"

/* A template's result, in the arena. */
static struct cell expand(struct session *s, const struct template *t, const struct record *r)
{
	struct buf *out = &s->composed;

	buf_clear(out);
	for (size_t i = 0; i < t->count; i++) {
		const struct template_part *part = &t->parts[i];
		struct cell cell;
		int pad;

		if (part->constant) {
			buf_text(out, part->text);
			continue;
		}
		cell = source_get(s, &part->source, r);
		if (cell.kind == VALUE_NONE)
			return NO_CELL;
		pad = part->width - (int)(cell.text.len < 1024 ? cell.text.len : 1024);
		for (int n = part->align == '>' ? pad : part->align == '^' ? pad / 2 : 0; n > 0; n--)
			buf_char(out, part->fill);
		buf_text(out, cell.text);
		for (int n = part->align == '<' ? pad : part->align == '^' ? pad - pad / 2 : 0; n > 0; n--)
			buf_char(out, part->fill);
	}
	return cell_of(arena_text(&s->arena, buf_view(out)));
}

struct cell source_get(struct session *s, const struct source *source, const struct record *r)
{
	size_t column;
	struct value v;

	switch (source->kind) {
	case SOURCE_VALUE:
		return source->value;
	case SOURCE_INPUT:
		column = s->program->inputs[source->number].column;
		return column < r->count ? r->cells[column] : NO_CELL;
	case SOURCE_RECORD:
		return cell_of(r->source);
	case SOURCE_LAST:
		return r->count ? r->cells[r->count - 1] : NO_CELL;
	case SOURCE_PIECE:
		return s->piece;
	case SOURCE_CAPTURE:
		return s->has_capture[source->number] ? cell_of(buf_view(&s->captured[source->number])) : NO_CELL;
	case SOURCE_REPORT:
		if (!s->report)
			return s->feed && source->field == F_FEED_URL && s->feed->url.at ?
				cell_of(s->feed->url) : NO_CELL;
		v = event_value(s->report, source->field);
		if (v.kind == VALUE_NONE)
			return NO_CELL;
		return (struct cell){ event_form(s->report, source->field), v.kind };
	case SOURCE_PARAMETER:
		return parameter_get(source->parameter);
	case SOURCE_TEMPLATE:
		return expand(s, source->template, r);
	}
	return NO_CELL;
}

/* The last path segment of a URL, without query and fragment. */
static struct text file_of(struct text url)
{
	for (size_t i = 0; i < url.len; i++)
		if (url.at[i] == '?' || url.at[i] == '#')
			url.len = i;
	for (size_t i = url.len; i; i--)
		if (url.at[i - 1] == '/')
			return text_from(url, i);
	return url;
}

static bool test(const struct condition *c, struct text value, struct text want)
{
	switch (c->kind) {
	case TEST_IS:
	case TEST_NOT:
		return text_eq(value, want);
	case TEST_STARTS:
		return text_starts(value, want);
	case TEST_ENDS:
		return text_ends(value, want);
	case TEST_CONTAINS:
		return value.len >= want.len && (want.len == 0 || memmem(value.at, value.len, want.at, want.len));
	case TEST_FILE:
		return text_eq(file_of(value), want);
	default:
		return false;
	}
}

static bool condition_holds(struct session *s, const struct condition *c, const struct record *r)
{
	struct cell cell = source_get(s, &c->source, r);
	bool empty = cell.kind == VALUE_NONE || cell.kind == VALUE_NULL || cell.text.len == 0;

	if (c->kind == TEST_EMPTY || c->kind == TEST_SET)
		return empty == (c->kind == TEST_EMPTY);
	if (cell.kind == VALUE_NONE)
		return c->kind == TEST_NOT;
	if (c->kind == TEST_MATCHES)
		return regex_search(c->regex, cell.text);
	for (size_t i = 0; i < c->count; i++)
		if (test(c, cell.text, c->values[i]))
			return c->kind != TEST_NOT;
	return c->kind == TEST_NOT;
}

bool conditions_hold(struct session *s, const struct conditions *conditions, const struct record *r)
{
	for (size_t i = 0; i < conditions->count; i++)
		if (!condition_holds(s, &conditions->at[i], r))
			return false;
	return true;
}

/* Null, "", "-" and "N/A" stand for nothing (data-format.md 3.1). */
static bool ignored(struct cell c)
{
	if (c.kind != VALUE_STRING)
		return c.kind == VALUE_NONE || c.kind == VALUE_NULL;
	return c.text.len == 0 || (c.text.len == 1 && c.text.at[0] == '-') ||
		(c.text.len == 3 && memcmp(c.text.at, "N/A", 3) == 0);
}

static bool fail_field(struct session *s, enum field f, const char *what)
{
	struct buf reason = BUF_INIT;

	buf_text(&reason, field_name(f));
	buf_printf(&reason, ": %s", what);
	if (s->reason.len) {
		buf_string(&reason, ": ");
		buf_text(&reason, buf_view(&s->reason));
	}
	buf_clear(&s->reason);
	buf_text(&s->reason, buf_view(&reason));
	buf_free(&reason);
	return false;
}

static enum field_verdict put(struct session *s, const struct target *t, struct cell cell)
{
	size_t before = s->out->len;
	enum field_verdict verdict = FIELD_FINE;

	buf_text(s->out, t->key);
	if (!t->free)
		verdict = field_sanitise(t->field, cell.kind, cell.text, s->out);
	else if (cell.kind == VALUE_STRING)
		buf_json(s->out, cell.text);
	else
		buf_text(s->out, cell.text);
	if (verdict != FIELD_FINE)
		s->out->len = before;
	return verdict;
}

/* Offers CELL to the rule's targets. */
static bool add(struct session *s, const struct rule *rule, struct cell cell)
{
	const struct target *refused = NULL;
	enum field_verdict verdict = FIELD_FINE, first = FIELD_FINE;
	struct cell offered = cell;

	for (size_t i = 0; i < rule->target_count; i++) {
		const struct target *t = &rule->targets[i];
		enum outcome outcome = t->steps.count ? steps_run(s, &t->steps, &cell) : STEP_FINE;

		if (outcome == STEP_FAIL)
			return fail_field(s, t->field, "cannot convert");
		if (outcome == STEP_NEXT)
			continue;
		if (t->field == F_NONE || outcome == STEP_NOTHING || (!rule->keep_empty && ignored(cell)))
			return true;
		if (s->set[t->slot])
			return fail_field(s, t->field, "set twice");
		verdict = put(s, t, cell);
		if (verdict == FIELD_FINE) {
			s->set[t->slot] = 1;
			return true;
		}
		if (!refused) {
			refused = t;
			first = verdict;
			offered = cell;
		}
	}
	if (rule->optional)
		return true;
	if (refused) {
		field_explain(refused->field, first, offered.kind, offered.text, &s->reason);
		return false;
	}
	return fail_field(s, rule->targets[0].field, "no translation for the value");
}

static bool missing(struct session *s, const struct rule *rule)
{
	return !rule->required || fail_field(s, rule->targets[0].field, "the record has no value for it");
}

/* What an empty value becomes: the default of a first `map` step. */
static bool has_default(const struct steps *steps)
{
	return steps->count && steps->at[steps->count - 1].kind == STEP_MAP &&
	       steps->at[steps->count - 1].table->unmapped == UNMAPPED_DEFAULT;
}

static bool run_rule(struct session *s, const struct rule *rule, const struct record *r)
{
	for (size_t i = 0; i < rule->choice_count; i++) {
		const struct choice *choice = &rule->choices[i];
		struct cell cell;

		if (choice->when.count && !conditions_hold(s, &choice->when, r))
			continue;
		cell = source_get(s, &choice->source, r);
		if (cell.kind == VALUE_NONE && has_default(&choice->steps))
			cell = cell_of(TEXT(""));
		if (cell.kind == VALUE_NONE || cell.kind == VALUE_NULL)
			continue;
		if (cell.kind == VALUE_STRING && cell.text.len == 0 && !rule->keep_empty &&
			!has_default(&choice->steps))
			continue;
		if (choice->steps.count) {
			enum outcome outcome = steps_run(s, &choice->steps, &cell);

			if (outcome == STEP_FAIL && rule->optional) {
				buf_clear(&s->reason);
				return true;
			}
			if (outcome == STEP_FAIL)
				return fail_field(s, rule->targets[0].field, "cannot convert");
			if (outcome == STEP_NOTHING || outcome == STEP_NEXT)
				return missing(s, rule);
		}
		return add(s, rule, cell);
	}
	return missing(s, rule);
}

static void put_raw(struct session *s, const struct record *r)
{
	enum raw_policy policy = s->program->raw;
	struct buf *b = &s->work;

	if (policy == RAW_NONE)
		return;
	buf_string(s->out, ",\"raw\":\"");
	buf_clear(b);
	if (policy == RAW_CSV)
		csv_rewrite(s, r, b);
	else if (policy == RAW_COMMENTS && s->comments.len)
		buf_text(b, buf_view(&s->comments));
	else if (policy == RAW_FIRST_LINE && s->first_line.len)
		buf_text(b, buf_view(&s->first_line));
	if (policy >= RAW_JSON && policy <= RAW_JSON_ARRAY_SORTED) {
		bool array = policy == RAW_JSON_ARRAY || policy == RAW_JSON_ARRAY_SORTED;

		buf_string(b, array ? "[" : "");
		json_rewrite(s, r->json, policy == RAW_JSON_SORTED || policy == RAW_JSON_ARRAY_SORTED, b);
		buf_string(b, array ? "]" : "");
	}
	if (b->len && policy <= RAW_FIRST_LINE) {
		buf_char(b, '\n');
		buf_text(b, r->source);
	}
	buf_base64(s->out, b->len ? buf_view(b) : r->source);
	buf_char(s->out, '"');
}

/* Fields of the report and default_fields, where no rule has set them. */
static void put_late(struct session *s)
{
	for (size_t i = 0; i < s->late_count; i++)
		if (!s->set[s->lates[i].slot])
			buf_add(s->out, s->late.at + s->lates[i].at, s->lates[i].len);
}

static bool map_event(struct session *s, const struct record *r)
{
	const struct program *p = s->program;
	size_t start = s->out->len;

	if (p->target_count)
		memcpy(s->set, s->set_at_first, p->target_count);
	buf_text(s->out, buf_view(&s->prefix));
	for (size_t i = 0; i < p->rule_count; i++)
		if (!p->rules[i].constant && !run_rule(s, &p->rules[i], r))
			return false;
	put_raw(s, r);
	put_late(s);
	if (!s->prefix.len && s->out->len > start)
		s->out->at[start] = '{'; /* the comma of the first member */
	else if (!s->prefix.len)
		buf_char(s->out, '{');
	buf_string(s->out, "}\n");
	return true;
}

bool map_record(struct session *s, const struct record *r, unsigned *events)
{
	size_t start = s->out->len;
	struct text rest;

	*events = 0;
	buf_clear(&s->reason);
	if (!s->program->split_at.at) {
		*events = 1;
		if (map_event(s, r))
			return true;
	} else {
		struct cell whole = source_get(s, &s->program->split, r);
		struct text at = s->program->split_at;
		bool fine = true;

		rest = whole.kind == VALUE_NONE ? TEXT("") : whole.text;
		while (fine && rest.at) {
			const char *hit = memmem(rest.at, rest.len, at.at, at.len);

			s->piece = cell_of(hit ? (struct text){ rest.at, (size_t)(hit - rest.at) } : rest);
			fine = map_event(s, r);
			++*events;
			rest = hit ? text_from(rest, (size_t)(hit - rest.at) + at.len) : NO_TEXT;
		}
		if (fine)
			return true;
	}
	s->out->len = start;
	return false;
}
