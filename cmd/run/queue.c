/* imq-queue: looks into queues of any kind, and puts, gets and moves records. What is taken out of a queue is acknowledged once it has been
 * written to where it goes. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "alloc.h"
#include "filter.h"
#include "log.h"
#include "opt.h"
#include "queue.h"
#include "stream.h"

enum { BATCH = 1000, BATCH_BYTES = 16 << 20 };

static struct {
	long long count; /* -1: all */
	size_t max_record;
	struct writer out;
	struct queue_batch batch;
} my;

static const struct opt options[] = {
	OPT_INTEGER('n', "count", &my.count, NULL, "so many records (peek: 10, get and move: all)"),
	OPT_BYTES(0, "max-record", &my.max_record, "1G", "put: refuse longer records"),
	OPT_END
};

static bool write_out(struct problem *problem)
{
	return writer_flush(&my.out) || problem_set(problem, "stdout: %s", strerror(my.out.failure));
}

static bool count_queue(struct queue *q, struct problem *problem)
{
	long long waiting, in_flight;

	if (!queue_count(q, &waiting, &in_flight, problem))
		return false;
	buf_printf(&my.out.buffer, "%lld\n", waiting);
	return true;
}

static void print_queue(void *context, struct text name, long long waiting, long long in_flight)
{
	(void)context;
	buf_text(&my.out.buffer, name);
	buf_printf(&my.out.buffer, "\t%lld\t%lld\n", waiting, in_flight);
	writer_added(&my.out);
}

static bool list_queues(struct queue *q, struct problem *problem)
{
	return queue_list(q, print_queue, NULL, problem);
}

static bool peek_queue(struct queue *q, struct problem *problem)
{
	return queue_peek(q, my.count < 0 ? 10 : (size_t)my.count, &my.out.buffer, problem);
}

/* Gives a batch of stdin's records; *END once there are no more. */
static bool put_batch(struct queue *q, struct reader *in, bool *end, struct problem *problem)
{
	struct text record;

	buf_clear(&my.batch.lines);
	while (my.batch.lines.len < BATCH_BYTES)
		switch (reader_next(in, &record)) {
		case READER_RECORD:
			buf_text(&my.batch.lines, record);
			buf_char(&my.batch.lines, '\n');
			break;
		case READER_BARRIER:
			break;
		case READER_LONG:
			return problem_at(problem, in->file, in->line, 0, "longer than --max-record");
		case READER_WAIT:
			if (my.batch.lines.len)
				return queue_give(q, buf_view(&my.batch.lines), problem) && queue_commit(q, problem);
			reader_wait(in, -1);
			break;
		case READER_FAILED:
			*problem = in->problem;
			return false;
		case READER_END:
			*end = true;
			return queue_give(q, buf_view(&my.batch.lines), problem) && queue_commit(q, problem);
		}
	return queue_give(q, buf_view(&my.batch.lines), problem) && queue_commit(q, problem);
}

static bool put_records(struct queue *q, struct problem *problem)
{
	struct reader in;
	bool end = false, fine = true;

	reader_init(&in, NULL, my.max_record);
	while (fine && !end)
		fine = put_batch(q, &in, &end, problem);
	reader_free(&in);
	return fine;
}

/* Moves batches from Q to TO, or to stdout. A batch that somebody else has left in flight comes first and whole. */
static bool drain(struct queue *q, struct queue *to, struct problem *problem)
{
	long long left = my.count < 0 ? LLONG_MAX : my.count;

	while (left > 0) {
		size_t wanted = left < BATCH ? (size_t)left : BATCH;
		enum queue_taken taken = queue_take(q, wanted, BATCH_BYTES, 0, &my.batch, problem);

		if (taken != QUEUE_TAKEN)
			return taken == QUEUE_EMPTY;
		if (!to)
			buf_text(&my.out.buffer, buf_view(&my.batch.lines));
		if (to && !(queue_give(to, buf_view(&my.batch.lines), problem) && queue_commit(to, problem)))
			return false;
		if (!write_out(problem) || !queue_done(q, queue_number(q), problem))
			return false;
		left -= (long long)my.batch.count;
	}
	return true;
}

static bool get_records(struct queue *q, struct problem *problem)
{
	return drain(q, NULL, problem);
}

static const struct action {
	const char *name;
	enum queue_use use;
	bool (*run)(struct queue *q, struct problem *problem);
} actions[] = {
	{ "list", QUEUE_LOOK, list_queues },
	{ "count", QUEUE_LOOK, count_queue },
	{ "peek", QUEUE_LOOK, peek_queue },
	{ "clear", QUEUE_LOOK, queue_clear },
	{ "put", QUEUE_GIVE, put_records },
	{ "get", QUEUE_TAKE, get_records },
	{ "move", QUEUE_TAKE, NULL },
};

static const struct action *find_action(const char *name)
{
	for (size_t i = 0; i < LENGTH(actions); i++)
		if (strcmp(actions[i].name, name) == 0)
			return &actions[i];
	return NULL;
}

static int perform(const struct action *action, char **words)
{
	struct problem problem = { .line = 0 };
	struct queue *to = NULL, *q = queue_open(words[0], action->use, NULL, &problem);
	int status;

	writer_init(&my.out, STDOUT_FILENO);
	if (q && (action->run || (to = queue_open(words[1], QUEUE_GIVE, q, &problem)))) {
		bool fine = action->run ? action->run(q, &problem) : drain(q, to, &problem);

		/* What was read before a failure is printed all the same. */
		status = (fine ? write_out(&problem) : (writer_flush(&my.out), false)) || my.out.failure == EPIPE ? EXIT_FINE : EXIT_IO;
	} else {
		status = problem_status(&problem);
	}
	if (status != EXIT_FINE)
		log_problem(&problem);
	queue_close(to);
	queue_close(q);
	writer_free(&my.out);
	buf_free(&my.batch.lines);
	return status;
}

int main(int argc, char **argv)
{
	static const struct command command = { .name = "imq-queue", .summary = "look into queues, put, get and move records",
		.operands = "list|count|peek|clear|put|get QUEUE | move QUEUE QUEUE", .options = options };
	const struct action *action;
	int operands, status;

	signal(SIGPIPE, SIG_IGN); /* seen as EPIPE */
	my.count = -1;
	if (!opt_start(&command, argc, argv, &operands, &status))
		return status;
	action = argc - operands > 0 ? find_action(argv[operands]) : NULL;
	if (!action || argc - operands != (action->run ? 2 : 3)) {
		log_message("usage: imq-queue %s", command.operands);
		return EXIT_USAGE;
	}
	return perform(action, argv + operands + 1);
}
