/* imq-bot: an executable of IntelMQ's by name, for intelmqctl. A script called like the module, whose first line names this
 * program as its interpreter, gives the process the words by which intelmqctl knows a bot (runtime.md 10):
 * imq-bot, …/MODULE, ID. The work is imq-pump's, whom this process starts, hands signals to, and ends with. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buf.h"
#include "files.h"
#include "filter.h"
#include "log.h"
#include "opt.h"

static volatile pid_t child;

static const struct opt options[] = { OPT_END };

static void hand_on(int number)
{
	int before = errno;

	if (child > 0)
		kill(child, number);
	errno = before;
}

static void catch_signals(void)
{
	static const int numbers[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1 };
	struct sigaction action = { .sa_handler = hand_on, .sa_flags = SA_RESTART };
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	for (size_t i = 0; i < LENGTH(numbers); i++)
		sigaction(numbers[i], &action, NULL);
	/* intelmqctl reads our stdout and stderr only while it runs itself. */
	sigaction(SIGPIPE, &ignore, NULL);
}

/* Where IntelMQ has its configuration (runtime.md 1). */
static void runtime_file(struct buf *path)
{
	const char *intelmq = getenv("INTELMQ_ROOT_DIR"), *lsb = getenv("INTELMQ_PATHS_NO_OPT"), *root = getenv("ROOT_DIR");

	if (intelmq && *intelmq)
		buf_printf(path, "%s/etc/runtime.yaml", intelmq);
	else if (lsb && *lsb)
		buf_printf(path, "%s/etc/intelmq/runtime.yaml", root ? root : "");
	else
		buf_string(path, "/opt/intelmq/etc/runtime.yaml");
}

/* imq-pump is beside this program. */
static void start(const char *id, const char *file)
{
	struct buf path = BUF_INIT;

	buf_printf(&path, "%s/imq-pump", own_folder());
	execl(buf_cstr(&path), "imq-pump", "--bot", id, file, (char *)NULL);
	log_message("%s: %s", path.at, strerror(errno));
	_exit(EXIT_IO);
}

static int wait_for_child(void)
{
	int status;

	while (waitpid(child, &status, 0) != child)
		if (errno != EINTR)
			return EXIT_IO;
	/* IntelMQ's bots end with 0 on SIGTERM. */
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGTERM ? EXIT_FINE : 128 + WTERMSIG(status);
	return WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
	static const struct command command = { .name = "imq-bot", .summary = "stand for a bot that intelmqctl starts",
		.operands = "MODULE BOT-ID", .options = options };
	struct buf file = BUF_INIT;
	int operands, status;

	if (!opt_start(&command, argc, argv, &operands, &status))
		return status;
	if (argc - operands != 2) {
		log_message("a module and the name of a bot are wanted");
		return EXIT_USAGE;
	}
	runtime_file(&file);
	buf_cstr(&file);
	catch_signals();
	child = fork();
	if (child == 0)
		start(argv[operands + 1], file.at);
	if (child > 0) {
		status = wait_for_child();
	} else {
		log_message("%s", strerror(errno));
		status = EXIT_USAGE;
	}
	buf_free(&file);
	return status;
}
