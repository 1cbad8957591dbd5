/* A session: one definition at work on one document after the other. */
#include <stdlib.h>

#include "alloc.h"
#include "driver.h"
#include "jq_program.h"
#include "log.h"
#include "opt.h"
#include "parse.h"

enum { COMMENTS_MAX = 64 * 1024 /* bytes of comment lines kept for raw and rejects */ };

void session_init(struct session *s, const struct definition *d, struct buf *out)
{
	*s = (struct session){ .definition = d, .out = out };
}

void session_free(struct session *s)
{
	struct buf *const bufs[] = { &s->observation, &s->prefix, &s->late, &s->comments, &s->first_line,
		&s->csv_header, &s->header_text, &s->glue, &s->key_text, &s->work, &s->composed, &s->reason, &s->row.text, &s->again.text };

	for (size_t i = 0; i < LENGTH(bufs); i++)
		buf_free(bufs[i]);
	for (size_t i = 0; i < s->capture_room; i++)
		buf_free(&s->captured[i]);
	free(s->captured);
	free(s->has_capture);
	free(s->lates);
	free(s->set);
	free(s->set_at_first);
	free(s->placed);
	free(s->header);
	free(s->pieces);
	free(s->names.at);
	free(s->row.at);
	free(s->again.at);
	arena_free(&s->arena);
	/* Last: the program in use may be its own. */
	if (s->program && s->program->driver && s->program->driver->stop && s->driver_state)
		s->program->driver->stop(s);
}

struct cell *session_cells(struct session *s, size_t n)
{
	if (n > s->row.cap)
		alloc_grow(&s->row.at, &s->row.cap, n, sizeof *s->row.at);
	return s->row.at;
}

size_t slot_of(const struct program *p, enum field f)
{
	for (size_t i = 0; i < p->target_count; i++)
		if (p->targets[i] == f)
			return i;
	return SIZE_MAX;
}

/* Adds `,"key":value` to what every event begins with, or, where a rule may set the field, to what is added behind
 * the rules. FIRST: a constant, which goes before. */
static bool add_fixed(struct session *s, enum field f, struct cell cell, bool first)
{
	size_t slot = slot_of(s->program, f), start;
	struct buf *b = first || (slot == SIZE_MAX && !s->program->dynamic) ? &s->prefix : &s->late;
	enum field_verdict verdict;

	if (slot != SIZE_MAX && s->set_at_first[slot])
		return true;
	start = b->len;
	buf_char(b, ',');
	buf_json(b, field_name(f));
	buf_char(b, ':');
	verdict = field_sanitise(f, cell.kind, cell.text, b);
	if (verdict != FIELD_FINE) {
		b->len = start;
		buf_clear(&s->reason);
		field_explain(f, verdict, cell.kind, cell.text, &s->reason);
		return false;
	}
	if (b == &s->late) {
		alloc_grow(&s->lates, &s->late_cap, s->late_count + 1, sizeof *s->lates);
		s->lates[s->late_count++] = (struct late){ f, slot, start, b->len - start };
	} else if (slot != SIZE_MAX) {
		s->set_at_first[slot] = 1;
	}
	return true;
}

static bool add_constants(struct session *s)
{
	const struct mapping *m = &s->program->mappings[0];

	/* build_finish() has made the constants of all mappings the same. */
	for (size_t i = 0; i < m->rule_count; i++)
		if (m->rules[i].constant &&
		    !add_fixed(s, m->rules[i].targets[0].field, m->rules[i].choices[0].source.value, true))
			return false;
	return true;
}

static const enum field inherited[] = { F_FEED_ACCURACY, F_FEED_CODE, F_FEED_DOCUMENTATION, F_FEED_NAME,
	F_FEED_PROVIDER, F_FEED_URL, F_RTIR_ID, F_TIME_OBSERVATION };

static void copy_member(struct session *s, enum field f, struct value v)
{
	struct cell cell = json_cell(v, event_arena(s->report));

	if (!cell_ignored(cell) && !add_fixed(s, f, cell, false))
		log_message("left out of the events: %.*s", TEXT_ARGS(buf_view(&s->reason)));
}

/* copy_collector_provided_fields: names of fields, `extra` for all extras. */
static void copy_named(struct session *s)
{
	for (size_t i = 0; s->copy && i < s->copy->count; i++) {
		enum field f = field_intern(s->copy->items[i]);
		struct problem unused;
		size_t cursor = 0;
		struct text name;
		struct value v;

		if (f == F_EXTRA) {
			event_flatten(s->report);
			while (event_next(s->report, &cursor, &name, &f, &v))
				if (text_starts(name, TEXT("extra.")) && (f = field_intern(name)) != F_NONE)
					copy_member(s, f, v);
		} else if (field_check(f, &unused) && f != F_MESSAGE_TYPE && f != F_MESSAGE_PATH &&
			event_has(s->report, f)) {
			copy_member(s, f, event_value(s->report, f));
		}
	}
}

static void copy_report(struct session *s)
{
	for (size_t i = 0; i < LENGTH(inherited); i++)
		if (event_has(s->report, inherited[i]))
			copy_member(s, inherited[i], event_value(s->report, inherited[i]));
	copy_named(s);
}

/* Raw input: what a collector would have said. */
static void add_feed(struct session *s)
{
	for (size_t i = 0; i < LENGTH(inherited); i++) {
		struct cell cell = changed(s, inherited[i], feed_value(s, inherited[i]));

		if (!cell_ignored(cell) && !add_fixed(s, inherited[i], cell, false))
			log_message("left out of the events: %.*s", TEXT_ARGS(buf_view(&s->reason)));
	}
}

static bool add_defaults(struct session *s)
{
	struct value_walk walk = value_walk(s->defaults);
	struct value key, member;

	while (s->defaults.kind == VALUE_OBJECT && value_next_member(&walk, &key, &member)) {
		struct text name = value_text(key, &s->arena);
		enum field f = field_intern(name);
		struct buf member_key = BUF_INIT;
		bool there;

		buf_char(&member_key, ',');
		buf_json(&member_key, name);
		buf_char(&member_key, ':');
		there = s->prefix.len && memmem(s->prefix.at, s->prefix.len, member_key.at, member_key.len);
		buf_free(&member_key);
		if (!there && !value_ignored(member) && !add_fixed(s, f, json_cell(member, &s->arena), false))
			return false;
	}
	return true;
}

/* The first variant whose conditions hold; where comment lines choose, one of those, until a line has come. */
static bool choose(struct session *s)
{
	static const struct record nothing;
	struct program *old = s->program, *first = NULL;

	s->undecided = false;
	for (size_t i = 0; i < s->definition->program_count; i++) {
		s->program = &s->definition->programs[i];
		if (!conditions_hold(s, &s->program->when, &nothing))
			continue;
		if (!s->program->when_line)
			return true;
		first = first ? first : s->program;
	}
	s->program = first ? first : old;
	s->undecided = first != NULL;
	return first != NULL;
}

/* Room for whatever variant is chosen; what a base's capture has found stays when a line chooses another one. */
static void make_room(struct session *s)
{
	const struct definition *d = s->definition;
	size_t captures = 0, targets = 0;

	for (size_t i = 0; i < d->program_count; i++) {
		captures = d->programs[i].capture_count > captures ? d->programs[i].capture_count : captures;
		targets = d->programs[i].target_count > targets ? d->programs[i].target_count : targets;
	}
	s->capture_room = captures;
	s->target_room = targets;
	s->captured = alloc_zero(captures + 1, sizeof *s->captured);
	s->has_capture = alloc_zero(captures + 1, sizeof *s->has_capture);
	s->set = alloc_zero(targets + 1, 1);
	s->set_at_first = alloc_zero(targets + 1, 1);
	s->placed = alloc_zero(targets + 1, sizeof *s->placed);
}

/* What every event of the chosen program begins and ends with. */
static bool fix_fields(struct session *s)
{
	s->late_count = 0;
	buf_clear(&s->prefix);
	buf_clear(&s->late);
	memset(s->set_at_first, 0, s->program->target_count + 1);
	if (!add_constants(s))
		return false;
	if (s->report)
		copy_report(s);
	else
		add_feed(s);
	if (!add_defaults(s))
		return false;
	if (s->prefix.len)
		s->prefix.at[0] = '{';
	return true;
}

bool session_use(struct session *s, struct program *p)
{
	s->program = p;
	if (p->target_count > s->target_room) {
		s->target_room = p->target_count;
		s->set = alloc_resize(s->set, s->target_room + 1, 1);
		s->set_at_first = alloc_resize(s->set_at_first, s->target_room + 1, 1);
		s->placed = alloc_resize(s->placed, s->target_room + 1, sizeof *s->placed);
	}
	return fix_fields(s);
}

static bool begin_program(struct session *s)
{
	return fix_fields(s) && (!s->program->driver || !s->program->driver->start || s->program->driver->start(s));
}

/* In the report itself, so that its rejects have the changes too: they may be about keys in URLs. */
static void change_report(struct session *s)
{
	for (size_t i = 0; i < s->program->change_count; i++) {
		enum field f = s->program->changes[i].field;
		struct value v = event_value(s->report, f);
		struct cell cell = v.kind == VALUE_NONE ? NO_CELL : changed(s, f, json_cell(v, &s->arena));

		if (cell.kind == VALUE_NONE || !event_try(s->report, f, cell.text))
			event_delete(s->report, f);
	}
}

/* The document's base64 text, for `raw: document`: the event keeps it only until rejects are written. */
static void keep_document(struct session *s)
{
	bool wanted = false;

	s->document = NO_TEXT;
	for (size_t i = 0; i < s->program->mapping_count; i++)
		wanted |= s->program->mappings[i].raw == RAW_DOCUMENT;
	if (s->report && wanted)
		s->document = event_text(s->report, F_RAW);
}

bool session_start(struct session *s, struct event *report)
{
	struct buf *const bufs[] = { &s->comments, &s->first_line, &s->csv_header, &s->header_text, &s->glue,
		&s->reason };

	if (!s->captured)
		make_room(s);
	s->report = report;
	s->skipped = s->glued = s->header_count = 0;
	s->header_lacks = NO_TEXT;
	s->header_seen = s->skipping = s->started = s->stopped = false;
	s->line_end = NULL;
	s->key = NO_TEXT;
	s->line = 1;
	s->json = (struct json_state){ .place = JSON_START };
	for (size_t i = 0; i < LENGTH(bufs); i++)
		buf_clear(bufs[i]);
	memset(s->has_capture, 0, s->capture_room * sizeof *s->has_capture);
	if (!choose(s)) {
		buf_string(&s->reason, "the definition has no variant for this feed.url");
		return false;
	}
	if (report)
		change_report(s);
	keep_document(s);
	return begin_program(s);
}

size_t session_feed(struct session *s, struct text data, bool last)
{
	switch (s->program->format) {
	case FORMAT_CSV:
		return frame_csv(s, data, last);
	case FORMAT_JSON:
		return frame_json(s, data, last);
	case FORMAT_HTML:
		return frame_html(s, data, last);
	case FORMAT_XML:
		return frame_xml(s, data, last);
	case FORMAT_DRIVER:
		return s->program->driver->whole && !last ? 0 : s->program->driver->feed(s, data, last);
	default:
		return frame_lines(s, data, last);
	}
}

void session_record(struct session *s, const struct record *given)
{
	struct record r = *given;
	size_t events;

	if (s->program->driver && s->program->driver->row) {
		s->program->driver->row(s, given);
		arena_clear(&s->arena);
		return;
	}
	if (s->undecided) {
		session_reject(s, r.source, r.line, "no line above says how to read this one");
		return;
	}
	if (r.json.kind != VALUE_NONE && s->program->jq) {
		jq_program_run(s, &r);
		return;
	}
	if (r.json.kind != VALUE_NONE) {
		if (r.json.kind != VALUE_OBJECT && !s->program->values) {
			session_reject(s, r.source, r.line, "not an object");
			return;
		}
		json_extract(s, &r);
	}
	if (map_record(s, &r, &events))
		s->done(s, events);
	else
		s->reject(s, &r, buf_view(&s->reason));
	arena_clear(&s->arena);
}

void session_reject(struct session *s, struct text source, long line, const char *reason)
{
	struct record r = { .source = source, .line = line };

	s->reject(s, &r, text_of(reason));
}

bool session_is_comment(const struct session *s, struct text line)
{
	for (size_t i = 0; i < s->program->comment_count; i++)
		if (text_starts(line, s->program->comments[i]))
			return true;
	return false;
}

static void take_capture(struct session *s, size_t i, struct text line)
{
	const struct capture *c = &s->program->captures[i];
	struct text groups[2];

	if ((c->once && s->has_capture[i]) || !regex_match(c->regex, line, groups, LENGTH(groups)))
		return;
	buf_clear(&s->captured[i]);
	buf_text(&s->captured[i], groups[1].at ? groups[1] : groups[0]);
	s->has_capture[i] = true;
}

void session_line(struct session *s, struct text line)
{
	for (size_t i = 0; i < s->program->capture_count; i++)
		if (s->program->captures[i].line == s->line)
			take_capture(s, i, line);
}

/* A line may choose another variant for what follows. */
static void choose_by(struct session *s, struct text line)
{
	for (size_t i = 0; i < s->definition->program_count; i++) {
		struct program *p = &s->definition->programs[i];

		if (!p->when_line || !regex_search(p->when_line, line))
			continue;
		s->undecided = false;
		if (p != s->program) {
			s->program = p;
			begin_program(s);
		}
		return;
	}
}

void session_comment(struct session *s, struct text line)
{
	choose_by(s, line);
	for (size_t i = 0; i < s->program->capture_count; i++)
		if (!s->program->captures[i].line)
			take_capture(s, i, line);
	if (s->comments.len + line.len >= COMMENTS_MAX)
		return;
	if (s->comments.len)
		buf_char(&s->comments, '\n');
	buf_text(&s->comments, line);
}
