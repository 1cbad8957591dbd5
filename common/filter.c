#include "filter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"
#include "log.h"
#include "reject.h"
#include "stream.h"

enum { MAX_EVENT = 16 << 20 };

/* One command, one loop: its callbacks reach it through filter_emit() and the like. */
static struct {
	const struct filter *filter;
	struct run run;
	struct list paths; /* --paths */
	bool paths_given;
	const struct opt *window_row; /* the mixin that holds records, if there is one */
	const struct window *window;
	int64_t timer_due; /* clock time, -1: never */
	/* The paths that filter_send() named for the event in hand. */
	struct event *sent;
	const char **sent_to;
	size_t sent_count, sent_cap;
	struct buf tag; /* the value of __path */
	struct event *on_error; /* for what goes there, NULL: nothing has */
} loop;

static const struct opt paths_option[] = {
	OPT_LIST(0, "paths", &loop.paths, "", "also print the records of these paths, tagged with __path"),
};

/* run_options, and --paths where the filter has paths. */
static const struct opt *common_options(const struct filter *f)
{
	static struct opt table[16];
	size_t n = 0;

	for (const struct opt *row = run_options; row->kind != OPT_KIND_END; row++)
		table[n++] = *row;
	if (!f->sink)
		table[n++] = paths_option[0];
	table[n].kind = OPT_KIND_END;
	return table;
}

/* Steps through the mixins of the option table. */
static const struct opt *next_mixin(const struct opt *row)
{
	while (row && row->kind != OPT_KIND_END && row->kind != OPT_KIND_MIXIN)
		row++;
	return row && row->kind == OPT_KIND_MIXIN ? row : NULL;
}

#define EACH_MIXIN(row) (const struct opt *row = next_mixin(loop.filter->options); row; row = next_mixin(row + 1))

void filter_fail(enum exit_status status, const struct problem *problem)
{
	if (loop.run.failure == EXIT_FINE) {
		loop.run.failure = status;
		log_problem(problem);
	}
}

void filter_send(struct event *ev, const char *path)
{
	if (loop.sent != ev)
		loop.sent_count = 0;
	loop.sent = ev;
	alloc_grow(&loop.sent_to, &loop.sent_cap, loop.sent_count + 1, sizeof *loop.sent_to);
	loop.sent_to[loop.sent_count++] = path;
}

void filter_flush(void)
{
	writer_flush(loop.run.out);
	log_flush();
}

void filter_place(const char **file, long *line)
{
	*file = loop.run.in->file;
	*line = loop.run.in->line;
}

void filter_settle(uint64_t merged, uint64_t dropped)
{
	loop.run.counts.pending -= merged + dropped;
	loop.run.counts.merged += merged;
	loop.run.counts.dropped += dropped;
}

void filter_delivered(uint64_t n)
{
	loop.run.counts.pending -= n;
	loop.run.counts.out += n;
}

void filter_refuse(const char *file, long line, struct text reason, struct text record)
{
	loop.run.counts.pending--;
	run_reject(&loop.run, file, line, reason, record);
}

static void put_event(struct event *ev)
{
	event_write(ev, &loop.run.out->buffer);
	buf_char(&loop.run.out->buffer, '\n');
	writer_added(loop.run.out);
}

static bool is_asked_for(const char *path)
{
	return strcmp(path, "_default") == 0 || list_has(&loop.paths, text_of(path));
}

/* Tags EV with those of its paths that somebody asked for. False: nobody did. */
static bool tag_with_paths(struct event *ev)
{
	struct buf *tag = &loop.tag;
	size_t wanted = 0;

	buf_clear(tag);
	for (size_t i = 0; i < loop.sent_count; i++)
		if (is_asked_for(loop.sent_to[i])) {
			buf_string(tag, wanted++ ? "," : "[");
			buf_json(tag, text_of(loop.sent_to[i]));
		}
	if (wanted > 1)
		buf_char(tag, ']');
	if (wanted > 1)
		event_set_raw(ev, F_MESSAGE_PATH, buf_view(tag));
	else if (wanted == 1 && !text_is(buf_view(tag), "[\"_default\""))
		event_set_raw(ev, F_MESSAGE_PATH, text_from(buf_view(tag), 1));
	return wanted > 0;
}

void filter_emit(struct event *ev)
{
	loop.run.counts.created++;
	loop.run.counts.out++;
	put_event(ev);
}

/* A rejected event also goes along the path _on_error where that is asked for, as it came. */
static void send_on_error(const struct event *rejected)
{
	struct value_error unused;

	if (!list_has(&loop.paths, TEXT("_on_error")))
		return;
	if (!loop.on_error)
		loop.on_error = event_new();
	if (!event_read_copy(loop.on_error, event_line(rejected), &unused))
		return;
	event_set_raw(loop.on_error, F_MESSAGE_PATH, TEXT("\"_on_error\""));
	loop.run.counts.created++;
	loop.run.counts.out++;
	put_event(loop.on_error);
}

void filter_finish(struct event *ev, enum verdict verdict, const char *file, long line)
{
	struct counts *counts = &loop.run.counts;
	bool routed = loop.sent == ev && loop.sent_count;

	loop.sent = NULL;
	if (event_marked(ev) || verdict == REJECT) {
		const char *reason = event_marked(ev);

		run_reject(&loop.run, file, line, text_of(reason ? reason : "rejected"), event_line(ev));
		send_on_error(ev);
	} else if (verdict == MERGE) {
		counts->pending++;
	} else if (verdict == DROP || (event_changed(ev) && event_is_empty(ev)) || (routed && !tag_with_paths(ev))) {
		counts->dropped++;
	} else {
		counts->out++;
		if (!loop.filter->sink)
			put_event(ev);
	}
}

static void bad_record(struct text line, const char *at, const char *reason)
{
	struct reader *in = loop.run.in;
	char text[160];
	int n = snprintf(text, sizeof text, "column %td: %s", at - line.at + 1, reason);

	run_reject(&loop.run, in->file, in->line, (struct text){ text, (size_t)n }, line);
}

/* Lets the window work. What is finished goes out before anything is waited for. */
static void wait_for_window(int fd, int timeout)
{
	writer_flush(loop.run.out);
	loop.window->wait(loop.window_row->to.mixin, fd, timeout);
}

static void handle_windowed(struct text line)
{
	void *self = loop.window_row->to.mixin;
	struct reader *in = loop.run.in;
	struct value_error error;
	struct event *ev;
	enum verdict verdict = PASS;

	/* Not waiting for input here: there is no room for more. */
	while (!(ev = loop.window->slot(self))) {
		if (loop.run.failure || loop.run.out->failure) {
			loop.run.counts.pending++;
			return;
		}
		wait_for_window(-1, -1);
	}
	if (!event_read_copy(ev, line, &error)) {
		bad_record(line, error.at, error.reason);
		return;
	}
	if (!run_is_elsewhere(ev))
		verdict = loop.filter->event(ev);
	loop.window->admit(self, verdict, in->file, in->line);
}

static void handle(struct event *ev, struct text line)
{
	struct value_error error;
	struct reader *in = loop.run.in;

	loop.run.counts.in++;
	if (loop.window) {
		handle_windowed(line);
		return;
	}
	if (!event_read(ev, line, &error)) {
		bad_record(line, error.at, error.reason);
		return;
	}
	filter_finish(ev, run_is_elsewhere(ev) ? PASS : loop.filter->event(ev), in->file, in->line);
}

static void run_timer(void)
{
	int64_t next;

	if (!loop.filter->timer)
		return;
	next = loop.filter->timer(&loop.run.batch);
	loop.timer_due = next < 0 ? -1 : clock_now() + next;
}

/* Milliseconds until the timer, -1: for ever. */
static int timeout_now(void)
{
	int64_t left;

	if (loop.timer_due < 0 || loop.run.batch.numbered)
		return -1;
	left = (loop.timer_due - clock_now() + 999) / 1000;
	return left < 0 ? 0 : left > 60000 ? 60000 : (int)left;
}

static void timer_if_due(void)
{
	if (loop.timer_due >= 0 && !loop.run.batch.numbered && clock_now() >= loop.timer_due)
		run_timer();
}

static void drain_window(void)
{
	if (loop.window)
		while (loop.window->held(loop.window_row->to.mixin) && !loop.run.failure && !loop.run.out->failure)
			wait_for_window(-1, -1);
}

/* Everything before this point is finished, made durable and written; at the end of input under a pump nothing is committed. */
static bool close_batch(void)
{
	struct problem problem = { .line = 0 };
	const struct batch *batch = &loop.run.batch;
	bool commit = !(batch->last && batch->numbered);
	bool fine = true;

	drain_window();
	if (loop.run.failure)
		return false;
	if (loop.filter->timer && batch->numbered)
		run_timer();
	if (loop.filter->barrier && !loop.filter->barrier(batch, &problem))
		fine = false;
	for EACH_MIXIN(row)
		if (fine && commit && row->mixin->barrier && !row->mixin->barrier(row->to.mixin, batch, &problem))
			fine = false;
	if (!fine) {
		filter_fail(EXIT_IO, &problem);
		return false;
	}
	if (!rejects_sync(loop.run.rejects)) {
		problem_at(&problem, loop.run.rejects->path, 0, 0, "%s", strerror(errno));
		filter_fail(EXIT_IO, &problem);
	}
	return !loop.run.failure;
}

static void pass_barrier(void)
{
	if (!close_batch())
		return;
	buf_char(&loop.run.out->buffer, '\n');
	writer_flush(loop.run.out);
	loop.run.batch.number++;
}

static void idle(void)
{
	struct reader *in = loop.run.in;

	writer_flush(loop.run.out);
	if (loop.filter->idle)
		loop.filter->idle();
	log_flush();
	if (loop.window && loop.window->held(loop.window_row->to.mixin))
		wait_for_window(reader_fd(in), timeout_now());
	else
		reader_wait(in, timeout_now());
}

static void more_stats(struct buf *json)
{
	for EACH_MIXIN(row)
		if (row->mixin->stats)
			row->mixin->stats(row->to.mixin, json);
	if (loop.filter->stats)
		loop.filter->stats(json);
}

static void handle_signals(void)
{
	if (run_stats_wanted())
		run_stats(&loop.run, more_stats);
	if (run_reload_wanted() && loop.filter->reload) {
		struct problem problem = { .line = 0 };

		if (!loop.filter->reload(&problem))
			log_problem(&problem);
	}
}

/* Reads to the end of input, or until something fails. */
static void read_all(struct event *ev)
{
	struct reader *in = loop.run.in;
	struct text line;

	while (!loop.run.failure && !loop.run.out->failure) {
		switch (reader_next(in, &line)) {
		case READER_RECORD:
			/* In a pump the writer was killed in the middle of it, and it comes again. */
			if (!(in->unended && loop.run.batch.numbered))
				handle(ev, line);
			break;
		case READER_BARRIER:
			pass_barrier();
			break;
		case READER_LONG:
			loop.run.counts.in++;
			run_reject(&loop.run, in->file, in->line, text_of("longer than --max-record"), line);
			break;
		case READER_WAIT:
			idle();
			break;
		case READER_FAILED:
			filter_fail(EXIT_IO, &in->problem);
			break;
		case READER_END:
			return;
		}
		handle_signals();
		timer_if_due();
	}
}

static bool start_all(void)
{
	struct problem problem = { .line = 0 };
	bool fine = true;

	for EACH_MIXIN(row) {
		if (fine && row->mixin->start)
			fine = row->mixin->start(row->to.mixin, loop.filter, &loop.run.batch, &problem);
		if (row->mixin->window) {
			loop.window_row = row;
			loop.window = row->mixin->window;
		}
	}
	if (fine && loop.filter->start)
		fine = loop.filter->start(&problem);
	if (!fine)
		filter_fail(problem_status(&problem), &problem);
	return fine;
}

static void offer_operand(void)
{
	struct reader *in = loop.run.in;

	if (loop.filter->first_operand && loop.filter->first_operand(*in->files)) {
		char *const *rest = in->files + 1;

		reader_free(in);
		reader_init(in, rest, loop.run.max_record);
	}
}

/* What a mixin was asked to do instead of what filters do. */
static bool do_instead(enum exit_status *status)
{
	for EACH_MIXIN(row)
		if (row->mixin->instead && row->mixin->instead(row->to.mixin, loop.filter, status))
			return true;
	return false;
}

int filter_main(int argc, char **argv, const struct filter *filter)
{
	struct command command = { .name = filter->name, .modules = filter->module, .summary = filter->summary,
		.operands = filter->operands ? filter->operands : "[FILE]...", .options = filter->options,
		.common = common_options(filter), .describe = filter->describe, .kind = filter->sink ? "sink" : "filter",
		.compiled = filter->compiled };
	enum exit_status instead;
	struct event *ev;
	int status;

	loop.filter = filter;
	loop.timer_due = -1;
	if (!run_start(&loop.run, &command, argc, argv, MAX_EVENT, &status))
		return status;
	offer_operand();
	if (do_instead(&instead)) {
		run_end(&loop.run, NULL);
		status = (int)instead;
	} else if (start_all()) {
		ev = event_new();
		run_timer();
		read_all(ev);
		if (!loop.run.failure && !loop.run.out->failure) {
			loop.run.batch.last = true;
			close_batch();
		}
		if (loop.window)
			loop.window->abandon(loop.window_row->to.mixin);
		event_free(ev);
		status = run_end(&loop.run, more_stats);
	} else {
		status = (int)loop.run.failure;
		run_end(&loop.run, NULL);
	}
	for EACH_MIXIN(row)
		if (row->mixin->stop)
			row->mixin->stop(row->to.mixin);
	if (filter->stop)
		filter->stop();
	event_free(loop.on_error);
	buf_free(&loop.tag);
	free(loop.sent_to);
	return status;
}
