/* Bots and queues as a graph. A link whose queue has one writer and one reader needs no queue: the reader runs behind
 * the writer in one pipeline. All links of a bot are alike: either its readers follow it, or all get queues. */
#include <stdlib.h>

#include "alloc.h"
#include "compile.h"
#include "value.h"

enum { UNKNOWN, NO, YES };

static void add_link(struct bot *bot, struct text path, struct text queue, long line)
{
	if (text_is(path, "_on_error")) {
		free(bot->on_error);
		bot->on_error = alloc_string(queue);
		return;
	}
	alloc_grow(&bot->links, &bot->link_cap, bot->link_count + 1, sizeof *bot->links);
	bot->links[bot->link_count++] = (struct link){ alloc_string(path), alloc_string(queue), line };
}

/* Queues of one path: a list, or names between white space. */
static bool add_links(struct bot *bot, struct text path, struct value queues, long line)
{
	struct arena arena = { 0 };
	bool fine = true;

	if (queues.kind == VALUE_STRING) {
		struct text rest = value_text(queues, &arena);

		while (rest.len) {
			size_t n = 0;

			while (n < rest.len && !strchr(" \t\r\n", rest.at[n]))
				n++;
			if (n)
				add_link(bot, path, (struct text){ rest.at, n }, line);
			rest = text_from(rest, n + 1);
		}
	} else if (queues.kind == VALUE_ARRAY) {
		struct value_walk walk = value_walk(queues);
		struct value queue;

		while (value_next(&walk, &queue))
			if (queue.kind == VALUE_STRING)
				add_link(bot, path, value_text(queue, &arena), line);
			else
				fine = false;
	} else {
		fine = queues.kind == VALUE_NULL;
	}
	arena_free(&arena);
	return fine;
}

/* destination_queues in all its forms (runtime.md 3.1). */
static bool read_links(struct config *c, struct bot *bot, struct problem *problem)
{
	const struct parameter *p = config_parameter(c, bot, "destination_queues");
	struct arena arena = { 0 };
	struct value_error error;
	struct value v;
	bool fine = true;

	if (!p || !value_parse(text_of(p->json), &v, &error))
		return true;
	if (v.kind == VALUE_OBJECT) {
		struct value_walk walk = value_walk(v);
		struct value key, queues;

		while (value_next_member(&walk, &key, &queues))
			fine = add_links(bot, value_text(key, &arena), queues, p->line) && fine;
	} else {
		fine = add_links(bot, TEXT("_default"), v, p->line);
	}
	arena_free(&arena);
	return fine || problem_at(problem, c->file, p->line, 0,
			       "bot \"%s\": destination_queues is a map of paths to lists of queues", bot->id);
}

static bool is_kind(const struct bot *bot, const char *group, const char *part, const char *prefix)
{
	if (bot->command && strncmp(member(bot->command, "name"), prefix, strlen(prefix)) == 0)
		return true;
	if (bot->group)
		return strcmp(bot->group, group) == 0;
	return bot->module && strstr(bot->module, part);
}

size_t graph_writers(const struct config *c, const char *queue)
{
	size_t count = 0;

	for (size_t i = 0; i < c->count; i++) {
		for (size_t k = 0; k < c->bots[i]->link_count; k++)
			count += strcmp(c->bots[i]->links[k].queue, queue) == 0;
		count += c->bots[i]->on_error && strcmp(c->bots[i]->on_error, queue) == 0;
	}
	return count;
}

size_t graph_readers(const struct config *c, const char *queue, struct bot **reader)
{
	size_t count = 0;

	for (size_t i = 0; i < c->count; i++)
		if (!c->bots[i]->collector && strcmp(c->bots[i]->source_queue, queue) == 0) {
			*reader = c->bots[i];
			count++;
		}
	return count;
}

/* Whether BOT's records can come to TARGET. SEEN guards against going round. */
static bool reaches(const struct config *c, struct bot *bot, const struct bot *target, unsigned char *seen)
{
	for (size_t i = 0; i < bot->link_count; i++)
		for (size_t k = 0; k < c->count; k++) {
			struct bot *next = c->bots[k];

			if (next->collector || seen[k] || strcmp(next->source_queue, bot->links[i].queue) != 0)
				continue;
			if (next == target)
				return true;
			seen[k] = 1;
			if (reaches(c, next, target, seen))
				return true;
		}
	return false;
}

static bool in_loop(const struct config *c, struct bot *bot)
{
	unsigned char *seen = alloc_zero(c->count + 1, 1);
	bool loop = reaches(c, bot, bot, seen);

	free(seen);
	return loop;
}

bool graph_scheduled(const struct bot *bot)
{
	return bot->run_mode && strcmp(bot->run_mode, "scheduled") == 0;
}

double graph_pause(const struct config *c, const struct bot *bot)
{
	char *given = config_text(c, bot, "rate_limit");
	double pause = given ? strtod(given, NULL) : json_number_value(json_object_get(bot->command, "rate_limit"));

	free(given);
	return pause;
}

struct bot *graph_next(const struct config *c, const struct bot *bot, const struct link *link)
{
	struct bot *reader = NULL;

	if (graph_readers(c, link->queue, &reader) != 1 || graph_writers(c, link->queue) != 1)
		return NULL;
	if (!reader->command || reader->enabled != bot->enabled || graph_scheduled(reader) || in_loop(c, reader))
		return NULL;
	return reader;
}

static bool joins(const struct config *c, struct bot *bot);

/* Whether nothing that comes to BOT leaves its pipeline. */
static bool closed(const struct config *c, struct bot *bot)
{
	if (bot->on_error)
		return false;
	if (bot->link_count == 0)
		return true;
	if (!joins(c, bot))
		return false;
	for (size_t i = 0; i < bot->link_count; i++)
		if (!closed(c, graph_next(c, bot, &bot->links[i])))
			return false;
	return true;
}

static bool joins(const struct config *c, struct bot *bot)
{
	bool chain = bot->link_count == 1 && strcmp(bot->links[0].path, "_default") == 0;
	bool all = bot->command && !bot->collector && bot->link_count && !bot->on_error && !graph_scheduled(bot);

	if (bot->joining == UNKNOWN) {
		for (size_t i = 0; i < bot->link_count && all; i++) {
			struct bot *next = graph_next(c, bot, &bot->links[i]);

			all = next && (chain || closed(c, next));
		}
		bot->joining = all ? YES : NO;
	}
	return bot->joining == YES;
}

bool graph_joins(const struct bot *bot)
{
	return bot->joining == YES;
}

bool graph_heads(const struct bot *bot)
{
	return bot->command && !bot->inlined;
}

char *graph_loop(const struct config *c)
{
	struct buf text = BUF_INIT;

	for (size_t i = 0; i < c->count; i++)
		if (in_loop(c, c->bots[i]))
			buf_printf(&text, "%s%s", text.len ? ", " : "", c->bots[i]->id);
	if (!text.len)
		return NULL;
	buf_cstr(&text);
	return text.at;
}

bool graph_build(struct config *c, struct problem *problem)
{
	for (size_t i = 0; i < c->count; i++) {
		struct bot *bot = c->bots[i];

		bot->command = bot->module ? commands_for(bot->module) : NULL;
		bot->collector = is_kind(bot, "Collector", ".collectors.", "imq-from-");
		bot->output = is_kind(bot, "Output", ".outputs.", "imq-to-");
		/* Its parameters beat the entry itself, and that beats the global section (runtime.md 2.4). */
		if (!bot->run_mode || config_own(c, bot, "run_mode")) {
			free(bot->run_mode);
			bot->run_mode = config_text(c, bot, "run_mode");
		}
		bot->source_queue = config_text(c, bot, "source_queue");
		if (!bot->source_queue) {
			struct buf name = BUF_INIT;

			buf_printf(&name, "%s-queue", bot->id);
			bot->source_queue = alloc_string(buf_view(&name));
			buf_free(&name);
		}
		if (!read_links(c, bot, problem))
			return false;
	}
	for (size_t i = 0; i < c->count; i++)
		for (size_t k = 0; k < c->bots[i]->link_count; k++) {
			struct bot *reader;

			if (joins(c, c->bots[i]) && graph_readers(c, c->bots[i]->links[k].queue, &reader) == 1)
				reader->inlined = true;
		}
	return true;
}
