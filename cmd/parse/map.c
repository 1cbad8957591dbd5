/* Runs a program on a record: for each rule finds the value, takes it through its steps and writes it, by the type
 * of its field, straight to the end of the output. What fails takes back all that the record has written. */
#include <stdlib.h>

#include "alloc.h"
#include "driver.h"
#include "log.h"
#include "nest.h"
#include "parse.h"

bool fail_field(struct session *s, struct text name, const char *what)
{
	struct buf reason = BUF_INIT;

	buf_text(&reason, name);
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

/* Appends JSON text as part of a line: line ends in it are white space between its tokens. */
static void put_json(struct buf *out, struct text json)
{
	while (json.len) {
		size_t run = 0;

		while (run < json.len && json.at[run] != '\n' && json.at[run] != '\r')
			run++;
		buf_add(out, json.at, run);
		json = text_from(json, run + 1);
	}
}

/* A value of a field without a type. */
static void put_free(struct buf *out, struct cell cell)
{
	if (cell.kind == VALUE_STRING)
		buf_json(out, cell.text);
	else if (cell.kind == VALUE_ARRAY || cell.kind == VALUE_OBJECT)
		put_json(out, cell.text);
	else
		buf_text(out, cell.text);
}

enum field_verdict field_put(struct session *s, enum field f, size_t slot, struct text key, struct cell cell, bool as_is)
{
	size_t before = s->out->len;
	enum field_verdict verdict = FIELD_FINE;
	bool free = f == F_NONE || (field_is_extra(f) && !field_type(f));

	buf_text(s->out, key);
	if (!free && !(as_is && field_valid(f, cell.kind, cell.text) == FIELD_FINE))
		verdict = field_sanitise(f, cell.kind, cell.text, s->out);
	else
		put_free(s->out, cell);
	if (verdict != FIELD_FINE) {
		s->out->len = before;
		return verdict;
	}
	s->anything = true;
	if (s->program->places && slot != SIZE_MAX) {
		if (s->set[slot] && s->placed[slot].len) {
			size_t gone = s->placed[slot].len;

			field_remove(s, slot);
			before -= gone;
		}
		s->placed[slot] = (struct placed){ before, s->out->len - before };
	}
	return FIELD_FINE;
}

void field_remove(struct session *s, size_t slot)
{
	struct placed gone = s->placed[slot];

	memmove(s->out->at + gone.at, s->out->at + gone.at + gone.len, s->out->len - gone.at - gone.len);
	s->out->len -= gone.len;
	for (size_t i = 0; i < s->program->target_count; i++)
		if (s->placed[i].len && s->placed[i].at > gone.at)
			s->placed[i].at -= gone.len;
	s->placed[slot].len = 0;
}

static bool is_optional(const struct rule *rule)
{
	return rule->optional || (rule->optional_by && parameter_get(rule->optional_by).kind == VALUE_TRUE);
}

/* field_put() where nobody asks what the event has: the fast way. */
static enum field_verdict put(struct session *s, const struct target *t, struct cell cell)
{
	size_t before = s->out->len;
	enum field_verdict verdict = FIELD_FINE;

	buf_text(s->out, t->key);
	if (!t->free)
		verdict = field_sanitise(t->field, cell.kind, cell.text, s->out);
	else
		put_free(s->out, cell);
	if (verdict != FIELD_FINE)
		s->out->len = before;
	else
		s->anything = true;
	return verdict;
}

enum added { ADDED, LEFT_OUT, FAILED };

/* The target has a value already: whether the next may be added. */
static enum added occupied(struct session *s, const struct rule *rule, const struct target *t)
{
	if (rule->keep)
		return LEFT_OUT;
	if (rule->overwrite)
		return ADDED;
	fail_field(s, field_name(t->field), "set twice");
	return FAILED;
}

/* Offers CELL to the rule's targets. */
static enum added add(struct session *s, const struct rule *rule, struct cell cell)
{
	const struct target *refused = NULL;
	enum field_verdict verdict = FIELD_FINE, first = FIELD_FINE;
	struct cell offered = cell;

	for (size_t i = 0; i < rule->target_count; i++) {
		const struct target *t = &rule->targets[i];
		enum outcome outcome = t->steps.count ? steps_run(s, &t->steps, &cell) : STEP_FINE;

		if (outcome == STEP_FAIL) {
			fail_field(s, field_name(t->field), "cannot convert");
			return FAILED;
		}
		if (outcome == STEP_NEXT)
			continue;
		if (t->field == F_NONE || outcome == STEP_NOTHING)
			return LEFT_OUT;
		if (!rule->keep_empty && cell_ignored(cell)) {
			if (!rule->ignored_next)
				return LEFT_OUT;
			continue;
		}
		if (s->set[t->slot]) {
			enum added may = occupied(s, rule, t);

			if (may != ADDED)
				return may;
		}
		verdict = rule->as_is || s->program->places ?
			field_put(s, t->field, t->slot, t->key, cell, rule->as_is) : put(s, t, cell);
		if (verdict == FIELD_FINE) {
			s->set[t->slot] = 1;
			return ADDED;
		}
		if (!refused) {
			refused = t;
			first = verdict;
			offered = cell;
		}
	}
	if (is_optional(rule))
		return LEFT_OUT;
	if (refused)
		field_explain(refused->field, first, offered.kind, offered.text, &s->reason);
	else
		fail_field(s, field_name(rule->targets[0].field), "no translation for the value");
	return FAILED;
}

static bool missing(struct session *s, const struct rule *rule)
{
	return !rule->required ||
	       fail_field(s, field_name(rule->targets[0].field), "the record has no value for it");
}

/* What an empty value becomes: the default of a last `map` step. */
static bool has_default(const struct steps *steps)
{
	return steps->count && steps->at[steps->count - 1].kind == STEP_MAP &&
	       steps->at[steps->count - 1].table->unmapped == UNMAPPED_DEFAULT;
}

/* The value of a choice, through its steps. LEFT_OUT: there is none. */
static enum added choose_value(
	struct session *s, const struct rule *rule, const struct choice *choice, const struct record *r, struct cell *cell)
{
	if (choice->source.kind == SOURCE_INPUT) {
		size_t column = s->program->inputs[choice->source.number].column;

		*cell = column < r->count ? r->cells[column] : NO_CELL;
	} else {
		*cell = source_get(s, &choice->source, r);
	}
	if (cell->kind == VALUE_NONE && has_default(&choice->steps))
		*cell = cell_of(TEXT(""));
	if (cell->kind == VALUE_NONE || (cell->kind == VALUE_NULL && !rule->keep_empty))
		return LEFT_OUT;
	if (cell->kind == VALUE_STRING && cell->text.len == 0 && !rule->keep_empty && !has_default(&choice->steps))
		return LEFT_OUT;
	return ADDED;
}

static bool run_rule(struct session *s, const struct rule *rule, const struct record *r)
{
	for (size_t i = 0; i < rule->choice_count; i++) {
		const struct choice *choice = &rule->choices[i];
		enum added added;
		struct cell cell;

		if (choice->when.count && !conditions_hold(s, &choice->when, r))
			continue;
		if (choose_value(s, rule, choice, r, &cell) != ADDED)
			continue;
		if (choice->steps.count) {
			enum outcome outcome = steps_run(s, &choice->steps, &cell);

			if (outcome != STEP_FINE && choice->or_next) {
				buf_clear(&s->reason);
				continue;
			}
			if (outcome == STEP_FAIL && is_optional(rule)) {
				buf_clear(&s->reason);
				return true;
			}
			if (outcome == STEP_FAIL)
				return fail_field(s, field_name(rule->targets[0].field), "cannot convert");
			if (outcome == STEP_NOTHING || outcome == STEP_NEXT)
				return missing(s, rule);
		}
		added = add(s, rule, cell);
		if (added == ADDED || !choice->or_next)
			return added != FAILED;
		buf_clear(&s->reason);
	}
	return missing(s, rule);
}

static bool run_rules(struct session *s, const struct rule *rules, size_t count, const struct record *r)
{
	for (size_t i = 0; i < count; i++)
		if (!rules[i].constant && !run_rule(s, &rules[i], r))
			return false;
	return true;
}

/* The rules that a value chooses. *DROP: there is to be no event. */
static bool run_choosing(struct session *s, const struct choosing *c, const struct record *r, bool *drop)
{
	const struct chosen *chosen = &c->other;
	struct cell cell;
	enum outcome outcome;

	if (!conditions_hold(s, &c->when, r))
		return true;
	cell = source_get(s, &c->source, r);
	outcome = cell.kind != VALUE_NONE && c->steps.count ? steps_run(s, &c->steps, &cell) : STEP_FINE;
	if (outcome == STEP_FAIL)
		return fail_field(s, TEXT("choose"), "cannot convert");
	if (outcome == STEP_FINE && cell.kind != VALUE_NONE)
		for (size_t i = 0; i < c->case_count; i++)
			if (text_eq(c->cases[i].key, cell.text)) {
				chosen = &c->cases[i];
				break;
			}
	if (chosen->action == CASE_DROP)
		*drop = true;
	if (chosen->action == CASE_REJECT) {
		buf_string(&s->reason, "unexpected value: ");
		buf_json(&s->reason, (struct text){ cell.text.at, cell.text.len < 80 ? cell.text.len : 0 });
		return false;
	}
	return run_rules(s, chosen->rules, chosen->rule_count, r);
}

/* What is put in front of the record: comment lines, or the header. */
static void raw_lines(struct session *s, const struct record *r, enum raw_policy policy, struct buf *b)
{
	struct text stripped;

	switch (policy) {
	case RAW_COMMENTS:
	case RAW_FIRST_LINE:
		buf_text(b, buf_view(policy == RAW_COMMENTS ? &s->comments : &s->first_line));
		if (b->len) {
			buf_char(b, '\n');
			buf_text(b, r->source);
		}
		break;
	case RAW_CSV:
		csv_rewrite(s, r, b);
		break;
	case RAW_CSV_STRIPPED:
		csv_rewrite(s, r, b);
		stripped = text_trim(buf_view(b));
		memmove(b->at, stripped.at, stripped.len);
		b->len = stripped.len;
		break;
	case RAW_HEADER_LINE:
		buf_text(b, text_trim(buf_view(&s->csv_header)));
		buf_char(b, '\n');
		buf_text(b, r->source);
		buf_text(b, r->line_end);
		break;
	default:
		break;
	}
}

/* As IntelMQ writes JSON into raw (parsers-1.md 2.8). */
static void raw_json(struct session *s, const struct record *r, enum raw_policy policy, struct buf *b)
{
	bool array = policy == RAW_JSON_ARRAY || policy == RAW_JSON_ARRAY_SORTED;
	bool sorted = policy == RAW_JSON_SORTED || policy == RAW_JSON_ARRAY_SORTED || policy == RAW_PIECE_SORTED;
	struct value v = policy == RAW_PIECE || policy == RAW_PIECE_SORTED ? s->piece_value :
			 r->original.kind ? r->original : r->json;

	buf_string(b, array ? "[" : "");
	(sorted ? nest_sorted : nest_value)(b, v, &s->arena);
	buf_string(b, array ? "]" : "");
}

static void put_raw(struct session *s, const struct mapping *m, const struct record *r)
{
	enum raw_policy policy = m->raw;
	struct buf *b = &s->work;

	if (policy == RAW_NONE || s->raw_given)
		return;
	buf_string(s->out, ",\"raw\":");
	if (policy == RAW_DOCUMENT && s->document.at) {
		buf_json(s->out, s->document);
		return;
	}
	buf_clear(b);
	if (policy == RAW_RECORD && r->self.kind == VALUE_STRING)
		buf_text(b, r->self.text);
	else if ((policy == RAW_PIECE || policy == RAW_PIECE_SORTED) &&
		(s->piece_value.kind == VALUE_NONE || s->piece_value.kind == VALUE_STRING))
		buf_text(b, s->piece.text);
	else if (policy >= RAW_JSON && policy <= RAW_PIECE_SORTED)
		raw_json(s, r, policy, b);
	else
		raw_lines(s, r, policy, b);
	buf_char(s->out, '"');
	buf_base64(s->out, b->len ? buf_view(b) : r->source);
	buf_char(s->out, '"');
}

/* Fields of the report and default_fields, where no rule has set them. */
static void put_late(struct session *s)
{
	for (size_t i = 0; i < s->late_count; i++) {
		const struct late *late = &s->lates[i];

		if (late->slot != SIZE_MAX ? !s->set[late->slot] : !names_has(s, field_name(late->field)))
			buf_add(s->out, s->late.at + late->at, late->len);
	}
}

static void begin_event(struct session *s)
{
	const struct program *p = s->program;

	s->event_start = s->out->len;
	s->anything = s->raw_given = false;
	if (p->target_count)
		memcpy(s->set, s->set_at_first, p->target_count);
	if (p->places)
		memset(s->placed, 0, p->target_count * sizeof *s->placed);
	if (p->dynamic)
		names_clear(s);
	buf_text(s->out, buf_view(&s->prefix));
}

static void end_event(struct session *s, const struct mapping *m, const struct record *r)
{
	put_raw(s, m, r);
	put_late(s);
	if (!s->prefix.len && s->out->len > s->event_start)
		s->out->at[s->event_start] = '{'; /* the comma of the first member */
	else if (!s->prefix.len)
		buf_char(s->out, '{');
	buf_string(s->out, "}\n");
}

/* Bytes of all events of a record, which go out together: `raw` of many may be the whole document each. */
enum { EVENTS_SIZE_MAX = 128 << 20 };

/* Makes the event of the piece in hand, or none. False: the session's reason says why it cannot be made. */
static bool map_event(struct session *s, const struct mapping *m, const struct record *r, size_t *events)
{
	bool drop = false;

	if (m->drop.count && conditions_hold(s, &m->drop, r))
		return true;
	if (m->require.count && !conditions_hold(s, &m->require, r)) {
		buf_string(&s->reason, "the record is not as the definition requires");
		return false;
	}
	begin_event(s);
	for (size_t i = 0; i < m->choosing_count && !drop; i++)
		if (!run_choosing(s, &m->choosings[i], r, &drop))
			return false;
	if (!drop && !run_rules(s, m->rules, m->rule_count, r))
		return false;
	for (size_t i = 0; i < m->pass_count && !drop; i++)
		if (!pass_run(s, m, &m->passes[i], r))
			return false;
	if (drop || (m->drop_empty && !s->anything) || (m->discard.count && conditions_hold(s, &m->discard, r))) {
		s->out->len = s->event_start;
		return true;
	}
	end_event(s, m, r);
	++*events;
	if (s->out->len - s->record_start <= EVENTS_SIZE_MAX)
		return true;
	buf_string(&s->reason, "its events are more than can be held");
	return false;
}

/* ---- several events of one record ---- */

struct fanning {
	const struct mapping *m;
	const struct record *r;
	size_t *events;
	bool isolate;
	struct text whole; /* the array that isolated elements stand in */
};

/* A piece that fails alone: the record with nothing but it. */
static void reject_piece(struct session *s, const struct fanning *f, struct value v)
{
	const struct record *r = f->r;
	struct record alone = *r;
	struct buf text = BUF_INIT;
	const char *start = r->source.at, *end = start + r->source.len;

	if (v.raw.at >= start && v.raw.at < end && f->whole.at >= start && f->whole.at < end) {
		buf_add(&text, start, (size_t)(f->whole.at - start));
		buf_char(&text, '[');
		buf_text(&text, v.raw);
		buf_char(&text, ']');
		buf_add(&text, f->whole.at + f->whole.len, (size_t)(end - f->whole.at - f->whole.len));
		alone.source = buf_view(&text);
	}
	s->reject(s, &alone, buf_view(&s->reason));
	buf_clear(&s->reason);
	buf_free(&text);
}

static bool fan_piece(struct session *s, const struct fanning *f)
{
	size_t start = s->out->len;

	s->piece_number++;
	if (map_event(s, f->m, f->r, f->events))
		return true;
	if (!f->isolate)
		return false;
	s->out->len = start;
	s->pieces_rejected++;
	reject_piece(s, f, s->piece_value);
	return true;
}

static bool fan_value(struct session *s, struct value v, void *context)
{
	const struct fanning *f = context;
	const struct fan *fan = &f->m->fan;

	s->piece = json_cell(v, &s->arena);
	s->piece_value = v;
	if (fan->skip_empty && !cell_true(s->piece))
		return true;
	return fan_piece(s, f);
}

static bool collect(struct session *s, struct value v, void *context)
{
	const struct fanning *f = context;

	if (f->m->fan.skip_empty && !cell_true(json_cell(v, &s->arena)))
		return true;
	alloc_grow(&s->pieces, &s->piece_cap, s->piece_count + 1, sizeof *s->pieces);
	s->pieces[s->piece_count++] = v;
	return true;
}

static int by_text(const void *a, const void *b)
{
	const struct value *left = a, *right = b;

	if (left->kind == VALUE_STRING && right->kind == VALUE_STRING)
		return text_cmp(value_inside(*left), value_inside(*right));
	return text_cmp(left->raw, right->raw);
}

/* The array that a path with one wildcard, its last step, leads to. */
static struct text array_of(const struct record *r, const struct fan_path *path)
{
	for (size_t i = 0; i + 1 < path->depth; i++)
		if (path->path[i].index < PATH_KEY)
			return NO_TEXT;
	if (path->path[path->depth - 1].index != PATH_ELEMENTS)
		return NO_TEXT;
	return json_path(r->json, path->path, path->depth - 1).raw;
}

static bool fan_each(struct session *s, struct fanning *f)
{
	const struct fan *fan = &f->m->fan;

	s->piece_count = 0;
	for (size_t i = 0; i < fan->path_count; i++) {
		const struct fan_path *path = &fan->paths[i];

		f->whole = fan->isolate ? array_of(f->r, path) : NO_TEXT;
		if (!path_each(s, f->r->json, path->path, path->depth, fan->sorted ? collect : fan_value, f))
			return false;
	}
	if (s->piece_count)
		qsort(s->pieces, s->piece_count, sizeof *s->pieces, by_text);
	for (size_t i = 0; i < s->piece_count; i++)
		if ((i == 0 || !text_eq(s->pieces[i].raw, s->pieces[i - 1].raw)) && !fan_value(s, s->pieces[i], f))
			return false;
	return true;
}

static bool fan_split(struct session *s, const struct fanning *f)
{
	const struct fan *fan = &f->m->fan;
	struct cell whole = source_get(s, &fan->source, f->r);
	struct text rest;

	if (whole.kind != VALUE_NONE && fan->steps.count && steps_run(s, &fan->steps, &whole) == STEP_FAIL)
		return fail_field(s, TEXT("split"), "cannot convert");
	rest = whole.kind == VALUE_NONE ? TEXT("") : whole.text;
	while (rest.at) {
		const char *hit = memmem(rest.at, rest.len, fan->at.at, fan->at.len);
		struct text piece = hit ? (struct text){ rest.at, (size_t)(hit - rest.at) } : rest;

		if (fan->strip)
			piece = text_trim(piece);
		s->piece = cell_of(piece);
		rest = hit ? text_from(rest, (size_t)(hit - rest.at) + fan->at.len) : NO_TEXT;
		if (fan->skip_empty && piece.len == 0)
			continue;
		if (!fan_piece(s, f))
			return false;
	}
	return true;
}

static bool map_one(struct session *s, const struct mapping *m, const struct record *r, size_t *events)
{
	struct fanning f = { m, r, events, m->fan.isolate, NO_TEXT };
	size_t before = s->pieces_rejected;

	s->piece = NO_CELL;
	s->piece_value = NO_VALUE;
	s->piece_number = 0;
	if (!conditions_hold(s, &m->when, r))
		return true;
	if (m->fan.kind == FAN_NONE)
		return map_event(s, m, r, events);
	if (!conditions_hold(s, &m->fan.when, r)) {
		s->piece = source_get(s, &m->fan.source, r);
		return map_event(s, m, r, events);
	}
	if (m->fan.kind == FAN_EACH ? !fan_each(s, &f) : !fan_split(s, &f))
		return false;
	if (s->piece_number || !m->fan.or_once || before != s->pieces_rejected)
		return true;
	s->piece = NO_CELL;
	s->piece_value = NO_VALUE;
	return map_event(s, m, r, events);
}

bool map_record(struct session *s, const struct record *r, size_t *events)
{
	const struct program *p = s->program;
	size_t start = s->out->len;
	bool fine = true;

	*events = 0;
	s->record_start = start;
	s->record = r;
	s->pieces_rejected = 0;
	buf_clear(&s->reason);
	if (p->others != OTHERS_IGNORE)
		fine = others_checked(s, r);
	for (size_t i = 0; i < p->mapping_count && fine; i++)
		fine = map_one(s, &p->mappings[i], r, events);
	if (!fine)
		s->out->len = start;
	return fine;
}
