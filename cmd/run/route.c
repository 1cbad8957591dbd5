/* imq-route: copies records to sub-pipelines, or routes them by name, and merges what these print.
 *
 * Everything is polled, in both directions, with bounded buffers: a branch that does not read holds up the input, never
 * another branch's output. A barrier goes down every branch and comes out when every branch has returned it. The
 * key __path, by which sieve and filter name branches, ends here. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alloc.h"
#include "event.h"
#include "filter.h"
#include "log.h"
#include "opt.h"
#include "reject.h"
#include "stream.h"

extern char **environ;

enum {
	MAX_EVENT = 16 << 20,
	MAX_BRANCHES = 256,
	MAX_WAITING = 1 << 20, /* bytes on their way into a branch before the input has to wait */
	BLOCK = 64 << 10,
};

static bool balance;

static const struct opt options[] = {
	OPT_BOOL('b', "load-balance", &balance, false, "branches of one name take turns instead of getting copies"),
	OPT_END
};

struct branch {
	char *name;
	const char *command;
	pid_t pid;
	int shell;         /* pidfd of the same; -1: it has ended */
	int in, out;       /* our ends of its pipes; -1: closed */
	struct buf to;     /* not yet written to it */
	size_t written;    /* bytes of TO that are */
	struct buf from;   /* the beginning of a line it has not finished */
	bool owes_barrier; /* has been sent one that has not come back */
};

static struct {
	struct branch branches[MAX_BRANCHES];
	size_t count;
	size_t turn; /* --load-balance */
	struct run run;
	struct event *ev;
	bool ended;   /* no more input */
	bool barrier; /* one is on its way through the branches */
	uint64_t printed;
} my;

static void fail(enum exit_status status, const struct problem *problem)
{
	if (my.run.failure == EXIT_FINE) {
		my.run.failure = status;
		log_problem(problem);
	}
}

static void branch_failed(const struct branch *b, enum exit_status status, const char *what)
{
	struct problem problem = { .line = 0 };

	problem_set(&problem, "%s: %s: %s", b->name, b->command, what);
	fail(status, &problem);
}

static bool start_branch(struct branch *b)
{
	static char shell[] = "/bin/sh", flag[] = "-c";
	char *command = alloc_string(text_of(b->command));
	char *argv[] = { shell, flag, command, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t reset;
	int in[2], out[2], error;

	if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) {
		branch_failed(b, EXIT_IO, strerror(errno));
		free(command);
		return false;
	}
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
	/* Programs that are not ours expect SIGPIPE as usual. */
	posix_spawnattr_init(&attributes);
	sigemptyset(&reset);
	sigaddset(&reset, SIGPIPE);
	posix_spawnattr_setsigdefault(&attributes, &reset);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	error = posix_spawn(&b->pid, shell, &actions, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	close(in[0]);
	close(out[1]);
	fcntl(in[1], F_SETFL, O_NONBLOCK);
	fcntl(out[0], F_SETFL, O_NONBLOCK);
	b->in = in[1];
	b->out = out[0];
	free(command);
	if (error) {
		b->pid = 0;
		branch_failed(b, EXIT_IO, strerror(error));
		return false;
	}
	b->shell = pidfd_open(b->pid, 0);
	if (b->shell < 0)
		branch_failed(b, EXIT_IO, strerror(errno));
	return b->shell >= 0;
}

/* NAME=COMMAND. */
static bool add_branch(const char *operand)
{
	const char *equals = strchr(operand, '=');
	struct branch *b = &my.branches[my.count];

	if (!equals || equals == operand || !equals[1]) {
		log_message("not a branch, which is NAME=COMMAND: \"%s\"", operand);
		return false;
	}
	if (my.count == MAX_BRANCHES) {
		log_message("more than %d branches", MAX_BRANCHES);
		return false;
	}
	b->name = alloc_string((struct text){ operand, (size_t)(equals - operand) });
	b->command = equals + 1;
	b->in = b->out = b->shell = -1;
	my.count++;
	return true;
}

/* Sends the event in hand to the branches called PATH. False: there is none. */
static bool send_to(struct text path)
{
	size_t named = 0, turn = my.turn, taken = 0;

	for (size_t i = 0; i < my.count; i++)
		named += text_is(path, my.branches[i].name);
	for (size_t i = 0; i < my.count; i++) {
		struct branch *b = &my.branches[i];

		if (!text_is(path, b->name) || (balance && taken++ != turn % named))
			continue;
		event_write(my.ev, &b->to);
		buf_char(&b->to, '\n');
		my.run.counts.out++;
	}
	return named > 0;
}

static void print_event(void)
{
	event_write(my.ev, &my.run.out->buffer);
	buf_char(&my.run.out->buffer, '\n');
	writer_added(my.run.out);
	my.run.counts.out++;
}

/* Sends the event in hand where its __path says, without it. */
static void route(void)
{
	struct event_values values = event_values(my.ev, F_MESSAGE_PATH);
	uint64_t before = my.run.counts.out;
	struct text paths[32];
	size_t count = 0;
	struct value v;

	while (count < LENGTH(paths) && event_next_value(&values, &v)) {
		struct text path = event_value_form(my.ev, v);
		char *copy = arena_bytes(event_arena(my.ev), path.len + 1);

		memcpy(copy, path.at, path.len);
		paths[count++] = (struct text){ copy, path.len };
	}
	if (count == 0)
		paths[count++] = TEXT("_default");
	event_delete(my.ev, F_MESSAGE_PATH);
	for (size_t i = 0; i < count; i++)
		if (!send_to(paths[i]) && text_is(paths[i], "_default"))
			print_event();
	my.turn++;
	if (my.run.counts.out == before)
		my.run.counts.dropped++;
	else
		my.run.counts.created += my.run.counts.out - before - 1;
}

static void take_record(struct text line)
{
	struct value_error error;
	char reason[160];
	int n;

	my.run.counts.in++;
	if (event_read(my.ev, line, &error)) {
		route();
		return;
	}
	n = snprintf(reason, sizeof reason, "column %td: %s", error.at - line.at + 1, error.reason);
	run_reject(&my.run, my.run.in->file, my.run.in->line, (struct text){ reason, (size_t)n }, line);
}

static void take_barrier(void)
{
	for (size_t i = 0; i < my.count; i++) {
		buf_char(&my.branches[i].to, '\n');
		my.branches[i].owes_barrier = true;
	}
	my.barrier = true;
}

static bool has_room(void)
{
	for (size_t i = 0; i < my.count; i++)
		if (my.branches[i].to.len - my.branches[i].written > MAX_WAITING)
			return false;
	return true;
}

/* Reads while there is input and room for it. True: there will be more input, but not yet. */
static bool read_input(void)
{
	struct reader *in = my.run.in;
	struct text line;

	while (!my.ended && !my.barrier && !my.run.failure && has_room()) {
		switch (reader_next(in, &line)) {
		case READER_RECORD:
			take_record(line);
			break;
		case READER_BARRIER:
			take_barrier();
			break;
		case READER_LONG:
			my.run.counts.in++;
			run_reject(&my.run, in->file, in->line, TEXT("longer than --max-record"), line);
			break;
		case READER_WAIT:
			return true;
		case READER_FAILED:
			fail(EXIT_IO, &in->problem);
			break;
		case READER_END:
			my.ended = true;
			break;
		}
	}
	return false;
}

static void write_branch(struct branch *b)
{
	ssize_t n = write(b->in, b->to.at + b->written, b->to.len - b->written);

	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			branch_failed(b, EXIT_IO, "ended before its input did");
		return;
	}
	b->written += (size_t)n;
	if (b->written == b->to.len) {
		buf_clear(&b->to);
		b->written = 0;
	} else if (b->written > MAX_WAITING) {
		memmove(b->to.at, b->to.at + b->written, b->to.len - b->written);
		b->to.len -= b->written;
		b->written = 0;
	}
}

/* Hands on the whole lines that B has printed. */
static void print_lines(struct branch *b)
{
	struct text rest = buf_view(&b->from);
	const char *end;

	while ((end = memchr(rest.at, '\n', rest.len))) {
		size_t n = (size_t)(end - rest.at) + 1;

		if (n == 1 && !b->owes_barrier)
			branch_failed(b, EXIT_IO, "printed a barrier that it was not sent");
		else if (n == 1)
			b->owes_barrier = false;
		else {
			buf_add(&my.run.out->buffer, rest.at, n);
			writer_added(my.run.out);
			my.printed++;
		}
		rest = text_from(rest, n);
	}
	if (rest.len && rest.at != b->from.at)
		memmove(b->from.at, rest.at, rest.len);
	b->from.len = rest.len;
}

static void read_branch(struct branch *b)
{
	ssize_t n = read(b->out, buf_room(&b->from, BLOCK), BLOCK);

	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			branch_failed(b, EXIT_IO, strerror(errno));
		return;
	}
	if (n > 0) {
		b->from.len += (size_t)n;
		print_lines(b);
		if (b->from.len > my.run.max_record)
			branch_failed(b, EXIT_IO, "printed a line longer than --max-record");
		return;
	}
	close(b->out);
	b->out = -1;
	if (b->from.len)
		branch_failed(b, EXIT_IO, "ended in the middle of a line");
	if (b->in >= 0)
		branch_failed(b, EXIT_IO, "ended before its input did");
}

/* The shell of B has ended. If it was killed, those that it has started may well go on, but nobody would be told how they end. */
static void look_at_shell(struct branch *b)
{
	siginfo_t how = { .si_pid = 0 };

	if (waitid(P_PIDFD, (id_t)b->shell, &how, WEXITED | WNOHANG | WNOWAIT) == 0 && how.si_pid && how.si_code != CLD_EXITED)
		branch_failed(b, EXIT_IO, strsignal(how.si_status));
	close(b->shell);
	b->shell = -1;
}

/* A barrier is through when no branch owes it. */
static void finish_barrier(void)
{
	struct problem problem = { .line = 0 };

	if (!my.barrier)
		return;
	for (size_t i = 0; i < my.count; i++)
		if (my.branches[i].owes_barrier)
			return;
	if (!rejects_sync(my.run.rejects)) {
		problem_set(&problem, "--rejects: %s", strerror(errno));
		fail(EXIT_IO, &problem);
		return;
	}
	my.barrier = false;
	buf_char(&my.run.out->buffer, '\n');
	writer_flush(my.run.out);
}

/* Lets bytes flow wherever they can; waits if they cannot anywhere. */
static void flow(bool input_wanted)
{
	struct pollfd watch[3 * MAX_BRANCHES + 1];
	struct branch *who[3 * MAX_BRANCHES + 1];
	bool more = !input_wanted && !my.ended && !my.barrier && has_room();
	nfds_t n = 0;

	for (size_t i = 0; i < my.count; i++) {
		struct branch *b = &my.branches[i];

		if (b->in >= 0 && b->to.len) {
			who[n] = b;
			watch[n++] = (struct pollfd){ .fd = b->in, .events = POLLOUT };
		} else if (b->in >= 0 && my.ended) {
			close(b->in);
			b->in = -1;
		}
		if (b->out >= 0) {
			who[n] = b;
			watch[n++] = (struct pollfd){ .fd = b->out, .events = POLLIN };
		}
		if (b->shell >= 0) {
			who[n] = b;
			watch[n++] = (struct pollfd){ .fd = b->shell, .events = POLLIN };
		}
	}
	if (input_wanted)
		watch[n++] = (struct pollfd){ .fd = reader_fd(my.run.in), .events = POLLIN };
	if (!more && poll(watch, n, 0) == 0)
		writer_flush(my.run.out);
	if (poll(watch, n, more ? 0 : -1) <= 0)
		return;
	for (nfds_t i = 0; i < n - input_wanted && !my.run.failure; i++)
		if (watch[i].revents && watch[i].events == POLLOUT)
			write_branch(who[i]);
		else if (watch[i].revents && watch[i].fd == who[i]->shell)
			look_at_shell(who[i]);
		else if (watch[i].revents)
			read_branch(who[i]);
}

static bool all_done(void)
{
	for (size_t i = 0; i < my.count; i++)
		if (my.branches[i].out >= 0)
			return false;
	return my.ended;
}

static void more_stats(struct buf *json)
{
	buf_printf(json, ",\"printed\":%llu", (unsigned long long)my.printed);
}

static void run_branches(void)
{
	while (!my.run.failure && !my.run.out->failure && !all_done()) {
		bool waiting = read_input();

		if (my.run.failure)
			break;
		flow(waiting);
		finish_barrier();
		if (run_stats_wanted())
			run_stats(&my.run, more_stats);
	}
}

/* Waits for the branches to end; those of a failed route are told to. Statuses above 0 become ours. */
static void reap(void)
{
	bool failed = my.run.failure || my.run.out->failure;

	for (size_t i = 0; i < my.count; i++) {
		struct branch *b = &my.branches[i];
		int status;

		if (b->in >= 0)
			close(b->in);
		if (b->out >= 0)
			close(b->out);
		if (b->shell >= 0)
			close(b->shell);
		if (b->pid && failed)
			kill(b->pid, SIGTERM);
		if (b->pid && waitpid(b->pid, &status, 0) == b->pid && !failed) {
			int code = WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_IO;

			if (code > EXIT_REMOTE)
				code = EXIT_IO;
			if (code == EXIT_REJECTED && !my.run.failure)
				my.run.failure = EXIT_REJECTED;
			else if (code && code != EXIT_REJECTED && (!my.run.failure || my.run.failure == EXIT_REJECTED)) {
				log_message("%s: %s: exit status %d", b->name, b->command, code);
				my.run.failure = (enum exit_status)code;
			}
		}
		free(b->name);
		buf_free(&b->to);
		buf_free(&b->from);
	}
}

int main(int argc, char **argv)
{
	static const struct command command = { .name = "imq-route", .summary = "send records through sub-pipelines",
		.operands = "NAME=COMMAND...", .options = options, .common = run_options };
	char *const *operands;
	int status;

	if (!run_start(&my.run, &command, argc, argv, MAX_EVENT, &status))
		return status;
	operands = my.run.in->files;
	reader_init(my.run.in, NULL, my.run.max_record);
	for (status = EXIT_FINE; *operands && status == EXIT_FINE; operands++)
		if (!add_branch(*operands))
			status = EXIT_USAGE;
	my.ev = event_new();
	for (size_t i = 0; i < my.count && status == EXIT_FINE; i++)
		if (!start_branch(&my.branches[i]))
			status = EXIT_IO;
	if (status == EXIT_FINE)
		run_branches();
	else
		my.run.failure = (enum exit_status)status;
	reap();
	event_free(my.ev);
	return run_end(&my.run, more_stats);
}
