/* imq-parse: feeds to events. Reads raw bytes, or reports whose `raw` holds them; what to make of them, a feed's
 * definition says (imq-feed(5)), or the options of IntelMQ's generic CSV parser. One bad record is rejected alone,
 * with the lines above it that give it its meaning, as a report that can be parsed again. */
#include <stdlib.h>

#include "clock.h"
#include "driver.h"
#include "filter.h"
#include "guess.h"
#include "intake.h"
#include "log.h"
#include "shadowserver.h"
#include "stream.h"

enum { MAX_REPORT = 1 << 30, MAX_RECORD = 16 << 20 };

static struct {
	struct generic generic;
	struct text default_fields;
	struct list copy;
	const char *time_observation;
	bool list, check, test, guess, update_schema;
	int input, encoding;
	struct run run;
	struct definition *definition;
	struct session session;
	struct buf defaults;
} my;

static const char *const inputs[] = { "auto", "raw", "report", NULL };
static const char *const filters[] = { "whitelist", "blacklist", NULL };

static const struct opt options[] = {
	OPT_CHOICE('i', "input", &my.input, inputs, "auto",
		"what comes in: raw bytes or reports; auto: the first record tells"),
	OPT_CHOICE('e', "encoding", &my.encoding, encoding_names, "auto", "the encoding of the feed"),
	OPT_JSON('d', "default-fields", &my.default_fields, NULL,
		"fields for events that do not have them, as a map"),
	OPT_LIST(0, "copy-collector-provided-fields", &my.copy, "",
		"further fields to copy from reports into events"),
	OPT_TEXT(0, "time-observation", &my.time_observation, NULL,
		"the time.observation of raw input, instead of now"),
	OPT_BOOL('l', "list", &my.list, false, "list the feeds of the catalogue"),
	OPT_BOOL(0, "check", &my.check, false, "check the definitions in FILEs, or all"),
	OPT_BOOL(0, "test", &my.test, false, "parse the samples of the definitions called NAME, or of all"),
	OPT_BOOL(0, "update-schema", &my.update_schema, false,
		"Shadowserver: install the schema in FILE, or a downloaded one, if it is another version"),
	OPT_BOOL('g', "guess", &my.guess, false, "print a definition for the feed in FILE, to be edited"),
	OPT_LIST('c', "columns", &my.generic.columns, "",
		"generic CSV: the field of each column, a|b for alternatives"),
	OPT_LIST(0, "columns-required", &my.generic.columns_required, "",
		"generic CSV: for each column, whether a bad value rejects the row"),
	OPT_TEXT('t', "delimiter", &my.generic.delimiter, ",", "generic CSV: what separates columns"),
	OPT_JSON('s', "skip-header", &my.generic.skip_header, NULL,
		"generic CSV: how many lines to skip; true is one"),
	OPT_TEXT(0, "default-url-protocol", &my.generic.default_url_protocol, "http://",
		"generic CSV: put before URLs that have none"),
	OPT_TEXT(0, "time-format", &my.generic.time_format, NULL, "generic CSV: how to read time.source"),
	OPT_TEXT(0, "type", &my.generic.type, NULL, "generic CSV: the classification.type of events without one"),
	OPT_JSON(0, "type-translation", &my.generic.type_translation, NULL,
		"generic CSV: the feed's types to ours, as a map"),
	OPT_JSON(0, "data-type", &my.generic.data_type, NULL,
		"generic CSV: fields whose cells are JSON, as a map to \"json\""),
	OPT_JSON(0, "column-regex-search", &my.generic.column_regex_search, NULL,
		"generic CSV: fields to the regular expressions that find their values"),
	OPT_JSON(0, "compose-fields", &my.generic.compose_fields, NULL,
		"generic CSV: fields to templates like {0}/{1}, as a map"),
	OPT_TEXT(0, "filter-text", &my.generic.filter_text, NULL,
		"generic CSV: the text that --filter-type is about"),
	OPT_CHOICE(0, "filter-type", &my.generic.filter_type, filters, NULL,
		"generic CSV: keep only rows with --filter-text, or without"),
	OPT_TEXT('p', "pattern", &my.generic.pattern, NULL,
		"generic lines: the regular expression whose groups are the columns"),
	OPT_BOOL(0, "skip-unmatched", &my.generic.skip_unmatched, false,
		"generic lines: pass over lines that do not match, instead of rejecting them"),
	OPT_LIST(0, "ignore-values", &my.generic.ignore_values, "",
		"generic HTML: for each column, a text that is no value"),
	OPT_TEXT(0, "attribute-name", &my.generic.attribute_name, "", "generic HTML: only tables with this attribute …"),
	OPT_TEXT(0, "attribute-value", &my.generic.attribute_value, "", "generic HTML: … of this value"),
	OPT_INTEGER(0, "table-index", &my.generic.table_index, "0", "generic HTML: which of the tables, from 0"),
	OPT_BOOL(0, "skip-table-head", &my.generic.skip_table_head, true, "generic HTML: leave the first row out"),
	OPT_TEXT(0, "split-column", &my.generic.split_column, "", "generic HTML: the field whose cells are split"),
	OPT_TEXT(0, "split-separator", &my.generic.split_separator, NULL,
		"generic HTML: what they are split at, instead of white space"),
	OPT_TEXT(0, "split-index", &my.generic.split_index, "0", "generic HTML: which piece counts, from 0"),
	OPT_TEXT(0, "html-parser", &my.generic.html_parser, NULL, "generic HTML: has no effect, as in IntelMQ"),
	OPT_BOOL(0, "skip-head", &my.generic.skip_head, true, "generic HTML: has no effect, as in IntelMQ"),
	OPT_JSON('k', "keys", &my.generic.keys, NULL, "generic key=value: keys to fields, as a map"),
	OPT_TEXT(0, "pair-separator", &my.generic.pair_separator, " ", "generic key=value: what separates pairs"),
	OPT_TEXT(0, "kv-separator", &my.generic.kv_separator, "=", "generic key=value: what separates key and value"),
	OPT_BOOL(0, "strip-quotes", &my.generic.strip_quotes, true, "generic key=value: take quotes around values off"),
	OPT_TEXT(0, "timestamp-key", &my.generic.timestamp_key, NULL,
		"generic key=value: has no effect, as in IntelMQ"),
	OPT_BOOL(0, "splitlines", &my.generic.splitlines, false, "generic JSON: every line is a document"),
	PARAMETER_OPTIONS,
	OPT_END
};

/* Appends the beginning of the input, decoded; *WHOLE: it is all. */
static bool read_sample(struct buf *sample, bool *whole)
{
	struct decoder decoder = { .encoding = (enum encoding)my.encoding };
	enum reader_state state;
	struct text block;

	decode_start(&decoder);
	while ((state = reader_block(my.run.in, &block)) == READER_WAIT)
		reader_wait(my.run.in, -1);
	if (state == READER_FAILED)
		return false;
	*whole = state == READER_END;
	if (state == READER_RECORD)
		decode(&decoder, block, true, sample);
	return true;
}

static int guess(void)
{
	struct buf sample = BUF_INIT, yaml = BUF_INIT;
	bool whole = true, fine = read_sample(&sample, &whole);
	int status = fine ? EXIT_FINE : EXIT_IO;

	if (!fine)
		log_problem(&my.run.in->problem);
	else if (guess_definition(buf_view(&sample), true, &yaml))
		fwrite(yaml.at, 1, yaml.len, stdout);
	else
		status = EXIT_NO;
	if (status == EXIT_NO)
		log_message("neither CSV nor JSON: nothing to guess");
	buf_free(&sample);
	buf_free(&yaml);
	return fflush(stdout) != 0 ? EXIT_IO : status;
}

/* Guesses a definition for the input, and puts back what it has looked at. */
static struct definition *guessed(struct problem *problem)
{
	struct buf sample = BUF_INIT, yaml = BUF_INIT;
	struct definition *d = NULL;
	bool whole = true;

	if (!read_sample(&sample, &whole))
		*problem = my.run.in->problem;
	else if (guess_definition(buf_view(&sample), true, &yaml))
		d = definition_read(buf_view(&yaml), "guess", problem);
	else
		problem_set(problem, "neither CSV nor JSON: nothing to guess");
	if (!whole)
		reader_unread(my.run.in);
	buf_free(&sample);
	buf_free(&yaml);
	return d;
}

/* Finds out from the operands what to parse by; what is left of them is input. */
static bool find_definition(struct problem *problem)
{
	struct reader *in = my.run.in;
	char *const *operands = in->files;
	const struct feed *feed = NULL;
	bool guessing = strcmp(*operands, "guess") == 0;
	enum generic_kind kind = my.generic.pattern ? GENERIC_REGEX : GENERIC_CSV;

	if (guessing) {
		reader_init(in, operands + 1, my.run.max_record);
		my.definition = guessed(problem);
	} else if (generic_find(*operands, &kind)) {
		my.definition = generic_definition(&my.generic, kind, problem);
		operands++;
	} else if (my.generic.columns.count) {
		my.definition = generic_definition(&my.generic, kind, problem);
	} else if (strcmp(*operands, "-") == 0) {
		return problem_set(
			problem, "the name of a feed is wanted, or --columns; imq-parse --list shows all feeds");
	} else {
		my.definition = catalogue_find(text_of(*operands), &feed, problem);
		operands++;
	}
	if (!my.definition)
		return false;
	if (kind == GENERIC_HTML && !my.generic.type)
		my.generic.type = "c2-server";
	if (!guessing)
		reader_init(in, operands, my.run.max_record);
	session_init(&my.session, my.definition, &my.run.out->buffer);
	my.session.feed = feed;
	my.session.max_record = my.run.max_record == MAX_REPORT ? MAX_RECORD : my.run.max_record;
	my.session.copy = &my.copy;
	/* Known before reports are read. */
	for (size_t i = 0; i < my.copy.count; i++)
		field_intern(my.copy.items[i]);
	for (size_t i = 0; i < my.definition->program_count; i++) {
		const struct driver *driver = my.definition->programs[i].driver;

		if (driver && driver->open && !driver->open(&my.session, problem))
			return false;
	}
	return true;
}

static bool observe(struct problem *problem)
{
	int64_t now = clock_now();

	if (my.time_observation && !when_parse(text_of(my.time_observation), &now))
		return problem_set(problem, "--time-observation: not a time: \"%s\"", my.time_observation);
	when_write(&my.session.observation, now);
	return true;
}

static bool start(void)
{
	struct problem problem = { .line = 0 };
	struct value_error unused;

	if (find_definition(&problem) && observe(&problem) &&
	    defaults_read(my.default_fields, my.generic.type, &my.defaults, &problem))
		return value_parse(buf_view(&my.defaults), &my.session.defaults, &unused);
	log_problem(&problem);
	return false;
}

static void release(void)
{
	if (my.definition)
		session_free(&my.session);
	definition_free(my.definition);
	buf_free(&my.defaults);
}

static int update(char *const *operands)
{
	if (!*operands || !text_is(text_of(*operands), "shadowserver") || (operands[1] && operands[2])) {
		log_message("only Shadowserver has a schema: imq-parse shadowserver --update-schema [FILE]");
		return EXIT_USAGE;
	}
	return schema_update(operands[1]);
}

/* The other things to do than parsing. False: none was asked for. */
static bool other_task(int *status)
{
	static char *const none[] = { NULL };
	char *const *operands = strcmp(*my.run.in->files, "-") == 0 ? none : my.run.in->files;

	if (my.guess)
		*status = guess();
	else if (my.list)
		*status = catalogue_list();
	else if (my.check)
		*status = catalogue_check(operands);
	else if (my.test)
		*status = catalogue_test(operands);
	else if (my.update_schema)
		*status = update(operands);
	return my.guess || my.list || my.check || my.test || my.update_schema;
}

int main(int argc, char **argv)
{
	struct command command = { .name = "imq-parse", .summary = "make events of feeds",
		.operands = "NAME [FILE]...", .options = options, .common = run_options,
		.kind = "parser" };
	char *modules = NULL;
	int status, other = EXIT_FINE;

	/* The list of modules takes reading the whole catalogue: only where it is asked for. */
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--describe") == 0 && !modules)
			command.modules = modules = catalogue_modules();
	if (!run_start(&my.run, &command, argc, argv, MAX_REPORT, &status)) {
		free(modules);
		return status;
	}
	if (other_task(&other)) {
		status = run_end(&my.run, NULL);
		return status ? status : other;
	}
	if (start()) {
		intake(&my.run, &my.session, (enum encoding)my.encoding, (enum intake_kind)my.input);
		status = run_end(&my.run, NULL);
	} else {
		run_end(&my.run, NULL);
		status = EXIT_USAGE;
	}
	release();
	return status;
}
