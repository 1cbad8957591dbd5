/* What is wrong with a configuration: as intelmqctl check says it (tools.md A.8), and what pipes make of it. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "compile.h"
#include "field.h"
#include "log.h"
#include "opt.h"

static struct {
	const struct config *config;
	bool strict, failed;
} my;

static void __attribute__((format(printf, 3, 4))) say(bool error, long line, const char *format, ...)
{
	struct problem problem = { .line = 0 };
	char text[400];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	problem_at(&problem, my.config->file, line, 0, "%s%s", error ? "" : "warning: ", text);
	log_problem(&problem);
	my.failed = my.failed || error;
}

const char id_letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";

static void check_key(const struct bot *bot)
{
	static const char *const keys[] = { "module", "group", "name", "description", "enabled", "run_mode", "parameters" };
	const char *like = suggest(text_of(bot->unknown_key), keys, LENGTH(keys));

	say(false, bot->unknown_line, "bot \"%s\": \"%s\" is ignored%s%s%s", bot->id, bot->unknown_key,
		like ? ": did you mean \"" : "", like ? like : "", like ? "\"?" : "");
}

static void check_entry(const struct bot *bot)
{
	const struct {
		bool absent;
		const char *what;
	} missing[] = { { !bot->group, "group" }, { !bot->display_name, "name" }, { !bot->description, "description" },
		{ !bot->enabled_given, "`enabled'" } };
	char text[64];
	int used = 0;

	if (!*bot->id || bot->id[strspn(bot->id, id_letters)])
		say(true, bot->line, "bot \"%s\": its name may have letters, digits and dashes only", bot->id);
	for (size_t i = 0; i < LENGTH(missing); i++)
		if (missing[i].absent)
			used += snprintf(text + used, sizeof text - (size_t)used, "%s%s", used ? ", " : "", missing[i].what);
	if (used)
		say(false, bot->line, "bot \"%s\" has no %s", bot->id, text);
	if (bot->unknown_key)
		check_key(bot);
	if (bot->run_mode && strcmp(bot->run_mode, "continuous") != 0 && strcmp(bot->run_mode, "scheduled") != 0)
		say(true, bot->line, "bot \"%s\": run_mode is continuous or scheduled, not \"%s\"", bot->id, bot->run_mode);
}

static void check_number(const struct config *c, const struct bot *bot, const char *name)
{
	const struct parameter *p = config_parameter(c, bot, name);
	char *text = config_text(c, bot, name), *end = text;

	if (text && (!(strtod(text, &end) >= 0) || !*text || *end))
		say(true, p->line, "bot \"%s\": %s is a number from 0 on, not %s", bot->id, name, p->json);
	free(text);
}

static void check_truth(const struct config *c, const struct bot *bot, const char *name)
{
	static const char *const forms[] = { "true", "false", "null", "1", "0" };
	const struct parameter *p = config_parameter(c, bot, name);
	bool fine = !p;

	for (size_t i = 0; i < LENGTH(forms); i++)
		fine = fine || strcmp(p->json, forms[i]) == 0;
	if (!fine)
		say(true, p->line, "bot \"%s\": %s is true or false, not %s", bot->id, name, p->json);
}

/* What a bot of IntelMQ has in common with others. Settings of the bot itself that have no effect here are told. */
static void check_settings(const struct config *c, const struct bot *bot)
{
	static const char *const numbers[] = { "rate_limit", "error_max_retries", "error_retry_delay" };
	static const char *const truths[] = { "load_balance", "error_dump_message" };
	const struct parameter *procedure = config_parameter(c, bot, "error_procedure");

	for (size_t i = 0; i < LENGTH(numbers); i++)
		check_number(c, bot, numbers[i]);
	for (size_t i = 0; i < LENGTH(truths); i++)
		check_truth(c, bot, truths[i]);
	if (procedure && strcmp(procedure->json, "\"pass\"") != 0 && strcmp(procedure->json, "\"stop\"") != 0)
		say(true, procedure->line, "bot \"%s\": error_procedure is pass or stop, not %s", bot->id, procedure->json);
	for (size_t i = 0; i < bot->count && bot->command; i++) {
		const struct parameter *p = &bot->parameters[i];
		bool pause = strcmp(p->name, "rate_limit") == 0 && !bot->collector && graph_pause(c, bot) > 0 &&
		             !commands_parameter(bot->command, "rate");

		if (pause || (is_common_setting(p->name) && !is_run_time(p->name) && !commands_parameter(bot->command, p->name)))
			say(false, p->line, "bot \"%s\": %s has no effect on %s", bot->id, p->name, member(bot->command, "name"));
	}
}

static void check_module(const struct config *c, const struct bot *bot)
{
	struct config_file file = { .wanted = true };
	struct problem problem = { .line = 0 };
	struct buf line = BUF_INIT;
	const char *like;

	if (bot->module && !bot->command) {
		like = commands_like(bot->module);
		say(my.strict && like, bot->module_line, "bot \"%s\" stays with IntelMQ: no command for module \"%s\"%s%s%s", bot->id,
			bot->module, like ? ": did you mean \"" : "", like ? like : "", like ? "\"?" : "");
	} else if (!command_line(c, bot, &line, &file, &problem)) {
		log_problem(&problem);
		my.failed = true;
	}
	buf_free(&file.json);
	buf_free(&line);
}

static void check_queues(const struct config *c, const struct bot *bot)
{
	bool has_default = false;
	struct bot *reader;

	for (size_t i = 0; i < bot->link_count; i++) {
		const struct link *link = &bot->links[i];

		has_default = has_default || strcmp(link->path, "_default") == 0;
		if (bot->collector && strcmp(link->path, "_default") != 0)
			say(false, link->line, "bot \"%s\": collectors send nothing to the path \"%s\"", bot->id, link->path);
		else if (!is_path_name(link->path))
			say(true, link->line, "bot \"%s\": path \"%s\": no path may have an empty name, or one with \"=\"", bot->id,
				link->path);
		if (graph_readers(c, link->queue, &reader) == 0)
			say(true, link->line, "bot \"%s\": no bot reads its queue \"%s\"", bot->id, link->queue);
	}
	if (bot->on_error && graph_readers(c, bot->on_error, &reader) == 0)
		say(true, bot->line, "bot \"%s\": no bot reads its queue \"%s\"", bot->id, bot->on_error);
	if (!bot->output && !has_default)
		say(true, bot->line, "bot \"%s\" has no (default) destination queue", bot->id);
	if (!bot->collector && graph_writers(c, bot->source_queue) == 0)
		say(false, bot->line, "bot \"%s\": no bot writes its queue \"%s\"", bot->id, bot->source_queue);
	if (!bot->collector && graph_readers(c, bot->source_queue, &reader) > 1 && reader == bot)
		say(true, bot->line, "bot \"%s\" is not the only one to read queue \"%s\"", bot->id, bot->source_queue);
	if (bot->output && bot->on_error)
		say(false, bot->line, "bot \"%s\": what an output cannot deliver stays in its rejects, not on the path _on_error",
			bot->id);
}

/* IntelMQ's port for RabbitMQ is the same with TLS (runtime.md 4.2), where hardly any broker listens to that. */
static void check_broker(const struct config *c, const struct bot *bot, const char *side)
{
	char name[3][64];
	const struct parameter *port;
	char *broker;

	snprintf(name[0], sizeof *name, "%s_pipeline_broker", side);
	snprintf(name[1], sizeof *name, "%s_pipeline_ssl", side);
	snprintf(name[2], sizeof *name, "%s_pipeline_port", side);
	broker = config_text(c, bot, name[0]);
	port = config_parameter(c, bot, name[2]);
	if (broker && strcasecmp(broker, "amqp") == 0 && config_true(c, bot, name[1]) && (!port || strcmp(port->json, "null") == 0))
		say(false, config_parameter(c, bot, name[1])->line,
			"bot \"%s\": %s is not given, and is 5672 with TLS too; RabbitMQ's own for TLS is 5671", bot->id, name[2]);
	free(broker);
}

bool check_all(struct config *c, bool strict)
{
	struct problem problem = { .line = 0 };
	char *loop = graph_loop(c);

	my.config = c;
	my.strict = strict;
	for (size_t i = 0; i < c->count; i++) {
		check_entry(c->bots[i]);
		check_settings(c, c->bots[i]);
		check_module(c, c->bots[i]);
		check_queues(c, c->bots[i]);
		if (!c->bots[i]->collector)
			check_broker(c, c->bots[i], "source");
		if (c->bots[i]->link_count)
			check_broker(c, c->bots[i], "destination");
	}
	if (loop)
		say(false, 0, "records can come back to these bots: %s", loop);
	if (c->harmonization && !field_load(c->harmonization, &problem)) {
		log_problem(&problem);
		my.failed = true;
	}
	free(loop);
	return !my.failed;
}
