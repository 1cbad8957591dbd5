/* imq: the front door. `imq NAME …` is `imq-NAME …`; `imq list` says what there is, `imq run` runs what a runtime.yaml says. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alloc.h"
#include "files.h"
#include "filter.h"
#include "imq.h"
#include "log.h"
#include "opt.h"

enum { MAX_COMMANDS = 256 };

static const struct opt options[] = { OPT_END };

/* The names behind "imq-" of the commands beside this one, sorted. */
static struct {
	char folder[PATH_MAX];
	char *names[MAX_COMMANDS];
	size_t count;
} commands;

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void find_commands(void)
{
	char *folder = own_folder();
	struct dirent *entry;
	DIR *dir;

	snprintf(commands.folder, sizeof commands.folder, "%s", folder);
	free(folder);
	dir = opendir(commands.folder);
	while (dir && (entry = readdir(dir)) && commands.count < MAX_COMMANDS)
		if (strncmp(entry->d_name, "imq-", 4) == 0)
			commands.names[commands.count++] = alloc_string(text_of(entry->d_name + 4));
	if (dir)
		closedir(dir);
	qsort(commands.names, commands.count, sizeof *commands.names, by_name);
}

/* The summary is the second line of --help, behind the name. */
static void print_summary(const char *name)
{
	char call[PATH_MAX + 300], line[512];
	FILE *help;
	int n = 0;

	snprintf(call, sizeof call, "'%s/imq-%s' --help </dev/null", commands.folder, name);
	help = popen(call, "r");
	while (help && n < 2 && fgets(line, sizeof line, help))
		n++;
	if (n == 2 && strstr(line, ": "))
		printf("%-24s %s", name, strstr(line, ": ") + 2);
	if (help)
		pclose(help);
}

static int flush(void)
{
	return opt_flush() ? EXIT_FINE : EXIT_IO;
}

static int list(void)
{
	for (size_t i = 0; i < commands.count; i++)
		print_summary(commands.names[i]);
	return flush();
}

static int run(char **argv)
{
	char path[PATH_MAX + 300];
	const char *like;

	for (size_t i = 0; i < commands.count; i++)
		if (strcmp(commands.names[i], argv[0]) == 0) {
			snprintf(path, sizeof path, "%s/imq-%s", commands.folder, argv[0]);
			execv(path, argv);
			log_message("%s: %s", path, strerror(errno));
			return EXIT_IO;
		}
	like = suggest(text_of(argv[0]), (const char *const *)commands.names, commands.count);
	log_message("no command \"%s\"%s%s%s", argv[0], like ? ": did you mean \"" : "", like ? like : "", like ? "\"?" : "");
	return EXIT_USAGE;
}

static const char *state_folder(const char *given)
{
	const char *folder = getenv("IMQ_STATE");

	return given ? given : folder && *folder ? folder : "/var/lib/imq";
}

/* Becomes imq-compile with OPTION before the other words. */
static int compile(char *option, char **words)
{
	static char name[] = "compile";
	char *argv[MAX_COMMANDS] = { name, option };
	size_t n = option ? 2 : 1;

	while (*words && n + 1 < MAX_COMMANDS)
		argv[n++] = *words++;
	return run(argv);
}

/* imq run FILE: compiles it into the state's folder, and becomes the script. */
static int run_pipelines(char **words)
{
	static char shell[] = "/bin/sh", state_option[] = "--state-dir", output_option[] = "--output";
	const char *path = getenv("PATH"), *state = state_folder(NULL);
	struct buf folder = BUF_INIT, script = BUF_INIT, search = BUF_INIT;
	char *state_copy = alloc_string(text_of(state));
	char *argv[] = { shell, NULL, NULL };
	pid_t pid;
	int status;

	buf_printf(&folder, "%s/pipelines", state);
	buf_printf(&script, "%s/pipeline.sh", buf_cstr(&folder));
	buf_printf(&search, "%s:%s", commands.folder, path ? path : "/usr/bin:/bin");
	buf_cstr(&script);
	/* A first run makes the folder; what is wrong with it, imq-compile says. */
	mkdir(state, 0700);
	pid = fork();
	if (pid == 0) {
		char *compile_words[] = { state_option, state_copy, output_option, folder.at, words[0], NULL };

		_exit(compile(NULL, compile_words));
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		status = EXIT_IO;
	else
		status = WEXITSTATUS(status);
	if (status == EXIT_FINE) {
		setenv("PATH", buf_cstr(&search), 1);
		setenv("IMQ_STATE", state_copy, 1);
		argv[1] = script.at;
		execv(shell, argv);
		log_message("%s: %s", shell, strerror(errno));
		status = EXIT_IO;
	}
	buf_free(&folder);
	buf_free(&script);
	buf_free(&search);
	free(state_copy);
	return status;
}

/* The words that are no commands. */
static int own_word(char **words)
{
	static char check[] = "--check";
	bool alone = !words[1] || !words[2];

	if (strcmp(words[0], "list") == 0)
		return list();
	if (strcmp(words[0], "status") == 0 && alone) {
		int status = status_show(state_folder(words[1]));

		return flush() == EXIT_FINE ? status : EXIT_IO;
	}
	if (strcmp(words[0], "top") == 0 && alone) {
		int status = status_top(state_folder(words[1]));

		return flush() == EXIT_FINE ? status : EXIT_IO;
	}
	if (strcmp(words[0], "check") == 0)
		return compile(check, words + 1);
	if (strcmp(words[0], "run") == 0 && words[1] && alone)
		return run_pipelines(words + 1);
	return run(words);
}

static int help(const char *name)
{
	char page[256];

	if (!name) {
		printf("usage: imq list\n       imq help [NAME]\n       imq NAME [ARGUMENT]...\n"
			"       imq check RUNTIME_YAML\n       imq run RUNTIME_YAML\n       imq status | top [FOLDER]\n\n"
			"Security events as Unix filters: `imq list` says which there are, imq(7) how they fit together.\n");
		return flush();
	}
	snprintf(page, sizeof page, "imq-%s", name);
	execlp("man", "man", page, (char *)NULL);
	log_message("man: %s", strerror(errno));
	return EXIT_IO;
}

int main(int argc, char **argv)
{
	static const struct command command = { .name = "imq", .summary = "run the commands of imq by name",
		.operands = "list | help [NAME] | check FILE | run FILE | status [FOLDER] | top [FOLDER] | NAME [ARGUMENT]...", .options = options };
	int operands, status;

	/* Options behind the name belong to the command that it names. */
	if (!opt_start(&command, argc > 1 && argv[1][0] == '-' ? argc : 1, argv, &operands, &status))
		return status;
	find_commands();
	if (argc < 2 || strcmp(argv[1], "help") == 0)
		status = help(argc > 2 ? argv[2] : NULL);
	else
		status = own_word(argv + 1);
	for (size_t i = 0; i < commands.count; i++)
		free(commands.names[i]);
	return status;
}
