/* Records sent to a command again. */
#include "replay.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alloc.h"
#include "files.h"
#include "log.h"
#include "stream.h"

enum { MAX_REJECTS = 1 << 30 };

void put_in_one_line(struct buf *out, struct text record)
{
	for (size_t i = 0; i < record.len; i++)
		buf_char(out, record.at[i] == '\n' || record.at[i] == '\r' ? ' ' : record.at[i]);
	buf_char(out, '\n');
}

static pid_t start(char *const *words, int *in, struct problem *problem)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) != 0) {
		problem_set(problem, "%s", strerror(errno));
		return -1;
	}
	pid = fork();
	if (pid == 0) {
		signal(SIGPIPE, SIG_DFL);
		if (dup2(ends[0], STDIN_FILENO) >= 0)
			execvp(words[0], words);
		log_message("%s: %s", words[0], strerror(errno));
		_exit(127);
	}
	close(ends[0]);
	*in = ends[1];
	if (pid < 0)
		problem_set(problem, "%s", strerror(errno));
	return pid;
}

/* The words with --rejects FILE behind them, if the command is one of ours that can take it. NULL: it keeps its rejects elsewhere. */
static char **with_rejects(char *const *words, const char *file)
{
	const char *slash = strrchr(words[0], '/'), *name = slash ? slash + 1 : words[0];
	size_t n = 0;
	char **more;

	if (strncmp(name, "imq-", 4) != 0 || strcmp(name, "imq-pump") == 0 || strcmp(name, "imq-dump") == 0)
		return NULL;
	for (; words[n]; n++)
		if (strncmp(words[n], "--rejects", 9) == 0)
			return NULL;
	more = alloc_zero(n + 2, sizeof *more);
	memcpy(more, words, n * sizeof *more);
	if (n > 1) /* options before operands that may follow a -- */
		memmove(more + 2, more + 1, (n - 1) * sizeof *more);
	more[1] = alloc_string(text_of(file));
	return more;
}

static bool send(struct dump *d, struct text command, int fd)
{
	struct buf lines = BUF_INIT;
	bool fine = true;

	for (size_t i = 0; fine && i < d->count; i++) {
		const struct entry *e = &d->entries[i];

		if (!e->selected || (command.at && !text_eq(e->command, command)))
			continue;
		put_in_one_line(&lines, e->record);
		if (lines.len > 1 << 16 || i + 1 == d->count) {
			fine = write_all(fd, lines.at, lines.len);
			buf_clear(&lines);
		}
	}
	fine = fine && write_all(fd, lines.at, lines.len);
	buf_free(&lines);
	return fine;
}

bool replay(struct dump *d, char *const *words, struct text command, struct buf *again, struct problem *problem)
{
	struct buf file = BUF_INIT, option = BUF_INIT, rejected = BUF_INIT;
	char **more = NULL;
	int in = -1, status = 0, fd;
	bool fine, sent = false;
	pid_t pid;

	buf_printf(&file, "%s.XXXXXX", d->path);
	buf_cstr(&file);
	fd = mkstemp(file.at);
	if (fd < 0)
		return problem_at(problem, file.at, 0, 0, "%s", strerror(errno));
	close(fd);
	buf_printf(&option, "--rejects=%s", file.at);
	more = d->intelmq ? NULL : with_rejects(words, buf_cstr(&option));
	pid = start(more ? more : words, &in, problem);
	if (pid > 0) {
		signal(SIGPIPE, SIG_IGN);
		sent = send(d, command, in);
		close(in);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	fine = pid > 0 && WIFEXITED(status) && sent && (WEXITSTATUS(status) == 0 || (more && WEXITSTATUS(status) == 3));
	if (pid > 0 && !fine)
		problem_set(problem, "%s: %s %d: the records stay where they are", words[0],
			WIFSIGNALED(status) ? "ended by signal" : "exit status", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	fine = fine && (!more || file_read(file.at, MAX_REJECTS, &rejected, problem));
	if (fine)
		buf_text(again, buf_view(&rejected));
	unlink(file.at);
	if (more)
		free(more[1]);
	free(more);
	buf_free(&file);
	buf_free(&option);
	buf_free(&rejected);
	return fine;
}
