/* JSON documents: the elements of an array one by one as they come, or a single object. A broken element is
 * rejected alone where its brackets balance. Also values by path, and JSON written anew for `raw`. */
#include <stdio.h>
#include <stdlib.h>

#include "parse.h"
#include "repr.h"

struct cell json_cell(struct value v, struct arena *arena)
{
	return (struct cell){ v.kind == VALUE_STRING ? value_text(v, arena) : v.raw, v.kind };
}

static bool key_is(struct value key, struct text name, struct arena *arena)
{
	return key.escaped ? text_eq(value_text(key, arena), name) : text_eq(value_inside(key), name);
}

static struct value step_into(struct value v, const struct path_step *step)
{
	struct value_walk walk = value_walk(v);
	struct arena arena = { 0 };
	struct value key, member;
	long n = 0;

	if (step->index >= 0 && v.kind == VALUE_ARRAY) {
		while (value_next(&walk, &member))
			if (n++ == step->index)
				return member;
	} else if (step->index < 0 && v.kind == VALUE_OBJECT) {
		while (value_next_member(&walk, &key, &member)) {
			bool found = key_is(key, step->key, &arena);

			arena_free(&arena);
			if (found)
				return member;
		}
	}
	return NO_VALUE;
}

struct value json_path(struct value v, const struct path_step *path, size_t depth)
{
	for (size_t i = 0; i < depth && v.kind != VALUE_NONE; i++)
		v = step_into(v, &path[i]);
	return v;
}

static bool each_member(struct session *s, struct value v, const struct path_step *path, size_t depth,
	bool (*each)(struct session *s, struct value v, void *context), void *context)
{
	struct value_walk walk = value_walk(v);
	struct value key, member;

	while (v.kind == VALUE_OBJECT && value_next_member(&walk, &key, &member)) {
		struct arena arena = { 0 };

		buf_clear(&s->key_text);
		buf_text(&s->key_text, value_text(key, &arena));
		arena_free(&arena);
		s->key = buf_view(&s->key_text);
		if (!path_each(s, member, path, depth, each, context))
			return false;
	}
	return true;
}

bool path_each(struct session *s, struct value v, const struct path_step *path, size_t depth,
	bool (*each)(struct session *s, struct value v, void *context), void *context)
{
	struct value_walk walk;
	struct value element;

	if (v.kind == VALUE_NONE)
		return true;
	if (depth == 0)
		return each(s, v, context);
	if (path->index == PATH_MEMBERS)
		return each_member(s, v, path + 1, depth - 1, each, context);
	if (path->index != PATH_ELEMENTS)
		return path_each(s, step_into(v, path), path + 1, depth - 1, each, context);
	for (walk = value_walk(v); v.kind == VALUE_ARRAY && value_next(&walk, &element);)
		if (!path_each(s, element, path + 1, depth - 1, each, context))
			return false;
	return true;
}

/* The cells of an array, or of what else is no object: path by path. */
static void extract_other(struct session *s, struct record *r, struct cell *cells)
{
	const struct program *p = s->program;

	r->self = json_cell(r->json, &s->arena);
	for (size_t i = 0; i < p->input_count; i++) {
		struct value v = json_path(r->json, p->inputs[i].path, p->inputs[i].depth);

		cells[i] = v.kind == VALUE_NONE ? NO_CELL : json_cell(v, &s->arena);
	}
}

/* The cells of an object: all paths that begin with a member, when the walk comes by it. */
void json_extract(struct session *s, struct record *r)
{
	const struct program *p = s->program;
	struct cell *cells = session_cells(s, p->input_count + 1);
	struct value_walk walk = value_walk(r->json);
	struct value key, member;

	r->cells = cells;
	r->count = p->input_count;
	if (r->json.kind != VALUE_OBJECT) {
		extract_other(s, r, cells);
		return;
	}
	for (size_t i = 0; i < p->input_count; i++)
		cells[i] = NO_CELL;
	while (value_next_member(&walk, &key, &member))
		for (size_t i = 0; i < p->input_count; i++) {
			const struct input *in = &p->inputs[i];
			struct value v;

			if (in->path[0].index >= 0 || !key_is(key, in->path[0].key, &s->arena))
				continue;
			v = json_path(member, in->path + 1, in->depth - 1);
			cells[i] = v.kind == VALUE_NONE ? NO_CELL : json_cell(v, &s->arena);
		}
}

void json_take_value(struct session *s, struct value v, struct text source)
{
	struct record r = { .source = source, .line = s->line, .json = v };

	/* Records that hold nothing are skipped (parsers-2.md 2.2). */
	if (v.kind != VALUE_FALSE && !value_is_true(v)) {
		s->done(s, 0);
		return;
	}
	session_record(s, &r);
}

/* What does not parse may after repair. */
static bool repaired(struct session *s, struct text element)
{
	struct cell cell = cell_of(element);
	struct value_error error;
	struct value v;
	bool fine;

	buf_clear(&s->reason);
	fine = s->program->repair.count && steps_run(s, &s->program->repair, &cell) == STEP_FINE &&
		value_parse(cell.text, &v, &error);
	if (fine)
		json_take_value(s, v, v.raw);
	return fine;
}

void json_take(struct session *s, struct text element)
{
	struct value_error error;
	struct value v;
	char reason[160];

	if (value_parse(element, &v, &error)) {
		json_take_value(s, v, v.raw);
		return;
	}
	if (repaired(s, element))
		return;
	snprintf(
		reason, sizeof reason, "character %td of the element: %s", error.at - element.at + 1, error.reason);
	session_reject(s, element, s->line, reason);
}

const char *json_skip(struct json_state *j, const char *p, const char *end, bool last)
{
	const char *q = p + j->searched;

	for (; q < end; q++) {
		char c = *q;

		if (j->string) {
			if (j->escape)
				j->escape = false;
			else if (c == '\\')
				j->escape = true;
			else if (c == '"')
				j->string = false;
			if (j->string || j->depth)
				continue;
			return q + 1;
		}
		if (c == '"') {
			j->string = true;
		} else if (c == '{' || c == '[') {
			j->depth++;
		} else if (c == '}' || c == ']') {
			if (j->depth == 0)
				return q;
			if (--j->depth == 0)
				return q + 1;
		} else if (j->depth == 0 && (c == ',' || c == ' ' || c == '\t' || c == '\n' || c == '\r')) {
			return q;
		}
	}
	if (last && j->depth == 0 && !j->string)
		return end;
	j->searched = (size_t)(end - p);
	return NULL;
}

void json_forget(struct json_state *j)
{
	j->depth = 0;
	j->searched = 0;
	j->string = j->escape = false;
}

/* Steps over what stands before a value. False: P is at the end, or the document is. */
static bool to_value(struct session *s, const char **p, const char *end)
{
	struct json_state *j = &s->json;

	for (;; ++*p) {
		const char *start = *p;

		*p = value_space(*p, end);
		s->line += line_feeds(start, *p);
		if (*p == end)
			return false;
		switch (j->place) {
		case JSON_START:
			j->place = **p == '[' ? JSON_ELEMENT : JSON_DOCUMENT;
			if (j->place == JSON_DOCUMENT)
				return true;
			break;
		case JSON_DOCUMENT:
			return true;
		case JSON_ELEMENT:
			if (**p != ']' && **p != ',')
				return true;
			if (**p == ',')
				session_reject(s, (struct text){ *p, 1 }, s->line, "an element is missing");
			else
				j->place = JSON_END;
			break;
		case JSON_COMMA:
			j->place = **p == ']' ? JSON_END : JSON_ELEMENT;
			if (**p != ']' && **p != ',')
				return true; /* a comma is missing: no reason to lose the element */
			break;
		case JSON_END:
			session_reject(s, (struct text){ *p, (size_t)(end - *p) }, s->line,
				"something follows the document");
			j->place = JSON_JUNK;
			/* fall through */
		case JSON_JUNK:
			*p = end;
			return false;
		}
	}
}

/* The element at P does not end before END. Returns what is used up. */
static const char *unfinished(struct session *s, const char *p, const char *end, bool last)
{
	if (!last && (size_t)(end - p) <= s->max_record)
		return p;
	if (!s->skipping)
		session_reject(s, (struct text){ p, (size_t)(end - p) }, s->line,
			last ? "the document ends inside this element" : "longer than --max-record");
	s->skipping = true;
	s->json.searched = 0;
	s->line += line_feeds(p, end);
	return end;
}

/* Where the path begins with a name and the document is an array, it is that of the records. */
static void choose_way(struct session *s, struct text data)
{
	const char *p = value_space(data.at, data.at + data.len);
	bool members = s->program->records[0].index == PATH_KEY || s->program->records[0].index == PATH_MEMBERS;

	if (p == data.at + data.len)
		return;
	s->json.below = s->json.wanted = !(members && *p == '[');
	s->json.place = s->json.below ? JSON_DOCUMENT : JSON_ELEMENT;
	if (!s->json.below)
		*(char *)(uintptr_t)p = ' '; /* its bracket has been seen */
}

size_t frame_json(struct session *s, struct text data, bool last)
{
	struct json_state *j = &s->json;
	const char *p = data.at, *end = p + data.len, *stop;

	if (s->program->records_depth) {
		if (j->place == JSON_START)
			choose_way(s, data);
		if (j->place == JSON_START)
			return last ? data.len : 0;
		if (j->below)
			return frame_json_path(s, data, last);
	}
	while (p < end) {
		bool inside = j->searched || s->skipping;

		if (!inside && !to_value(s, &p, end))
			break;
		stop = json_skip(j, p, end, last);
		if (!stop) {
			p = unfinished(s, p, end, last);
			break;
		}
		if (stop == p) /* a closing bracket where a value should be */
			stop++;
		json_forget(j);
		if (s->skipping)
			s->skipping = false;
		else if (j->place == JSON_DOCUMENT)
			json_take(s, (struct text){ p, (size_t)(stop - p) });
		else
			json_take(s, (struct text){ p, (size_t)(stop - p) });
		s->line += line_feeds(p, stop);
		j->place = j->place == JSON_DOCUMENT ? JSON_END : JSON_COMMA;
		p = stop;
	}
	if (last && !s->skipping && (j->place == JSON_ELEMENT || j->place == JSON_COMMA))
		session_reject(s, TEXT(""), s->line, "the document ends before its closing bracket");
	return (size_t)(p - data.at);
}
