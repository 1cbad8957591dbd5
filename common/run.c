/* What every command that reads records has in common around its loop: options, signals, rejects, counts, exit status. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "alloc.h"
#include "field.h"
#include "filter.h"
#include "log.h"
#include "reject.h"
#include "stream.h"

static struct {
	const char *rejects, *harmonization;
	size_t max_record;
	bool stats;
} my;

const struct opt run_options[] = {
	OPT_FILE(0, "rejects", &my.rejects, "append records that cannot be processed to FILE"),
	OPT_BOOL(0, "stats", &my.stats, false, "print counts as JSON on stderr at the end"),
	OPT_BYTES(0, "max-record", &my.max_record, "0", "reject longer records (0: 16 MiB, reports 1 GiB)"),
	OPT_FILE(0, "harmonization", &my.harmonization, "use the fields of this IntelMQ harmonization.conf"),
	OPT_END
};

static volatile sig_atomic_t terminating, reload_wanted, stats_wanted;

static void on_signal(int number)
{
	if (number == SIGHUP)
		reload_wanted = 1;
	else if (number == SIGUSR1)
		stats_wanted = 1;
	else if (terminating++)
		_exit(128 + number);
}

static void catch_signals(void)
{
	static const int numbers[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1 };
	struct sigaction action = { .sa_handler = on_signal }; /* no SA_RESTART: waiting ends when a signal comes */
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	sigaction(SIGPIPE, &ignore, NULL);
	for (size_t i = 0; i < LENGTH(numbers); i++)
		sigaction(numbers[i], &action, NULL);
}

bool run_stopping(void)
{
	return terminating;
}

bool run_reload_wanted(void)
{
	bool wanted = reload_wanted;

	reload_wanted = 0;
	return wanted;
}

bool run_stats_wanted(void)
{
	bool wanted = stats_wanted;

	stats_wanted = 0;
	return wanted;
}

static bool fail(int *status, const struct problem *problem)
{
	log_problem(problem);
	*status = EXIT_USAGE;
	return false;
}

static struct batch first_batch(void)
{
	const char *number = getenv("IMQ_BATCH"), *undo = getenv("IMQ_UNDO");
	struct batch batch = { 0 };

	batch.numbered = number && text_integer(text_of(number), &batch.number);
	if (!undo || !text_integer(text_of(undo), &batch.undo))
		batch.undo = batch.number;
	return batch;
}

bool run_start(struct run *run, const struct command *command, int argc, char **argv, size_t max_record, int *status)
{
	struct problem problem = { .line = 0 };
	int operands;

	*run = (struct run){ .name = command->name, .batch = first_batch() };
	if (!opt_start(command, argc, argv, &operands, status))
		return false;
	if (my.harmonization && !field_load(my.harmonization, &problem))
		return fail(status, &problem);
	run->rejects = alloc_zero(1, sizeof *run->rejects);
	if (!rejects_open(run->rejects, my.rejects, &problem)) {
		free(run->rejects);
		return fail(status, &problem);
	}
	catch_signals();
	run->max_record = my.max_record ? my.max_record : max_record;
	run->stats = my.stats;
	run->in = alloc_zero(1, sizeof *run->in);
	run->out = alloc_zero(1, sizeof *run->out);
	reader_init(run->in, argv + operands, run->max_record);
	writer_init(run->out, STDOUT_FILENO);
	return true;
}

bool run_is_elsewhere(struct event *ev)
{
	struct event_values paths = event_values(ev, F_MESSAGE_PATH);
	struct value path;
	bool any = false;

	while (event_next_value(&paths, &path)) {
		if (text_is(event_value_form(ev, path), "_default"))
			return false;
		any = true;
	}
	return any;
}

void run_reject(struct run *run, const char *file, long line, struct text reason, struct text record)
{
	run->counts.rejected++;
	log_record(file, line, reason);
	if (!rejects_add(run->rejects, run->name, file, line, reason, record) && !run->failure) {
		struct problem problem = { .line = 0 };

		problem_at(&problem, run->rejects->path, 0, 0, "%s", strerror(errno));
		log_problem(&problem);
		run->failure = EXIT_IO;
	}
}

void run_stats(const struct run *run, void (*more)(struct buf *json))
{
	const struct counts *c = &run->counts;
	struct buf b = BUF_INIT;

	buf_printf(&b, "{\"command\":\"%s\",\"in\":%llu,\"created\":%llu,\"out\":%llu,\"dropped\":%llu,\"merged\":%llu,"
		"\"rejected\":%llu,\"pending\":%llu", run->name, (unsigned long long)c->in,
		(unsigned long long)c->created, (unsigned long long)c->out, (unsigned long long)c->dropped,
		(unsigned long long)c->merged, (unsigned long long)c->rejected, (unsigned long long)c->pending);
	if (more)
		more(&b);
	buf_string(&b, "}\n");
	log_flush();
	write_all(STDERR_FILENO, b.at, b.len);
	buf_free(&b);
}

int run_end(struct run *run, void (*more)(struct buf *json))
{
	int status = (int)run->failure;

	if (!writer_flush(run->out) && run->out->failure != EPIPE) {
		log_message("stdout: %s", strerror(run->out->failure));
		status = EXIT_IO;
	}
	if (run->out->failure == EPIPE)
		status = run->batch.numbered ? EXIT_IO : EXIT_FINE;
	else if (status == EXIT_FINE && run->counts.rejected)
		status = EXIT_REJECTED;
	log_flush();
	if (run->stats)
		run_stats(run, more);
	reader_free(run->in);
	writer_free(run->out);
	rejects_close(run->rejects);
	free(run->in);
	free(run->out);
	free(run->rejects);
	return status;
}
