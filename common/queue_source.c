#include "queue_source.h"

#include <errno.h>
#include <poll.h>

#include "event.h"
#include "log.h"
#include "reject.h"

enum {
	RECORDS = 1000,         /* of one batch */
	BYTES = 4 * 1024 * 1024,
	WAIT = 1000,            /* milliseconds until a SIGTERM is seen while nothing comes */
	TRIES = 6,              /* to connect again */
	FIRST_PAUSE = 250,      /* milliseconds, doubled each time */
};

static void refuse(struct queue_source *s, const char *label, struct text reason, struct text message)
{
	s->source.run.counts.in++;
	run_reject(&s->source.run, label, 0, reason, message);
}

/* A message that is a report or an event goes on as it is, but for where another pipeline wanted it to be routed, and for what says
 * nothing. */
static void hand_on(struct queue_source *s, const char *label, struct text message)
{
	struct value_error error;
	struct text type;
	char *feed;

	buf_clear(&s->line);
	buf_text(&s->line, text_trim(message));
	for (char *at = s->line.at; s->line.len && (feed = memchr(at, '\n', (size_t)(s->line.at + s->line.len - at))); at = feed)
		*feed = ' '; /* JSON has them only between its tokens */
	if (!event_read(s->event, buf_view(&s->line), &error)) {
		refuse(s, label, text_of(error.reason), message);
		return;
	}
	type = event_text(s->event, F_MESSAGE_TYPE);
	if (!text_is(type, "Report") && !text_is(type, "Event")) {
		refuse(s, label, TEXT("neither a report nor an event by its __type"), message);
		return;
	}
	event_delete(s->event, F_MESSAGE_PATH);
	event_drop_ignored(s->event);
	buf_clear(&s->record);
	event_write(s->event, &s->record);
	source_record(&s->source, buf_view(&s->record));
}

static void report(struct queue_source *s, const char *label, struct text message)
{
	source_begin(&s->source, &(struct source_item){ .label = label });
	source_bytes(&s->source, message);
	source_close(&s->source);
}

/* What was rejected is as safe as what went on. */
static bool is_safe(struct queue_source *s)
{
	struct problem problem = { .line = 0 };

	if (!source_commit(&s->source))
		return false;
	if (rejects_sync(s->source.run.rejects))
		return true;
	problem_at(&problem, s->source.run.rejects->path, 0, 0, "%s", strerror(errno));
	source_fail(&s->source, EXIT_IO, &problem);
	return false;
}

/* After a failure, which PROBLEM tells: what is not acknowledged will come again. A queue that can be opened but not read is none. */
static void reconnect(struct queue_source *s, struct problem *problem)
{
	while (source_wanted(&s->source)) {
		if (++s->failures > TRIES) {
			source_fail(&s->source, EXIT_REMOTE, problem);
			return;
		}
		log_problem(problem);
		poll(NULL, 0, FIRST_PAUSE << (s->failures - 1));
		if (queue_recover(s->queue, problem))
			return;
	}
}

static void pass_on(struct queue_source *s, const char *label, const struct queue_batch *batch)
{
	struct problem problem = { .line = 0 };
	struct text message;
	size_t cursor = 0;

	while (queue_batch_next(batch, &cursor, &message))
		if (s->expect_message)
			hand_on(s, label, message);
		else
			report(s, label, message);
	if (!is_safe(s))
		return;
	if (queue_done(s->queue, 0, &problem))
		s->failures = 0;
	else
		reconnect(s, &problem);
}

static void read_queue(struct queue_source *s, const char *label)
{
	struct queue_batch batch = { .raw = true };
	bool more = true;

	while (more && source_wanted(&s->source)) {
		struct problem problem = { .line = 0 };

		switch (queue_take(s->queue, RECORDS, BYTES, s->drain ? 0 : WAIT, &batch, &problem)) {
		case QUEUE_TAKEN:
			pass_on(s, label, &batch);
			break;
		case QUEUE_EMPTY:
			s->failures = 0;
			more = !s->drain;
			break;
		case QUEUE_FAILED:
			reconnect(s, &problem);
		}
		if (run_stats_wanted())
			run_stats(&s->source.run, NULL);
	}
	buf_free(&batch.lines);
}

int queue_source_main(struct queue_source *s, const struct command *command, int argc, char **argv,
	struct queue *(*open)(const char **label, struct problem *problem))
{
	struct problem problem = { .line = 0 };
	const char *label = "-";
	int status;

	if (!source_start(&s->source, command, argc, argv, &status))
		return status;
	s->event = event_new();
	s->queue = open(&label, &problem);
	if (s->queue)
		read_queue(s, label);
	else
		source_fail(&s->source, problem_status(&problem), &problem);
	queue_close(s->queue);
	event_free(s->event);
	buf_free(&s->line);
	buf_free(&s->record);
	return source_end(&s->source);
}
