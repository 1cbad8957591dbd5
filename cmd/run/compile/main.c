/* imq-compile: what an IntelMQ runtime.yaml says, as a shell script of imq commands.
 *
 * Bots whose records have one way to go run in one pipeline, joined by pipes and imq-route; where ways meet, or end at a
 * collector, there is a queue with imq-pump behind it. Nothing is run here but the commands' own --describe. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compile.h"
#include "filter.h"
#include "log.h"
#include "opt.h"
#include "stream.h"

static struct {
	const char *bot, *pump, *output, *systemd, *state, *queues;
	bool check, dot;
} my;

static const struct opt options[] = {
	OPT_TEXT('c', "command", &my.bot, NULL, "print the command line of this bot, and nothing else"),
	OPT_TEXT(0, "pump", &my.pump, NULL, "write a script for this bot alone, between IntelMQ's own queues"),
	OPT_BOOL(0, "check", &my.check, false, "only check, and say all that is wrong"),
	OPT_BOOL(0, "dot", &my.dot, false, "print the graph of bots for dot(1)"),
	OPT_TEXT('o', "output", &my.output, NULL, "write pipeline.sh and config files into this folder"),
	OPT_TEXT(0, "systemd", &my.systemd, NULL, "write systemd units into this folder too (with --output)"),
	OPT_TEXT(0, "state-dir", &my.state, "/var/lib/imq", "where queues, states and rejects are kept"),
	OPT_TEXT('q', "queue", &my.queues, "sqlite", "kind of queues: sqlite, intelmq (its brokers), or the beginning of a URL"),
	OPT_END
};

static int fail(const struct problem *problem)
{
	log_problem(problem);
	return EXIT_USAGE;
}

static int print(const struct buf *text)
{
	if (write_all(STDOUT_FILENO, text->at, text->len))
		return EXIT_FINE;
	log_message("stdout: %s", strerror(errno));
	return EXIT_IO;
}

static int print_command(struct config *c)
{
	struct problem problem = { .line = 0 };
	struct bot *bot = config_bot(c, my.bot);
	struct buf line = BUF_INIT;
	int status = EXIT_USAGE;

	if (!bot) {
		log_message("%s: no bot \"%s\"", c->file, my.bot);
	} else if (!command_line(c, bot, &line, NULL, &problem)) {
		log_problem(&problem);
	} else {
		buf_char(&line, '\n');
		status = print(&line);
	}
	buf_free(&line);
	return status;
}

/* The script's own folder as the units must name it. */
static int write_units(const struct config *c)
{
	struct problem problem = { .line = 0 };
	struct buf path = BUF_INIT;
	char *folder = realpath(my.output, NULL);
	int status = EXIT_FINE;

	buf_printf(&path, "%s/pipeline.sh", folder ? folder : my.output);
	if (!units_write(c, my.systemd, buf_cstr(&path), my.state, &problem))
		status = fail(&problem);
	buf_free(&path);
	free(folder);
	return status;
}

static int write_script(const struct config *c)
{
	struct script script = { my.output, my.state, my.queues, "pipeline.sh" };
	struct problem problem = { .line = 0 };
	struct buf text = BUF_INIT;
	int status = EXIT_FINE;

	if (my.output && mkdir(my.output, 0755) != 0 && errno != EEXIST)
		problem_at(&problem, my.output, 0, 0, "%s", strerror(errno));
	else if (script_write(c, &script, &text, &problem) && my.output)
		script_file(my.output, "pipeline.sh", 0755, buf_view(&text), &problem);
	if (problem.text[0])
		status = fail(&problem);
	else if (my.output && my.systemd)
		status = write_units(c);
	else if (!my.output)
		status = print(&text);
	buf_free(&text);
	return status;
}

/* ID.sh in the output's folder, or on stdout. */
static int write_bot(struct config *c)
{
	struct script script = { my.output, my.state, "intelmq", "" };
	struct problem problem = { .line = 0 };
	struct bot *bot = config_bot(c, my.pump);
	struct buf text = BUF_INIT, name = BUF_INIT;
	int status = EXIT_FINE;

	if (!bot) {
		log_message("%s: no bot \"%s\"", c->file, my.pump);
		return EXIT_USAGE;
	}
	buf_printf(&name, "%s.sh", bot->id);
	if (my.output && mkdir(my.output, 0700) != 0 && errno != EEXIST)
		problem_at(&problem, my.output, 0, 0, "%s", strerror(errno));
	else if (bot->id[strspn(bot->id, id_letters)])
		problem_at(&problem, c->file, bot->line, 0, "bot \"%s\": its name may have letters, digits and dashes only", bot->id);
	else if (script_bot(c, &script, bot, &text, &problem) && my.output)
		script_file(my.output, buf_cstr(&name), 0700, buf_view(&text), &problem);
	if (problem.text[0])
		status = fail(&problem);
	else if (!my.output)
		status = print(&text);
	buf_free(&text);
	buf_free(&name);
	return status;
}

static int compile(struct config *c)
{
	struct buf text = BUF_INIT;
	int status;

	if (my.bot)
		return print_command(c);
	if (my.pump)
		return write_bot(c);
	if (my.dot) {
		dot_write(c, &text);
		status = print(&text);
		buf_free(&text);
		return status;
	}
	if (!check_all(c, my.check))
		return EXIT_USAGE;
	return my.check ? EXIT_FINE : write_script(c);
}

int main(int argc, char **argv)
{
	static const struct command command = { .name = "imq-compile",
		.summary = "write a shell script of what an IntelMQ runtime.yaml says", .operands = "FILE", .options = options };
	struct problem problem = { .line = 0 };
	struct config config = { 0 };
	int operands, status;

	if (!opt_start(&command, argc, argv, &operands, &status))
		return status;
	if (argc - operands != 1 || (my.bot != NULL) + (my.pump != NULL) + my.check + my.dot > 1 || (my.systemd && !my.output)) {
		log_message("one runtime.yaml is wanted, and at most one of --command, --pump, --check and --dot; --systemd goes with --output");
		return EXIT_USAGE;
	}
	status = EXIT_USAGE;
	if (commands_load(&problem) && config_read(&config, argv[operands], &problem) && graph_build(&config, &problem))
		status = compile(&config);
	else
		log_problem(&problem);
	config_free(&config);
	commands_free();
	return status;
}
