/* The records of a JSON document that stand below a path: the document is walked as it comes, what the path does not
 * lead to is passed over, and only the record in hand is held. */
#include <stdio.h>

#include "parse.h"

static const char *broken(struct session *s, const char *p, const char *end, const char *reason)
{
	session_reject(s, (struct text){ p, (size_t)(end - p) }, s->line, reason);
	s->json.place = JSON_JUNK;
	return end;
}

/* Whether the value at hand is one that the next step goes into. */
static bool enters(const struct path_step *step, char c)
{
	return c == (step->index == PATH_KEY || step->index == PATH_MEMBERS ? '{' : '[');
}

/* A value begins at P. Returns behind its bracket where the path goes into it; else P, and what to do with it is set. */
static const char *at_value(struct session *s, const char *p)
{
	struct json_state *j = &s->json;
	const struct program *program = s->program;

	if (!j->wanted) {
		j->step = PATH_SKIP;
	} else if (j->level == program->records_depth) {
		j->step = PATH_TAKE;
	} else if (enters(&program->records[j->level], *p)) {
		j->counts[j->level++] = 0;
		j->found |= j->level == program->records_depth;
		j->step = *p == '{' ? PATH_KEY_OR_END : PATH_ELEMENT_OR_END;
		return p + 1;
	} else {
		j->step = PATH_SKIP;
	}
	return p;
}

/* A member's key at P, up to its colon. NULL: not complete. */
static const char *at_key(struct session *s, const char *p, const char *end, bool last)
{
	struct json_state *j = &s->json;
	const struct path_step *step = &s->program->records[j->level - 1];
	struct arena arena = { 0 };
	struct value_error error;
	struct value key;
	const char *after, *close = NULL;

	if (*p != '"')
		return broken(s, p, end, "a key is wanted here");
	for (const char *q = p + 1; q < end && !close; q++)
		if (*q == '\\')
			q++;
		else if (*q == '"')
			close = q;
	if (!close)
		return last || (size_t)(end - p) > s->max_record ? broken(s, p, end, "a key without an end") : NULL;
	after = value_scan_string(p, close + 1, &key, &error);
	if (!after)
		return broken(s, p, end, error.reason);
	after = value_space(after, end);
	if (after == end)
		return last ? broken(s, p, end, "the document ends behind a key") : NULL;
	if (*after != ':')
		return broken(s, p, end, "a colon is wanted here");
	buf_clear(&s->composed);
	buf_text(&s->composed, value_text(key, &arena));
	arena_free(&arena);
	j->wanted = step->index == PATH_MEMBERS || text_eq(buf_view(&s->composed), step->key);
	if (j->wanted && step->index == PATH_MEMBERS) {
		buf_clear(&s->key_text);
		buf_text(&s->key_text, buf_view(&s->composed));
		s->key = buf_view(&s->key_text);
	}
	j->step = PATH_AT_VALUE;
	return after + 1;
}

static const char *at_element(struct session *s, const char *p)
{
	struct json_state *j = &s->json;
	const struct path_step *step = &s->program->records[j->level - 1];

	j->wanted = step->index == PATH_ELEMENTS || (size_t)step->index == j->counts[j->level - 1];
	j->counts[j->level - 1]++;
	j->step = PATH_AT_VALUE;
	return p;
}

static bool in_object(const struct session *s)
{
	long index = s->program->records[s->json.level - 1].index;

	return index == PATH_KEY || index == PATH_MEMBERS;
}

/* Behind a value: a comma, or the end of what it stands in. */
static const char *behind_value(struct session *s, const char *p, const char *end)
{
	struct json_state *j = &s->json;

	if (j->level == 0)
		return broken(s, p, end, "something follows the document");
	if (*p == ',') {
		j->step = in_object(s) ? PATH_KEY_OR_END : PATH_ELEMENT_OR_END;
		return p + 1;
	}
	if (*p != (in_object(s) ? '}' : ']'))
		return broken(s, p, end, "a comma or a closing bracket is wanted here");
	j->level--;
	return p + 1;
}

/* Passes over, or takes, the value at P. NULL: not complete yet. */
static const char *whole_value(struct session *s, const char *p, const char *end, bool last)
{
	struct json_state *j = &s->json;
	const char *stop = json_skip(j, p, end, last);

	if (!stop && j->step == PATH_SKIP) {
		if (last)
			return broken(s, p, end, "the document ends inside a value");
		/* Gone: only where the brackets stand is kept. */
		j->searched = 0;
		j->inside = true;
		s->line += line_feeds(p, end);
		return end;
	}
	if (!stop) {
		if (!last && (size_t)(end - p) <= s->max_record)
			return NULL;
		return broken(s, p, end, last ? "the document ends inside this element" : "longer than --max-record");
	}
	if (stop == p && !j->inside)
		return broken(s, p, end, "a value is wanted here");
	json_forget(j);
	j->inside = false;
	if (j->step == PATH_TAKE)
		json_take(s, (struct text){ p, (size_t)(stop - p) });
	s->line += line_feeds(p, stop);
	j->step = PATH_BEHIND;
	return stop;
}

static const char *next_step(struct session *s, const char *p, const char *end, bool last)
{
	switch (s->json.step) {
	case PATH_AT_VALUE:
		return at_value(s, p);
	case PATH_KEY_OR_END:
		if (*p != '}')
			return at_key(s, p, end, last);
		break;
	case PATH_ELEMENT_OR_END:
		if (*p != ']')
			return at_element(s, p);
		break;
	case PATH_BEHIND:
		return behind_value(s, p, end);
	default:
		return whole_value(s, p, end, last);
	}
	s->json.step = PATH_BEHIND;
	s->json.level--;
	return p + 1;
}

size_t frame_json_path(struct session *s, struct text data, bool last)
{
	struct json_state *j = &s->json;
	const char *p = data.at, *end = p + data.len, *start, *next;

	while (p < end && j->place != JSON_JUNK) {
		if (!j->inside && !j->searched) {
			start = p;
			p = value_space(p, end);
			s->line += line_feeds(start, p);
			if (p == end)
				break;
		}
		next = next_step(s, p, end, last);
		if (!next)
			break;
		p = next;
	}
	if (j->place == JSON_JUNK)
		p = end;
	if (last && j->place != JSON_JUNK && (j->step != PATH_BEHIND || j->level))
		session_reject(s, TEXT(""), s->line, "the document ends before its closing bracket");
	else if (last && !j->found && j->place != JSON_JUNK)
		session_reject(s, data, s->line, "the document has no array where the definition says");
	return (size_t)(p - data.at);
}
