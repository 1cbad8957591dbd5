/* imq-csv-converter: write chosen fields as a line of CSV (RFC 4180) into the field `output`, for imq-to-file
 * and the like. */
#include <stdlib.h>

#include "alloc.h"
#include "event.h"
#include "filter.h"
#include "nest.h"
#include "repr.h"
#include "value.h"

static struct {
	struct text fieldnames;
	const char *delimiter;
	enum field *fields; /* one per column */
	size_t count, cap;
	struct buf line, cell;
} my;

static const struct opt options[] = {
	OPT_VALUE('f', "fieldnames", &my.fieldnames, "time.source,classification.type,source.ip",
		"the columns, separated by commas without blanks, or a JSON array"),
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

static bool add_column(struct text name, struct problem *problem)
{
	if (my.count == my.cap)
		alloc_grow(&my.fields, &my.cap, my.count + 1, sizeof *my.fields);
	my.fields[my.count] = field_intern(name);
	return field_check(my.fields[my.count++], problem);
}

/* Names are not trimmed: a column called " comment" is as unknown as any other. */
static bool read_names(struct arena *scratch, struct problem *problem)
{
	struct value names, v;
	struct value_error unused;
	struct value_walk walk;
	struct text rest, name;

	if (value_parse(my.fieldnames, &names, &unused) && names.kind == VALUE_STRING) {
		for (rest = value_text(names, scratch); text_split(&rest, ',', &name);)
			if (!add_column(name, problem))
				return false;
		return true;
	}
	walk = value_walk(names);
	while (names.kind == VALUE_ARRAY && value_next(&walk, &v))
		if (v.kind != VALUE_STRING)
			return problem_set(problem, "--fieldnames: names of fields expected");
		else if (!add_column(value_text(v, scratch), problem))
			return false;
	return my.count > 0 || problem_set(problem, "--fieldnames: names of fields expected");
}

static bool start(struct problem *problem)
{
	struct arena scratch = { 0 };
	bool fine;

	if (!is_one_character(my.delimiter) || strpbrk(my.delimiter, "\"\r\n"))
		return problem_set(problem, "--delimiter is one character, neither a quote nor a line end");
	fine = read_names(&scratch, problem);
	arena_free(&scratch);
	return fine;
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
	for (size_t i = 0; i < my.count; i++) {
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
