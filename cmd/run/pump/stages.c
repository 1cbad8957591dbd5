#include "pump.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"
#include "log.h"

enum { PIPE_SIZE = 1 << 20, BLOCK = 256 * 1024, LOOK_AGAIN = 200 /* milliseconds */, CANNOT_START = 127, KEPT = 64 << 20 };

/* ---- the command line ---- */

/* WORD with the copy's number in place of {job}. */
static char *numbered(const char *word, unsigned number)
{
	struct buf b = BUF_INIT;
	const char *at;
	char *copy;

	while ((at = strstr(word, "{job}"))) {
		buf_add(&b, word, (size_t)(at - word));
		buf_integer(&b, number);
		word = at + 5;
	}
	buf_string(&b, word);
	copy = alloc_string(buf_view(&b));
	buf_free(&b);
	return copy;
}

bool copy_init(struct copy *c, char *const *words, unsigned number)
{
	size_t room = 0;

	*c = (struct copy){ .in = -1, .out = -1 };
	do {
		struct stage stage = { .pid = 0 };
		size_t n = 0;

		while (words[n] && strcmp(words[n], "|") != 0)
			n++;
		stage.argv = alloc_zero(n + 1, sizeof *stage.argv);
		for (size_t i = 0; i < n; i++)
			stage.argv[i] = numbered(words[i], number);
		alloc_grow(&c->stages, &room, c->count + 1, sizeof *c->stages);
		c->stages[c->count++] = stage;
		if (!n)
			return false;
		words += n;
	} while (*words && words++);
	return true;
}

void copy_free(struct copy *c)
{
	for (size_t i = 0; i < c->count; i++) {
		for (char **word = c->stages[i].argv; *word; word++)
			free(*word);
		free(c->stages[i].argv);
	}
	free(c->stages);
	buf_free(&c->dealt);
	buf_free(&c->output);
}

/* ---- life and death ---- */

static void run_stage(struct stage *s, int in, int out, pid_t parent)
{
	/* A pump that is killed takes its stages with it, so that the next one finds their state files free. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(CANNOT_START);
	signal(SIGPIPE, SIG_DFL);
	if (dup2(in, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0)
		execvp(s->argv[0], s->argv);
	log_message("%s: %s", s->argv[0], strerror(errno));
	_exit(CANNOT_START);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static bool system_failure(struct failure *failure, const char *what)
{
	*failure = (struct failure){ .status = EXIT_IO };
	snprintf(failure->text, sizeof failure->text, "%s: %s", what, strerror(errno));
	return false;
}

static bool make_pipe(int ends[2])
{
	if (pipe2(ends, O_CLOEXEC) != 0)
		return false;
	fcntl(ends[0], F_SETPIPE_SZ, PIPE_SIZE); /* refused beyond the user's limit: then it is 64 KiB */
	return true;
}

/* Starts the stages from the first to the last, each reading what the one before it writes. */
static bool start_stages(struct copy *c)
{
	int ends[2], in;
	pid_t parent = getpid();

	if (!make_pipe(ends))
		return false;
	in = ends[0];
	c->in = ends[1];
	for (size_t i = 0; i < c->count; i++) {
		bool made = make_pipe(ends);
		pid_t pid = made ? fork() : -1;

		if (pid == 0)
			run_stage(&c->stages[i], in, ends[1], parent);
		close_fd(&in);
		if (made) {
			close(ends[1]);
			in = ends[0];
		}
		if (pid < 0) {
			close_fd(&in);
			return false;
		}
		c->stages[i].pid = pid;
	}
	c->out = in;
	return fcntl(c->in, F_SETFL, O_NONBLOCK) == 0 && fcntl(c->out, F_SETFL, O_NONBLOCK) == 0;
}

bool copy_start(struct copy *c, long long number, long long undo, struct failure *failure)
{
	char text[32];

	snprintf(text, sizeof text, "%lld", number);
	setenv("IMQ_BATCH", text, 1);
	snprintf(text, sizeof text, "%lld", undo);
	if (undo == number)
		unsetenv("IMQ_UNDO");
	else
		setenv("IMQ_UNDO", text, 1);
	if (start_stages(c))
		return true;
	system_failure(failure, "starting the stages");
	copy_stop(c, false);
	return false;
}

bool copy_running(const struct copy *c)
{
	return c->in >= 0;
}

static int status_of(int wait_status)
{
	return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
}

int copy_stop(struct copy *c, bool kindly)
{
	int worst = 0, status;
	char rest[4096];

	close_fd(&c->in);
	if (kindly && c->out >= 0) {
		fcntl(c->out, F_SETFL, 0);
		/* What a stage prints at the end of its input belongs to no batch: it will say it again. */
		while (read(c->out, rest, sizeof rest) > 0)
			;
	}
	close_fd(&c->out);
	for (size_t i = 0; i < c->count; i++) {
		struct stage *s = &c->stages[i];

		if (!s->pid)
			continue;
		if (!kindly)
			kill(s->pid, SIGKILL);
		while (waitpid(s->pid, &status, 0) < 0 && errno == EINTR)
			;
		s->pid = 0;
		if (status_of(status) > worst)
			worst = status_of(status);
	}
	return worst;
}

void copies_signal(struct copy *copies, size_t count, int number)
{
	for (size_t i = 0; i < count; i++)
		for (size_t s = 0; s < copies[i].count; s++)
			if (copies[i].stages[s].pid)
				kill(copies[i].stages[s].pid, number);
}

/* ---- one batch ---- */

static void explain_exit(const struct stage *s, int status, struct failure *failure)
{
	int code = status_of(status);

	/* Full disks and absent services are nobody's fault; nor is an end from outside. */
	*failure = (struct failure){ .stage = s->argv[0], .killed = code == 128 + SIGKILL,
		.status = code == EXIT_REMOTE ? EXIT_REMOTE : EXIT_IO,
		.suspicious = code != EXIT_IO && code != EXIT_REMOTE && code != EXIT_USAGE && code != CANNOT_START &&
	                      code != 128 + SIGTERM && code != 128 + SIGINT,
		.hopeless = code == EXIT_USAGE || code == CANNOT_START };
	if (failure->hopeless)
		failure->status = EXIT_USAGE;
	if (WIFSIGNALED(status))
		snprintf(failure->text, sizeof failure->text, "%s: killed by signal %d (%s)", s->argv[0], code - 128,
			strsignal(code - 128));
	else
		snprintf(failure->text, sizeof failure->text, "%s: ended with status %d", s->argv[0], code);
}

/* Whether a stage has ended, the one that caused it rather than a neighbour that ended for want of it. */
static bool find_ended(struct copy *c, struct failure *failure)
{
	bool found = false, neighbour = true;

	for (size_t i = 0; i < c->count; i++) {
		struct stage *s = &c->stages[i];
		int status;

		if (!s->pid || waitpid(s->pid, &status, WNOHANG) != s->pid)
			continue;
		s->pid = 0;
		if (neighbour)
			explain_exit(s, status, failure);
		/* Status 4 is also that of a stage whose reader went away; 0 that of one whose input ended. */
		neighbour = neighbour && (status_of(status) == EXIT_IO || status_of(status) == EXIT_FINE);
		found = true;
	}
	return found;
}

/* The stages are coming down: gives each a moment to say how. */
static void wait_for_cause(struct copy *c, struct failure *failure)
{
	int64_t until = clock_steady() + SECOND;

	while (!find_ended(c, failure) && clock_steady() < until)
		poll(NULL, 0, 5);
	if (!failure->text[0]) {
		*failure = (struct failure){ .status = EXIT_IO, .suspicious = true };
		snprintf(failure->text, sizeof failure->text, "%s: closed its output", c->stages[c->count - 1].argv[0]);
	}
}

/* False: the first stage reads no more. */
static bool send_input(struct copy *c)
{
	while (c->input.len) {
		ssize_t n = write(c->in, c->input.at, c->input.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN;
		c->input = text_from(c->input, (size_t)n);
	}
	return true;
}

/* False: the last stage has closed its output. */
static bool receive_output(struct copy *c)
{
	struct buf *b = &c->output;

	for (;;) {
		ssize_t n = read(c->out, buf_room(b, BLOCK), BLOCK);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 && errno == EAGAIN;
		b->len += (size_t)n;
		/* One batch, one barrier, nothing behind it. */
		if (!c->input.len && b->at[b->len - 1] == '\n' && (b->len == 1 || b->at[b->len - 2] == '\n')) {
			c->answer = ANSWER_COMPLETE;
			return true;
		}
	}
}

static bool serve(struct copy *c, const struct pollfd *in, const struct pollfd *out, struct failure *failure)
{
	bool fine = true;

	if (in->revents)
		fine = send_input(c);
	if (fine && out->revents)
		fine = receive_output(c);
	if (fine && (c->answer == ANSWER_COMPLETE || !find_ended(c, failure)))
		return true;
	if (!fine) {
		failure->text[0] = '\0';
		wait_for_cause(c, failure);
	}
	c->answer = ANSWER_BROKEN;
	return false;
}

static bool too_late(int64_t started, double timeout, struct failure *failure)
{
	if (timeout <= 0 || clock_steady() - started < (int64_t)(timeout * SECOND))
		return false;
	*failure = (struct failure){ .status = EXIT_IO, .suspicious = true };
	snprintf(failure->text, sizeof failure->text, "no barrier came back in %g seconds", timeout);
	return true;
}

bool copies_play(struct copy *copies, size_t count, double timeout, void (*beat)(void), struct failure *failure)
{
	struct pollfd *watch = alloc_zero(2 * count, sizeof *watch);
	int64_t started = clock_steady();
	size_t waited_for = count;
	bool fine = true;

	for (size_t i = 0; i < count; i++) {
		copies[i].answer = ANSWER_WAITED_FOR;
		if (copies[i].output.cap > KEPT)
			buf_free(&copies[i].output);
		buf_clear(&copies[i].output);
	}
	while (fine && waited_for) {
		for (size_t i = 0; i < count; i++) {
			bool busy = copies[i].answer == ANSWER_WAITED_FOR;

			watch[2 * i] = (struct pollfd){ busy && copies[i].input.len ? copies[i].in : -1, POLLOUT, 0 };
			watch[2 * i + 1] = (struct pollfd){ busy ? copies[i].out : -1, POLLIN, 0 };
		}
		poll(watch, (nfds_t)(2 * count), LOOK_AGAIN);
		beat();
		for (size_t i = 0; i < count && fine; i++)
			if (copies[i].answer == ANSWER_WAITED_FOR) {
				fine = serve(&copies[i], &watch[2 * i], &watch[2 * i + 1], failure);
				waited_for -= copies[i].answer == ANSWER_COMPLETE;
			}
		if (fine && waited_for && too_late(started, timeout, failure))
			fine = false;
	}
	free(watch);
	return fine;
}
