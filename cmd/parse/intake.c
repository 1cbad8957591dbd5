/* What comes in, from bytes and reports to records, and what becomes of records: counted, written, rejected. */
#include <errno.h>

#include "driver.h"
#include "extract.h"
#include "filter.h"
#include "intake.h"
#include "log.h"
#include "reject.h"
#include "stream.h"
#include "unpack.h"

enum { IDLE_WINDOW = 1 << 20, KEPT_MAX = 64 << 20 };

static struct {
	struct run *run;
	struct session *session;
	struct decoder decoder;
	enum encoding encoding; /* that the user has said */
	bool beginning;         /* no bytes of the archive's file have come yet */
	struct buf window;  /* decoded, not yet used up */
	size_t retry_at;    /* do not look at a window shorter than this again */
	struct buf bytes;   /* of a report */
	struct buf record, reject_raw, reason;
	struct event *report;
} my;

static void record_done(struct session *s, size_t events)
{
	struct counts *counts = &my.run->counts;

	(void)s;
	counts->in++;
	counts->out += events;
	if (events == 0)
		counts->dropped++;
	else
		counts->created += events - 1;
	writer_added(my.run->out);
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
		add_member(out, "feed.provider", s->definition->provider);
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
	struct reader *in = my.run->in;
	struct record shown = *r;

	my.run->counts.in++;
	buf_clear(&my.record);
	buf_clear(&my.reason);
	if (shown.source.len > my.session->max_record && shown.source.len > REJECT_SHOWN)
		shown.source.len = REJECT_SHOWN;
	write_report(s, &shown, &my.record);
	if (s->report)
		buf_printf(&my.reason, "line %ld of raw: ", r->line);
	buf_text(&my.reason, reason);
	run_reject(my.run, in->file, s->report ? in->line : r->line, buf_view(&my.reason), buf_view(&my.record));
}

static void tell_undecodable(void)
{
	struct reader *in = my.run->in;

	if (!my.decoder.undecodable)
		return;
	buf_clear(&my.reason);
	buf_printf(&my.reason, "%llu bytes are no %s and were left out", (unsigned long long)my.decoder.undecodable,
		encoding_names[my.decoder.found]);
	if (my.session->report)
		log_record(in->file, in->line, buf_view(&my.reason));
	else
		log_message("%s: %s", in->file, buf_cstr(&my.reason));
	my.decoder.undecodable = 0;
}

/* Maps what is complete in the window. */
static void work_off(bool last)
{
	size_t used = session_feed(my.session, buf_view(&my.window), last), left = my.window.len - used;

	if (left)
		memmove(my.window.at, my.window.at + used, left);
	my.window.len = left;
	/* A long record is not looked at again for every block. */
	my.retry_at = left > IDLE_WINDOW / 16 ? 2 * left : 0;
	if (last) {
		buf_clear(&my.window);
		if (my.window.cap > KEPT_MAX)
			buf_free(&my.window);
		tell_undecodable();
	}
}

/* BEGINNING: the bytes with which it starts. */
static bool start_document(struct event *report, struct text beginning)
{
	if (text_starts(beginning, TEXT("\xef\xbb\xbf")))
		beginning = text_from(beginning, 3);
	beginning = text_trim(beginning);
	my.session->first = (struct text){ beginning.at, beginning.len ? 1 : 0 };
	buf_clear(&my.window);
	my.retry_at = 0;
	my.session->file = my.run->in->file;
	if (!session_start(my.session, report))
		return false;
	my.decoder.encoding = my.encoding != ENCODING_AUTO ? my.encoding : (enum encoding)my.session->program->encoding;
	decode_start(&my.decoder);
	my.decoder.drop_nul = format_drops_nul(my.session->program->format) ||
		(my.session->program->driver && my.session->program->driver->row);
	return true;
}

static void whole_rejected(struct text line, const char *reason)
{
	my.run->counts.in++;
	run_reject(my.run, my.run->in->file, my.run->in->line, text_of(reason), line);
}

/* ---- archives: each of their files is a document ---- */

enum { FILES_MAX = 10000 /* in an archive */ };

static bool is_archive(struct text bytes)
{
	return extract_is_zip(bytes) || unpack_guess(bytes) == UNPACK_YES;
}

/* The file's name may tell what is in it. */
static bool begin_file(void *context, struct text name)
{
	enum field f = field_intern(TEXT("extra.file_name"));

	(void)context;
	if (my.session->report && name.at)
		event_try(my.session->report, f, name);
	my.beginning = true;
	return true;
}

static bool add_bytes(void *context, struct text bytes)
{
	(void)context;
	if (my.beginning && !start_document(my.session->report, bytes)) {
		whole_rejected(TEXT(""), buf_cstr(&my.session->reason));
		return false;
	}
	my.beginning = false;
	decode(&my.decoder, bytes, false, &my.window);
	if (my.window.len >= my.retry_at)
		work_off(false);
	return true;
}

static void end_file(void *context, const char *failure)
{
	(void)context;
	if (!my.beginning) {
		decode(&my.decoder, TEXT(""), true, &my.window);
		work_off(true);
	}
	my.beginning = true;
	if (failure)
		whole_rejected(TEXT(""), failure);
}

static void parse_archive(struct text bytes)
{
	struct extract x = { .max_size = my.run->max_record, .max_files = FILES_MAX, .begin = begin_file,
		.bytes = add_bytes, .end = end_file };
	struct problem problem = { .line = 0 };

	if (!extract_all(&x, bytes, &problem))
		whole_rejected(TEXT(""), problem.text);
}

static bool has_report_type(struct event *ev)
{
	return text_is(event_text(ev, F_MESSAGE_TYPE), "Report");
}

static void pass_on(struct text line)
{
	buf_text(&my.run->out->buffer, line);
	buf_char(&my.run->out->buffer, '\n');
	my.run->counts.in++;
	my.run->counts.out++;
	writer_added(my.run->out);
}

static void parse_report(struct text line)
{
	struct reader *in = my.run->in;
	struct value_error error;
	struct text raw;

	if (!event_read(my.report, line, &error)) {
		buf_clear(&my.reason);
		buf_printf(&my.reason, "column %td: %s", error.at - line.at + 1, error.reason);
		whole_rejected(line, buf_cstr(&my.reason));
		return;
	}
	if (run_is_elsewhere(my.report)) {
		pass_on(line);
		return;
	}
	if (!has_report_type(my.report)) {
		whole_rejected(line, "not a report");
		return;
	}
	raw = event_text(my.report, F_RAW);
	if (!raw.at || raw.len == 0) {
		log_record(in->file, in->line, TEXT("a report without raw: there is nothing to parse"));
		my.run->counts.in++;
		my.run->counts.dropped++;
		return;
	}
	buf_clear(&my.bytes);
	if (!buf_unbase64(&my.bytes, raw)) {
		whole_rejected(line, "raw is not base64");
		return;
	}
	if (is_archive(buf_view(&my.bytes))) {
		my.session->report = my.report;
		parse_archive(buf_view(&my.bytes));
		return;
	}
	if (!start_document(my.report, buf_view(&my.bytes))) {
		whole_rejected(line, buf_cstr(&my.session->reason));
		return;
	}
	decode(&my.decoder, buf_view(&my.bytes), true, &my.window);
	work_off(true);
	if (my.bytes.cap > KEPT_MAX)
		buf_free(&my.bytes);
}

static void fail(const struct problem *problem)
{
	log_problem(problem);
	my.run->failure = EXIT_IO;
}

static void pass_barrier(void)
{
	struct problem problem = { .line = 0 };

	if (!rejects_sync(my.run->rejects)) {
		problem_at(&problem, my.run->rejects->path, 0, 0, "%s", strerror(errno));
		fail(&problem);
		return;
	}
	buf_char(&my.run->out->buffer, '\n');
	writer_flush(my.run->out);
	my.run->batch.number++;
}

static void idle(void)
{
	writer_flush(my.run->out);
	log_flush();
	reader_wait(my.run->in, -1);
}

static bool going_on(void)
{
	if (run_stats_wanted())
		run_stats(my.run, NULL);
	return !my.run->failure && !my.run->out->failure;
}

static void read_reports(void)
{
	struct reader *in = my.run->in;
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

/* A file that is a ZIP archive must be there as a whole; other packers the reader has undone. */
static bool keep_for_archive(struct text block, bool first)
{
	if (first)
		buf_clear(&my.bytes);
	if (first ? !extract_is_zip(block) : !my.bytes.len)
		return false;
	if (my.bytes.len + block.len > my.run->max_record)
		whole_rejected(TEXT(""), "an archive longer than --max-record");
	else
		buf_text(&my.bytes, block);
	return true;
}

static void end_document(void)
{
	if (my.bytes.len) {
		parse_archive(buf_view(&my.bytes));
		buf_clear(&my.bytes);
		return;
	}
	decode(&my.decoder, TEXT(""), true, &my.window);
	work_off(true);
}

/* Reads documents, one per file, as they come. */
static void read_raw(void)
{
	struct reader *in = my.run->in;
	char *const *file = NULL;
	struct text block;

	while (going_on()) {
		switch (reader_block(in, &block)) {
		case READER_RECORD:
			if (file && file != in->files)
				end_document();
			if (keep_for_archive(block, file != in->files)) {
				my.session->report = NULL;
				file = in->files;
				break;
			}
			if (file != in->files) {
				file = in->files;
				if (!start_document(NULL, block)) {
					whole_rejected(block, buf_cstr(&my.session->reason));
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
			if (file)
				end_document();
			return;
		}
	}
}

/* Looks at the first record: whether it is a report. Everything is put back. */
static bool first_is_report(void)
{
	struct reader *in = my.run->in;
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

void intake(struct run *run, struct session *session, enum encoding encoding, enum intake_kind kind)
{
	struct buf *const bufs[] = { &my.window, &my.bytes, &my.record, &my.reject_raw, &my.reason };

	my.run = run;
	my.session = session;
	my.encoding = encoding;
	my.report = event_new();
	session->done = record_done;
	session->reject = record_rejected;
	if (kind == INPUT_REPORT || (kind == INPUT_AUTO && (run->batch.numbered || first_is_report())))
		read_reports();
	else
		read_raw();
	event_free(my.report);
	for (size_t i = 0; i < LENGTH(bufs); i++)
		buf_free(bufs[i]);
}
