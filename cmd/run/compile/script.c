/* The shell script: one block per pipeline, and around them what starts, restarts and ends them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "compile.h"
#include "stream.h"

static const char shellcheck[] =
	"# What is in single quotes is for others, or for a shell of imq-route:\n"
	"# shellcheck disable=SC1003,SC2016\n";

/* What every script begins with. */
static const char prologue[] =
	"set -u\n"
	"umask 077\n"
	"export IMQ_STATE\n"
	"mkdir -p \"$IMQ_STATE\" || exit 4\n";

/* What runs collectors, and the pause that keep() makes too. */
static const char collecting[] =
	"# What a collector does when it fails, where its block does not say otherwise.\n"
	"error_max_retries=3 error_retry_delay=15 error_procedure=pass\n"
	"child=''\n"
	"\n"
	"pause() {\n"
	"\tsleep \"$1\" &\n"
	"\tchild=$!\n"
	"\twait \"$child\"\n"
	"}\n"
	"\n"
	"# Runs a command, and again when it fails; not after 2, a mistake in its options, and 3, rejected records.\n"
	"attempt() {\n"
	"\tfailures=0\n"
	"\ttrap 'kill \"$child\" 2> /dev/null; wait \"$child\"; exit 0' INT TERM\n"
	"\twhile :; do\n"
	"\t\t\"$@\" &\n"
	"\t\tchild=$!\n"
	"\t\twait \"$child\"\n"
	"\t\tstatus=$?\n"
	"\t\tcase $status in\n"
	"\t\t0 | 2 | 3) return \"$status\" ;;\n"
	"\t\tesac\n"
	"\t\tfailures=$((failures + 1))\n"
	"\t\t[ \"$failures\" -le \"$error_max_retries\" ] || return \"$status\"\n"
	"\t\techo \"pipeline $pipeline: exit status $status, again in $error_retry_delay s\" >&2\n"
	"\t\tpause \"$error_retry_delay\"\n"
	"\tdone\n"
	"}\n"
	"\n"
	"# Runs a command again and again with a pause in seconds between.\n"
	"every() {\n"
	"\tseconds=$1\n"
	"\tshift\n"
	"\twhile :; do\n"
	"\t\trest=$seconds\n"
	"\t\tattempt \"$@\"\n"
	"\t\tcase $status in\n"
	"\t\t2) return 2 ;;\n"
	"\t\t0 | 3) ;;\n"
	"\t\t*) [ \"$error_procedure\" = pass ] || return 1 ;;\n"
	"\t\tesac\n"
	"\t\t# A queue that is away is waited for.\n"
	"\t\t[ \"$status\" -ne 4 ] || rest=$error_retry_delay\n"
	"\t\t[ \"$status\" -eq 0 ] || echo \"pipeline $pipeline: exit status $status, again in $rest s\" >&2\n"
	"\t\tpause \"$rest\"\n"
	"\tdone\n"
	"}\n";

/* The lock is on a file that all it starts inherit: it goes when the last of them is gone, however the script ended. */
static const char alone[] =
	"# Ends here if the scheduled pipeline is running already.\n"
	"alone() {\n"
	"\texec 9> \"$IMQ_STATE/$pipeline.lock\"\n"
	"\tflock -n 9\n"
	"\tcase $? in\n"
	"\t0) ;;\n"
	"\t1)\n"
	"\t\techo \"pipeline $pipeline: still running, not started again\" >&2\n"
	"\t\texit 0\n"
	"\t\t;;\n"
	"\t*) exit 4 ;;\n"
	"\tesac\n"
	"}\n";

static const char epilogue[] =
	"# Keeps a pipeline running: after failures it is started again, each time later, at most once a minute.\n"
	"keep() {\n"
	"\tpipeline=$1 delay=1\n"
	"\ttrap 'kill \"$child\" 2> /dev/null; wait \"$child\"; exit 0' INT TERM\n"
	"\twhile :; do\n"
	"\t\tbegun=$(date +%s)\n"
	"\t\trun &\n"
	"\t\tchild=$!\n"
	"\t\twait \"$child\"\n"
	"\t\tstatus=$?\n"
	"\t\tcase $status in\n"
	"\t\t1 | 2)\n"
	"\t\t\techo \"pipeline $pipeline: exit status $status, not started again\" >&2\n"
	"\t\t\treturn \"$status\"\n"
	"\t\t\t;;\n"
	"\t\tesac\n"
	"\t\t[ $(($(date +%s) - begun)) -lt 60 ] || delay=1\n"
	"\t\techo \"pipeline $pipeline: exit status $status, again in $delay s\" >&2\n"
	"\t\tpause \"$delay\"\n"
	"\t\tdelay=$((delay * 2))\n"
	"\t\t[ \"$delay\" -le 60 ] || delay=60\n"
	"\tdone\n"
	"}\n"
	"\n"
	"case ${1-} in\n"
	"'')\n"
	"\tchildren=''\n"
	"\t# shellcheck disable=SC2086 # words\n"
	"\ttrap 'kill $children 2> /dev/null; wait; exit 0' INT TERM\n"
	"\tfor name in $pipelines; do\n"
	"\t\tkeep \"$name\" &\n"
	"\t\tchildren=\"$children $!\"\n"
	"\tdone\n"
	"\twait\n"
	"\t;;\n"
	"--list)\n"
	"\tfor name in $pipelines; do\n"
	"\t\techo \"$name\"\n"
	"\tdone\n"
	"\t;;\n"
	"*)\n"
	"\tpipeline=$1\n"
	"\trun\n"
	"\t;;\n"
	"esac\n";

bool script_file(const char *folder, const char *name, unsigned mode, struct text text, struct problem *problem)
{
	struct buf path = BUF_INIT, temporary = BUF_INIT;
	bool fine = false;
	int fd;

	buf_printf(&path, "%s/%s", folder, name);
	buf_printf(&temporary, "%s/.%s.new", folder, name);
	unlink(buf_cstr(&temporary));
	fd = open(temporary.at, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd >= 0) {
		fine = fchmod(fd, mode) == 0 && write_all(fd, text.at, text.len) && fsync(fd) == 0;
		fine = close(fd) == 0 && fine && rename(temporary.at, buf_cstr(&path)) == 0;
	}
	if (!fine)
		problem_at(problem, buf_cstr(&path), 0, 0, "%s", strerror(errno));
	buf_free(&path);
	buf_free(&temporary);
	return fine;
}

/* Closes the map of FILE and writes it as NAME.yaml; its --config is appended to LINE. */
static bool add_config_file(const struct script *s, const char *name, struct config_file *file, struct buf *line,
	struct problem *problem)
{
	struct buf word = BUF_INIT;
	char file_name[300];
	bool fine = true;

	if (file->json.len) {
		buf_string(&file->json, "\n}\n");
		snprintf(file_name, sizeof file_name, "%s.yaml", name);
		fine = script_file(s->folder, file_name, 0600, buf_view(&file->json), problem);
		buf_printf(&word, "$here/%s", file_name);
		buf_printf(line, "%s--config", line->len ? " " : "");
		append_expanded(line, buf_cstr(&word));
	}
	buf_free(&word);
	return fine;
}

static void append_path_option(struct buf *line, const char *option, const char *id, const char *suffix, bool inner)
{
	struct buf word = BUF_INIT;

	buf_printf(&word, "$IMQ_STATE/%s.%s", id, suffix);
	buf_printf(line, "%s%s", inner ? " " : " \\\n\t\t\t\t", option);
	append_expanded(line, buf_cstr(&word));
	buf_free(&word);
}

/* Unless the configuration says that what a bot cannot process is not to be kept. */
static bool keeps_rejects(const struct config *c, const struct bot *bot)
{
	return !config_parameter(c, bot, "error_dump_message") || config_true(c, bot, "error_dump_message");
}

/* BOT's command line with the files that are ours to name; INNER as in append_chain(). */
static bool append_stage(const struct config *c, const struct script *s, const struct bot *bot, bool inner,
	struct buf *out, struct problem *problem)
{
	struct config_file file = { .wanted = s->folder };
	struct buf line = BUF_INIT;
	bool fine = command_line(c, bot, &line, &file, problem);

	if (fine && file.secret)
		fine = problem_at(problem, c->file, bot->line, 0,
			"bot \"%s\": %s is a secret: with --output FOLDER it gets a file of its own", bot->id, file.secret);
	if (fine)
		fine = add_config_file(s, bot->id, &file, &line, problem);
	if (fine && commands_parameter(bot->command, "batch_name") && !config_parameter(c, bot, "batch_name"))
		buf_printf(&line, " --batch-name=%s", bot->id);
	if (fine && commands_parameter(bot->command, "state") && !config_parameter(c, bot, "state") && !uses_intelmq_keys(c, bot))
		append_path_option(&line, "--state", bot->id, "state", inner);
	if (fine && commands_parameter(bot->command, "rejects") && !config_parameter(c, bot, "rejects") && keeps_rejects(c, bot))
		append_path_option(&line, "--rejects", bot->id, "rejects", inner);
	buf_text(out, buf_view(&line));
	buf_free(&line);
	buf_free(&file.json);
	return fine;
}

/* Appends BOT and all that runs behind it. INNER: within a branch of imq-route, where pipes are the shell's; else they are
 * imq-pump's. *LAST is the bot whose records leave the pipeline, NULL where none do. */
static bool append_chain(const struct config *c, const struct script *s, const struct bot *bot, bool inner,
	struct buf *out, const struct bot **last, struct problem *problem)
{
	bool fine = append_stage(c, s, bot, inner, out, problem);

	*last = bot;
	while (fine && graph_joins(bot)) {
		buf_string(out, inner ? " | " : " '|' \\\n\t\t\t");
		if (bot->link_count == 1 && strcmp(bot->links[0].path, "_default") == 0) {
			bot = graph_next(c, bot, &bot->links[0]);
			*last = bot;
			fine = append_stage(c, s, bot, inner, out, problem);
			continue;
		}
		buf_string(out, config_true(c, bot, "load_balance") ? "imq-route --load-balance" : "imq-route");
		for (size_t i = 0; i < bot->link_count && fine; i++) {
			struct buf branch = BUF_INIT;
			const struct bot *end;

			fine = append_chain(c, s, graph_next(c, bot, &bot->links[i]), true, &branch, &end, problem);
			buf_string(out, inner ? " " : " \\\n\t\t\t\t");
			append_assignment(out, text_of(bot->links[i].path), buf_view(&branch));
			buf_free(&branch);
		}
		*last = NULL;
		break;
	}
	if (*last && (*last)->link_count == 0 && !(*last)->on_error)
		*last = NULL;
	return fine;
}

enum queue_option { FROM, TO, PATH };

static const char *const queue_options[] = { "from", "to", "path" };

/* The options of one imq-pump, or of a collector, that name queues. */
struct pump {
	const struct config *c;
	const struct script *s;
	const struct bot *bot; /* the first of the pipeline, whose name it has */
	struct buf line;
	struct buf hidden[LENGTH(queue_options)]; /* JSON lists of those that have passwords */
};

/* Makes WORD a JSON array of itself. */
static void as_list(struct buf *word)
{
	struct buf list = BUF_INIT;

	buf_char(&list, '[');
	buf_json(&list, buf_view(word));
	buf_char(&list, ']');
	buf_free(word);
	*word = list;
}

/* Appends OPTION with a queue's URL, NULL for PROBLEM; one with a password goes into FILE. */
static bool append_queue(struct pump *pump, enum queue_option option, const char *path, char *url,
	struct problem *problem)
{
	struct buf word = BUF_INIT, *hidden = &pump->hidden[option];
	bool fine = true;

	if (!url)
		return false;
	if (path)
		buf_printf(&word, "%s=", path);
	buf_string(&word, url);
	if (!queues_has_password(url)) {
		buf_printf(&pump->line, "%s--%s", pump->line.len ? " \\\n\t\t\t" : "", queue_options[option]);
		if (option != FROM && !is_plain_item(buf_view(&word)))
			as_list(&word);
		append_expanded(&pump->line, buf_cstr(&word));
	} else if (!pump->s->folder) {
		fine = problem_at(problem, pump->c->file, pump->bot->line, 0,
			"bot \"%s\": its queue has a password: with --output FOLDER it gets a file of its own", pump->bot->id);
	} else {
		buf_printf(hidden, hidden->len ? "," : "[");
		buf_json(hidden, buf_view(&word));
	}
	buf_free(&word);
	free(url);
	return fine;
}

/* The queues that BOT, the last of the pipeline, writes. What collectors send has no path but the default one. */
static bool append_targets(struct pump *pump, const struct bot *bot, struct problem *problem)
{
	bool fine = true;
	size_t count = 0;

	for (size_t i = 0; i < bot->link_count && fine; i++) {
		const struct link *link = &bot->links[i];
		bool named = strcmp(link->path, "_default") != 0;

		if (named && bot->collector)
			continue;
		if (!is_path_name(link->path))
			return problem_at(problem, pump->c->file, link->line, 0,
				"bot \"%s\": path \"%s\": no path may have an empty name, or one with \"=\"", bot->id, link->path);
		count++;
		fine = append_queue(pump, named ? PATH : TO, named ? link->path : NULL,
			queues_url(pump->c, pump->s->queues, bot, "destination", link->queue, problem), problem);
	}
	if (fine && bot->on_error && !bot->collector)
		fine = append_queue(pump, PATH, "_on_error",
			queues_url(pump->c, pump->s->queues, bot, "destination", bot->on_error, problem), problem);
	if (config_true(pump->c, bot, "load_balance") && count > 1)
		buf_printf(&pump->line, "%s--load-balance", pump->line.len ? " " : "");
	return fine;
}

/* Moves what is hidden into a config file. */
static bool finish_pump(struct pump *pump, struct problem *problem)
{
	struct config_file file = { .wanted = true };
	char name[300];
	bool fine;

	for (size_t i = 0; i < LENGTH(queue_options); i++)
		if (pump->hidden[i].len) {
			struct buf *list = &pump->hidden[i];

			buf_char(list, ']');
			buf_printf(&file.json, "%s\"%s\": ", file.json.len ? ",\n" : "{\n", queue_options[i]);
			/* There is one queue to read from. */
			buf_text(&file.json, i == FROM ? (struct text){ list->at + 1, list->len - 2 } : buf_view(list));
		}
	snprintf(name, sizeof name, "%s.queues", pump->bot->id);
	fine = add_config_file(pump->s, name, &file, &pump->line, problem);
	buf_free(&file.json);
	return fine;
}

static void free_pump(struct pump *pump)
{
	for (size_t i = 0; i < LENGTH(queue_options); i++)
		buf_free(&pump->hidden[i]);
	buf_free(&pump->line);
}

/* How a collector handles failures, where IntelMQ's own defaults are not meant. */
static void append_retries(const struct config *c, const struct bot *bot, struct buf *out)
{
	static const struct {
		const char *name, *fallback;
	} settings[] = { { "error_max_retries", "3" }, { "error_retry_delay", "15" }, { "error_procedure", "pass" } };
	bool any = false;

	for (size_t i = 0; i < LENGTH(settings); i++) {
		char *value = config_text(c, bot, settings[i].name);

		if (value && strcmp(value, settings[i].fallback) != 0) {
			buf_string(out, any ? " " : "\t\t");
			append_assignment(out, text_of(settings[i].name), text_of(value));
			any = true;
		}
		free(value);
	}
	if (any)
		buf_char(out, '\n');
}

/* A collector: its reports go into queues, and it rests between its runs. A source without an end is read until nothing is left, where
 * there are pauses, or a timer begins anew. */
static bool append_collector(const struct config *c, const struct script *s, const struct bot *bot, struct buf *out,
	struct problem *problem)
{
	struct pump pump = { .c = c, .s = s, .bot = bot };
	double pause = graph_pause(c, bot);
	bool endless = commands_parameter(bot->command, "drain");
	struct buf stage = BUF_INIT;
	bool fine = append_stage(c, s, bot, false, &stage, problem) && append_targets(&pump, bot, problem) &&
	            finish_pump(&pump, problem);

	append_retries(c, bot, out);
	if (graph_scheduled(bot))
		buf_string(out, "\t\tattempt ");
	else
		buf_printf(out, "\t\tevery %.15g ", pause > 0 ? pause : 1);
	buf_text(out, buf_view(&stage));
	if (endless && (pause > 0 || graph_scheduled(bot)) && !config_parameter(c, bot, "drain"))
		buf_string(out, " --drain");
	if (pump.line.len)
		buf_printf(out, " \\\n\t\t\t%s", buf_cstr(&pump.line));
	free_pump(&pump);
	buf_free(&stage);
	return fine;
}

/* Whether BOT, or what follows it in the pipeline, goes by the numbers of batches: a state, or a sink that skips what it has. */
static bool needs_numbers(const struct config *c, const struct bot *bot)
{
	bool needs = commands_parameter(bot->command, "state") || commands_parameter(bot->command, "batch_name");

	for (size_t i = 0; graph_joins(bot) && i < bot->link_count && !needs; i++)
		needs = needs_numbers(c, graph_next(c, bot, &bot->links[i]));
	return needs;
}

/* Whether the queue at URL keeps them. */
static bool has_numbers(const char *url)
{
	static const char *const without[] = { "amqp:", "amqps:", "kafka:" };

	for (size_t i = 0; i < LENGTH(without); i++)
		if (strncmp(url, without[i], strlen(without[i])) == 0)
			return false;
	return true;
}

static bool append_pump(const struct config *c, const struct script *s, const struct bot *bot, struct buf *out,
	struct problem *problem)
{
	struct pump pump = { .c = c, .s = s, .bot = bot };
	struct buf stages = BUF_INIT;
	const struct bot *last;
	char *from = queues_url(c, s->queues, bot, "source", bot->source_queue, problem);
	bool spool = from && !has_numbers(from) && needs_numbers(c, bot);
	bool fine = append_queue(&pump, FROM, NULL, from, problem) && append_chain(c, s, bot, false, &stages, &last, problem) &&
	            (!last || append_targets(&pump, last, problem)) && finish_pump(&pump, problem);

	buf_printf(out, "\t\texec imq-pump%s %s", graph_scheduled(bot) ? " --drain" : "", buf_cstr(&pump.line));
	if (spool)
		buf_printf(out, " \\\n\t\t\t--spool \"$IMQ_STATE/%s.spool\"", bot->id);
	buf_printf(out, " \\\n\t\t\t--status \"$IMQ_STATE/%s.status\" -- \\\n\t\t\t%s", bot->id, buf_cstr(&stages));
	free_pump(&pump);
	buf_free(&stages);
	return fine;
}

/* Names and descriptions come from a file of others: no line of a comment gets out of it. */
static void append_comment(struct buf *out, const char *text)
{
	for (; *text; text++)
		buf_char(out, (unsigned char)*text < ' ' ? ' ' : *text);
}

static void comment_chain(const struct config *c, const struct bot *bot, struct buf *out)
{
	append_comment(out, bot->id);
	if (!graph_joins(bot))
		return;
	buf_string(out, bot->link_count > 1 ? " | (" : " | ");
	for (size_t i = 0; i < bot->link_count; i++) {
		if (i)
			buf_string(out, ", ");
		if (strcmp(bot->links[i].path, "_default") != 0)
			buf_printf(out, "%s: ", bot->links[i].path);
		comment_chain(c, graph_next(c, bot, &bot->links[i]), out);
	}
	if (bot->link_count > 1)
		buf_char(out, ')');
}

static bool append_block(const struct config *c, const struct script *s, const struct bot *bot, struct buf *out,
	struct problem *problem)
{
	bool fine;

	buf_string(out, "\t# ");
	comment_chain(c, bot, out);
	if (bot->description && *bot->description) {
		buf_string(out, ": ");
		append_comment(out, bot->description);
	}
	if (!bot->enabled)
		buf_string(out, "\n\t# not enabled: runs when asked for by name");
	if (graph_scheduled(bot))
		buf_printf(out, "\n\t# scheduled: a line for cron is 0 * * * * sh %s %s", s->name, bot->id);
	buf_printf(out, "\n\t%s)\n%s", bot->id, graph_scheduled(bot) ? "\t\talone\n" : "");
	fine = bot->collector ? append_collector(c, s, bot, out, problem) : append_pump(c, s, bot, out, problem);
	buf_string(out, "\n\t\t;;\n");
	return fine;
}

/* The variables that PIPELINES, which is to follow, use. */
static void append_folders(const struct script *s, struct buf *pipelines, struct buf *out)
{
	struct buf state = BUF_INIT;

	if (strstr(buf_cstr(pipelines), "$here/"))
		buf_string(out, "here=$(cd \"$(dirname \"$0\")\" && pwd) || exit 4\nexport here\n");
	append_word(&state, text_of(s->state));
	buf_printf(out, "IMQ_STATE=${IMQ_STATE:-%s}\n", buf_cstr(&state));
	buf_free(&state);
}

static void append_head(const struct config *c, const struct script *s, struct buf *pipelines, struct buf *out)
{
	bool any = false;

	buf_printf(out, "#!/bin/sh\n# Written by imq-compile " IMQ_VERSION " from ");
	append_comment(out, c->file);
	buf_printf(out, ": change that and compile again.\n#\n"
			"# sh %s          runs its pipelines until a SIGTERM or SIGINT\n"
			"# sh %s NAME     runs one\n"
			"# sh %s --list   names those that run\n", s->name, s->name, s->name);
	for (size_t i = 0; i < c->count; i++)
		if (!c->bots[i]->command) {
			buf_printf(out, "%s#   %s: ", any ? "" : "#\n# These bots stay with IntelMQ, by way of its queues:\n",
				c->bots[i]->id);
			append_comment(out, c->bots[i]->module ? c->bots[i]->module : "no module");
			buf_char(out, '\n');
			any = true;
		}
	buf_string(out, "#\n");
	buf_string(out, shellcheck);
	append_folders(s, pipelines, out);
}

bool script_write(const struct config *c, const struct script *s, struct buf *out, struct problem *problem)
{
	struct buf pipelines = BUF_INIT;
	bool fine = true, scheduled = false;

	for (size_t i = 0; i < c->count && fine; i++)
		if (graph_heads(c->bots[i])) {
			fine = append_block(c, s, c->bots[i], &pipelines, problem);
			scheduled = scheduled || graph_scheduled(c->bots[i]);
		}
	append_head(c, s, &pipelines, out);
	buf_string(out, "pipelines='");
	for (size_t i = 0, n = 0; i < c->count; i++)
		if (graph_heads(c->bots[i]) && c->bots[i]->enabled && !graph_scheduled(c->bots[i]))
			buf_printf(out, "%s%s", n++ ? " " : "", c->bots[i]->id);
	buf_string(out, "'\n");
	buf_string(out, prologue);
	buf_char(out, '\n');
	buf_string(out, collecting);
	if (scheduled)
		buf_printf(out, "\n%s", alone);
	buf_string(out, "\n# One pipeline.\nrun() {\n\tcase $pipeline in\n");
	buf_text(out, buf_view(&pipelines));
	buf_string(out, "\t*)\n\t\techo \"no pipeline $pipeline\" >&2\n\t\treturn 2\n\t\t;;\n\tesac\n}\n\n");
	buf_string(out, epilogue);
	buf_free(&pipelines);
	return fine;
}

bool script_bot(const struct config *c, const struct script *s, struct bot *bot, struct buf *out, struct problem *problem)
{
	int joining = bot->joining;
	struct buf pipeline = BUF_INIT;
	bool fine;

	/* Alone, whatever would run behind it in a pipeline. */
	bot->joining = 0;
	fine = bot->collector ? append_collector(c, s, bot, &pipeline, problem) : append_pump(c, s, bot, &pipeline, problem);
	bot->joining = joining;
	buf_string(out, "#!/bin/sh\n# Written by imq-compile " IMQ_VERSION ": one bot of ");
	append_comment(out, c->file);
	buf_string(out, ", between its own queues.\n");
	buf_string(out, shellcheck);
	append_folders(s, &pipeline, out);
	buf_string(out, prologue);
	if (bot->collector || graph_scheduled(bot))
		buf_printf(out, "pipeline=%s\n\n", bot->id);
	if (bot->collector)
		buf_printf(out, "%s\n", collecting);
	if (graph_scheduled(bot))
		buf_printf(out, "%s\nalone\n", alone);
	buf_text(out, buf_view(&pipeline));
	buf_char(out, '\n');
	buf_free(&pipeline);
	return fine;
}
