/* imq-pump --bot: in the place of one bot of a running IntelMQ. imq-compile writes what to run, and that is run. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buf.h"
#include "files.h"
#include "log.h"
#include "pump.h"

/* Finds the commands beside this one before those in PATH. */
static void look_here_first(void)
{
	const char *path = getenv("PATH");
	char *folder = own_folder();
	struct buf search = BUF_INIT;

	buf_printf(&search, "%s:%s", folder, path ? path : "/usr/bin:/bin");
	setenv("PATH", buf_cstr(&search), 1);
	buf_free(&search);
	free(folder);
}

static int compile(const char *state, const char *folder, const char *id, const char *file)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		execlp("imq-compile", "imq-compile", "--state-dir", state, "--output", folder, "--pump", id, file, (char *)NULL);
		log_message("imq-compile: %s", strerror(errno));
		_exit(EXIT_IO);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return EXIT_IO;
	return WEXITSTATUS(status);
}

int bot_run(const char *id, const char *file)
{
	const char *given = getenv("IMQ_STATE"), *state = given && *given ? given : "/var/lib/imq";
	struct buf folder = BUF_INIT, script = BUF_INIT;
	int status;

	look_here_first();
	buf_printf(&folder, "%s/bots", state);
	buf_printf(&script, "%s/%s.sh", buf_cstr(&folder), id);
	/* What is wrong with it, imq-compile says. */
	mkdir(state, 0700);
	status = compile(state, folder.at, id, file);
	if (status == EXIT_FINE) {
		execl("/bin/sh", "sh", buf_cstr(&script), (char *)NULL);
		log_message("/bin/sh: %s", strerror(errno));
		status = EXIT_IO;
	}
	buf_free(&folder);
	buf_free(&script);
	return status;
}
