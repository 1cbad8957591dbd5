#include "source.h"

#include <errno.h>
#include <stdlib.h>

#include "alloc.h"
#include "clock.h"
#include "field.h"
#include "log.h"
#include "queue.h"
#include "stream.h"
#include "unicode.h"
#include "when.h"

enum { DEFAULT_CHUNK = 16 << 20, LONGEST_HEADER = 64 * 1024, MAX_REPORT = 1 << 30, SECOND = 1000000 };

void source_json(struct buf *out, struct text t)
{
	struct buf clean = BUF_INIT;

	if (unicode_valid(t)) {
		buf_json(out, t);
		return;
	}
	while (t.len) {
		struct text before = t;
		uint32_t rune;

		if (unicode_next(&t, &rune)) {
			buf_add(&clean, before.at, before.len - t.len);
		} else {
			buf_string(&clean, "\xef\xbf\xbd");
			t = text_from(before, 1);
		}
	}
	buf_json(out, buf_view(&clean));
	buf_free(&clean);
}

static void add_member(struct buf *out, const char *key, const char *value)
{
	if (!value || !*value)
		return;
	buf_printf(out, ",\"%s\":", key);
	source_json(out, text_of(value));
}

static bool check(struct source *s, int argc, char **argv, struct problem *problem)
{
	*problem = (struct problem){ .line = 0 };
	/* Without operands the reader would turn to stdin, by a list of its own. */
	for (int i = 1; i < argc; i++)
		if (s->run.in->files == argv + i)
			return problem_set(problem, "a source reads no files of records: \"%s\"", argv[i]);
	if (!(s->accuracy >= 0 && s->accuracy <= 100))
		return problem_set(problem, "--accuracy: from 0 to 100 percent");
	return true;
}

static void close_queues(struct source *s)
{
	for (size_t i = 0; s->queues && i < s->to.count; i++)
		queue_close(s->queues[i]);
	free(s->queues);
	s->queues = NULL;
}

static bool open_queues(struct source *s, struct problem *problem)
{
	if (!s->to.count)
		return true;
	s->queues = alloc_zero(s->to.count, sizeof(struct queue *));
	for (size_t i = 0; i < s->to.count; i++) {
		char *url = alloc_string(s->to.items[i]);

		s->queues[i] = queue_open(url, QUEUE_GIVE, NULL, problem);
		free(url);
		if (!s->queues[i])
			return false;
	}
	return true;
}

bool source_start(struct source *s, const struct command *command, int argc, char **argv, int *status)
{
	struct command as_source = *command;
	struct problem problem;

	as_source.kind = "source";
	if (!run_start(&s->run, &as_source, argc, argv, MAX_REPORT, status))
		return false;
	if (!check(s, argc, argv, &problem)) {
		log_problem(&problem);
		run_end(&s->run, NULL);
		*status = EXIT_USAGE;
		return false;
	}
	if (!open_queues(s, &problem)) {
		log_problem(&problem);
		close_queues(s);
		run_end(&s->run, NULL);
		*status = EXIT_IO;
		return false;
	}
	return true;
}

/* The same for all items; not made before a command has had its say about the feed's name. */
static void make_tail(struct source *s)
{
	buf_char(&s->tail, '"');
	add_member(&s->tail, "feed.name", s->feed);
	add_member(&s->tail, "feed.code", s->code);
	add_member(&s->tail, "feed.documentation", s->documentation);
	add_member(&s->tail, "feed.provider", s->provider);
	buf_string(&s->tail, ",\"feed.accuracy\":");
	buf_double(&s->tail, s->accuracy);
	buf_string(&s->tail, ",\"__type\":\"Report\"}\n");
}

void source_begin(struct source *s, const struct source_item *item)
{
	int64_t now = clock_now();

	if (!s->tail.len)
		make_tail(s);
	buf_clear(&s->head);
	buf_clear(&s->header);
	buf_clear(&s->rest);
	s->searched = s->pieces = 0;
	s->header_known = s->refused = false;
	s->chunked = s->chunk_size > 0;
	s->label = item->label;
	buf_string(&s->head, "{\"time.observation\":\"");
	when_write(&s->head, now - now % SECOND);
	buf_char(&s->head, '"');
	if (item->url.len) {
		size_t before = s->head.len;

		buf_string(&s->head, ",\"feed.url\":");
		if (field_sanitise(F_FEED_URL, VALUE_STRING, item->url, &s->head) != FIELD_FINE)
			s->head.len = before;
	}
	if (item->file_name.len) {
		buf_string(&s->head, ",\"extra.file_name\":");
		source_json(&s->head, item->file_name);
	}
	buf_string(&s->head, ",\"raw\":\"");
}

/* To the queues. */
static bool give_report(struct source *s)
{
	struct problem problem = { .line = 0 };

	/* Of several queues each commits before the next one writes: they may be in one file, which has one writer at a time. */
	for (size_t i = 0; i < s->to.count; i++) {
		if (s->load_balance && i != s->turn)
			continue;
		if (!queue_give(s->queues[i], buf_view(&s->report), &problem) ||
			(s->to.count > 1 && !queue_commit(s->queues[i], &problem))) {
			source_fail(s, EXIT_IO, &problem);
			return false;
		}
	}
	s->turn = s->turn + 1 < s->to.count ? s->turn + 1 : 0;
	buf_clear(&s->report);
	return true;
}

/* Where a line goes; call wrote_line() behind it. */
static struct buf *output(struct source *s)
{
	return s->queues ? &s->report : &s->run.out->buffer;
}

static bool wrote_line(struct source *s)
{
	s->run.counts.created++;
	s->run.counts.out++;
	if (s->queues)
		return give_report(s);
	writer_added(s->run.out);
	return !s->run.out->failure;
}

void source_record(struct source *s, struct text record)
{
	struct buf *out = output(s);

	buf_text(out, record);
	buf_char(out, '\n');
	wrote_line(s);
}

static bool write_report(struct source *s, struct text raw)
{
	struct buf *out = output(s);

	if (s->header.len) {
		buf_clear(&s->piece);
		buf_text(&s->piece, buf_view(&s->header));
		buf_text(&s->piece, raw);
		raw = buf_view(&s->piece);
	}
	buf_text(out, buf_view(&s->head));
	buf_base64(out, raw);
	buf_text(out, buf_view(&s->tail));
	s->pieces++;
	return wrote_line(s);
}

/* Without --chunk-size only what consists of lines is cut: a JSON or XML document, or an archive, would be broken by it. */
static bool is_lines(struct text t)
{
	struct text start = text_trim((struct text){ t.at, t.len < 4096 ? t.len : 4096 });

	if (text_starts(start, TEXT("\xef\xbb\xbf")))
		start = text_from(start, 3);
	return start.len && !strchr("{[<", start.at[0]) && !memchr(start.at, 0, start.len);
}

/* Moves the first line to where it is repeated from. False: it is not there yet. */
static bool find_header(struct source *s)
{
	const char *end;

	if (s->header_known)
		return true;
	if (s->replicate_header) {
		end = memchr(s->rest.at + s->searched, '\n', s->rest.len - s->searched);
		if (!end && s->rest.len < LONGEST_HEADER) {
			s->searched = s->rest.len;
			return false;
		}
		if (end && end - s->rest.at < LONGEST_HEADER) {
			size_t length = (size_t)(end - s->rest.at) + 1;

			buf_add(&s->header, s->rest.at, length);
			memmove(s->rest.at, s->rest.at + length, s->rest.len - length);
			s->rest.len -= length;
		}
	}
	s->searched = 0;
	return s->header_known = true;
}

/* Where to cut T, which is longer than SIZE: behind the last line feed within SIZE that is outside of double quotes, else the last one,
 * else the first one beyond. 0: nowhere yet. Quotes only choose between line ends, so stray ones do no harm. */
static size_t place_to_cut(struct text t, size_t size, size_t *searched)
{
	size_t outside = 0, any = 0, from = *searched > size ? *searched : size;
	bool quoted = false;
	const char *end;

	if (*searched < size)
		for (size_t i = 0; i < size; i++) {
			if (t.at[i] == '"')
				quoted = !quoted;
			else if (t.at[i] == '\n')
				any = i + 1;
			if (t.at[i] == '\n' && !quoted)
				outside = i + 1;
		}
	if (outside || any)
		return outside ? outside : any;
	end = memchr(t.at + from, '\n', t.len - from);
	*searched = t.len;
	return end ? (size_t)(end - t.at) + 1 : 0;
}

static bool cut(struct source *s)
{
	size_t size = s->chunk_size ? s->chunk_size : DEFAULT_CHUNK, at = 0, length;
	bool fine = true;

	if (!find_header(s))
		return true;
	while (fine && s->rest.len - at > size) {
		struct text left = { s->rest.at + at, s->rest.len - at };

		if (!(length = place_to_cut(left, size, &s->searched)))
			break;
		fine = write_report(s, (struct text){ left.at, length });
		s->searched = 0;
		at += length;
	}
	if (at)
		memmove(s->rest.at, s->rest.at + at, s->rest.len - at);
	s->rest.len -= at;
	return fine;
}

/* How many bytes fit into the longest report. */
static size_t longest_raw(const struct source *s)
{
	size_t around = s->head.len + s->tail.len + 4 * ((s->header.len + 2) / 3) + 4;

	return s->run.max_record > around ? (s->run.max_record - around) / 4 * 3 : 0;
}

bool source_bytes(struct source *s, struct text bytes)
{
	if (s->refused || s->run.out->failure || s->run.failure)
		return false;
	buf_text(&s->rest, bytes);
	if (!s->chunked && s->rest.len > DEFAULT_CHUNK)
		s->chunked = is_lines(buf_view(&s->rest));
	if (s->chunked && s->rest.len && !cut(s))
		return false;
	if (s->rest.len > longest_raw(s)) {
		source_abort(s, text_of("longer than --max-record allows"));
		return false;
	}
	return true;
}

bool source_commit(struct source *s)
{
	struct problem problem = { .line = 0 };

	if (s->run.failure)
		return false;
	for (size_t i = 0; s->queues && i < s->to.count; i++)
		if (!queue_commit(s->queues[i], &problem)) {
			source_fail(s, EXIT_IO, &problem);
			return false;
		}
	return writer_flush(s->run.out);
}

void source_close(struct source *s)
{
	if (s->refused || s->run.failure)
		return;
	if (s->rest.len || (s->header.len && !s->pieces))
		write_report(s, buf_view(&s->rest));
	buf_clear(&s->rest);
	if (s->rest.cap > 4 * DEFAULT_CHUNK)
		buf_free(&s->rest);
}

bool source_finish(struct source *s)
{
	if (s->refused)
		return false;
	source_close(s);
	return source_commit(s);
}

void source_abort(struct source *s, struct text reason)
{
	struct text shown = buf_view(&s->rest);

	if (s->refused)
		return;
	s->refused = true;
	/* An item is a record that came in, and does not go out. */
	s->run.counts.in++;
	run_reject(&s->run, s->label, 0, reason, shown);
	buf_free(&s->rest);
}

int source_end(struct source *s)
{
	int status = run_end(&s->run, NULL);

	buf_free(&s->head);
	buf_free(&s->tail);
	buf_free(&s->header);
	buf_free(&s->rest);
	buf_free(&s->piece);
	buf_free(&s->report);
	close_queues(s);
	return status;
}

bool source_wanted(const struct source *s)
{
	return !run_stopping() && !s->run.out->failure && !s->run.failure;
}

void source_fail(struct source *s, enum exit_status status, const struct problem *problem)
{
	log_problem(problem);
	if (s->run.failure == EXIT_FINE)
		s->run.failure = status;
}
