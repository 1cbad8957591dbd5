/* Which commands there are, and which parameters they take, each of them says itself (--describe): no list to keep. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alloc.h"
#include "compile.h"
#include "files.h"
#include "opt.h"

extern char **environ;

enum { MAX_COMMANDS = 256, MAX_MODULES = 1024, MAX_NAME = 100, DESCRIPTION_LIMIT = 4 << 20 };

static struct program {
	char *path;
	json_t *description;
	bool asked;
} commands[MAX_COMMANDS];
static size_t command_count;

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

bool commands_load(struct problem *problem)
{
	char *folder = own_folder(), path[PATH_MAX + 300];
	DIR *dir = opendir(folder);
	struct dirent *entry;

	if (!dir) {
		problem_at(problem, folder, 0, 0, "%s", strerror(errno));
		free(folder);
		return false;
	}
	while ((entry = readdir(dir)) && command_count < MAX_COMMANDS) {
		if (strncmp(entry->d_name, "imq-", 4) != 0 || strcmp(entry->d_name, "imq-compile") == 0)
			continue;
		snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
		if (access(path, X_OK) == 0)
			commands[command_count++].path = alloc_string(text_of(path));
	}
	closedir(dir);
	free(folder);
	return true;
}

void commands_free(void)
{
	for (size_t i = 0; i < command_count; i++) {
		json_decref(commands[i].description);
		free(commands[i].path);
	}
}

/* A command is asked once, and only when its answer is wanted. */
static json_t *description_of(struct program *command)
{
	if (!command->asked)
		command->description = describe(command->path);
	command->asked = true;
	return command->description;
}

static bool stands_for(struct program *command, const char *module)
{
	json_t *name;
	size_t at;

	json_array_foreach(json_object_get(description_of(command), "modules"), at, name)
		if (json_is_string(name) && strcmp(json_string_value(name), module) == 0)
			return true;
	return false;
}

/* Whether MODULE's name has the command's own: imq-domain-suffix, intelmq.bots.experts.domain_suffix.expert. */
static bool alike(const struct program *command, const char *module)
{
	const char *from = strrchr(command->path, '/') + strlen("/imq-");
	char name[MAX_NAME];
	size_t n = 0;

	if (strncmp(from, "from-", 5) == 0 || strncmp(from, "to-", 3) == 0)
		from = strchr(from, '-') + 1;
	for (; *from && n < sizeof name - 1; from++)
		name[n++] = *from == '-' ? '_' : *from;
	name[n] = '\0';
	return strstr(module, name);
}

/* Those that are called like the module are asked first: most often that is the one, and the others need not be. */
json_t *commands_for(const char *module)
{
	for (size_t i = 0; i < command_count; i++)
		if (alike(&commands[i], module) && stands_for(&commands[i], module))
			return commands[i].description;
	for (size_t i = 0; i < command_count; i++)
		if (stands_for(&commands[i], module))
			return commands[i].description;
	return NULL;
}

const char *commands_like(const char *module)
{
	const char *names[MAX_MODULES];
	size_t count = 0;

	for (size_t i = 0; i < command_count; i++) {
		json_t *name;
		size_t at;

		json_array_foreach(json_object_get(description_of(&commands[i]), "modules"), at, name)
			if (json_is_string(name) && count < MAX_MODULES)
				names[count++] = json_string_value(name);
	}
	return suggest(text_of(module), names, count);
}

json_t *commands_parameter(json_t *command, const char *parameter)
{
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(command, "parameters"), i, row)
		if (strcmp(member(row, "name"), parameter) == 0)
			return row;
	return NULL;
}

const char *member(json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}
