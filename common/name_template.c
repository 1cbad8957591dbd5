#include "name_template.h"

#include <stdlib.h>
#include <time.h>

#include "alloc.h"
#include "export.h"
#include "when.h"

enum { LONGEST_VALUE = 200, LONGEST_FORMAT = 200, SECOND = 1000000 };

struct part {
	struct buf literal;
	enum field field; /* F_NONE: only the literal */
	char *format;     /* for strftime(); NULL: as text */
};

struct name_template {
	struct part *parts;
	size_t count, cap;
};

static struct part *add_part(struct name_template *t)
{
	alloc_grow(&t->parts, &t->cap, t->count + 1, sizeof *t->parts);
	t->parts[t->count] = (struct part){ .field = F_NONE };
	return &t->parts[t->count++];
}

static bool is_time(enum field f)
{
	return f == F_TIME_SOURCE || f == F_TIME_OBSERVATION;
}

/* What stands between braces: event[NAME] or event[NAME]:FORMAT. */
static bool read_field(struct part *part, struct text inside, struct problem *problem)
{
	const char *end;
	struct text name, rest;

	if (!text_starts(inside, TEXT("event[")) || !(end = memchr(inside.at, ']', inside.len)))
		return problem_set(problem, "not {event[FIELD]}: \"{%.*s}\"", TEXT_ARGS(inside));
	name = (struct text){ inside.at + 6, (size_t)(end - inside.at) - 6 };
	rest = text_from(inside, name.len + 7);
	part->field = field_intern(name);
	if (part->field == F_NONE || !field_check(part->field, problem))
		return problem_set(problem, "no such field: \"%.*s\"", TEXT_ARGS(name));
	if (!rest.len)
		return true;
	if (rest.at[0] != ':' || !is_time(part->field))
		return problem_set(problem, "only times have a format: \"{%.*s}\"", TEXT_ARGS(inside));
	if (rest.len > LONGEST_FORMAT)
		return problem_set(problem, "the format is too long: \"{%.*s}\"", TEXT_ARGS(inside));
	part->format = alloc_string(text_from(rest, 1));
	return true;
}

static bool read_parts(struct name_template *t, struct text text, struct problem *problem)
{
	struct part *part = add_part(t);

	for (size_t i = 0; i < text.len; i++) {
		struct text left = text_from(text, i);
		const char *end;

		if (text_starts(left, TEXT("{{")) || text_starts(left, TEXT("}}"))) {
			buf_char(&part->literal, text.at[i++]);
		} else if (left.at[0] == '}') {
			return problem_set(problem, "a lone } in \"%.*s\"", TEXT_ARGS(text));
		} else if (left.at[0] != '{') {
			buf_char(&part->literal, left.at[0]);
		} else {
			if (!(end = memchr(left.at, '}', left.len)))
				return problem_set(problem, "a { without } in \"%.*s\"", TEXT_ARGS(text));
			left = (struct text){ left.at + 1, (size_t)(end - left.at) - 1 };
			if (!read_field(part, left, problem))
				return false;
			i += left.len + 1;
			part = add_part(t);
		}
	}
	return true;
}

struct name_template *name_template_new(struct text text, struct problem *problem)
{
	struct name_template *t = alloc_zero(1, sizeof *t);

	if (read_parts(t, text, problem))
		return t;
	name_template_free(t);
	return NULL;
}

void name_template_free(struct name_template *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->count; i++) {
		buf_free(&t->parts[i].literal);
		free(t->parts[i].format);
	}
	free(t->parts);
	free(t);
}

/* Makes what stands behind FROM harmless in a file name. */
static void make_safe(struct buf *out, size_t from)
{
	if (out->len == from)
		buf_string(out, "None");
	if (out->len - from > LONGEST_VALUE) {
		out->len = from + LONGEST_VALUE;
		/* Not through the middle of a character. */
		while (out->len > from && ((unsigned char)out->at[out->len] & 0xc0) == 0x80)
			out->len--;
	}
	for (size_t i = from; i < out->len; i++) {
		unsigned char c = (unsigned char)out->at[i];

		if (c == '/' || c < ' ' || c == 0x7f || (c == '.' && i == from))
			out->at[i] = '_';
	}
}

static bool put_time(const struct part *part, struct text value, struct buf *out)
{
	const char *format = part->format ? part->format : "%Y-%m-%d %H:%M:%S";
	char text[4 * LONGEST_FORMAT];
	struct when_parts at;
	struct tm tm = { 0 };
	int64_t us;

	if (!value.at || !when_parse_iso(value, &us))
		return false;
	when_to_parts(us, &at);
	tm.tm_year = at.year - 1900;
	tm.tm_mon = at.month - 1;
	tm.tm_mday = at.day;
	tm.tm_hour = at.hour;
	tm.tm_min = at.minute;
	tm.tm_sec = at.second;
	timegm(&tm); /* fills in the days of week and year */
	buf_add(out, text, strftime(text, sizeof text, format, &tm));
	return true;
}

void name_template_write(const struct name_template *t, struct event *ev, struct buf *out)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct part *part = &t->parts[i];
		size_t from;

		buf_text(out, buf_view(&part->literal));
		if (part->field == F_NONE)
			continue;
		from = out->len;
		if (event_has(ev, part->field) && !(is_time(part->field) && put_time(part, event_text(ev, part->field), out)))
			export_text(ev, value_first(event_value(ev, part->field)), out);
		make_safe(out, from);
	}
}
