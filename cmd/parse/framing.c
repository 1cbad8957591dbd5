/* What a definition says of the way from bytes to records: format, delimiters, columns, comments, captures. */
#include "driver.h"
#include "entries.h"
#include "jq_program.h"

const char *const format_names[] = { "csv", "lines", "json", "jsonl", "kv", "html", "xml", NULL };

static bool read_columns(struct builder *b)
{
	struct text *names = NULL;
	size_t count = 0;

	if (!read_texts(b, "columns", &names, &count))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (names[i].len == 0 || names[i].at[0] == '@')
			return build_fail(b, "columns: no name for a column: \"%.*s\"", TEXT_ARGS(names[i]));
		for (size_t j = 0; j < i; j++)
			if (text_eq(names[i], names[j]))
				return build_fail(b, "columns: \"%.*s\" stands here twice", TEXT_ARGS(names[i]));
		build_input(b, names[i]);
	}
	b->p->column_count = count;
	return true;
}

static bool read_driver(struct builder *b)
{
	int number = -1;

	if (!read_word(b, "driver", driver_names(), &number))
		return false;
	if (number < 0)
		return true;
	b->p->driver = driver_find(text_of(driver_names()[number]));
	if (b->p->driver->looks_at)
		field_intern(text_of(b->p->driver->looks_at));
	return true;
}

static bool read_format(struct builder *b)
{
	int format = -1;

	if (!read_word(b, "format", format_names, &format) || !read_driver(b))
		return false;
	if (b->p->driver) {
		if (format >= 0)
			return build_fail(b, "a driver knows its format by itself");
		format = FORMAT_DRIVER;
		b->p->header = b->p->driver->header != NULL;
	}
	if (format < 0) {
		b->line = 0;
		return build_fail(b, "format is missing: csv, lines, json, jsonl, kv, html or xml");
	}
	b->p->format = (enum format)format;
	return true;
}

static bool read_delimiter(struct builder *b)
{
	struct text delimiter, *delimiters = NULL;
	size_t count = 0;

	if (!read_texts(b, "delimiter", &delimiters, &count))
		return false;
	delimiter = count ? delimiters[0] : TEXT(",");
	if (delimiter.len != 1 || count > 1 || strchr("\"\n\r", delimiter.at[0]))
		return build_fail(b, "delimiter: one character is wanted");
	b->p->delimiter = delimiter.at[0];
	return true;
}

static bool read_lines(struct builder *b)
{
	static const char *const ways[] = { "reject", "skip", NULL }, *const long_ways[] = { "keep", "reject", NULL };
	struct program *p = b->p;
	int unmatched = 0, too_short = 0, too_long = 0;

	if (!read_word(b, "unmatched", ways, &unmatched) || !read_word(b, "short", ways, &too_short) ||
		!read_bool(b, "strip", &p->strip) || !read_count(b, "min_columns", &p->min_columns) ||
		!read_word(b, "long", long_ways, &too_long) || !read_count(b, "skip_first", &p->skip_first) ||
		!read_count(b, "skip_lines", &p->skip_lines) || !read_count(b, "skip_last", &p->skip_last) ||
		!read_count(b, "lines_per_record", &p->lines_per_record) || !read_regex(b, "start", &p->start) ||
		!read_regex(b, "stop", &p->stop) || !read_texts(b, "comments", &p->comments, &p->comment_count) ||
		!read_texts(b, "separator", &p->separators, &p->separator_count) ||
		!read_regex(b, "pattern", &p->pattern))
		return false;
	p->skip_unmatched = unmatched == 1;
	p->skip_short = too_short == 1;
	p->reject_long = too_long == 1;
	if (p->pattern && p->separator_count)
		return build_fail(b, "a line is split by separator or by pattern, not both");
	if (p->format != FORMAT_LINES &&
		(p->start || p->stop || p->skip_last || p->lines_per_record || p->pattern || p->separator_count))
		return build_fail(b, "start, stop, skip_last, lines_per_record, pattern and separator are for lines");
	if (p->lines_per_record > LINES_PER_RECORD)
		return build_fail(b, "lines_per_record: at most %d", LINES_PER_RECORD);
	if (p->lines_per_record && !p->pattern)
		return build_fail(b, "lines_per_record wants a pattern, which every line of a record matches");
	return true;
}

static bool read_captures(struct builder *b, const struct entries *list)
{
	const struct entry *captures = entries_find(list, "captures");

	for (size_t i = 0; captures && captures->children && i < captures->children->count; i++) {
		const struct entry *entry = &captures->children->at[i];
		struct capture *capture = build_more(b, &b->p->captures, &b->p->capture_count, sizeof *capture);
		struct value line = member_of(entry->value, "line");
		struct text pattern;
		long long number = 0;

		b->line = entry->line;
		capture->name = entry->key;
		pattern = text_in(
			b, entry->value.kind == VALUE_OBJECT ? member_of(entry->value, "match") : entry->value);
		capture->once = member_of(entry->value, "once").kind == VALUE_TRUE;
		if (line.kind != VALUE_NONE) {
			if (!value_integer(line, &number) || number < 1)
				return build_fail(b, "line: the number of a line is wanted, from 1");
			pattern = pattern.at ? pattern : TEXT(".*");
		}
		capture->line = (long)number;
		if (!pattern.at)
			return build_fail(b, "a capture is a regular expression, or {match: REGEX, once: true, line: N}");
		if (!build_regex(b, pattern, &capture->regex))
			return false;
	}
	return true;
}

static bool read_records(struct builder *b)
{
	struct entry *entry = setting(b, "records");

	if (!entry)
		return b->p->format != FORMAT_XML || build_fail(b, "records is missing: the name of the elements that are records");
	if (b->p->format == FORMAT_XML) {
		b->p->record_name = text_in(b, entry->value);
		return b->p->record_name.len || build_fail(b, "records: the name of an element is wanted");
	}
	if (b->p->format != FORMAT_JSON)
		return build_fail(b, "records is for json and xml");
	if (!build_path(b, text_in(b, entry->value), true, &b->p->records, &b->p->records_depth))
		return false;
	/* `a.b` means the elements of the array there. */
	if (b->p->records[b->p->records_depth - 1].index >= PATH_KEY)
		*(struct path_step *)build_more(b, &b->p->records, &b->p->records_depth, sizeof(struct path_step)) =
			(struct path_step){ .index = PATH_ELEMENTS };
	return b->p->records_depth <= RECORDS_DEPTH || build_fail(b, "records: at most %d steps", RECORDS_DEPTH);
}

/* {index: N, attribute: NAME, value: TEXT} */
static bool read_table(struct builder *b)
{
	struct entry *entry = setting(b, "table");
	struct value index;
	long long number = 0;

	if (!entry)
		return true;
	index = member_of(entry->value, "index");
	b->p->attribute = text_in(b, member_of(entry->value, "attribute"));
	b->p->attribute_value = text_in(b, member_of(entry->value, "value"));
	if (entry->value.kind != VALUE_OBJECT || (index.kind != VALUE_NONE && !value_integer(index, &number)) ||
		!b->p->attribute.at != !b->p->attribute_value.at)
		return build_fail(b, "table wants {index: NUMBER, attribute: NAME, value: TEXT}");
	b->p->table_index = (long)number;
	return true;
}

static bool read_pairs(struct builder *b)
{
	struct text *pair = NULL, *kv = NULL;
	size_t pairs = 0, kvs = 0;

	b->p->strip_quotes = true;
	if (!read_texts(b, "pair_separator", &pair, &pairs) || !read_texts(b, "kv_separator", &kv, &kvs) ||
		!read_bool(b, "strip_quotes", &b->p->strip_quotes))
		return false;
	b->p->pair_separator = pairs ? pair[0] : TEXT(" ");
	b->p->kv_separator = kvs ? kv[0] : TEXT("=");
	return (b->p->pair_separator.len && b->p->kv_separator.len && pairs < 2 && kvs < 2) ||
		build_fail(b, "a separator is one text that is not empty");
}

static bool read_jq(struct builder *b)
{
	struct entry *entry = setting(b, "jq");
	struct problem problem = { .line = 0 };
	struct text program;

	if (!entry)
		return true;
	program = text_in(b, entry->value);
	if (!program.at || (b->p->format != FORMAT_JSON && b->p->format != FORMAT_JSONL && b->p->format != FORMAT_XML))
		return build_fail(b, "jq is a program for json, jsonl or xml");
	b->p->jq = jq_program_new(program, &problem);
	return b->p->jq || build_fail(b, "%s", problem.text);
}

/* Keys that are known, though no field is made of them. */
static bool read_ignored(struct builder *b)
{
	static const char *const policies[] = { "ignore", "reject", "reject_set", NULL };
	struct text *names = NULL;
	size_t count = 0;
	int others = OTHERS_IGNORE;

	if (!read_word(b, "others", policies, &others) || !read_texts(b, "ignore", &names, &count))
		return false;
	b->p->others = others == 1 ? OTHERS_REJECT : others == 2 ? OTHERS_REJECT_SET : OTHERS_IGNORE;
	for (size_t i = 0; i < count; i++) {
		struct source source = { .kind = SOURCE_VALUE };

		if (!build_source(b, names[i], &source))
			return false;
	}
	return true;
}

/* `header: complete` wants all columns that are looked at, a list those it has. */
static bool read_header(struct builder *b)
{
	struct entry *entry = setting(b, "header");
	struct text *names = NULL;
	size_t count = 0;

	if (entry && entry->value.kind == VALUE_ARRAY) {
		if (!read_texts(b, "header", &names, &count))
			return false;
		for (size_t i = 0; i < count; i++) {
			unsigned number = build_input(b, names[i]);

			b->p->inputs[number].wanted = true;
		}
		return b->p->header = true;
	}
	if (!entry || !text_is(text_in(b, entry->value), "complete"))
		return read_bool(b, "header", &b->p->header);
	b->p->header = b->p->header_complete = true;
	return true;
}

bool framing_read(struct builder *b)
{
	struct program *p = b->p;

	p->quotes = p->strip = true;
	p->delimiter = ',';
	if (!read_format(b) || !read_word(b, "encoding", encoding_names, &p->encoding) ||
		!read_bool(b, "quotes", &p->quotes) || !read_header(b) ||
		!read_delimiter(b) || !read_lines(b) || !read_columns(b))
		return false;
	for (size_t i = LENGTH(b->layers); i-- > 0;)
		if (!read_captures(b, b->layers[i]))
			return false;
	return read_steps(b, "repair", &p->repair) && read_records(b) && read_ignored(b) && read_table(b) && read_pairs(b) &&
		read_jq(b);
}
