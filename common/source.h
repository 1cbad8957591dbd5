/* What sources (imq-from-…) share: they turn what the world has into reports, one JSON line each, `raw` holding the exact
 * bytes in base64 and `__type` last (imq-fields(5)). An item is one thing of the source, a file or an answer; a
 * large one becomes several reports, cut at line ends. They go to stdout, or with --to to queues.
 *
 *	source_begin(&s, &item); source_bytes(&s, bytes); … if (source_finish(&s)) mark the item as done;
 */
#ifndef IMQ_SOURCE_H
#define IMQ_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "filter.h"
#include "opt.h"
#include "text.h"

struct queue;

struct source {
	const char *feed, *provider, *code, *documentation; /* NULL: not said */
	double accuracy;                                    /* percent */
	size_t chunk_size;                                  /* bytes; 0: lines at 16 MiB, other things whole */
	bool replicate_header;
	struct list to; /* URLs of queues (queue.h); none: stdout */
	struct queue **queues;
	bool load_balance; /* each report on one of them, in turn */
	size_t turn;
	struct buf report; /* for the queues */
	struct run run;
	/* Of the item at hand: */
	struct buf head;   /* the report up to the text of `raw` */
	struct buf tail;   /* from behind it on; the same for all items */
	struct buf header; /* the first line, repeated before each piece */
	struct buf rest;   /* bytes not yet written */
	struct buf piece;
	size_t searched; /* bytes of REST known to hold no line feed */
	unsigned long pieces;
	bool header_known, chunked, refused;
	const char *label;
};

#define SOURCE_OPTIONS(s) \
	OPT_LIST_MORE(0, "to", &(s)->to, "put reports on this queue, not on stdout; given several times, on each"), \
	OPT_BOOL(0, "load-balance", &(s)->load_balance, false, "of several --to each report goes to one, in turn"), \
	OPT_TEXT('n', "name", &(s)->feed, NULL, "feed.name of the reports"), \
	OPT_TEXT(0, "provider", &(s)->provider, NULL, "feed.provider"), \
	OPT_TEXT(0, "code", &(s)->code, NULL, "feed.code"), \
	OPT_TEXT(0, "documentation", &(s)->documentation, NULL, "feed.documentation"), \
	OPT_NUMBER(0, "accuracy", &(s)->accuracy, "100", "feed.accuracy, in percent"), \
	OPT_BYTES(0, "chunk-size", &(s)->chunk_size, "0", "cut after lines into reports of that size (0: lines at 16 MiB)"), \
	OPT_BOOL(0, "chunk-replicate-header", &(s)->replicate_header, true, "begin each piece with the first line")

struct source_item {
	const char *label;     /* for messages; must live until source_finish() */
	struct text url;       /* feed.url; NO_TEXT: none */
	struct text file_name; /* extra.file_name; NO_TEXT: none */
};

/* Starts as run_start() does; operands are refused. False: exit with *STATUS. */
bool source_start(struct source *s, const struct command *command, int argc, char **argv, int *status);
/* An item begins: its reports share this moment as time.observation. */
void source_begin(struct source *s, const struct source_item *item);
/* More bytes of it. False: no more are wanted, the item was refused or stdout failed. */
bool source_bytes(struct source *s, struct text bytes);
/* The item is complete: what is left goes out, and stdout is flushed, or the queues have committed it. True: the item, also an empty one that gives no report,
 * is safe, and the source may be told. */
bool source_finish(struct source *s);
/* As source_finish() in two steps, for sources of many small items: each is closed, and safe after the next source_commit() that returns
 * true. */
void source_close(struct source *s);
bool source_commit(struct source *s);
/* Hands on a record that the source has as such, a line of JSON without its line feed; safe after source_commit(). */
void source_record(struct source *s, struct text record);
/* The item broke off: what has not been written is forgotten. Counted as rejected, with REASON. */
void source_abort(struct source *s, struct text reason);
/* Ends as run_end() does; the result is main's. */
int source_end(struct source *s);
/* Whether to go on with the next item: neither stdout has failed nor a SIGTERM come. */
bool source_wanted(const struct source *s);
/* The command cannot finish its job: STATUS it ends with, and the message. */
void source_fail(struct source *s, enum exit_status status, const struct problem *problem);
/* Appends T as a JSON string, bytes that are no UTF-8 as U+FFFD. */
void source_json(struct buf *out, struct text t);

#endif
