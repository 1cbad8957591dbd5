/* Queues between pipelines: records given in batches by any number of writers, taken in batches by one reader that
 * acknowledges each batch once what came of it is safe.
 *
 *	sqlite:FILE#NAME                                    a file, made when it is not there
 *	redis://[:PASSWORD@]HOST[:PORT][/DB]#NAME           IntelMQ's own lists: port 6379, database 2
 *	redis:/SOCKET[?db=N][&password=PASSWORD]#NAME     … over a Unix socket
 *	rediss://…                                          … over TLS (tls.h)
 *	amqp://[USER:PASSWORD@]HOST[:PORT][/VHOST]#NAME     RabbitMQ; amqps: with TLS
 *	kafka://HOST[:PORT][,HOST[:PORT]]...#TOPIC          with ?group=NAME and other settings of librdkafka
 *
 * A record is a line of JSON. What is taken and not acknowledged comes again: first thing after a restart, or after
 * queue_recover(). */
#ifndef IMQ_QUEUE_H
#define IMQ_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "problem.h"
#include "text.h"

enum queue_use {
	QUEUE_TAKE, /* the one reader */
	QUEUE_GIVE,
	QUEUE_LOOK, /* counts, looks, clears */
};

enum queue_taken { QUEUE_TAKEN, QUEUE_EMPTY, QUEUE_FAILED };

/* Records as lines, each with its line feed; kept by the caller from one batch to the next. With RAW the caller wants messages that
 * need not be JSON, byte for byte (not from a file of SQLite, which holds lines): queue_batch_next() reads them, and LINES is private. With
 * WHOLE a batch ends, if RECORDS are not fewer than one has, where a message of several records ends: queue_done() leaves none half done. */
struct queue_batch {
	struct buf lines;
	size_t count;
	bool raw, whole;
};

struct queue;
struct queue_engine;

/* Opens the queue that URL names. WITH (or NULL) is a queue being taken from: where both are in one SQLite file, or in one
 * database of one Redis, what is given here is committed by queue_done() of that one, in one transaction. NULL with PROBLEM
 * filled in; a server that is not there is such a problem. Free with queue_close(). */
struct queue *queue_open(const char *url, enum queue_use use, struct queue *with, struct problem *problem);
/* As queue_open() for a URL whose engine is known, so that only that engine is linked. */
struct queue *queue_open_engine(const struct queue_engine *engine, const char *url, enum queue_use use, struct queue *with,
	struct problem *problem);
/* Gives up what is not committed. Q may be NULL. */
void queue_close(struct queue *q);
/* The URL without its password. */
const char *queue_name(const struct queue *q);

/* Takes the next batch: at most RECORDS, and no further record once there are BYTES. What was taken before must be done. Waits up
 * to TIMEOUT milliseconds for the first record; a signal ends the waiting. With a TIMEOUT of 0 QUEUE_EMPTY means that there was no
 * record left, however long it takes to find out. An in-flight batch of an earlier reader comes first, as it was, whatever the
 * limits. */
enum queue_taken queue_take(struct queue *q, size_t records, size_t bytes, int timeout, struct queue_batch *batch,
	struct problem *problem);
/* Steps through a batch that is RAW, *CURSOR being 0 at first. False: no more. */
bool queue_batch_next(const struct queue_batch *batch, size_t *cursor, struct text *message);
/* Of the batch in flight only the first COUNT records remain in flight; the others will come with the next. */
bool queue_keep(struct queue *q, size_t count, struct problem *problem);
/* Acknowledges the batch in flight, if there is one, and notes that NUMBER was its number, in one transaction if the queue can. False:
 * it is not acknowledged, or nobody knows: queue_recover(). */
bool queue_done(struct queue *q, long long number, struct problem *problem);
/* Lets the other side know that we are still there. For who works on a batch for long, every second or so. */
void queue_beat(struct queue *q);
/* After a failure: connects again if need be, forgets what was given and not committed, and lets what is in flight be taken again. */
bool queue_recover(struct queue *q, struct problem *problem);
/* The number of the last batch done, by this reader or an earlier one; -1: the queue does not keep numbers. */
long long queue_number(const struct queue *q);
/* Whether a batch that comes again is the same batch: same records, nothing more. Otherwise they may come in other batches. */
bool queue_repeats_exactly(const struct queue *q);

/* Gives LINES, each with its line feed (empty ones are skipped). */
bool queue_give(struct queue *q, struct text lines, struct problem *problem);
/* Makes all that was given durable, or leaves that to queue_done(): see queue_open(). */
bool queue_commit(struct queue *q, struct problem *problem);

/* Whether what is given is committed by the queue_done() of the queue it was opened with. */
bool queue_is_joined(const struct queue *q);

/* How many records wait; IN_FLIGHT of them are being worked on by a reader. */
bool queue_count(struct queue *q, long long *waiting, long long *in_flight, struct problem *problem);
/* Appends the lines of up to COUNT records, oldest first, and leaves them where they are. */
bool queue_peek(struct queue *q, size_t count, struct buf *lines, struct problem *problem);
/* Removes all records, those in flight too. */
bool queue_clear(struct queue *q, struct problem *problem);
/* Calls EACH for every queue that there is where Q is. False also where the engine cannot tell. */
bool queue_list(struct queue *q, void (*each)(void *context, struct text name, long long waiting, long long in_flight), void *context,
	struct problem *problem);

#endif
