/* imq-pump: takes batches of records from a queue, sends each followed by a barrier (an empty line) through a pipeline of commands that it
 * starts itself, stores what comes out up to the barrier, and only then acknowledges the batch. Whoever is killed in between, the
 * batch comes again, to fresh commands, under the same number, so that they can take back what they had noted of it.
 *
 * One batch is in flight at a time: an undo of one batch is all that commands need to keep. */
#include "pump.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "clock.h"
#include "field.h"
#include "log.h"
#include "reject.h"
#include "stream.h"

enum {
	WAIT = 100,       /* milliseconds of looking for records between looks at signals */
	ARRIVE = 5000,    /* milliseconds that a record may take to come again */
	SUSPICIONS = 3,   /* failures of one stage over one batch before it is taken apart, and over one record before that is set aside */
	KILLS = 9,        /* the same, of a stage that was killed: more often than not that is not the batch's doing */
	HOPELESS = 5,     /* failures to start before anything has worked */
	LONGEST_PAUSE = 30,
};

static struct {
	const char *from, *by, *bot, *spool_file;
	struct list to, paths;
	bool load_balance, drain;
	long long batch_size, jobs, tries, high_water;
	size_t batch_bytes;
	double barrier_timeout;

	struct run run;
	struct queue *source; /* with a spool, the one in its file */
	struct spool *spool;  /* NULL: none */
	struct sinks *sinks;
	struct copy *copies;
	struct event *ev;
	enum field by_field;
	struct queue_batch batch;
	long long number, undo; /* of the batch that comes next; from where stages have to undo */
	bool proved;            /* a batch has passed */
	bool lost;              /* the source will send the batch again, nobody knows in what pieces */
	unsigned failures;      /* in a row */
	unsigned suspicions;    /* over the batch in hand … */
	const char *suspect;    /* … of this stage, one after the other */
	size_t limit;           /* records in a batch while looking for one that kills, 0: --batch-size */
	unsigned long long restarts;
	struct status status;
} my;

static const struct opt options[] = {
	OPT_TEXT('f', "from", &my.from, NULL, "take records from this queue"),
	OPT_LIST_MORE('t', "to", &my.to, "put what comes out on this queue; given several times, on each"),
	OPT_LIST_MORE('p', "path", &my.paths, "NAME=QUEUE: put records of the path NAME on this queue"),
	OPT_BOOL(0, "load-balance", &my.load_balance, false, "put each record on one of the queues of its path, in turn"),
	OPT_INTEGER('b', "batch-size", &my.batch_size, "1000", "records in a batch, at most"),
	OPT_BYTES(0, "batch-bytes", &my.batch_bytes, "16M", "no further record in a batch of that size"),
	OPT_INTEGER('j', "jobs", &my.jobs, "1", "copies of the pipeline; {job} in its words is a copy's number, from 0"),
	OPT_TEXT(0, "by", &my.by, NULL, "equal values of this field go to the same copy"),
	OPT_BOOL('d', "drain", &my.drain, false, "end when the queue is empty"),
	OPT_SECONDS(0, "barrier-timeout", &my.barrier_timeout, "10m", "a batch that takes longer has failed (0: never)"),
	OPT_INTEGER(0, "tries", &my.tries, "0", "give up after so many failures in a row (0: never)"),
	OPT_INTEGER(0, "high-water", &my.high_water, "0", "take nothing while so many records wait on a queue of --to (0: always)"),
	OPT_TEXT(0, "bot", &my.bot, NULL, "stand for this bot of the runtime.yaml that follows"),
	OPT_FILE(0, "spool", &my.spool_file, "take by way of a queue in this file (SQLite), which numbers batches and repeats them exactly"),
	OPT_FILE('s', "status", &my.status.path, "keep a note in this file of how it goes, for imq status"),
	OPT_END
};

/* ---- failures ---- */

static void beat(void)
{
	if (my.spool)
		spool_beat(my.spool);
	else
		queue_beat(my.source);
	sinks_beat(my.sinks);
}

double pause_after(unsigned failures)
{
	double seconds = 0.05;

	for (unsigned i = 2; i < failures && seconds < LONGEST_PAUSE; i++)
		seconds *= 2;
	return failures > 1 ? seconds : 0;
}

/* Waits before the next try, longer each time. False: there is no next try. */
static bool pause_after_failure(enum exit_status status)
{
	int64_t until;

	my.failures++;
	if (my.tries && my.failures >= my.tries) {
		log_message("giving up after %u failures", my.failures);
		my.run.failure = status;
		return false;
	}
	until = clock_steady() + (int64_t)(pause_after(my.failures) * SECOND);
	while (clock_steady() < until && !run_stopping()) {
		poll(NULL, 0, WAIT);
		beat();
	}
	if (run_stopping())
		my.run.failure = status;
	return !run_stopping();
}

static void stop_copies(void)
{
	for (long long i = 0; i < my.jobs; i++)
		copy_stop(&my.copies[i], false);
}

/* Makes the source usable again. False: not to be. */
static bool recover_source(void)
{
	struct problem problem = { .line = 0 };

	while (!queue_recover(my.source, &problem)) {
		log_problem(&problem);
		if (!pause_after_failure(EXIT_IO))
			return false;
	}
	return true;
}

/* ---- one batch ---- */

static uint64_t records_in(struct text output)
{
	uint64_t count = 0;

	for (const char *feed; output.len && (feed = memchr(output.at, '\n', output.len)); count++)
		output = text_from(output, (size_t)(feed - output.at) + 1);
	return count - 1; /* the barrier */
}

static void batch_is_done(void)
{
	for (long long i = 0; i < my.jobs; i++)
		my.run.counts.out += records_in(buf_view(&my.copies[i].output));
	my.run.counts.in += my.batch.count;
	my.undo = ++my.number;
}

/* Stores what came out, then acknowledges; goes on trying as long as the outcome is known. False: the end, or the batch is lost. */
static bool store(void)
{
	sinks_clear(my.sinks);
	for (long long i = 0; i < my.jobs; i++)
		sinks_put(my.sinks, buf_view(&my.copies[i].output));
	for (bool again = false;; again = true) {
		struct problem problem = { .line = 0 };
		bool stored = sinks_store(my.sinks, again, &problem);

		if (stored && queue_done(my.source, my.number, &problem)) {
			batch_is_done();
			return true;
		}
		log_problem(&problem);
		if (my.run.failure || !pause_after_failure(EXIT_IO))
			return false;
		if (!stored)
			continue;
		if (!recover_source())
			return false;
		if (queue_number(my.source) == my.number) { /* the answer was lost, not the order */
			batch_is_done();
			return true;
		}
		if (!queue_repeats_exactly(my.source)) {
			my.lost = true;
			return false;
		}
	}
}

/* What the source is called; not the file before it. */
static const char *source_name(void)
{
	return my.spool ? spool_name(my.spool) : queue_name(my.source);
}

static void make_input(void)
{
	struct buf *lines = &my.batch.lines;

	if (my.jobs > 1) {
		deal(my.copies, (size_t)my.jobs, buf_view(lines), my.batch.count, my.by_field, my.ev);
		return;
	}
	buf_char(lines, '\n');
	my.copies[0].input = buf_view(lines);
	lines->len--;
}

/* Sends the batch in hand through the pipeline and stores what comes of it. */
static bool attempt(struct failure *failure)
{
	*failure = (struct failure){ .status = EXIT_IO };
	for (long long i = 0; i < my.jobs; i++)
		if (!copy_running(&my.copies[i]) && !copy_start(&my.copies[i], my.number, my.undo, failure))
			return false;
	make_input();
	return copies_play(my.copies, (size_t)my.jobs, my.barrier_timeout, beat, failure) && store();
}

/* The first COUNT records are the batch now. */
static bool narrow(size_t count)
{
	struct problem problem = { .line = 0 };
	size_t length = 0;

	if (!queue_keep(my.source, count, &problem)) {
		log_problem(&problem);
		return recover_source();
	}
	for (size_t i = 0; i < count; i++)
		length = (size_t)((char *)memchr(my.batch.lines.at + length, '\n', my.batch.lines.len - length) - my.batch.lines.at) + 1;
	my.batch.lines.len = length;
	my.batch.count = my.limit = count;
	my.suspicions = 0;
	return true;
}

static bool reject_record(const char *reason)
{
	struct problem problem = { .line = 0 };
	struct text record = buf_view(&my.batch.lines);

	record.len -= record.len > 0;
	run_reject(&my.run, source_name(), 0, text_of(reason), record);
	if (my.run.failure)
		return false;
	if (!rejects_sync(my.run.rejects)) {
		problem_at(&problem, my.run.rejects->path, 0, 0, "%s", strerror(errno));
		log_problem(&problem);
		my.run.failure = EXIT_IO;
		return false;
	}
	/* No stage has seen this batch's barrier: the number of the one before it stays. */
	if (queue_done(my.source, my.number - 1, &problem))
		return true;
	log_problem(&problem);
	return recover_source();
}

/* One record has failed alone again and again. If the pipeline works without it, the record is to blame. */
static bool set_aside(const struct failure *blamed)
{
	struct problem problem = { .line = 0 };
	struct failure failure;

	my.suspicions = 0;
	if (my.run.rejects->fd < 0) {
		log_message("one record keeps the pipeline from going on; with --rejects it would be set aside");
		return true;
	}
	my.limit = 1;
	if (!queue_keep(my.source, 0, &problem)) {
		log_problem(&problem);
		return recover_source();
	}
	buf_clear(&my.batch.lines);
	my.batch.count = 0;
	if (!attempt(&failure)) {
		log_message("%s, even over an empty batch", failure.text[0] ? failure.text : "failed");
		stop_copies();
		return true;
	}
	switch (queue_take(my.source, 1, 1, my.run.failure ? 0 : ARRIVE, &my.batch, &problem)) {
	case QUEUE_TAKEN:
		return reject_record(blamed->text);
	case QUEUE_EMPTY:
		return true;
	case QUEUE_FAILED:
		log_problem(&problem);
		return recover_source();
	}
	return true;
}

/* Notes how it goes, and a failure if there is one. */
static void note_status(const char *failure)
{
	if (failure)
		status_error(&my.status, failure);
	status_write(&my.status, source_name(), &my.run.counts, my.number - 1, my.restarts, my.source, my.spool);
}

/* Whether to try the batch in hand again; otherwise the next is taken, or all ends. */
static bool after_failure(const struct failure *failure)
{
	bool searching = my.limit > 0 && my.batch.count > 1;

	stop_copies();
	my.restarts++;
	if (my.lost || my.run.failure)
		return false;
	log_message("batch %lld of %zu records: %s", my.number, my.batch.count, failure->text);
	note_status(failure->text);
	if (failure->hopeless && !my.proved && my.failures + 1 >= HOPELESS) {
		my.run.failure = EXIT_USAGE;
		return false;
	}
	if (failure->stage != my.suspect)
		my.suspicions = 0;
	my.suspect = failure->stage;
	if (failure->suspicious && my.batch.count &&
		++my.suspicions >= (searching ? 1 : failure->killed ? KILLS : SUSPICIONS)) {
		bool narrowed = my.batch.count > 1;

		if (!(narrowed ? narrow(my.batch.count / 2) : set_aside(failure)))
			return false;
		if (!narrowed)
			return false; /* the record is gone, or is taken again */
	}
	return pause_after_failure(failure->status);
}

/* A batch that came again in unknown pieces must not have the number of what stages have noted; those take that back. */
static void renumber(void)
{
	if (my.lost)
		my.number++;
	my.lost = false;
}

static void pass_batch(void)
{
	struct failure failure;

	while (!attempt(&failure))
		if (!after_failure(&failure)) {
			renumber();
			return;
		}
	my.failures = my.suspicions = 0;
	my.proved = true;
	if (my.limit)
		my.limit = 2 * my.limit < (size_t)my.batch_size ? 2 * my.limit : 0;
}

/* ---- the loop ---- */

static void more_stats(struct buf *json)
{
	buf_printf(json, ",\"batch\":%lld,\"restarts\":%llu", my.number - 1, my.restarts);
}

/* What became of the records inside of the pipeline is known by their number only. */
static void settle_counts(void)
{
	struct counts *c = &my.run.counts;
	uint64_t gone = c->out + c->rejected;

	c->dropped = c->in > gone ? c->in - gone : 0;
	c->created = gone > c->in ? gone - c->in : 0;
}

static void hand_on_signals(void)
{
	if (run_reload_wanted())
		copies_signal(my.copies, (size_t)my.jobs, SIGHUP);
	if (run_stats_wanted()) {
		settle_counts();
		run_stats(&my.run, more_stats);
		copies_signal(my.copies, (size_t)my.jobs, SIGUSR1);
	}
}

static enum queue_taken take_batch(struct problem *problem)
{
	size_t limit = my.limit ? my.limit : (size_t)my.batch_size;
	int wait = my.drain ? 0 : WAIT;

	if (sinks_full(my.sinks, my.high_water)) {
		poll(NULL, 0, WAIT);
		return QUEUE_EMPTY;
	}
	if (my.spool)
		return spool_take(my.spool, limit, (size_t)my.batch_size, my.batch_bytes, wait, &my.batch, problem);
	return queue_take(my.source, limit, my.batch_bytes, wait, &my.batch, problem);
}

/* Nothing has come: whether that is all there is to do, or to wait for. */
static bool is_over(void)
{
	unsigned failures = my.spool ? spool_failures(my.spool) : 0;

	if (my.tries && failures >= my.tries) {
		log_message("giving up after %u failures", failures); /* stop() makes a status of them */
		return true;
	}
	return my.drain && !failures && !sinks_full(my.sinks, my.high_water);
}

/* In an idle pump time passes by an empty batch every second. */
static void pump(void)
{
	int64_t last = clock_steady();

	while (!run_stopping() && !my.run.failure) {
		struct problem problem = { .line = 0 };
		bool idle = false;

		hand_on_signals();
		if (status_due(&my.status))
			note_status(NULL);
		switch (take_batch(&problem)) {
		case QUEUE_FAILED:
			log_problem(&problem);
			status_error(&my.status, problem.text);
			if (!pause_after_failure(EXIT_IO) || !recover_source())
				return;
			continue;
		case QUEUE_EMPTY:
			if (is_over())
				return;
			idle = true;
			break;
		case QUEUE_TAKEN:
			break;
		}
		if (idle && clock_steady() - last < SECOND)
			continue;
		pass_batch();
		last = clock_steady();
	}
}

/* ---- start and end ---- */

static bool make_copies(char *const *words, struct problem *problem)
{
	if (!words || !*words)
		return problem_set(problem, "no command: imq-pump --from QUEUE [--to QUEUE] -- COMMAND [ARGUMENT]... ['|' COMMAND ...]");
	my.copies = alloc_zero((size_t)my.jobs, sizeof *my.copies);
	for (long long i = 0; i < my.jobs; i++)
		if (!copy_init(&my.copies[i], words, (unsigned)i))
			return problem_set(problem, "a stage of the pipeline is empty");
	return true;
}

static bool check(struct problem *problem)
{
	if (!my.from)
		return problem_set(problem, "--from is missing");
	if (my.batch_size < 1)
		return problem_set(problem, "--batch-size must be at least 1");
	if (my.jobs < 1 || my.jobs > 1000)
		return problem_set(problem, "--jobs: from 1 to 1000");
	if (my.by && (my.by_field = field_intern(text_of(my.by))) == F_NONE)
		return problem_set(problem, "--by: not a field: \"%s\"", my.by);
	return true;
}

static bool start(char *const *words, struct problem *problem)
{
	*problem = (struct problem){ .line = 0 };
	if (!check(problem) || !make_copies(words, problem))
		return false;
	my.ev = event_new();
	if (my.spool_file) {
		my.spool = spool_open(my.spool_file, my.from, !my.drain, &my.status, problem);
		my.source = my.spool ? spool_local(my.spool) : NULL;
	} else {
		my.source = queue_open(my.from, QUEUE_TAKE, NULL, problem);
	}
	if (!my.source)
		return false;
	my.sinks = sinks_open(&my.to, &my.paths, my.load_balance, my.source, &my.run, problem);
	if (!my.sinks)
		return false;
	my.number = queue_number(my.source) + 1;
	/* Without a number kept: one beyond all that stages can have seen. */
	if (my.number <= 0)
		my.number = clock_now();
	my.undo = my.number;
	return true;
}

/* Where the words of the pipeline begin: as in source.c, the reader has a list of its own if there are none. */
static char *const *find_words(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (my.run.in->files == argv + i)
			return argv + i;
	return NULL;
}

static void stop(void)
{
	bool away = my.spool && spool_failures(my.spool) > 0;

	for (long long i = 0; my.copies && i < my.jobs; i++) {
		int status = copy_stop(&my.copies[i], !my.run.failure);

		if (status == EXIT_REJECTED)
			my.run.counts.rejected += !my.run.counts.rejected;
		else if (status != EXIT_FINE && !my.run.failure)
			my.run.failure = EXIT_IO;
		copy_free(&my.copies[i]);
	}
	free(my.copies);
	sinks_close(my.sinks);
	if (my.spool)
		spool_close(my.spool);
	else
		queue_close(my.source);
	if (away && !my.run.failure)
		my.run.failure = EXIT_REMOTE;
	event_free(my.ev);
	buf_free(&my.batch.lines);
}

int main(int argc, char **argv)
{
	struct command command = { .name = "imq-pump", .summary = "run a pipeline between queues, losing nothing",
		.operands = "-- COMMAND [ARGUMENT]... ['|' COMMAND [ARGUMENT]...]... | --bot ID RUNTIME_YAML", .options = options,
		.common = run_options };
	struct problem problem;
	char *const *words;
	int status;

	if (!run_start(&my.run, &command, argc, argv, 0, &status))
		return status;
	words = find_words(argc, argv);
	if (my.bot && words && !words[1]) {
		my.run.failure = (enum exit_status)bot_run(my.bot, words[0]);
	} else if (!start(words, &problem)) {
		log_problem(&problem);
		my.run.failure = problem_status(&problem);
	} else {
		my.status.started = clock_now();
		pump();
		note_status(NULL);
	}
	stop();
	settle_counts();
	return run_end(&my.run, more_stats);
}
