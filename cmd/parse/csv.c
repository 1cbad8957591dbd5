/* CSV (RFC 4180, as data-format.md 7.3 and parsers-1.md 4.1 read it): a quote opens a quoted cell only at its
 * start, a doubled quote inside is one, text behind a closing quote is appended, rows end at LF, CR or CRLF.
 *
 * A quote that is never closed must not swallow the rest of the feed: its line is rejected, and reading goes on
 * with the next. */
#include "alloc.h"
#include "driver.h"
#include "parse.h"

enum {
	CELL_MAX = 131072,         /* characters, as IntelMQ's reader has it */
	QUOTED_MAX = 8 * CELL_MAX, /* bytes that so many characters and doubled quotes may have */
};

enum row { ROW_WHOLE, ROW_INCOMPLETE, ROW_UNCLOSED, ROW_LONG_CELL };

const char *line_end(const char *p, const char *end, bool last, bool unicode, const char **next)
{
	for (; p < end; p++) {
		unsigned char c = (unsigned char)*p;
		size_t length = 1;

		if (c > '\r' && c < 0xc2 && (c < 0x1c || c > 0x1e))
			continue;
		if (c == '\r') {
			if (p + 1 == end && !last)
				return NULL;
			length = p + 1 < end && p[1] == '\n' ? 2 : 1;
		} else if (c != '\n') {
			if (!unicode || c < '\n')
				continue;
			if (c == 0xc2 && p + 1 < end && (unsigned char)p[1] == 0x85)
				length = 2;
			else if (c == 0xe2 && end - p > 2 && (unsigned char)p[1] == 0x80 &&
			         ((unsigned char)p[2] == 0xa8 || (unsigned char)p[2] == 0xa9))
				length = 3;
			else if (c > 0x1e)
				continue;
		}
		*next = p + length;
		return p;
	}
	*next = end;
	return last ? end : NULL;
}

long line_feeds(const char *p, const char *end)
{
	long count = 0;

	while (p < end && (p = memchr(p, '\n', (size_t)(end - p)))) {
		count++;
		p++;
	}
	return count;
}

static bool too_long(struct text cell)
{
	size_t characters = 0;

	if (cell.len <= CELL_MAX)
		return false;
	for (size_t i = 0; i < cell.len; i++)
		characters += ((unsigned char)cell.at[i] & 0xc0) != 0x80;
	return characters > CELL_MAX;
}

/* Reads on behind the opening quote at P: appends the cell's characters to OUT up to the delimiter or line end,
 * which is returned. NULL: the quote is not closed before END. */
static const char *quoted_cell(const char *p, const char *end, char delimiter, struct buf *out)
{
	for (p++;;) {
		const char *quote = memchr(p, '"', (size_t)(end - p));

		if (!quote)
			return NULL;
		buf_add(out, p, (size_t)(quote - p));
		p = quote + 1;
		if (p < end && *p == '"') {
			buf_char(out, '"');
			p++;
			continue;
		}
		while (p < end && *p != delimiter && *p != '\n' && *p != '\r')
			buf_char(out, *p++);
		return p;
	}
}

/* Cells of quoted text are kept as offsets while the buffer they stand in may move. */
static void settle(struct session *s, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct cell *cell = &s->row.at[i];

		if (cell->kind == VALUE_NONE)
			*cell = cell_of((struct text){
				buf_view(&s->row.text).at + (uintptr_t)cell->text.at, cell->text.len });
	}
}

/* The quoted cell at *P, which moves behind it. */
static enum row scan_quoted(struct session *s, const char **p, const char *end, bool last, struct cell *cell)
{
	size_t start = s->row.text.len;
	bool far = end - *p > QUOTED_MAX;
	const char *close = quoted_cell(*p, far ? *p + QUOTED_MAX : end, s->program->delimiter, &s->row.text);
	struct text text;

	/* Where the limit cuts, the cell may go on. */
	if (!close || (far && close == *p + QUOTED_MAX))
		return far || last ? ROW_UNCLOSED : ROW_INCOMPLETE;
	text = text_from(buf_view(&s->row.text), start);
	*cell = (struct cell){ { (const char *)(uintptr_t)start, text.len }, VALUE_NONE };
	*p = close;
	if (!too_long(text))
		return ROW_WHOLE;
	return memchr(text.at, '\n', text.len) || memchr(text.at, '\r', text.len) ? ROW_UNCLOSED : ROW_LONG_CELL;
}

/* One row, kept as cells up to WIDTH. *NEXT is behind its line end, *AFTER at it. */
static enum row scan_row(struct session *s, const char *p, const char *end, bool last, size_t width, size_t *count,
	const char **after, const char **next)
{
	const char delimiter = s->program->delimiter;
	const bool quotes = s->program->quotes;
	enum row outcome = ROW_WHOLE;
	bool quoted = false;
	size_t n = 0;

	buf_clear(&s->row.text);
	for (;; p++) {
		struct cell cell;

		if (quotes && p < end && *p == '"') {
			enum row whole = scan_quoted(s, &p, end, last, &cell);

			if (whole == ROW_UNCLOSED || whole == ROW_INCOMPLETE)
				return whole;
			if (whole == ROW_LONG_CELL)
				outcome = whole;
			quoted = true;
		} else {
			const char *start = p;

			while (p < end && *p != delimiter && *p != '\n' && *p != '\r')
				p++;
			cell = cell_of((struct text){ start, (size_t)(p - start) });
			if (too_long(cell.text))
				outcome = ROW_LONG_CELL;
		}
		if (n < width)
			session_cells(s, n + 1)[n] = cell;
		n++;
		if (p == end || *p != delimiter)
			break;
	}
	*count = n < width ? n : width;
	*after = p;
	if (p == end ? !last : *p == '\r' && p + 1 == end && !last)
		return ROW_INCOMPLETE;
	*next = p == end ? p : p + (*p == '\r' && p + 1 < end && p[1] == '\n' ? 2 : 1);
	if (quoted)
		settle(s, *count);
	return outcome;
}

static const char *end_of_line_found(const char *after, const char *next)
{
	return next - after == 2 ? "\r\n" : next == after ? NULL : *after == '\r' ? "\r" : "\n";
}

/* Keeps the header's names: the row they stand in is gone with the next one. */
static void keep_names(struct session *s, size_t count)
{
	buf_clear(&s->header_text);
	for (size_t i = 0; i < count; i++)
		buf_text(&s->header_text, text_trim(s->row.at[i].text));
	alloc_grow(&s->header, &s->header_cap, count, sizeof *s->header);
	s->header_count = count;
	for (size_t i = 0, at = 0; i < count; i++) {
		size_t length = text_trim(s->row.at[i].text).len;

		s->header[i] = (struct text){ buf_view(&s->header_text).at + at, length };
		at += length;
	}
}

void csv_read_header(struct session *s, const struct record *r)
{
	struct program *p = s->program;

	s->header_seen = true;
	keep_names(s, r->count);
	for (size_t i = 0; i < p->input_count; i++) {
		p->inputs[i].column = SIZE_MAX;
		for (size_t c = r->count; c-- > 0;)
			if (text_eq(s->header[c], p->inputs[i].name)) {
				p->inputs[i].column = c;
				break;
			}
		if ((p->header_complete || p->inputs[i].wanted) && p->inputs[i].column == SIZE_MAX && !s->header_lacks.at)
			s->header_lacks = p->inputs[i].name;
	}
	if (p->mappings[0].raw == RAW_CSV_STRIPPED) {
		csv_rewrite(s, r, &s->work);
		buf_text(&s->csv_header, buf_view(&s->work));
		return;
	}
	buf_text(&s->csv_header, r->source);
	buf_string(&s->csv_header, s->line_end ? s->line_end : "\r\n");
}

static size_t wanted_width(const struct session *s)
{
	const struct program *p = s->program;

	if (p->header && !s->header_seen)
		return 16384;
	if (p->header || p->last_used || p->reject_long || p->min_columns > p->width)
		return SIZE_MAX;
	return p->width;
}

static bool passes_filter(struct session *s, struct text source)
{
	const struct program *p = s->program;
	bool found;

	if (!p->filter.at)
		return true;
	found = p->filter.len == 0 || memmem(source.at, source.len, p->filter.at, p->filter.len);
	return found != p->filter_drops;
}

/* A cell's text without quotes, for the filter, which looks at cells joined by the delimiter. */
static struct text unquoted(struct session *s, struct text source)
{
	size_t count;
	const char *after, *next;

	if (!s->program->filter.at || !memchr(source.at, '"', source.len) ||
	    scan_row(s, source.at, source.at + source.len, true, SIZE_MAX, &count, &after, &next) != ROW_WHOLE)
		return source;
	buf_clear(&s->work);
	for (size_t i = 0; i < count; i++) {
		if (i)
			buf_char(&s->work, s->program->delimiter);
		buf_text(&s->work, s->row.at[i].text);
	}
	return buf_view(&s->work);
}

static void reject_for_header(struct session *s, struct text source)
{
	struct buf reason = BUF_INIT;

	buf_string(&reason, "the header lacks the column ");
	buf_json(&reason, s->header_lacks);
	session_reject(s, source, s->line, buf_cstr(&reason));
	buf_free(&reason);
}

static void take_row(struct session *s, struct text source, size_t count, struct text end)
{
	const struct program *p = s->program;
	struct record r = { .source = source, .line = s->line, .count = count, .line_end = end };

	if (p->filter.at) {
		bool passes = passes_filter(s, unquoted(s, source));
		const char *after, *next;

		if (!passes) {
			s->done(s, 0);
			return;
		}
		scan_row(s, source.at, source.at + source.len, true, wanted_width(s), &r.count, &after, &next);
	}
	if (p->header && !s->header_seen) {
		r.cells = s->row.at;
		csv_read_header(s, &r);
		if (p->driver)
			p->driver->header(s, r.count);
		return;
	}
	if (s->header_lacks.at) {
		reject_for_header(s, source);
		return;
	}
	if (p->reject_long && r.count > (p->header ? s->header_count : p->column_count)) {
		session_reject(s, source, s->line, "too many columns");
		return;
	}
	if (r.count < p->min_columns) {
		if (p->skip_short)
			s->done(s, 0);
		else
			session_reject(s, source, s->line, "too few columns");
		return;
	}
	r.cells = s->row.at;
	session_record(s, &r);
}

/* The line from P that opens a quote which nobody closes: rejected alone. Of the last line of all, the rest is the
 * cell, as IntelMQ has it. */
static const char *unclosed(struct session *s, const char *p, const char *end, bool last)
{
	const char *next, *stop = line_end(p, end, last, false, &next);
	struct text source = { p, (size_t)(stop - p) };
	size_t count;
	const char *after, *unused;

	if (next == end && last) {
		/* As if it were closed: the quote stands behind the data for a moment, in a copy. */
		buf_clear(&s->work);
		buf_text(&s->work, source);
		buf_char(&s->work, '"');
		if (scan_row(s, s->work.at, s->work.at + s->work.len, true, wanted_width(s), &count, &after,
			    &unused) == ROW_WHOLE) {
			source = arena_text(&s->arena, buf_view(&s->work));
			scan_row(s, source.at, source.at + source.len, true, wanted_width(s), &count, &after,
				&unused);
			source.len--;
			take_row(s, source, count, TEXT(""));
			return next;
		}
	}
	session_reject(s, source, s->line, "a quote is never closed");
	return next;
}

/* Lines that are no rows: blank, comments, those to be skipped. NULL: P is a row; END + 1: not complete. */
static const char *no_row(struct session *s, const char *p, const char *end, bool last)
{
	const char *q = p, *next, *stop;
	bool comment;

	while (q < end && (*q == ' ' || *q == '\t'))
		q++;
	if (q == end && !last)
		return end + 1;
	if (q == end || *q == '\n' || *q == '\r') {
		stop = line_end(q, end, last, false, &next);
		return stop ? next : end + 1;
	}
	comment = (size_t)s->line <= s->program->skip_lines ||
		session_is_comment(s, (struct text){ q, (size_t)(end - q) });
	if (!comment && s->skipped >= s->program->skip_first)
		return NULL;
	stop = line_end(q, end, last, false, &next);
	if (!stop)
		return end + 1;
	if (comment) {
		session_comment(s, (struct text){ q, (size_t)(stop - q) });
	} else {
		s->skipped++;
		s->line_end = end_of_line_found(stop, next);
		buf_add(&s->csv_header, p, (size_t)(stop - p));
		buf_string(&s->csv_header, s->line_end ? s->line_end : "\r\n");
	}
	return next;
}

/* Skips what is left of a row that was too long. */
static const char *skip_rest(struct session *s, const char *p, const char *end)
{
	for (; p < end; p++)
		if (*p == '\n' || *p == '\r') {
			s->skipping = false;
			return p;
		}
	return end;
}

/* Whether P is behind the last row: for IntelMQ its line end is no part of it, and so not of `raw: header_line`. */
static bool nothing_follows(const char *p, const char *end)
{
	return text_trim((struct text){ p, (size_t)(end - p) }).len == 0;
}

size_t frame_csv(struct session *s, struct text data, bool last)
{
	const char *p = data.at, *end = p + data.len, *next, *after;
	struct text ending;
	size_t count;

	if (s->skipping)
		p = skip_rest(s, p, end);
	while (p < end) {
		const char *row = p;

		next = no_row(s, p, end, last);
		if (next > end)
			break;
		if (next) {
			s->line++;
			p = next;
			continue;
		}
		/* Leading blanks are no part of a row, but where they are delimiters. */
		if (s->program->generic && s->program->delimiter != '\t' && s->program->delimiter != ' ')
			while (*row == ' ' || *row == '\t')
				row++;
		count = 0;
		switch (scan_row(s, row, end, last, wanted_width(s), &count, &after, &next)) {
		case ROW_WHOLE:
			ending = (struct text){ after, (size_t)(next - after) };
			if (s->program->mappings[0].raw == RAW_HEADER_LINE && nothing_follows(next, end)) {
				if (!last)
					goto incomplete;
				ending.len = 0;
			}
			if (!s->line_end || next > after)
				s->line_end = next > after ? end_of_line_found(after, next) : s->line_end;
			take_row(s, (struct text){ row, (size_t)(after - row) }, count, ending);
			break;
		case ROW_LONG_CELL:
			session_reject(s, (struct text){ row, (size_t)(after - row) }, s->line,
				"a cell is longer than 131072 characters");
			break;
		case ROW_UNCLOSED:
			if (!line_end(row, end, last, false, &next))
				goto incomplete;
			after = row;
			next = unclosed(s, row, end, last);
			break;
		case ROW_INCOMPLETE:
			goto incomplete;
		}
		s->line += 1 + line_feeds(row, after);
		p = next;
	}
incomplete:
	if (!last && (size_t)(end - p) > s->max_record) {
		session_reject(s, (struct text){ p, (size_t)(end - p) }, s->line, "longer than --max-record");
		s->skipping = true;
		p = end;
	}
	return (size_t)(p - data.at);
}

static void write_cell(struct buf *out, struct text cell)
{
	bool quote = false;

	for (size_t i = 0; i < cell.len; i++)
		quote |= cell.at[i] == ',' || cell.at[i] == '"' || cell.at[i] == '\n' || cell.at[i] == '\r';
	if (!quote) {
		buf_text(out, cell);
		return;
	}
	buf_char(out, '"');
	for (size_t i = 0; i < cell.len; i++) {
		if (cell.at[i] == '"')
			buf_char(out, '"');
		buf_char(out, cell.at[i]);
	}
	buf_char(out, '"');
}

static void swap_cells(struct session *s)
{
	struct cells row = s->row;

	s->row = s->again;
	s->again = row;
}

void csv_rewrite(struct session *s, const struct record *r, struct buf *out)
{
	size_t count;
	const char *after, *next;

	buf_text(out, buf_view(&s->csv_header));
	if (s->program->delimiter == ',' && !memchr(r->source.at, '"', r->source.len)) {
		buf_text(out, r->source);
		buf_string(out, s->line_end ? s->line_end : "\r\n");
		return;
	}
	swap_cells(s);
	if (scan_row(s, r->source.at, r->source.at + r->source.len, true, SIZE_MAX, &count, &after, &next) ==
		ROW_WHOLE) {
		for (size_t i = 0; i < count; i++) {
			if (i)
				buf_char(out, ',');
			write_cell(out, s->row.at[i].text);
		}
		if (count == 1 && s->row.at[0].text.len == 0)
			buf_string(out, "\"\"");
	} else {
		buf_text(out, r->source);
	}
	swap_cells(s);
	buf_string(out, s->line_end ? s->line_end : "\r\n");
}
