/* imq-compile: the command line that stands for a bot of an IntelMQ runtime.yaml.
 *
 * What commands there are, and which parameters they take, each command says itself (--describe): there is no list to keep.
 * Whole pipelines are not compiled yet; --command and --check are. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alloc.h"
#include "filter.h"
#include "log.h"
#include "opt.h"
#include "value.h"
#include "yaml_json.h"

extern char **environ;

enum { MAX_COMMANDS = 256, MAX_PARAMETERS = 256, FILE_LIMIT = 64 << 20, DESCRIPTION_LIMIT = 4 << 20 };

static struct {
	const char *bot;
	bool check;
} my;

static const struct opt options[] = {
	OPT_TEXT('c', "command", &my.bot, NULL, "print the command line of this bot"),
	OPT_BOOL(0, "check", &my.check, false, "only check every bot of the file"),
	OPT_END
};

/* Settings of IntelMQ's run time, which pipes, pumps and the shell take care of here (runtime.md 2.5). A final underscore
 * stands for all names that begin so. */
static const char *const run_time[] = { "source_queue", "source_pipeline_", "destination_pipeline_", "load_balance", "error_",
	"rate_limit", "run_mode", "logging_", "log_processed_messages_", "process_manager", "instances_threads", "statistics_",
	"redis_cache_" };

struct parameter {
	char *name, *json;
	long line;
};

struct bot {
	char *id, *module;
	long line, module_line;
	struct parameter parameters[MAX_PARAMETERS];
	size_t count;
};

/* The first bot is the global section. */
static struct {
	const char *file;
	struct bot *bots;
	size_t count, cap;
} config;

/* The commands beside this one, as they describe themselves. */
static struct {
	json_t *descriptions[MAX_COMMANDS];
	size_t count;
} commands;

/* Runs PATH --describe; NULL if that gives no JSON. */
static json_t *describe(char *path)
{
	static char flag[] = "--describe";
	char *argv[] = { path, flag, NULL };
	posix_spawn_file_actions_t actions;
	struct buf text = BUF_INIT;
	int pipes[2], spawned;
	json_t *json;
	pid_t pid;
	ssize_t n;

	if (pipe2(pipes, O_CLOEXEC) != 0)
		return NULL;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, pipes[1], STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	spawned = posix_spawn(&pid, path, &actions, NULL, argv, environ);
	close(pipes[1]);
	while (text.len < DESCRIPTION_LIMIT && (n = read(pipes[0], buf_room(&text, 65536), 65536)) > 0)
		text.len += (size_t)n;
	close(pipes[0]);
	if (spawned == 0)
		waitpid(pid, NULL, 0);
	json = json_loadb(buf_view(&text).at, text.len, 0, NULL);
	posix_spawn_file_actions_destroy(&actions);
	buf_free(&text);
	return json;
}

static bool load_commands(struct problem *problem)
{
	char folder[PATH_MAX], path[PATH_MAX + 300];
	ssize_t n = readlink("/proc/self/exe", folder, sizeof folder - 1);
	struct dirent *entry;
	DIR *dir;

	folder[n > 0 ? n : 0] = '\0';
	if (strrchr(folder, '/'))
		*strrchr(folder, '/') = '\0';
	dir = opendir(folder);
	if (!dir)
		return problem_at(problem, folder, 0, 0, "%s", strerror(errno));
	while ((entry = readdir(dir)) && commands.count < MAX_COMMANDS) {
		if (strncmp(entry->d_name, "imq-", 4) != 0 || strcmp(entry->d_name, "imq-compile") == 0)
			continue;
		snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
		if (access(path, X_OK) == 0 && (commands.descriptions[commands.count] = describe(path)))
			commands.count++;
	}
	closedir(dir);
	return true;
}

static json_t *command_of(const char *module)
{
	for (size_t i = 0; i < commands.count; i++) {
		json_t *name;
		size_t at;

		json_array_foreach(json_object_get(commands.descriptions[i], "modules"), at, name)
			if (json_is_string(name) && strcmp(json_string_value(name), module) == 0)
				return commands.descriptions[i];
	}
	return NULL;
}

static const char *member(json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static json_t *parameter_of(json_t *command, const char *name)
{
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(command, "parameters"), i, row)
		if (strcmp(member(row, "name"), name) == 0)
			return row;
	return NULL;
}

static bool is_run_time(const char *name)
{
	for (size_t i = 0; i < LENGTH(run_time); i++) {
		size_t n = strlen(run_time[i]);

		if (run_time[i][n - 1] == '_' ? strncmp(name, run_time[i], n) == 0 : strcmp(name, run_time[i]) == 0)
			return true;
	}
	return false;
}

/* Reads the map of parameters that comes next. */
static bool read_parameters(struct yaml_reader *y, struct bot *bot, struct problem *problem)
{
	struct buf json = BUF_INIT;
	struct text key;
	long line;
	bool fine = yaml_enter_map(y, problem) || !problem->text[0];

	while (fine && yaml_next_key(y, &key, &line, problem)) {
		struct parameter *p = &bot->parameters[bot->count];

		if (bot->count == MAX_PARAMETERS) {
			fine = problem_at(problem, config.file, line, 0, "more than %d parameters", MAX_PARAMETERS);
			break;
		}
		*p = (struct parameter){ alloc_string(key), NULL, line };
		bot->count++;
		buf_clear(&json);
		fine = yaml_value(y, &json, problem);
		p->json = alloc_string(buf_view(&json));
	}
	buf_free(&json);
	return fine && !problem->text[0];
}

static bool read_bot(struct yaml_reader *y, struct bot *bot, struct problem *problem)
{
	struct buf json = BUF_INIT;
	struct text key;
	long line;
	bool fine = yaml_enter_map(y, problem);

	while (fine && yaml_next_key(y, &key, &line, problem)) {
		bool module = text_is(key, "module");
		struct value v;
		struct value_error unused;

		if (text_is(key, "parameters")) {
			fine = read_parameters(y, bot, problem);
			continue;
		}
		buf_clear(&json);
		fine = yaml_value(y, &json, problem);
		if (fine && module && value_parse(buf_view(&json), &v, &unused) && v.kind == VALUE_STRING) {
			free(bot->module);
			bot->module = alloc_string(value_inside(v));
			bot->module_line = line;
		}
	}
	buf_free(&json);
	return fine && !problem->text[0];
}

static struct bot *add_bot(struct text id, long line)
{
	alloc_grow(&config.bots, &config.cap, config.count + 1, sizeof *config.bots);
	config.bots[config.count] = (struct bot){ .id = alloc_string(id), .line = line };
	return &config.bots[config.count++];
}

static bool read_config(struct problem *problem)
{
	struct buf text = BUF_INIT;
	struct yaml_reader *y = NULL;
	struct text key;
	long line;
	bool fine = file_read(config.file, FILE_LIMIT, &text, problem);

	add_bot(TEXT("global"), 0);
	if (fine) {
		y = yaml_open(buf_view(&text), config.file);
		fine = yaml_enter_map(y, problem);
		if (!fine && !problem->text[0])
			problem_at(problem, config.file, 0, 0, "no bots in this file");
	}
	while (fine && yaml_next_key(y, &key, &line, problem)) {
		if (text_is(key, "global")) {
			fine = read_parameters(y, &config.bots[0], problem);
			continue;
		}
		for (size_t i = 1; i < config.count; i++)
			if (text_is(key, config.bots[i].id))
				fine = problem_at(problem, config.file, line, 0, "bot \"%s\": given twice", config.bots[i].id);
		fine = fine && read_bot(y, add_bot(key, line), problem);
	}
	yaml_close(y);
	buf_free(&text);
	return fine && !problem->text[0];
}

static bool plain_word(struct text t)
{
	static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";

	for (size_t i = 0; i < t.len; i++)
		if (!t.at[i] || !strchr(safe, t.at[i]))
			return false;
	return t.len > 0;
}

/* Appends a word so that sh reads it back as it is. */
static void append_word(struct buf *line, struct text word)
{
	if (line->len)
		buf_char(line, ' ');
	if (plain_word(word)) {
		buf_text(line, word);
		return;
	}
	buf_char(line, '\'');
	for (size_t i = 0; i < word.len; i++)
		if (word.at[i] == '\'')
			buf_string(line, "'\\''");
		else
			buf_char(line, word.at[i]);
	buf_char(line, '\'');
}

/* Named paths are what --paths prints besides the default one. */
static void append_paths(struct buf *line, const char *json)
{
	json_t *queues = json_loads(json, JSON_DECODE_ANY, NULL), *unused;
	struct buf word = BUF_INIT;
	const char *path, *separator = "--paths=";

	json_object_foreach(queues, path, unused)
		if (strcmp(path, "_default") != 0 && strcmp(path, "_on_error") != 0) {
			buf_printf(&word, "%s%s", separator, path);
			separator = ",";
		}
	if (word.len)
		append_word(line, buf_view(&word));
	json_decref(queues);
	buf_free(&word);
}

/* Appends the option for one parameter. False with PROBLEM: the value cannot be of that type. */
static bool append_option(struct buf *line, json_t *row, const struct parameter *p, struct problem *problem)
{
	const char *option = member(row, "option"), *type = member(row, "type");
	struct buf word = BUF_INIT;
	struct arena arena = { 0 };
	struct value v;
	struct value_error error;
	bool fine = true;

	if (!value_parse(text_of(p->json), &v, &error))
		return problem_at(problem, config.file, p->line, 0, "%s: %s", p->name, error.reason);
	if (v.kind == VALUE_NULL)
		return true;
	if (strcmp(type, "boolean") == 0 || strcmp(type, "tristate") == 0) {
		struct text form = v.kind == VALUE_STRING ? value_text(v, &arena) : v.raw;
		bool yes = text_eq_nocase(form, TEXT("true")) || text_is(form, "1");

		if (yes || text_eq_nocase(form, TEXT("false")) || text_is(form, "0"))
			buf_printf(&word, "--%s%s", yes ? "" : "no-", option + 2);
		else
			fine = problem_at(problem, config.file, p->line, 0, "%s: not true or false: %s", p->name, p->json);
	} else {
		/* A text that looks like JSON must stay a text where any value may stand. */
		bool any = strcmp(type, "value") == 0;

		buf_printf(&word, "%s=", option);
		buf_text(&word, v.kind == VALUE_STRING && !any ? value_text(v, &arena) : v.raw);
	}
	if (fine)
		append_word(line, buf_view(&word));
	arena_free(&arena);
	buf_free(&word);
	return fine;
}

static bool unknown_parameter(json_t *command, const struct parameter *p, struct problem *problem)
{
	const char *names[MAX_PARAMETERS], *like;
	json_t *row;
	size_t i, count = 0;

	json_array_foreach(json_object_get(command, "parameters"), i, row)
		if (count < MAX_PARAMETERS)
			names[count++] = member(row, "name");
	like = suggest(text_of(p->name), names, count);
	return problem_at(problem, config.file, p->line, 0, "unknown parameter \"%s\" of %s%s%s%s", p->name,
		member(command, "name"), like ? ": did you mean \"" : "", like ? like : "", like ? "\"?" : "");
}

static bool has_parameter(const struct bot *bot, const char *name)
{
	for (size_t i = 0; i < bot->count; i++)
		if (strcmp(bot->parameters[i].name, name) == 0)
			return true;
	return false;
}

static bool append_parameter(struct buf *line, json_t *command, const struct parameter *p, bool global, struct problem *problem)
{
	json_t *row = parameter_of(command, p->name);

	if (strcmp(p->name, "destination_queues") == 0) {
		if (parameter_of(command, "paths"))
			append_paths(line, p->json);
		return true;
	}
	if (row)
		return append_option(line, row, p, problem);
	return global || is_run_time(p->name) || unknown_parameter(command, p, problem);
}

/* Puts BOT's command line into LINE. */
static bool command_line(const struct bot *bot, struct buf *line, struct problem *problem)
{
	const struct bot *global = &config.bots[0];
	json_t *command;
	bool fine = true;

	buf_clear(line);
	if (!bot->module)
		return problem_at(problem, config.file, bot->line, 0, "bot \"%s\" has no module", bot->id);
	command = command_of(bot->module);
	if (!command)
		return problem_at(problem, config.file, bot->module_line, 0, "no command for module \"%s\"", bot->module);
	append_word(line, text_of(member(command, "name")));
	if (strcmp(member(command, "name"), "imq-parse") == 0)
		append_word(line, text_of(bot->module));
	for (size_t i = 0; i < global->count && fine; i++)
		if (!has_parameter(bot, global->parameters[i].name))
			fine = append_parameter(line, command, &global->parameters[i], true, problem);
	for (size_t i = 0; i < bot->count && fine; i++)
		fine = append_parameter(line, command, &bot->parameters[i], false, problem);
	return fine;
}

static int compile(void)
{
	struct buf line = BUF_INIT;
	bool found = false;
	int status = EXIT_FINE;

	for (size_t i = 1; i < config.count; i++) {
		const struct bot *bot = &config.bots[i];
		struct problem problem = { .line = 0 };

		if (!my.check && strcmp(bot->id, my.bot) != 0)
			continue;
		found = true;
		if (!command_line(bot, &line, &problem)) {
			log_problem(&problem);
			status = EXIT_USAGE;
		} else if (!my.check) {
			buf_char(&line, '\n');
			fwrite(line.at, 1, line.len, stdout);
		}
	}
	buf_free(&line);
	if (!found && !my.check) {
		log_message("%s: no bot \"%s\"", config.file, my.bot);
		status = EXIT_USAGE;
	}
	if (fflush(stdout) != 0) {
		log_message("stdout: %s", strerror(errno));
		status = EXIT_IO;
	}
	return status;
}

static void free_all(void)
{
	for (size_t i = 0; i < config.count; i++) {
		for (size_t k = 0; k < config.bots[i].count; k++) {
			free(config.bots[i].parameters[k].name);
			free(config.bots[i].parameters[k].json);
		}
		free(config.bots[i].id);
		free(config.bots[i].module);
	}
	free(config.bots);
	for (size_t i = 0; i < commands.count; i++)
		json_decref(commands.descriptions[i]);
}

int main(int argc, char **argv)
{
	static const struct command command = { .name = "imq-compile",
		.summary = "print the command line of a bot in a runtime.yaml", .operands = "FILE", .options = options };
	struct problem problem;
	int operands, status = EXIT_USAGE;

	log_name(command.name);
	switch (opt_parse(&command, argc, argv, &operands, &problem)) {
	case OPT_DONE:
		return fflush(stdout) == 0 ? EXIT_FINE : EXIT_IO;
	case OPT_BAD:
		log_problem(&problem);
		return EXIT_USAGE;
	case OPT_GO:
		break;
	}
	if (argc - operands != 1 || !my.bot == !my.check) {
		log_message("one runtime.yaml is wanted, and either --command BOT or --check");
		return EXIT_USAGE;
	}
	config.file = argv[operands];
	problem = (struct problem){ .line = 0 };
	if (!load_commands(&problem) || !read_config(&problem))
		log_problem(&problem);
	else
		status = compile();
	free_all();
	return status;
}
