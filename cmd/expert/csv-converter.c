/* imq-csv-converter: write chosen fields as a line of CSV (RFC 4180) into the field `output`, for imq-to-file
 * and the like. */
#include <stdlib.h>

#include "alloc.h"
#include "event.h"
#include "filter.h"
#include "nest.h"
#include "repr.h"

static struct {
	struct list fieldnames;
	const char *delimiter;
	enum field *fields; /* one per name */
	struct buf line, cell;
} my;

static const struct opt options[] = {
	OPT_LIST('f', "fieldnames", &my.fieldnames, "time.source,classification.type,source.ip",
		"the columns"),
	OPT_TEXT('d', "delimiter", &my.delimiter, ",", "the character between columns"),
	OPT_END
};

static bool is_one_character(const char *text)
{
	size_t n = 0;

	for (const char *p = text; *p; p++)
		n += ((unsigned char)*p & 0xc0) != 0x80;
	return n == 1;
}

static bool start(struct problem *problem)
{
	if (!is_one_character(my.delimiter) || strpbrk(my.delimiter, "\"\r\n"))
		return problem_set(problem, "--delimiter is one character, neither a quote nor a line end");
	if (my.fieldnames.count == 0)
		return problem_set(problem, "--fieldnames is needed");
	my.fields = alloc_zero(my.fieldnames.count, sizeof *my.fields);
	for (size_t i = 0; i < my.fieldnames.count; i++) {
		my.fields[i] = field_intern(my.fieldnames.items[i]);
		if (!field_check(my.fields[i], problem))
			return false;
	}
	return true;
}

/* Several values stand in one cell with ; between them, and %3B for a ; inside of one. */
static void put_values(struct event *ev, enum field f)
{
	struct event_values values = event_values(ev, f);
	bool first = true;
	struct value v;

	for (; event_next_value(&values, &v); first = false) {
		struct text form = event_value_form(ev, v);

		if (!first)
			buf_char(&my.cell, ';');
		for (size_t i = 0; i < form.len; i++)
			if (form.at[i] == ';')
				buf_string(&my.cell, "%3B");
			else
				buf_char(&my.cell, form.at[i]);
	}
}

static void fill_cell(struct event *ev, enum field f)
{
	struct value v = event_value(ev, f);

	buf_clear(&my.cell);
	if (f == F_EXTRA)
		nest_write(ev, TEXT("extra"), &my.cell);
	else if (v.kind == VALUE_STRING)
		buf_text(&my.cell, value_text(v, event_arena(ev)));
	else if (v.kind == VALUE_ARRAY && !field_is_extra(f))
		put_values(ev, f);
	else if (v.kind != VALUE_NONE)
		repr_value(&my.cell, v);
}

static void put_cell(struct text cell)
{
	bool special = memmem(cell.at, cell.len, my.delimiter, strlen(my.delimiter)) != NULL;

	for (size_t i = 0; i < cell.len && !special; i++)
		special = cell.at[i] == '"' || cell.at[i] == '\r' || cell.at[i] == '\n';
	if (!special) {
		buf_text(&my.line, cell);
		return;
	}
	buf_char(&my.line, '"');
	for (size_t i = 0; i < cell.len; i++) {
		if (cell.at[i] == '"')
			buf_char(&my.line, '"');
		buf_char(&my.line, cell.at[i]);
	}
	buf_char(&my.line, '"');
}

static enum verdict convert(struct event *ev)
{
	buf_clear(&my.line);
	for (size_t i = 0; i < my.fieldnames.count; i++) {
		if (i)
			buf_string(&my.line, my.delimiter);
		fill_cell(ev, my.fields[i]);
		put_cell(buf_view(&my.cell));
	}
	if (my.line.len == 0) /* a line of one empty cell must not look like no line */
		buf_string(&my.line, "\"\"");
	event_add(ev, F_OUTPUT, buf_view(&my.line), OVERWRITE_UNSET);
	return PASS;
}

static void stop(void)
{
	free(my.fields);
	buf_free(&my.line);
	buf_free(&my.cell);
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv,
		&(struct filter){ .name = "imq-csv-converter",
			.module = "intelmq.bots.experts.csv_converter.expert",
			.summary = "write fields as a line of CSV into output",
			.options = options,
			.start = start,
			.event = convert,
			.stop = stop });
}
