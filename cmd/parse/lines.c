/* Text lines: split at separators, or by a regular expression, or taken whole. */
#include <stdio.h>

#include "parse.h"

enum { COLUMNS_MAX = 4096 /* of a split line; what is beyond stays in the last one */ };

/* T without white space at either end, that of Unicode included. */
static struct text strip(struct text t)
{
	t = text_trim(t);
	/* U+00A0 and U+3000 are those that occur. */
	for (;;) {
		struct text before = t;

		if (text_starts(t, TEXT("\xc2\xa0")))
			t = text_trim(text_from(t, 2));
		if (text_starts(t, TEXT("\xe3\x80\x80")))
			t = text_trim(text_from(t, 3));
		if (text_ends(t, TEXT("\xc2\xa0")))
			t = text_trim((struct text){ t.at, t.len - 2 });
		if (text_ends(t, TEXT("\xe3\x80\x80")))
			t = text_trim((struct text){ t.at, t.len - 3 });
		if (t.len == before.len)
			return t;
	}
}

/* Length of the separator at P, 0: none is there. */
static size_t separator_at(const struct program *p, struct text rest)
{
	for (size_t i = 0; i < p->separator_count; i++)
		if (text_starts(rest, p->separators[i]))
			return p->separators[i].len;
	return 0;
}

/* Runs of white space: the separator "" stands for them. */
static size_t split_blanks(struct session *s, struct text line)
{
	size_t n = 0;

	for (;;) {
		line = text_trim(line);
		if (line.len == 0 || n == COLUMNS_MAX)
			return n;
		size_t length = 0;

		while (length < line.len && line.at[length] != ' ' && line.at[length] != '\t')
			length++;
		session_cells(s, n + 1)[n] = cell_of((struct text){ line.at, length });
		n++;
		line = text_from(line, length);
	}
}

static size_t split(struct session *s, struct text line)
{
	size_t n = 0, start = 0;

	if (s->program->separators[0].len == 0)
		return split_blanks(s, line);
	for (size_t i = 0; i < line.len && n < COLUMNS_MAX - 1;) {
		size_t length = separator_at(s->program, text_from(line, i));

		if (!length) {
			i++;
			continue;
		}
		session_cells(s, n + 1)[n] = cell_of((struct text){ line.at + start, i - start });
		n++;
		i += length;
		start = i;
	}
	session_cells(s, n + 1)[n] = cell_of(text_from(line, start));
	return n + 1;
}

/* Appends the groups of the pattern to the *COUNT cells there are. False: it does not match. */
static bool capture(struct session *s, struct text line, size_t *count)
{
	struct text groups[64];
	size_t n = regex_groups(s->program->pattern) + 1;

	if (n > LENGTH(groups))
		n = LENGTH(groups);
	if (!regex_match(s->program->pattern, line, groups, n))
		return false;
	for (size_t i = 1; i < n; i++, ++*count)
		session_cells(s, *count + 1)[*count] = groups[i].at ? cell_of(groups[i]) : NO_CELL;
	return true;
}

/* A line of a record of several. True: it was the last one, and R has all their columns. */
static bool complete(struct session *s, struct record *r)
{
	buf_text(&s->glue, r->source);
	s->glue_at[s->glued++] = s->glue.len;
	if (s->glued < s->program->lines_per_record)
		return false;
	r->count = 0;
	for (size_t i = 0; i < s->glued; i++) {
		size_t start = i ? s->glue_at[i - 1] : 0;

		capture(s, (struct text){ s->glue.at + start, s->glue_at[i] - start }, &r->count);
	}
	r->source = buf_view(&s->glue);
	s->glued = 0;
	return true;
}

static bool fits(struct session *s, const struct record *r)
{
	const struct program *p = s->program;

	if (p->reject_long && r->count > p->column_count) {
		session_reject(s, r->source, s->line, "too many columns");
		return false;
	}
	if (r->count >= p->min_columns)
		return true;
	if (p->skip_short)
		s->done(s, 0);
	else
		session_reject(s, r->source, s->line, "too few columns");
	return false;
}

static void take_line(struct session *s, struct text line)
{
	const struct program *p = s->program;
	struct record r = { .source = line, .line = s->line };

	if (p->pattern && !capture(s, line, &r.count)) {
		if (p->skip_unmatched)
			s->done(s, 0);
		else
			session_reject(s, line, s->line, "the line is not as the definition says");
		return;
	}
	if (p->lines_per_record > 1 && !complete(s, &r))
		return;
	if (p->separator_count)
		r.count = split(s, line);
	if (fits(s, &r)) {
		r.cells = s->row.at;
		session_record(s, &r);
	}
	if (!s->glued)
		buf_clear(&s->glue);
}

static void take_json(struct session *s, struct text line)
{
	struct value_error error;
	struct value v;
	char reason[160];

	if (value_parse(line, &v, &error)) {
		json_take_value(s, v, line);
		return;
	}
	snprintf(reason, sizeof reason, "column %td: %s", error.at - line.at + 1, error.reason);
	session_reject(s, line, s->line, reason);
}

/* Whether the line stands where no records are: before the first of them, behind the last, at the head. */
static bool outside(struct session *s, struct text line)
{
	const struct program *p = s->program;

	if ((size_t)s->line <= p->skip_lines) {
		session_comment(s, line);
		return true;
	}
	if (p->start && !s->started) {
		s->started = regex_search(p->start, line);
		return true;
	}
	if (p->stop && !s->stopped)
		s->stopped = regex_search(p->stop, line);
	return s->stopped;
}

static bool repair(struct session *s, struct text *line)
{
	struct cell cell = cell_of(*line);

	if (s->program->repair.count && steps_run(s, &s->program->repair, &cell) == STEP_FAIL) {
		session_reject(s, *line, s->line, "cannot be repaired");
		return false;
	}
	*line = cell.text;
	return true;
}

static void handle(struct session *s, struct text line)
{
	const struct program *p = s->program;
	struct text stripped = strip(line);

	if (s->line == 1 && p->format == FORMAT_LINES) {
		buf_clear(&s->first_line);
		buf_text(&s->first_line, line);
	}
	if (p->strip)
		line = stripped;
	session_line(s, line);
	if (outside(s, line) || stripped.len == 0)
		return;
	if (session_is_comment(s, line)) {
		session_comment(s, line);
	} else if (s->skipped < p->skip_first) {
		s->skipped++;
		session_comment(s, line);
	} else if (repair(s, &line)) {
		if (p->format == FORMAT_JSONL)
			take_json(s, line);
		else if (p->format == FORMAT_KV)
			take_pairs(s, line);
		else
			take_line(s, line);
	}
}

/* Where the last lines begin that are none of the definition's business. */
static const char *before_last(const char *p, const char *end, size_t lines)
{
	if (end > p && (end[-1] == '\n' || end[-1] == '\r'))
		end -= end - p > 1 && end[-1] == '\n' && end[-2] == '\r' ? 2 : 1;
	while (lines) {
		while (end > p && end[-1] != '\n' && end[-1] != '\r')
			end--;
		if (end == p || --lines == 0)
			return end;
		end -= end - p > 1 && end[-1] == '\n' && end[-2] == '\r' ? 2 : 1;
	}
	return end;
}

/* What must have been there by the end of the document. */
static void check_marks(struct session *s)
{
	const struct program *p = s->program;

	if (p->start && !s->started)
		session_reject(s, TEXT(""), s->line, "no line is the one behind which the records start");
	else if (p->stop && !s->stopped)
		session_reject(s, TEXT(""), s->line, "no line is the one that stops the records");
}

size_t frame_lines(struct session *s, struct text data, bool last)
{
	const char *p = data.at, *end = p + data.len, *next, *stop, *until = end;
	bool unicode = s->program->format != FORMAT_JSONL;

	if (s->program->skip_last)
		until = before_last(p, end, s->program->skip_last);
	while (p < until && (stop = line_end(p, end, last, unicode, &next))) {
		struct text line = { p, (size_t)(stop - p) };

		if (s->skipping)
			s->skipping = false;
		else if (line.len > s->max_record)
			session_reject(s, line, s->line, "longer than --max-record");
		else
			handle(s, line);
		s->line++;
		p = next;
	}
	if (!last && (size_t)(end - p) > s->max_record) {
		if (!s->skipping)
			session_reject(
				s, (struct text){ p, (size_t)(end - p) }, s->line, "longer than --max-record");
		s->skipping = true;
		p = end;
	}
	if (!last)
		return (size_t)(p - data.at);
	check_marks(s);
	return data.len;
}
