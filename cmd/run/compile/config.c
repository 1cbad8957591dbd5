/* The configuration of IntelMQ: runtime.yaml (runtime.md 2), or the three files that came before it (runtime.md 11). */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "alloc.h"
#include "compile.h"
#include "files.h"
#include "value.h"
#include "yaml_json.h"

extern char **environ;

enum { MAX_PARAMETERS = 1000, MAX_BOTS = 10000, FILE_LIMIT = 64 << 20 };

static struct parameter *find(const struct bot *bot, const char *name)
{
	for (size_t i = 0; i < bot->count; i++)
		if (strcmp(bot->parameters[i].name, name) == 0)
			return &bot->parameters[i];
	return NULL;
}

/* Sets a parameter, in place of an older one of that name. */
static void set_parameter(struct bot *bot, struct text name, struct text json, long line)
{
	char *copy = alloc_string(name);
	struct parameter *p = find(bot, copy);

	if (p) {
		free(p->name);
		free(p->json);
	} else {
		alloc_grow(&bot->parameters, &bot->cap, bot->count + 1, sizeof *bot->parameters);
		p = &bot->parameters[bot->count++];
	}
	*p = (struct parameter){ copy, alloc_string(json), line };
}

static bool read_parameters(struct yaml_reader *y, const char *file, struct bot *bot, struct problem *problem)
{
	struct buf json = BUF_INIT;
	struct text key;
	long line;
	bool fine = true;

	/* `parameters:` with nothing behind it. */
	if (!yaml_enter_map(y, problem))
		return !problem->text[0];
	while (fine && yaml_next_key(y, &key, &line, problem)) {
		char *name = alloc_string(key);

		buf_clear(&json);
		if (bot->count == MAX_PARAMETERS)
			fine = problem_at(problem, file, line, 0, "more than %d parameters", MAX_PARAMETERS);
		else if ((fine = yaml_value(y, &json, problem)))
			set_parameter(bot, text_of(name), buf_view(&json), line);
		free(name);
	}
	buf_free(&json);
	return fine && !problem->text[0];
}

static void set_text(char **to, struct value v)
{
	struct arena arena = { 0 };

	free(*to);
	*to = v.kind == VALUE_STRING ? alloc_string(value_text(v, &arena)) : NULL;
	arena_free(&arena);
}

/* A key of the bot's entry beside `parameters` (runtime.md 2.3). */
static void read_entry(struct bot *bot, struct text key, struct value v, long line)
{
	if (text_is(key, "module")) {
		set_text(&bot->module, v);
		bot->module_line = line;
	} else if (text_is(key, "group")) {
		set_text(&bot->group, v);
	} else if (text_is(key, "name")) {
		set_text(&bot->display_name, v);
	} else if (text_is(key, "description")) {
		set_text(&bot->description, v);
	} else if (text_is(key, "run_mode")) {
		set_text(&bot->run_mode, v);
	} else if (text_is(key, "enabled")) {
		bot->enabled_given = true;
		bot->enabled = value_is_true(v);
	} else if (!text_is(key, "bot_id") && !text_is(key, "groupname") && !bot->unknown_key) {
		bot->unknown_key = alloc_string(key);
		bot->unknown_line = line;
	}
}

static bool read_bot(struct yaml_reader *y, const char *file, struct bot *bot, struct problem *problem)
{
	struct buf json = BUF_INIT;
	struct text key;
	long line;
	bool fine = true;

	if (!yaml_enter_map(y, problem))
		return !problem->text[0];
	while (fine && yaml_next_key(y, &key, &line, problem)) {
		char *name = alloc_string(key);
		struct value_error error;
		struct value v;

		if (text_is(key, "parameters")) {
			fine = read_parameters(y, file, bot, problem);
		} else {
			buf_clear(&json);
			fine = yaml_value(y, &json, problem);
			if (fine && value_parse(buf_view(&json), &v, &error))
				read_entry(bot, text_of(name), v, line);
		}
		free(name);
	}
	buf_free(&json);
	return fine && !problem->text[0];
}

static struct bot *add_bot(struct config *c, struct text id, long line)
{
	struct bot *bot = alloc_zero(1, sizeof *bot);

	*bot = (struct bot){ .id = alloc_string(id), .line = line, .enabled = true };
	alloc_grow(&c->bots, &c->cap, c->count + 1, sizeof *c->bots);
	return c->bots[c->count++] = bot;
}

/* Hands each key of the map in FILE to ENTRY. */
static bool read_map(struct config *c, const char *file, struct problem *problem,
	bool (*entry)(struct config *c, struct yaml_reader *y, const char *file, struct text key, long line,
		struct problem *problem))
{
	struct buf text = BUF_INIT;
	struct yaml_reader *y = NULL;
	struct text key;
	long line;
	bool fine = file_read(file, FILE_LIMIT, &text, problem);

	if (fine) {
		y = yaml_open(buf_view(&text), file);
		fine = yaml_enter_map(y, problem);
		if (!fine && !problem->text[0])
			problem_at(problem, file, 0, 0, "no bots in this file");
	}
	while (fine && yaml_next_key(y, &key, &line, problem))
		fine = entry(c, y, file, key, line, problem);
	yaml_close(y);
	buf_free(&text);
	return fine && !problem->text[0];
}

static bool runtime_entry(struct config *c, struct yaml_reader *y, const char *file, struct text key, long line,
	struct problem *problem)
{
	if (text_is(key, "global"))
		return read_parameters(y, file, &c->global, problem);
	if (c->count == MAX_BOTS)
		return problem_at(problem, file, line, 0, "more than %d bots", MAX_BOTS);
	return read_bot(y, file, add_bot(c, key, line), problem);
}

/* defaults.conf: what is `global` today. */
static bool defaults_entry(struct config *c, struct yaml_reader *y, const char *file, struct text key, long line,
	struct problem *problem)
{
	struct buf json = BUF_INIT;
	char *name = alloc_string(key);
	bool fine = yaml_value(y, &json, problem);

	(void)file;
	if (fine && strcmp(name, "broker") == 0) {
		set_parameter(&c->global, TEXT("source_pipeline_broker"), buf_view(&json), line);
		set_parameter(&c->global, TEXT("destination_pipeline_broker"), buf_view(&json), line);
	} else if (fine) {
		set_parameter(&c->global, text_of(name), buf_view(&json), line);
	}
	free(name);
	buf_free(&json);
	return fine;
}

/* pipeline.conf: {"source-queue": …, "destination-queues": …} of each bot. */
static bool pipeline_entry(struct config *c, struct yaml_reader *y, const char *file, struct text key, long line,
	struct problem *problem)
{
	char *id = alloc_string(key);
	struct bot *bot = config_bot(c, id), unknown = { 0 };
	struct bot queues = { 0 };
	bool fine = read_parameters(y, file, &queues, problem);

	if (!bot)
		bot = &unknown;
	for (size_t i = 0; i < queues.count; i++) {
		const struct parameter *p = &queues.parameters[i];
		bool source = strcmp(p->name, "source-queue") == 0;

		if (source || strcmp(p->name, "destination-queues") == 0)
			set_parameter(bot, source ? TEXT("source_queue") : TEXT("destination_queues"), text_of(p->json), line);
		free(p->name);
		free(p->json);
	}
	free(queues.parameters);
	for (size_t i = 0; i < unknown.count; i++) {
		free(unknown.parameters[i].name);
		free(unknown.parameters[i].json);
	}
	free(unknown.parameters);
	free(id);
	return fine;
}

/* What IntelMQ 2 called otherwise. */
static void rename_old(struct config *c)
{
	for (size_t i = 0; i < c->count; i++) {
		struct parameter *feed = find(c->bots[i], "feed");

		if (feed && c->bots[i]->module && strstr(c->bots[i]->module, ".collectors.") && !find(c->bots[i], "name")) {
			free(feed->name);
			feed->name = alloc_string(TEXT("name"));
		}
	}
}

/* INTELMQ_NAME=value is the parameter `name` of every bot: True and False, integers, else texts. */
static void read_environment(struct config *c)
{
	struct buf json = BUF_INIT;

	for (char **variable = environ; *variable; variable++) {
		const char *equals = strchr(*variable, '=');
		struct text name, value;
		char *lower;
		long long number;

		if (strncmp(*variable, "INTELMQ_", 8) != 0 || !equals)
			continue;
		name = (struct text){ *variable + 8, (size_t)(equals - *variable) - 8 };
		value = text_of(equals + 1);
		lower = alloc_string(name);
		for (char *p = lower; *p; p++)
			*p = (char)tolower((unsigned char)*p);
		buf_clear(&json);
		if (text_is(value, "True") || text_is(value, "False"))
			buf_string(&json, text_is(value, "True") ? "true" : "false");
		else if (value.len && strspn(value.at, "0123456789") == value.len && text_integer(value, &number))
			buf_integer(&json, number);
		else
			buf_json(&json, value);
		set_parameter(&c->environment, text_of(lower), buf_view(&json), 0);
		free(lower);
	}
	buf_free(&json);
}

/* The path of NAME in the configuration's folder if there is such a file; NULL: none. */
static char *beside(const struct config *c, const char *name)
{
	struct buf path = BUF_INIT;

	buf_printf(&path, "%s/%s", c->folder, name);
	if (access(buf_cstr(&path), R_OK) == 0)
		return path.at;
	buf_free(&path);
	return NULL;
}

static bool read_old_files(struct config *c, struct problem *problem)
{
	char *defaults = beside(c, "defaults.conf"), *pipeline = beside(c, "pipeline.conf");
	bool fine = (!defaults || read_map(c, defaults, problem, defaults_entry)) &&
	            (!pipeline || read_map(c, pipeline, problem, pipeline_entry));

	rename_old(c);
	free(defaults);
	free(pipeline);
	return fine;
}

bool config_read(struct config *c, const char *file, struct problem *problem)
{
	const char *slash = strrchr(file, '/'), *base = slash ? slash + 1 : file;

	*c = (struct config){ .file = file };
	c->folder = alloc_string(slash ? (struct text){ file, slash > file ? (size_t)(slash - file) : 1 } : TEXT("."));
	c->harmonization = beside(c, "harmonization.conf");
	if (!read_map(c, file, problem, runtime_entry))
		return false;
	if (strcmp(base, "runtime.conf") == 0 && !read_old_files(c, problem))
		return false;
	read_environment(c);
	return true;
}

static void free_bot(struct bot *bot)
{
	for (size_t i = 0; i < bot->count; i++) {
		free(bot->parameters[i].name);
		free(bot->parameters[i].json);
	}
	for (size_t i = 0; i < bot->link_count; i++) {
		free(bot->links[i].path);
		free(bot->links[i].queue);
	}
	free(bot->parameters);
	free(bot->links);
	free(bot->id);
	free(bot->module);
	free(bot->group);
	free(bot->display_name);
	free(bot->description);
	free(bot->run_mode);
	free(bot->unknown_key);
	free(bot->source_queue);
	free(bot->on_error);
}

void config_free(struct config *c)
{
	for (size_t i = 0; i < c->count; i++) {
		free_bot(c->bots[i]);
		free(c->bots[i]);
	}
	free_bot(&c->global);
	free_bot(&c->environment);
	free(c->bots);
	free(c->folder);
	free(c->harmonization);
}

struct bot *config_bot(const struct config *c, const char *id)
{
	for (size_t i = 0; i < c->count; i++)
		if (strcmp(c->bots[i]->id, id) == 0)
			return c->bots[i];
	return NULL;
}

const struct parameter *config_own(const struct config *c, const struct bot *bot, const char *name)
{
	const struct parameter *p = find(&c->environment, name);

	return p ? p : find(bot, name);
}

const struct parameter *config_parameter(const struct config *c, const struct bot *bot, const char *name)
{
	const struct parameter *p = config_own(c, bot, name);

	return p ? p : find(&c->global, name);
}

char *config_text(const struct config *c, const struct bot *bot, const char *name)
{
	const struct parameter *p = config_parameter(c, bot, name);
	struct arena arena = { 0 };
	struct value_error error;
	struct value v;
	char *text = NULL;

	if (p && value_parse(text_of(p->json), &v, &error) && v.kind != VALUE_NULL)
		text = alloc_string(v.kind == VALUE_STRING ? value_text(v, &arena) : v.raw);
	arena_free(&arena);
	return text;
}

bool config_true(const struct config *c, const struct bot *bot, const char *name)
{
	char *text = config_text(c, bot, name);
	bool yes = text && (strcmp(text, "true") == 0 || strcmp(text, "True") == 0 || strcmp(text, "1") == 0);

	free(text);
	return yes;
}
