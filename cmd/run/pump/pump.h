/* The parts of imq-pump. */
#ifndef PUMP_H
#define PUMP_H

#include <stdbool.h>
#include <sys/types.h>

#include "filter.h"
#include "problem.h"
#include "queue.h"
#include "text.h"

enum { SECOND = 1000000 }; /* microseconds */

/* ---- stages.c: the commands of one copy of the pipeline ---- */

struct stage {
	char **argv; /* NULL-terminated */
	pid_t pid;   /* 0: not running */
};

enum answer {
	ANSWER_WAITED_FOR,
	ANSWER_COMPLETE, /* up to the barrier */
	ANSWER_BROKEN,   /* see struct failure */
};

/* What goes wrong with a batch, and whether the batch may be why. */
struct failure {
	char text[PROBLEM_SIZE];
	const char *stage; /* the word that it begins with; NULL: it cannot be told which */
	bool killed;     /* by somebody, or for want of memory */
	bool suspicious; /* of the batch: a stage died over it, or did not come back */
	bool hopeless;   /* a stage cannot even be started, or refuses its options */
	enum exit_status status; /* what imq-pump ends with, if it gives up over that */
};

struct copy {
	struct stage *stages;
	size_t count;
	int in, out; /* ends of pipes; -1: not running */
	struct text input; /* the batch with its barrier; what is not yet written */
	struct buf dealt;  /* the memory of INPUT, if it is not the whole batch */
	struct buf output; /* up to and with the barrier */
	enum answer answer;
};

/* Sets up copy NUMBER of the pipeline that WORDS says, a lone `|` being a pipe and `{job}` the copy's number. False: there is an empty
 * stage. The words must stay. */
bool copy_init(struct copy *c, char *const *words, unsigned number);
void copy_free(struct copy *c);
/* Starts the stages with IMQ_BATCH=NUMBER, and IMQ_UNDO=UNDO unless that is the same. False with FAILURE. */
bool copy_start(struct copy *c, long long number, long long undo, struct failure *failure);
bool copy_running(const struct copy *c);
/* Ends the stages: at once, or, KINDLY, by ending their input. Returns the worst of their exit statuses. */
int copy_stop(struct copy *c, bool kindly);
/* Sends every copy its input and collects what comes out until all have answered or one has failed. TIMEOUT in seconds; 0: for ever.
 * Calls BEAT again and again meanwhile. */
bool copies_play(struct copy *copies, size_t count, double timeout, void (*beat)(void), struct failure *failure);
/* Hands a signal on to all stages. */
void copies_signal(struct copy *copies, size_t count, int number);

/* ---- status.c ---- */

struct status {
	const char *path; /* NULL: nobody asked */
	int64_t started, error_time; /* of clock_now() */
	int64_t written;  /* of clock_steady() */
	bool failed;      /* to write it; said once */
	char error[PROBLEM_SIZE]; /* the last failure; empty: none */
};

struct spool;

/* Writes the file. FROM is the source's name, SPOOL (or NULL) what is before SOURCE. */
void status_write(struct status *s, const char *from, const struct counts *counts, long long batch, unsigned long long restarts,
	struct queue *source, struct spool *spool);
/* Whether it is wanted and a second old. */
bool status_due(const struct status *s);
/* Notes a failure for the next writing. */
void status_error(struct status *s, const char *text);

/* ---- spool.c: a queue in a file before one that keeps no numbers ---- */

/* A queue in FILE called like the one at URL, which is read by way of it. A server that is away is waited for if PATIENT, or while there are
 * records in the file; NULL with PROBLEM filled in. URL and STATUS, which gets the failures, must stay. */
struct spool *spool_open(const char *file, const char *url, bool patient, struct status *status, struct problem *problem);
/* After the queues that were opened with the one in the file. */
void spool_close(struct spool *s);
/* The queue in the file, for everything but taking. It belongs to S. */
struct queue *spool_local(const struct spool *s);
/* As queue_take() with LIMIT from the queue in the file; if that is empty, a batch of RECORDS, or a thousand, comes into it first,
 * waited for up to TIMEOUT milliseconds. QUEUE_EMPTY also while the remote server is away, QUEUE_FAILED only for the file. */
enum queue_taken spool_take(struct spool *s, size_t limit, size_t records, size_t bytes, int timeout, struct queue_batch *batch,
	struct problem *problem);
/* As queue_name() of the remote queue, or of the one in the file while the server has been away since the start. */
const char *spool_name(const struct spool *s);
/* queue_beat() of the remote queue. */
void spool_beat(struct spool *s);
/* How often in a row the remote queue has failed; 0: it works. */
unsigned spool_failures(const struct spool *s);
/* How many records wait in the remote queue. */
bool spool_count(struct spool *s, long long *remote, struct problem *problem);

/* ---- main.c ---- */

/* Seconds to wait after that many failures in a row. */
double pause_after(unsigned failures);

/* ---- bot.c ---- */

/* Becomes the pump of bot ID of the runtime.yaml FILE; returns only if that fails, with the exit status. */
int bot_run(const char *id, const char *file);

/* ---- deal.c ---- */

/* Makes the input of COUNT copies, barrier included, from the RECORDS lines of a batch: equal values of BY go to the same copy; with
 * F_NONE each copy gets a stretch of the batch. EV is for reading. */
void deal(struct copy *copies, size_t count, struct text lines, size_t records, enum field by, struct event *ev);

/* ---- sinks.c: where the output goes ---- */

struct sinks;

/* TO takes records that name no path, PATHS (NAME=QUEUE) those of the path NAME. Without any, stdout is the sink.
 * NULL with PROBLEM filled in. */
struct sinks *sinks_open(const struct list *to, const struct list *paths, bool load_balance, struct queue *source,
	struct run *run, struct problem *problem);
void sinks_close(struct sinks *s);
/* Forgets what has been put and not stored: a batch begins. */
void sinks_clear(struct sinks *s);
/* Sorts OUTPUT, lines up to a barrier, to its sinks. */
void sinks_put(struct sinks *s, struct text output);
/* Makes all of it durable, where that is not left to queue_done(). After a failure it may be called again, and stores what has
 * not been stored; AGAIN: queue_done() failed since. */
bool sinks_store(struct sinks *s, bool again, struct problem *problem);
/* See queue_beat(). */
void sinks_beat(struct sinks *s);
/* Whether a queue of --high-water records is full. */
bool sinks_full(struct sinks *s, long long limit);

#endif
