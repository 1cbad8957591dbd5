/* The graph of bots for graphviz: boxes for those that run in one pipeline, queues as edges with names. */
#include "compile.h"

static void append_id(struct buf *out, const char *id)
{
	/* DOT's quoted strings know no escape but that of the quote. */
	buf_char(out, '"');
	for (; *id; id++) {
		if (*id == '"')
			buf_char(out, '\\');
		buf_char(out, *id);
	}
	buf_char(out, '"');
}

static void append_node(const struct bot *bot, struct buf *out)
{
	buf_char(out, '\t');
	append_id(out, bot->id);
	buf_string(out, " [shape=");
	buf_string(out, bot->collector ? "invhouse" : bot->output ? "house" : "box");
	if (!bot->command)
		buf_string(out, ", style=dashed, tooltip=\"stays with IntelMQ\"");
	else if (!bot->enabled)
		buf_string(out, ", style=dotted");
	buf_string(out, "];\n");
}

static void append_edges(const struct config *c, const struct bot *bot, struct buf *out)
{
	for (size_t i = 0; i < bot->link_count; i++) {
		const struct link *link = &bot->links[i];
		struct bot *reader = NULL;
		bool piped = graph_joins(bot);

		buf_char(out, '\t');
		append_id(out, bot->id);
		buf_string(out, " -> ");
		append_id(out, graph_readers(c, link->queue, &reader) ? reader->id : link->queue);
		buf_string(out, " [label=");
		append_id(out, strcmp(link->path, "_default") != 0 ? link->path : piped ? "" : link->queue);
		buf_string(out, piped ? ", weight=8];\n" : ", style=bold];\n");
	}
}

void dot_write(const struct config *c, struct buf *out)
{
	buf_string(out, "digraph imq {\n\trankdir=LR;\n");
	for (size_t i = 0; i < c->count; i++)
		append_node(c->bots[i], out);
	for (size_t i = 0; i < c->count; i++)
		append_edges(c, c->bots[i], out);
	buf_string(out, "}\n");
}
