/* The command line that stands for a bot. */
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "compile.h"
#include "opt.h"
#include "redis.h"
#include "value.h"

enum { MAX_NAMES = 256 };

/* Settings of IntelMQ's run time, which pipes, pumps and the shell take care of here (runtime.md 2.5). A final underscore
 * stands for all names that begin so. */
static const char *const run_time[] = { "source_queue", "source_pipeline_", "destination_pipeline_", "destination_queues",
	"load_balance", "error_", "rate_limit", "run_mode", "logging_", "log_processed_messages_", "process_manager",
	"instances_threads", "statistics_", "redis_cache_" };

bool is_run_time(const char *name)
{
	for (size_t i = 0; i < LENGTH(run_time); i++) {
		size_t n = strlen(run_time[i]);

		if (run_time[i][n - 1] == '_' ? strncmp(name, run_time[i], n) == 0 : strcmp(name, run_time[i]) == 0)
			return true;
	}
	return false;
}

bool is_common_setting(const char *name)
{
	static const char *const common[] = { "module", "group", "name", "description", "enabled", "accuracy", "http_proxy",
		"https_proxy", "http_timeout_sec", "http_timeout_max_tries", "http_user_agent", "http_verify_cert", "http_username",
		"http_password", "http_header", "ssl_ca_certificate", "ssl_client_certificate" };

	for (size_t i = 0; i < LENGTH(common); i++)
		if (strcmp(name, common[i]) == 0)
			return true;
	return is_run_time(name);
}

static bool plain_word(struct text t)
{
	static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";

	for (size_t i = 0; i < t.len; i++)
		if (!t.at[i] || !strchr(safe, t.at[i]))
			return false;
	return t.len > 0;
}

static void append_quoted(struct buf *line, struct text word)
{
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

void append_word(struct buf *line, struct text word)
{
	if (line->len)
		buf_char(line, ' ');
	append_quoted(line, word);
}

void append_assignment(struct buf *line, struct text name, struct text value)
{
	append_quoted(line, name);
	buf_char(line, '=');
	append_quoted(line, value);
}

void append_expanded(struct buf *line, const char *word)
{
	if (line->len)
		buf_char(line, ' ');
	buf_char(line, '"');
	for (; *word; word++) {
		bool variable = strncmp(word, "$IMQ_STATE/", 11) == 0 || strncmp(word, "$here/", 6) == 0;

		if (strchr("\"\\`$", *word) && !variable)
			buf_char(line, '\\');
		buf_char(line, *word);
	}
	buf_char(line, '"');
}

void add_to_file(struct config_file *file, const char *name, struct text json)
{
	buf_string(&file->json, file->json.len ? ",\n" : "{\n");
	buf_json(&file->json, text_of(name));
	buf_string(&file->json, ": ");
	buf_text(&file->json, json);
}

static bool append_boolean(struct buf *word, const char *option, struct value v)
{
	struct arena arena = { 0 };
	struct text form = v.kind == VALUE_STRING ? value_text(v, &arena) : v.raw;
	bool yes = text_eq_nocase(form, TEXT("true")) || text_is(form, "1");
	bool no = text_eq_nocase(form, TEXT("false")) || text_is(form, "0");

	buf_printf(word, "--%s%s", yes ? "" : "no-", option + 2);
	arena_free(&arena);
	return yes || no;
}

/* Whether T is the URL of a cache or state with a password in it. */
static bool has_password(struct text t)
{
	char *url = alloc_string(t);
	bool has = redis_is_url(url) && queues_has_password(url);

	free(url);
	return has;
}

/* Appends the option for one parameter, or puts it into FILE. False with PROBLEM: the value cannot be of that type. */
static bool append_option(struct buf *line, const char *config, json_t *row, const struct parameter *p,
	struct config_file *file, struct problem *problem)
{
	const char *option = member(row, "option"), *type = member(row, "type");
	bool secret = json_is_true(json_object_get(row, "secret")), fine = true;
	struct buf word = BUF_INIT;
	struct arena arena = { 0 };
	struct value v;
	struct value_error error;

	if (!value_parse(text_of(p->json), &v, &error))
		return problem_at(problem, config, p->line, 0, "%s: %s", p->name, error.reason);
	if (v.kind == VALUE_NULL && (strcmp(type, "value") != 0 || json_is_null(json_object_get(row, "default"))))
		return true; /* as if it were not there, unless null is a value among others */
	secret = secret || (v.kind == VALUE_STRING && has_password(value_text(v, &arena)));
	if (file && file->wanted && (secret || v.kind == VALUE_ARRAY || v.kind == VALUE_OBJECT)) {
		add_to_file(file, member(row, "name"), v.raw);
		arena_free(&arena);
		return true;
	}
	if (file && secret && !file->secret)
		file->secret = p->name;
	if (strcmp(type, "boolean") == 0 || strcmp(type, "tristate") == 0) {
		if (!append_boolean(&word, option, v))
			fine = problem_at(problem, config, p->line, 0, "%s: not true or false: %s", p->name, p->json);
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

static bool unknown_parameter(const char *config, json_t *command, const struct parameter *p, struct problem *problem)
{
	const char *names[MAX_NAMES], *like;
	json_t *row;
	size_t i, count = 0;

	json_array_foreach(json_object_get(command, "parameters"), i, row)
		if (count < MAX_NAMES)
			names[count++] = member(row, "name");
	like = suggest(text_of(p->name), names, count);
	return problem_at(problem, config, p->line, 0, "unknown parameter \"%s\" of %s%s%s%s", p->name,
		member(command, "name"), like ? ": did you mean \"" : "", like ? like : "", like ? "\"?" : "");
}

/* Whether the display name of BOT's entry comes before the global parameter NAME (runtime.md 2.4). */
static bool is_named(const struct bot *bot, const char *name)
{
	return bot->collector && bot->display_name && strcmp(name, "name") == 0;
}

/* The parameters of OWNER that are in force for BOT. */
static bool append_parameters(const struct config *c, const struct bot *bot, const struct bot *owner, struct buf *line,
	struct config_file *file, struct problem *problem)
{
	for (size_t i = 0; i < owner->count; i++) {
		const struct parameter *p = &owner->parameters[i];
		json_t *row = commands_parameter(bot->command, p->name);

		if (config_parameter(c, bot, p->name) != p || (owner == &c->global && is_named(bot, p->name)))
			continue;
		/* Queues are for those who know which one is left in the script. */
		if (strcmp(p->name, "destination_queues") == 0 || strcmp(p->name, "load_balance") == 0)
			continue;
		if (row) {
			if (!append_option(line, c->file, row, p, file, problem))
				return false;
		} else if (owner == bot && !is_common_setting(p->name)) {
			return unknown_parameter(c->file, bot->command, p, problem);
		}
	}
	return true;
}

bool is_plain_item(struct text item)
{
	return item.len && item.at[0] != '[' && !memchr(item.at, ',', item.len) && text_eq(text_trim(item), item);
}

bool is_path_name(const char *path)
{
	return *path && !strchr(path, '=');
}

/* A list of paths in both forms. */
struct paths {
	struct buf plain, json;
	bool odd; /* the plain form would not do */
};

static void add_path(struct paths *paths, const char *path)
{
	buf_printf(&paths->plain, "%s%s", paths->plain.len ? "," : "--paths=", path);
	buf_string(&paths->json, paths->json.len ? "," : "--paths=[");
	buf_json(&paths->json, text_of(path));
	paths->odd = paths->odd || !is_plain_item(text_of(path));
}

/* Named paths are what --paths prints besides the default one. */
static void append_paths(struct buf *line, const struct bot *bot)
{
	struct paths paths = { .odd = false };

	for (size_t i = 0; i < bot->link_count; i++) {
		const char *path = bot->links[i].path;
		bool seen = strcmp(path, "_default") == 0;

		for (size_t k = 0; k < i; k++)
			seen = seen || strcmp(bot->links[k].path, path) == 0;
		if (!seen)
			add_path(&paths, path);
	}
	if (bot->on_error)
		add_path(&paths, "_on_error");
	buf_char(&paths.json, ']');
	if (paths.plain.len)
		append_word(line, buf_view(paths.odd ? &paths.json : &paths.plain));
	buf_free(&paths.plain);
	buf_free(&paths.json);
}

/* What becomes of events whose lookup failed: IntelMQ's error_procedure, where the command knows of failures. */
static void append_procedure(const struct config *c, const struct bot *bot, struct buf *line)
{
	char *procedure = config_text(c, bot, "error_procedure");
	const char *compiled = member(bot->command, "compiled");

	if (!commands_parameter(bot->command, "on_failure") || config_parameter(c, bot, "on_failure"))
		compiled = "";
	else if (procedure && strcmp(procedure, "stop") == 0)
		compiled = "--on-failure=stop";
	if (*compiled)
		append_word(line, text_of(compiled));
	free(procedure);
}

static void append_setting(struct buf *line, const char *option, const char *value)
{
	struct buf word = BUF_INIT;

	buf_printf(&word, "%s=%s", option, value);
	append_word(line, buf_view(&word));
	buf_free(&word);
}

/* What a bot is called by, where its parameters do not say. */
static void append_names(const struct config *c, const struct bot *bot, struct buf *line)
{
	/* A collector without a `name` of its own goes by its display name (runtime.md 2.6). */
	if (bot->collector && bot->display_name && !config_own(c, bot, "name") && commands_parameter(bot->command, "name"))
		append_setting(line, "--name", bot->display_name);
	/* IntelMQ's consumer group has the bot's id, so that two bots each get all records (collectors.md 2.12). */
	if (commands_parameter(bot->command, "group_id") && !config_parameter(c, bot, "group_id"))
		append_setting(line, "--group-id", bot->id);
}

/* IntelMQ's bots rest after each event. Here only the server that is asked is spared. */
static void append_rate(const struct config *c, const struct bot *bot, struct buf *line)
{
	double pause = bot->collector ? 0 : graph_pause(c, bot);
	char rate[32];

	if (pause > 0 && commands_parameter(bot->command, "rate") && !config_parameter(c, bot, "rate")) {
		snprintf(rate, sizeof rate, "%.3g", 1 / pause);
		append_setting(line, "--rate", rate);
	}
}

bool command_line(const struct config *c, const struct bot *bot, struct buf *line, struct config_file *file,
	struct problem *problem)
{
	const char *like;

	buf_clear(line);
	if (!bot->module)
		return problem_at(problem, c->file, bot->line, 0, "bot \"%s\" has no module", bot->id);
	if (!bot->command) {
		like = commands_like(bot->module);
		return problem_at(problem, c->file, bot->module_line, 0, "no command for module \"%s\"%s%s%s", bot->module,
			like ? ": did you mean \"" : "", like ? like : "", like ? "\"?" : "");
	}
	append_word(line, text_of(member(bot->command, "name")));
	if (strcmp(member(bot->command, "name"), "imq-parse") == 0)
		append_word(line, text_of(bot->module));
	if (!append_parameters(c, bot, &c->global, line, file, problem) ||
		!append_parameters(c, bot, bot, line, file, problem) ||
		!append_parameters(c, bot, &c->environment, line, file, problem))
		return false;
	append_redis(c, bot, line, file);
	append_names(c, bot, line);
	append_rate(c, bot, line);
	append_procedure(c, bot, line);
	if (commands_parameter(bot->command, "paths"))
		append_paths(line, bot);
	if (c->harmonization && commands_parameter(bot->command, "harmonization"))
		append_setting(line, "--harmonization", c->harmonization);
	return true;
}
