/* The main loop of every filter and output, and the contract they all keep (imq-filter(7)): records in order, rejects, barriers,
 * statistics, signals, exit statuses. A command describes itself in a struct filter and hands over to filter_main(). */
#ifndef IMQ_FILTER_H
#define IMQ_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "event.h"
#include "opt.h"
#include "problem.h"

/* What becomes of a record after the callback. An event that was marked (event_set and others do that on a refused value) is
 * rejected whatever the verdict. */
enum verdict {
	PASS,   /* goes out, or along the paths named by filter_send(); an event that lost its last field is dropped */
	DROP,   /* does not go out: counted as dropped */
	MERGE,  /* lives on in the state of the command: counted as merged, or as pending until the state lets go of it */
	REJECT, /* after event_mark() */
};

/* Where the stream of batches is. Under imq-pump (IMQ_BATCH set) only a barrier commits state; otherwise the end does too. */
struct batch {
	bool numbered;    /* IMQ_BATCH is set */
	long long number; /* of the batch that a barrier will close next */
	long long undo;   /* what was committed of batches from this number on comes again: IMQ_UNDO, or the first number */
	bool last;        /* this is the end of input, not a barrier */
};

struct lookup_question;
struct transport;
struct window;
struct filter;

/* A piece of behaviour that a command gets by naming it in its option table. Every callback may be NULL; SELF is the struct that
 * the command embeds. */
struct mixin {
	const char *name;
	/* After the options are set, before the first record; the batch is the first to come. */
	bool (*start)(void *self, const struct filter *filter, const struct batch *batch, struct problem *problem);
	/* Makes durable what the records so far have changed. False: the command ends with EXIT_IO. */
	bool (*barrier)(void *self, const struct batch *batch, struct problem *problem);
	/* Appends members for --stats: `,"lookups":12`. */
	void (*stats)(void *self, struct buf *json);
	/* Before anything is started: what the command was asked to do instead of reading records. False: nothing; or *STATUS is
	 * the exit status. */
	bool (*instead)(void *self, const struct filter *filter, enum exit_status *status);
	/* Frees everything. */
	void (*stop)(void *self);
	/* For mixins that hold records back (lookup): see struct window. */
	const struct window *window;
	/* For mixins that have questions answered: what the window waits with (transport.h). */
	const struct transport *transport;
};

/* How the main loop works with a mixin that lets records wait for answers. */
struct window {
	/* An event to read the next record into; NULL: no room now, call wait(). */
	struct event *(*slot)(void *self);
	/* The event of the last slot() has been through the callback, with this VERDICT, and wants what it wants; it goes out through
	 * filter_finish() in its turn. FILE and LINE say where it came from. */
	void (*admit)(void *self, enum verdict verdict, const char *file, long line);
	/* Works on what is in flight until something is finished, FD (or -1) is readable, or TIMEOUT milliseconds have passed. */
	void (*wait)(void *self, int fd, int timeout);
	/* Records held. */
	size_t (*held)(void *self);
	/* The command ends before the records held got their answers: hands them all to filter_finish() as MERGE, to be counted
	 * as pending. */
	void (*abandon)(void *self);
};

struct filter {
	const char *name;    /* imq-url */
	const char *module;  /* IntelMQ's modules, separated by blanks; NULL: none */
	const char *summary;
	const char *operands; /* NULL: "[FILE]..." */
	const struct opt *options;
	/* Options that imq-compile adds where the bot's parameters say nothing else, so that the command does what the module does;
	 * NULL: none. */
	const char *compiled;
	bool sink;   /* an output: nothing but barriers goes to stdout, PASS means delivered */
	/* Offered the first operand before start(); true: it is no file but the command's own. NULL: all operands are files. */
	bool (*first_operand)(const char *operand);
	/* After options and mixins; false with PROBLEM filled in ends the command with EXIT_USAGE; with EXIT_REMOTE, which imq-pump
	 * waits about, where the problem is that a server is away. */
	bool (*start)(struct problem *problem);
	enum verdict (*event)(struct event *ev);
	/* For the lookup mixin (lookup.h). */
	void (*ask)(struct lookup_question *question, struct text key);
	void (*fill)(struct event *ev, unsigned tag, struct text answer);
	/* For the database mixin (database.h): fetches new databases, by database_fetch(). */
	enum exit_status (*update)(void);
	/* With this callback fill() waits until the last answer that an event wants has come, is then called for each in the order
	 * in which they were wanted, with NO_TEXT for what is known not to exist, and then this. FAILED: a question failed, for
	 * which fill() was not called. */
	void (*filled)(struct event *ev, bool failed);
	/* All records up to a barrier have been through event(): deliver, write what is due (filter_emit()), before the mixins commit.
	 * Also called with batch->last at the end of input, when nothing will commit afterwards if batch->numbered. False: EXIT_IO. */
	bool (*barrier)(const struct batch *batch, struct problem *problem);
	/* Called when the time it asked for has come (never under imq-pump but at barriers): returns the microseconds from now
	 * until it wants to be called again, -1 for never. First called after start(). */
	int64_t (*timer)(const struct batch *batch);
	/* Nothing more has come in so far: write out what is buffered. NULL where nothing but stdout is written. */
	void (*idle)(void);
	/* SIGHUP: read rules and databases again; false with PROBLEM: the old ones stay. */
	bool (*reload)(struct problem *problem);
	void (*stats)(struct buf *json);
	/* Frees everything. */
	void (*stop)(void);
	void (*describe)(struct buf *json);
};

/* Runs the command. The result is main's. */
int filter_main(int argc, char **argv, const struct filter *filter);

/* For callbacks: */
/* Writes an event that no input record stands for: counted as created. */
void filter_emit(struct event *ev);
/* Sends the record along PATH instead of the default one; several calls send it along several. PATH must live until the
 * event has gone out. */
void filter_send(struct event *ev, const char *path);
/* Writes out all that has gone so far: for callbacks that take their time. */
void filter_flush(void);
/* Where the record in hand came from, for messages about it; not for commands with a window. */
void filter_place(const char **file, long *line);
/* N records that were pending or merged are dropped or go on: keeps the counts of --stats true. MERGE counts a record as pending
 * first; a command that lets go of N of them says here that they ended merged into others, or dropped. */
void filter_settle(uint64_t merged, uint64_t dropped);
/* For sinks that gather records, whose event() returned MERGE for each: N of them are delivered now … */
void filter_delivered(uint64_t n);
/* … or this one is refused: told and kept as REJECT does. */
void filter_refuse(const char *file, long line, struct text reason, struct text record);
/* A record held by a window comes out: VERDICT as for a fresh one. */
void filter_finish(struct event *ev, enum verdict verdict, const char *file, long line);
/* The command cannot go on: the loop ends after the current record with STATUS (EXIT_IO, EXIT_REMOTE) and the message. */
void filter_fail(enum exit_status status, const struct problem *problem);

/* The shared part, for commands with main loops of their own (imq-parse, collectors): */

struct rejects;
struct reader;
struct writer;

/* Counts of one run; in + created = out + dropped + merged + rejected + pending. */
struct counts {
	uint64_t in, created, out, dropped, merged, rejected, pending;
};

struct run {
	const char *name;
	struct reader *in;
	struct writer *out;
	struct rejects *rejects;
	struct counts counts;
	struct batch batch;
	size_t max_record;
	bool stats;               /* --stats */
	enum exit_status failure; /* EXIT_FINE while nothing has failed */
};

/* The options of every command that reads records: --rejects, --stats, --max-record, --harmonization. */
extern const struct opt run_options[];
/* Parses options, installs signal handlers, opens rejects and input. False: exit with *STATUS. MAX_RECORD: the default limit,
 * overridden by --max-record. */
bool run_start(struct run *run, const struct command *command, int argc, char **argv, size_t max_record, int *status);
/* Whether an earlier command has routed the record elsewhere (__path): then it is not ours to touch. */
bool run_is_elsewhere(struct event *ev);
/* Reports and keeps a record that cannot be processed. */
void run_reject(struct run *run, const char *file, long line, struct text reason, struct text record);
/* Writes --stats (also asked for by SIGUSR1); MORE appends further members, may be NULL. */
void run_stats(const struct run *run, void (*more)(struct buf *json));
/* Flushes, closes, prints, frees; returns the exit status. */
int run_end(struct run *run, void (*more)(struct buf *json));
/* Whether SIGTERM or SIGINT came: sources stop asking for more. A second one ends the process at once. */
bool run_stopping(void);
/* Whether SIGHUP (SIGUSR1) came since the last call. */
bool run_reload_wanted(void);
bool run_stats_wanted(void);

#endif
