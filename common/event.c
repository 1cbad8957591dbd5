/* The event: scanned once into a table of members, changed in the table, written back in one go. */
#include "event_priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "scan.h"

struct event *event_new(void)
{
	struct event *ev = alloc_zero(1, sizeof *ev);

	ev->fields_cap = field_count();
	ev->fields = alloc_zero(ev->fields_cap, sizeof *ev->fields);
	ev->names = alloc_zero(NAMES_SIZE, sizeof *ev->names);
	ev->names_size = NAMES_SIZE;
	ev->stamp = 1;
	event_clear(ev);
	return ev;
}

void event_free(struct event *ev)
{
	if (!ev)
		return;
	free(ev->fields);
	free(ev->names);
	free(ev->members);
	arena_free(&ev->arena);
	buf_free(&ev->scratch);
	buf_free(&ev->copy);
	buf_free(&ev->reason);
	free(ev);
}

void event_clear(struct event *ev)
{
	enum { USUAL_MEMBERS = 4096 };

	if (++ev->stamp == 0) {
		memset(ev->fields, 0, ev->fields_cap * sizeof *ev->fields);
		memset(ev->names, 0, ev->names_size * sizeof *ev->names);
		ev->stamp = 1;
	}
	if (ev->cap > USUAL_MEMBERS) {
		free(ev->members);
		free(ev->names);
		ev->members = NULL;
		ev->cap = 0;
		ev->names_size = NAMES_SIZE;
		ev->names = alloc_zero(NAMES_SIZE, sizeof *ev->names);
	}
	arena_clear(&ev->arena);
	ev->line = TEXT("{}");
	ev->brace = 1;
	ev->empty_line = true;
	ev->count = ev->names_used = 0;
	ev->changed = ev->moved = ev->nested = ev->marked = false;
}

struct arena *event_arena(struct event *ev)
{
	return &ev->arena;
}

struct text event_line(const struct event *ev)
{
	return ev->line;
}

bool event_changed(const struct event *ev)
{
	return ev->changed;
}

static void write_key(const struct member *m, struct buf *out)
{
	buf_char(out, '"');
	buf_add(out, m->key, m->key_len);
	buf_add(out, "\":", 2);
}

/* Pieces of the line that go out, neighbours as one. */
struct piece {
	const char *from, *to;
};

static void put_piece(struct buf *out, struct piece *pending, const char *from, const char *to)
{
	if (from != pending->to) {
		buf_add(out, pending->from, (size_t)(pending->to - pending->from));
		pending->from = from;
	}
	pending->to = to;
}

/* The members that the line had, with what was between them. */
static void write_old(const struct event *ev, struct buf *out, bool *first)
{
	const char *line = ev->line.at, *behind = line; /* the end of the member before */
	struct piece pending = { line, line };

	for (size_t i = 0; i < ev->count && !(ev->members[i].flags & NEW); i++) {
		const struct member *m = &ev->members[i];
		const char *before = behind, *start = m->key - 1;

		if (!(m->flags & (CHANGED | DELETED)) && !*first && pending.to == before) {
			behind = pending.to = m->value + m->value_len;
			continue;
		}
		behind = m->flags & CHANGED ? line + m->end : m->value + m->value_len;
		if (!live(m))
			continue;
		/* Before the first that stays, what opened the line; before others, what stood before them there. */
		if (*first)
			put_piece(out, &pending, line, ev->members[0].key - 1);
		else
			put_piece(out, &pending, before, start);
		*first = false;
		if (m->flags & CHANGED) {
			const char *colon = value_space(m->key + m->key_len + 1, behind);

			put_piece(out, &pending, start, value_space(colon + 1, behind));
			put_piece(out, &pending, m->value, m->value + m->value_len);
		} else {
			put_piece(out, &pending, start, behind);
		}
	}
	put_piece(out, &pending, NULL, NULL);
	if (*first)
		buf_add(out, "{", 1);
}

void event_write(const struct event *ev, struct buf *out)
{
	bool first = ev->empty_line;
	size_t i = ev->count;

	if (!ev->changed) {
		buf_text(out, ev->line);
		return;
	}
	if (!ev->moved) {
		buf_add(out, ev->line.at, ev->brace);
	} else {
		first = true;
		write_old(ev, out, &first);
	}
	while (i && ev->members[i - 1].flags & NEW)
		i--;
	for (; i < ev->count; i++) {
		const struct member *m = &ev->members[i];

		if (!live(m))
			continue;
		if (!first)
			buf_char(out, ',');
		first = false;
		write_key(m, out);
		buf_add(out, m->value, m->value_len);
	}
	buf_char(out, '}');
}

/* The value at NAME inside a nested object, NAME being what follows the object's own name and a dot. */
static struct value descend(struct event *ev, struct value object, struct text name)
{
	struct value_walk walk = value_walk(object);
	struct value key, v;

	while (value_next_member(&walk, &key, &v)) {
		struct text member = value_text(key, &ev->arena);

		if (text_eq(member, name))
			return v;
		if (v.kind == VALUE_OBJECT && name.len > member.len && name.at[member.len] == '.' &&
			text_starts(name, member)) {
			struct value found = descend(ev, v, text_from(name, member.len + 1));

			if (found.kind != VALUE_NONE)
				return found;
		}
	}
	return NO_VALUE;
}

static struct value nested_value(struct event *ev, struct text name)
{
	for (size_t i = 0; i < ev->count; i++) {
		const struct member *m = &ev->members[i];
		struct text above;

		if (!holds_object(m))
			continue;
		above = member_name(ev, m);
		if (name.len > above.len && name.at[above.len] == '.' && text_starts(name, above)) {
			struct value found = descend(ev, member_value(m), text_from(name, above.len + 1));

			if (found.kind != VALUE_NONE)
				return found;
		}
	}
	return NO_VALUE;
}

struct value event_value(struct event *ev, enum field f)
{
	const struct member *m = find(ev, f);
	struct value v = m ? member_value(m) : NO_VALUE;

	if (!m && ev->nested && field_is_extra(f))
		v = nested_value(ev, field_name(f));
	return value_ignored(v) ? NO_VALUE : v;
}

bool event_has(struct event *ev, enum field f)
{
	if (f == F_EXTRA)
		for (size_t i = 0; i < ev->count; i++)
			if (live(&ev->members[i]) && below_extra(&ev->members[i]) &&
				!value_ignored(member_value(&ev->members[i])))
				return true;
	return event_value(ev, f).kind != VALUE_NONE;
}

struct text event_text(struct event *ev, enum field f)
{
	return value_text(value_first(event_value(ev, f)), &ev->arena);
}

struct text event_value_form(struct event *ev, struct value v)
{
	return v.kind == VALUE_STRING ? value_text(v, &ev->arena) : v.raw;
}

struct text event_form(struct event *ev, enum field f)
{
	return event_value_form(ev, value_first(event_value(ev, f)));
}

struct event_values event_values(struct event *ev, enum field f)
{
	struct value v = event_value(ev, f);

	return (struct event_values){ v, value_walk(v), v.kind == VALUE_ARRAY };
}

bool event_next_value(struct event_values *values, struct value *v)
{
	if (values->many)
		return value_next(&values->walk, v);
	*v = values->single;
	values->single = NO_VALUE;
	return v->kind != VALUE_NONE;
}

bool event_integer(struct event *ev, enum field f, long long *number)
{
	return value_integer(value_first(event_value(ev, f)), number);
}

bool event_double(struct event *ev, enum field f, double *number)
{
	return value_double(value_first(event_value(ev, f)), number);
}

bool event_boolean(struct event *ev, enum field f, bool *value)
{
	struct value v = value_first(event_value(ev, f));

	*value = v.kind == VALUE_TRUE;
	return v.kind == VALUE_TRUE || v.kind == VALUE_FALSE;
}

/* A fresh member whose key is KEY as written. */
static struct member *append_written(struct event *ev, struct text key)
{
	struct member *m;

	if (ev->count == ev->cap)
		alloc_grow(&ev->members, &ev->cap, ev->count + 1, sizeof *ev->members);
	m = &ev->members[ev->count++];
	*m = (struct member){ .flags = NEW, .key = key.at, .key_len = (uint32_t)key.len };
	return m;
}

/* A fresh member called NAME, whose bytes must hold as long as the event does. */
static struct member *append(struct event *ev, struct text name)
{
	struct member *m = append_written(ev, name);

	if (scan_plain(name.at, name.at + name.len) != name.at + name.len) {
		buf_clear(&ev->scratch);
		buf_json(&ev->scratch, name);
		if (ev->scratch.len != name.len + 2)
			m->flags |= ESCAPED_KEY;
		name = arena_text(&ev->arena, buf_view(&ev->scratch));
		m->key = name.at + 1;
		m->key_len = (uint32_t)name.len - 2;
	}
	return m;
}

static void put(struct event *ev, struct member *m, struct value v)
{
	if (!(m->flags & (NEW | CHANGED)))
		m->end = (uint32_t)(m->value + m->value_len - ev->line.at);
	m->value = v.raw.at;
	m->value_len = (uint32_t)v.raw.len;
	m->kind = (uint16_t)v.kind;
	m->flags = (uint16_t)((m->flags & ~ESCAPED_VALUE) | (v.escaped ? ESCAPED_VALUE : 0));
	ev->changed = true;
	if (!(m->flags & NEW)) {
		m->flags |= CHANGED;
		ev->moved = true;
	}
	ev->nested |= holds_object(m);
}

static bool append_leaf(void *context, struct text name, struct value leaf)
{
	struct event *ev = context;
	struct buf saved = ev->scratch; /* NAME stands in it, and append() uses it */

	ev->scratch = BUF_INIT;
	put(ev, append(ev, arena_text(&ev->arena, name)), leaf);
	if (!event_enter(ev)) {
		ev->count--;
		event_mark(ev, "duplicate key: %.*s", TEXT_ARGS(name));
	}
	buf_free(&ev->scratch);
	ev->scratch = saved;
	return true;
}

void event_flatten(struct event *ev)
{
	size_t count = ev->count;

	if (!ev->nested)
		return;
	for (size_t i = 0; i < count; i++) {
		struct value v = member_value(&ev->members[i]);

		if (!holds_object(&ev->members[i]))
			continue;
		buf_clear(&ev->scratch);
		buf_text(&ev->scratch, member_name(ev, &ev->members[i]));
		ev->members[i].flags |= DELETED;
		ev->changed = ev->moved = true;
		event_each_leaf(&ev->scratch, v, &ev->arena, append_leaf, ev);
	}
	ev->nested = false;
}

/* Sets F to V, whose bytes hold as long as the event does. */
static void store(struct event *ev, enum field f, struct value v)
{
	struct member *m;

	if (ev->nested && field_is_extra(f))
		event_flatten(ev);
	m = find(ev, f);
	if (!m) {
		m = field_is_well_formed(f) ? append_written(ev, field_name(f)) : append(ev, field_name(f));
		m->field = (uint16_t)f;
		*event_field_place(ev, f) = (struct place){ ev->stamp, (uint32_t)(ev->count - 1) };
	}
	put(ev, m, v);
}

/* The kind of the canonical JSON text RAW. */
static struct value value_of(struct text raw)
{
	static const enum value_kind kinds[128] = { ['"'] = VALUE_STRING, ['{'] = VALUE_OBJECT, ['['] = VALUE_ARRAY,
		['t'] = VALUE_TRUE, ['f'] = VALUE_FALSE, ['n'] = VALUE_NULL };
	enum value_kind kind = kinds[raw.at[0] & 127];

	return (struct value){ raw, kind ? kind : VALUE_NUMBER,
		kind == VALUE_STRING && memchr(raw.at, '\\', raw.len) != NULL };
}

/* The text of a JSON object in F_EXTRA becomes its members: the field is only a way to write them all. */
static void store_extra(struct event *ev, struct value v)
{
	event_delete(ev, F_EXTRA);
	store(ev, F_EXTRA, v);
	event_flatten(ev);
}

static enum field_verdict set_value(struct event *ev, enum field f, enum value_kind kind, struct text in)
{
	enum field_verdict verdict;
	struct text raw;

	if (f == F_EXTRA && kind == VALUE_OBJECT) {
		store_extra(ev, value_of(arena_text(&ev->arena, in)));
		return FIELD_FINE;
	}
	buf_clear(&ev->scratch);
	verdict = field_sanitise(f, kind, in, &ev->scratch);
	if (verdict != FIELD_FINE)
		return verdict;
	raw = arena_text(&ev->arena, buf_view(&ev->scratch));
	if (f == F_EXTRA)
		store_extra(ev, value_of(arena_text(&ev->arena, value_text(value_of(raw), &ev->arena))));
	else
		store(ev, f, value_of(raw));
	return FIELD_FINE;
}

static void refuse(struct event *ev, enum field f, enum field_verdict verdict, enum value_kind kind, struct text in)
{
	if (ev->marked)
		return;
	buf_clear(&ev->reason);
	field_explain(f, verdict, kind, in, &ev->reason);
	buf_cstr(&ev->reason);
	ev->marked = true;
}

static bool set_or_refuse(struct event *ev, enum field f, enum value_kind kind, struct text in)
{
	enum field_verdict verdict = set_value(ev, f, kind, in);

	if (verdict != FIELD_FINE)
		refuse(ev, f, verdict, kind, in);
	return verdict == FIELD_FINE;
}

void event_set(struct event *ev, enum field f, struct text value)
{
	set_or_refuse(ev, f, VALUE_STRING, value);
}

void event_set_value(struct event *ev, enum field f, struct value value)
{
	set_or_refuse(ev, f, value.kind, event_value_form(ev, value));
}

void event_set_integer(struct event *ev, enum field f, long long value)
{
	char *digits = arena_bytes(&ev->arena, TEXT_INTEGER);

	set_or_refuse(ev, f, VALUE_NUMBER, text_of_integer(value, digits));
}

void event_set_double(struct event *ev, enum field f, double value)
{
	struct buf digits = BUF_INIT;

	buf_double(&digits, value);
	set_or_refuse(ev, f, VALUE_NUMBER, buf_view(&digits));
	buf_free(&digits);
}

void event_set_boolean(struct event *ev, enum field f, bool value)
{
	set_or_refuse(ev, f, value ? VALUE_TRUE : VALUE_FALSE, value ? TEXT("true") : TEXT("false"));
}

bool event_try(struct event *ev, enum field f, struct text value)
{
	return set_value(ev, f, VALUE_STRING, value) == FIELD_FINE;
}

bool event_try_value(struct event *ev, enum field f, struct value value)
{
	return set_value(ev, f, value.kind, event_value_form(ev, value)) == FIELD_FINE;
}

void event_set_raw(struct event *ev, enum field f, struct text raw)
{
	store(ev, f, value_of(arena_text(&ev->arena, raw)));
}

void event_set_raw_named(struct event *ev, struct text name, struct text raw)
{
	enum field f = field_find(name);
	struct place *place;

	if (f != F_NONE) {
		event_set_raw(ev, f, raw);
		return;
	}
	if (ev->nested && text_starts(name, TEXT("extra.")))
		event_flatten(ev);
	place = event_name_place(ev, name, value_hash(name));
	if (place->stamp == ev->stamp && live(&ev->members[place->member])) {
		put(ev, &ev->members[place->member], value_of(arena_text(&ev->arena, raw)));
		return;
	}
	put(ev, append(ev, arena_text(&ev->arena, name)), value_of(arena_text(&ev->arena, raw)));
	event_enter(ev);
}

static void drop(struct event *ev, struct member *m)
{
	m->flags |= DELETED;
	ev->changed = ev->moved = true;
}

void event_delete(struct event *ev, enum field f)
{
	struct member *m;

	if (f == F_EXTRA) {
		for (size_t i = 0; i < ev->count; i++)
			if (below_extra(&ev->members[i]) && live(&ev->members[i]))
				drop(ev, &ev->members[i]);
		ev->nested = false;
		return;
	}
	m = find(ev, f);
	if (!m && ev->nested && field_is_extra(f) && nested_value(ev, field_name(f)).kind != VALUE_NONE) {
		event_flatten(ev);
		m = find(ev, f);
	}
	if (m)
		drop(ev, m);
}

void event_retain(struct event *ev, bool (*keep)(enum field f, struct text name))
{
	bool nested = false;

	for (size_t i = 0; i < ev->count; i++) {
		struct member *m = &ev->members[i];

		if (!live(m))
			continue;
		if (!keep((enum field)m->field, member_name(ev, m)))
			drop(ev, m);
		else
			nested = nested || holds_object(m);
	}
	ev->nested = nested;
}

void event_drop_ignored(struct event *ev)
{
	for (size_t i = 0; i < ev->count; i++)
		if (live(&ev->members[i]) && value_ignored(member_value(&ev->members[i])))
			drop(ev, &ev->members[i]);
}

/* Whether F may be written at all; a value to be ignored only deletes it. */
static bool may_add(struct event *ev, enum field f, bool ignored, enum overwrite overwrite)
{
	bool present;

	if (overwrite == OVERWRITE_YES && !ignored)
		return true;
	present = event_has(ev, f);
	if (present && overwrite == OVERWRITE_UNSET)
		event_mark(ev, "%.*s: already there", TEXT_ARGS(field_name(f)));
	if (present && overwrite != OVERWRITE_YES)
		return false;
	if (ignored && present)
		event_delete(ev, f);
	return !ignored;
}

static bool is_ignored(struct text value)
{
	return !value.at || value.len == 0 || text_is(value, "-") || text_is(value, "N/A");
}

bool event_add(struct event *ev, enum field f, struct text value, enum overwrite overwrite)
{
	return may_add(ev, f, is_ignored(value), overwrite) && set_or_refuse(ev, f, VALUE_STRING, value);
}

bool event_add_value(struct event *ev, enum field f, struct value value, enum overwrite overwrite)
{
	return may_add(ev, f, value_ignored(value), overwrite) &&
	       set_or_refuse(ev, f, value.kind, event_value_form(ev, value));
}

bool event_offer(struct event *ev, enum field f, struct text value, enum overwrite overwrite)
{
	return may_add(ev, f, is_ignored(value), overwrite) && event_try(ev, f, value);
}

bool event_add_raw(struct event *ev, enum field f, struct text raw, enum overwrite overwrite)
{
	if (!may_add(ev, f, false, overwrite))
		return false;
	event_set_raw(ev, f, raw);
	return true;
}

void event_mark(struct event *ev, const char *format, ...)
{
	char text[512];
	va_list args;

	if (ev->marked)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	buf_clear(&ev->reason);
	buf_string(&ev->reason, text);
	buf_cstr(&ev->reason);
	ev->marked = true;
}

const char *event_marked(const struct event *ev)
{
	return ev->marked ? ev->reason.at : NULL;
}

bool event_next(struct event *ev, size_t *cursor, struct text *name, enum field *f, struct value *v)
{
	while (*cursor < ev->count) {
		const struct member *m = &ev->members[(*cursor)++];

		if (!live(m))
			continue;
		*name = member_name(ev, m);
		*f = (enum field)m->field;
		*v = member_value(m);
		return true;
	}
	return false;
}

bool event_is_empty(struct event *ev)
{
	size_t cursor = 0;
	struct text name;
	enum field f;
	struct value v;

	while (event_next(ev, &cursor, &name, &f, &v))
		if (f != F_MESSAGE_TYPE && f != F_MESSAGE_PATH && !value_ignored(v))
			return false;
	return true;
}
