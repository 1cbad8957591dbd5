/* imq-parse: feeds to events. Reads raw bytes, or reports whose `raw` holds them; what to make of them, a feed's definition says
 * (imq-feed(5)), or the options of IntelMQ's generic CSV parser. One bad record is rejected alone, with the lines above it that give it its
 * meaning, as a report that can be parsed again. */
#include <errno.h>
#include <stdlib.h>

#include "alloc.h"
#include "clock.h"
#include "filter.h"
#include "log.h"
#include "parse.h"
#include "reject.h"
#include "stream.h"

enum { MAX_REPORT = 1 << 30, MAX_RAW_RECORD = 16 << 20, IDLE_WINDOW = 1 << 20 };
enum { INPUT_AUTO, INPUT_RAW, INPUT_REPORT };

static struct {
	struct generic generic;
	struct text default_fields;
	struct list copy;
	const char *time_observation;
	bool list, check, test;
	int input, encoding;
	struct run run;
	struct definition *definition;
	struct session session;
	struct decoder decoder;
	struct buf window;  /* decoded, not yet used up */
	size_t retry_at;    /* do not look at a window shorter than this again */
	struct buf bytes;   /* of a report */
	struct buf defaults, record, reject_raw, reason;
	struct event *report;
} my;

static const char *const inputs[] = { "auto", "raw", "report", NULL };
static const char *const encodings[] = { "utf-8", "latin-1", "windows-1252", "utf-16", NULL };
static const char *const filters[] = { "whitelist", "blacklist", NULL };

static const struct opt options[] = {
	OPT_CHOICE('i', "input", &my.input, inputs, "auto", "what comes in: raw bytes or reports; auto: the first record tells"),
	OPT_CHOICE('e', "encoding", &my.encoding, encodings, "utf-8", "the encoding of the feed"),
	OPT_JSON('d', "default-fields", &my.default_fields, NULL, "fields for events that do not have them, as a map"),
	OPT_LIST(0, "copy-collector-provided-fields", &my.copy, "", "further fields to copy from reports into events"),
	OPT_TEXT(0, "time-observation", &my.time_observation, NULL, "the time.observation of raw input, instead of now"),
	OPT_BOOL('l', "list", &my.list, false, "list the feeds of the catalogue"),
	OPT_BOOL(0, "check", &my.check, false, "check the definitions in FILEs, or all"),
	OPT_BOOL(0, "test", &my.test, false, "parse the samples of the definitions called NAME, or of all"),
	OPT_LIST('c', "columns", &my.generic.columns, "", "generic CSV: the field of each column, a|b for alternatives"),
	OPT_LIST(0, "columns-required", &my.generic.columns_required, "", "generic CSV: for each column, whether a bad value rejects the row"),
	OPT_TEXT('t', "delimiter", &my.generic.delimiter, ",", "generic CSV: what separates columns"),
	OPT_JSON('s', "skip-header", &my.generic.skip_header, NULL, "generic CSV: how many lines to skip; true is one"),
	OPT_TEXT(0, "default-url-protocol", &my.generic.default_url_protocol, "http://", "generic CSV: put before URLs that have none"),
	OPT_TEXT(0, "time-format", &my.generic.time_format, NULL, "generic CSV: how to read time.source"),
	OPT_TEXT(0, "type", &my.generic.type, NULL, "generic CSV: the classification.type of events without one"),
	OPT_JSON(0, "type-translation", &my.generic.type_translation, NULL, "generic CSV: the feed's types to ours, as a map"),
	OPT_JSON(0, "data-type", &my.generic.data_type, NULL, "generic CSV: fields whose cells are JSON, as a map to \"json\""),
	OPT_JSON(0, "column-regex-search", &my.generic.column_regex_search, NULL, "generic CSV: fields to the regular expressions that find their values"),
	OPT_JSON(0, "compose-fields", &my.generic.compose_fields, NULL, "generic CSV: fields to templates like {0}/{1}, as a map"),
	OPT_TEXT(0, "filter-text", &my.generic.filter_text, NULL, "generic CSV: the text that --filter-type is about"),
	OPT_CHOICE(0, "filter-type", &my.generic.filter_type, filters, NULL, "generic CSV: keep only rows with --filter-text, or without"),
	OPT_END
};

/* ---- what becomes of records ---- */

static void record_done(struct session *s, unsigned events)
{
	struct counts *counts = &my.run.counts;

	(void)s;
	counts->in++;
	counts->out += events;
	if (events == 0)
		counts->dropped++;
	else
		counts->created += events - 1;
	writer_added(my.run.out);
}

static void add_member(struct buf *out, const char *key, struct text value)
{
	if (!value.at)
		return;
	buf_printf(out, ",\"%s\":", key);
	buf_json(out, value);
}

/* A report with nothing in `raw` but the record and the lines it depends on. */
static void write_report(struct session *s, const struct record *r, struct buf *out)
{
	struct buf *raw = &my.reject_raw;

	if (s->report) {
		event_delete(s->report, F_RAW); /* read already */
		event_write(s->report, out);
		out->len--;
	} else {
		buf_string(out, "{\"__type\":\"Report\"");
		add_member(out, "feed.provider", my.definition->provider);
		add_member(out, "feed.name", s->feed ? s->feed->name : NO_TEXT);
		add_member(out, "feed.url", s->feed ? s->feed->url : NO_TEXT);
		add_member(out, "time.observation", buf_view(&s->observation));
	}
	buf_clear(raw);
	if (s->csv_header.len) {
		buf_text(raw, buf_view(&s->csv_header));
	} else if (s->comments.len) {
		buf_text(raw, buf_view(&s->comments));
		buf_char(raw, '\n');
	}
	buf_text(raw, r->source);
	buf_string(out, ",\"raw\":\"");
	buf_base64(out, buf_view(raw));
	buf_string(out, "\"}");
}

static void record_rejected(struct session *s, const struct record *r, struct text reason)
{
	struct reader *in = my.run.in;
	struct record shown = *r;

	my.run.counts.in++;
	buf_clear(&my.record);
	buf_clear(&my.reason);
	if (shown.source.len > my.session.max_record && shown.source.len > REJECT_SHOWN)
		shown.source.len = REJECT_SHOWN;
	write_report(s, &shown, &my.record);
	if (s->report)
		buf_printf(&my.reason, "line %ld of raw: ", r->line);
	buf_text(&my.reason, reason);
	run_reject(&my.run, in->file, s->report ? in->line : r->line, buf_view(&my.reason), buf_view(&my.record));
}

/* ---- documents ---- */

static void tell_undecodable(void)
{
	if (my.decoder.undecodable)
		log_message("%s: %llu bytes are no %s and were left out", my.run.in->file, (unsigned long long)my.decoder.undecodable,
			encodings[my.encoding]);
	my.decoder.undecodable = 0;
}

/* Maps what is complete in the window. */
static void work_off(bool last)
{
	size_t used = session_feed(&my.session, buf_view(&my.window), last), left = my.window.len - used;

	if (left)
		memmove(my.window.at, my.window.at + used, left);
	my.window.len = left;
	/* A long record is not looked at again for every block. */
	my.retry_at = left > IDLE_WINDOW / 16 ? 2 * left : 0;
	if (last) {
		buf_clear(&my.window);
		if (my.window.cap > 4 * MAX_RAW_RECORD)
			buf_free(&my.window);
		tell_undecodable();
	}
}

static bool start_document(struct event *report)
{
	decode_start(&my.decoder);
	buf_clear(&my.window);
	my.retry_at = 0;
	if (!session_start(&my.session, report))
		return false;
	my.decoder.drop_nul = my.session.program->format == FORMAT_CSV;
	return true;
}

static bool has_report_type(struct event *ev)
{
	return text_is(event_text(ev, F_MESSAGE_TYPE), "Report");
}

static void whole_rejected(struct text line, const char *reason)
{
	my.run.counts.in++;
	run_reject(&my.run, my.run.in->file, my.run.in->line, text_of(reason), line);
}

static void parse_report(struct text line)
{
	struct reader *in = my.run.in;
	struct value_error error;
	struct text raw;

	if (!event_read(my.report, line, &error)) {
		buf_clear(&my.reason);
		buf_printf(&my.reason, "column %td: %s", error.at - line.at + 1, error.reason);
		whole_rejected(line, buf_cstr(&my.reason));
		return;
	}
	if (!has_report_type(my.report)) {
		whole_rejected(line, "not a report");
		return;
	}
	raw = event_text(my.report, F_RAW);
	if (!raw.at || raw.len == 0) {
		log_record(in->file, in->line, TEXT("a report without raw: there is nothing to parse"));
		my.run.counts.in++;
		my.run.counts.dropped++;
		return;
	}
	buf_clear(&my.bytes);
	if (!buf_unbase64(&my.bytes, raw)) {
		whole_rejected(line, "raw is not base64");
		return;
	}
	if (!start_document(my.report)) {
		whole_rejected(line, buf_cstr(&my.session.reason));
		return;
	}
	decode(&my.decoder, buf_view(&my.bytes), true, &my.window);
	work_off(true);
	if (my.bytes.cap > 4 * MAX_RAW_RECORD)
		buf_free(&my.bytes);
}

static void fail(const struct problem *problem)
{
	log_problem(problem);
	my.run.failure = EXIT_IO;
}

static void pass_barrier(void)
{
	struct problem problem = { .line = 0 };

	if (!rejects_sync(my.run.rejects)) {
		problem_at(&problem, my.run.rejects->path, 0, 0, "%s", strerror(errno));
		fail(&problem);
		return;
	}
	buf_char(&my.run.out->buffer, '\n');
	writer_flush(my.run.out);
	my.run.batch.number++;
}

static void idle(void)
{
	writer_flush(my.run.out);
	log_flush();
	reader_wait(my.run.in, -1);
}

static bool going_on(void)
{
	if (run_stats_wanted())
		run_stats(&my.run, NULL);
	return !my.run.failure && !my.run.out->failure;
}

static void read_reports(void)
{
	struct reader *in = my.run.in;
	struct text line;

	while (going_on()) {
		switch (reader_next(in, &line)) {
		case READER_RECORD:
			parse_report(line);
			break;
		case READER_BARRIER:
			pass_barrier();
			break;
		case READER_LONG:
			whole_rejected(line, "longer than --max-record");
			break;
		case READER_WAIT:
			idle();
			break;
		case READER_FAILED:
			fail(&in->problem);
			break;
		case READER_END:
			return;
		}
	}
}

/* Reads documents, one per file, as they come. */
static void read_raw(void)
{
	struct reader *in = my.run.in;
	char *const *file = NULL;
	struct text block;

	while (going_on()) {
		switch (reader_block(in, &block)) {
		case READER_RECORD:
			if (file != in->files) {
				if (file) {
					decode(&my.decoder, TEXT(""), true, &my.window);
					work_off(true);
				}
				file = in->files;
				if (!start_document(NULL)) {
					whole_rejected(block, buf_cstr(&my.session.reason));
					return;
				}
			}
			decode(&my.decoder, block, false, &my.window);
			if (my.window.len >= my.retry_at)
				work_off(false);
			break;
		case READER_WAIT:
			if (my.window.len && my.window.len < IDLE_WINDOW)
				work_off(false);
			idle();
			break;
		case READER_FAILED:
			fail(&in->problem);
			break;
		default:
			if (file) {
				decode(&my.decoder, TEXT(""), true, &my.window);
				work_off(true);
			}
			return;
		}
	}
}

/* Looks at the first record: whether it is a report. Everything is put back. */
static bool first_is_report(void)
{
	struct reader *in = my.run.in;
	struct value_error unused;
	struct text seen, line;
	enum reader_state state;
	bool report;

	while ((state = reader_block(in, &seen)) == READER_WAIT)
		idle();
	if (state != READER_RECORD)
		return false;
	reader_unread(in);
	seen = text_trim(seen);
	if (seen.len && seen.at[0] != '{')
		return false;
	do {
		while ((state = reader_next(in, &line)) == READER_WAIT)
			idle();
	} while (state == READER_BARRIER);
	report = state == READER_RECORD && event_read(my.report, line, &unused) && has_report_type(my.report);
	reader_unread(in);
	in->line = 0;
	return report;
}

/* ---- start ---- */

/* default_fields, with --type among them. Each must be acceptable. */
static bool read_defaults(struct problem *problem)
{
	struct value given = NO_VALUE, key, member;
	struct value_walk walk;
	struct value_error unused;
	struct arena arena = { 0 };
	struct buf scratch = BUF_INIT;
	bool fine = true;

	if (my.default_fields.at)
		value_parse(my.default_fields, &given, &unused);
	if (given.kind == VALUE_STRING && value_parse(value_text(given, &arena), &given, &unused))
		fine = true;
	if (given.kind != VALUE_NONE && given.kind != VALUE_NULL && given.kind != VALUE_OBJECT)
		fine = problem_set(problem, "--default-fields: a map of fields is wanted");
	buf_char(&my.defaults, '{');
	for (walk = value_walk(given); fine && given.kind == VALUE_OBJECT && value_next_member(&walk, &key, &member);) {
		struct text name = value_text(key, &arena);
		struct cell cell = json_cell(member, &arena);
		enum field f = field_intern(name);
		enum field_verdict verdict;

		if (my.generic.type && f == F_CLASSIFICATION_TYPE)
			continue;
		verdict = value_ignored(member) ? FIELD_FINE : field_sanitise(f, cell.kind, cell.text, &scratch);
		buf_clear(&scratch);
		if (verdict != FIELD_FINE || f == F_NONE || f == F_MESSAGE_TYPE || f == F_MESSAGE_PATH) {
			field_explain(f, verdict == FIELD_FINE ? FIELD_UNKNOWN : verdict, cell.kind, cell.text, &scratch);
			fine = problem_set(problem, "--default-fields: %.*s", TEXT_ARGS(buf_view(&scratch)));
			break;
		}
		buf_string(&my.defaults, my.defaults.len > 1 ? "," : "");
		buf_text(&my.defaults, key.raw);
		buf_char(&my.defaults, ':');
		buf_text(&my.defaults, member.raw);
	}
	if (my.generic.type && fine) {
		if (field_sanitise(F_CLASSIFICATION_TYPE, VALUE_STRING, text_of(my.generic.type), &scratch) != FIELD_FINE)
			fine = problem_set(problem, "--type: no classification.type: \"%s\"", my.generic.type);
		buf_string(&my.defaults, my.defaults.len > 1 ? ",\"classification.type\":" : "\"classification.type\":");
		buf_json(&my.defaults, text_of(my.generic.type));
	}
	buf_char(&my.defaults, '}');
	arena_free(&arena);
	buf_free(&scratch);
	return fine && value_parse(buf_view(&my.defaults), &my.session.defaults, &unused);
}

static bool is_generic(const char *name)
{
	return strcmp(name, "csv") == 0 || strcmp(name, "intelmq.bots.parsers.generic.parser_csv") == 0 ||
	       strcmp(name, "intelmq.bots.parsers.generic.csv_parser") == 0;
}

/* Finds out from the operands what to parse by; what is left of them is input. */
static bool find_definition(struct problem *problem)
{
	struct reader *in = my.run.in;
	char *const *operands = in->files;
	const struct feed *feed = NULL;

	if (is_generic(*operands)) {
		my.definition = generic_definition(&my.generic, problem);
		operands++;
	} else if (my.generic.columns.count) {
		my.definition = generic_definition(&my.generic, problem);
	} else if (strcmp(*operands, "-") == 0) {
		return problem_set(problem, "the name of a feed is wanted, or --columns; imq-parse --list shows all feeds");
	} else {
		my.definition = catalogue_find(text_of(*operands), &feed, problem);
		operands++;
	}
	if (!my.definition)
		return false;
	reader_init(in, operands, my.run.max_record);
	session_init(&my.session, my.definition, &my.run.out->buffer);
	my.session.feed = feed;
	my.session.done = record_done;
	my.session.reject = record_rejected;
	my.session.max_record = my.run.max_record == MAX_REPORT ? MAX_RAW_RECORD : my.run.max_record;
	my.session.copy = &my.copy;
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

	my.decoder.encoding = (enum encoding)my.encoding;
	if (find_definition(&problem) && read_defaults(&problem) && observe(&problem))
		return true;
	log_problem(&problem);
	return false;
}

static void parse(void)
{
	my.report = event_new();
	if (my.input == INPUT_REPORT || (my.input == INPUT_AUTO && (my.run.batch.numbered || first_is_report())))
		read_reports();
	else
		read_raw();
	event_free(my.report);
}

static void release(void)
{
	struct buf *const bufs[] = { &my.window, &my.bytes, &my.defaults, &my.record, &my.reject_raw, &my.reason };

	if (my.definition)
		session_free(&my.session);
	definition_free(my.definition);
	for (size_t i = 0; i < LENGTH(bufs); i++)
		buf_free(bufs[i]);
}

/* The other things to do than parsing. False: none was asked for. */
static bool other_task(int *status)
{
	static char *const none[] = { NULL };
	char *const *operands = strcmp(*my.run.in->files, "-") == 0 ? none : my.run.in->files;

	if (my.list)
		*status = catalogue_list();
	else if (my.check)
		*status = catalogue_check(operands);
	else if (my.test)
		*status = catalogue_test(operands);
	return my.list || my.check || my.test;
}

int main(int argc, char **argv)
{
	struct command command = { .name = "imq-parse", .summary = "make events of feeds", .operands = "NAME [FILE]...",
		.options = options, .common = run_options };
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
		parse();
		status = run_end(&my.run, NULL);
	} else {
		run_end(&my.run, NULL);
		status = EXIT_USAGE;
	}
	release();
	return status;
}
