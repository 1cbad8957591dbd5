/* What a queue engine is; the calls are those of queue.h. */
#ifndef IMQ_QUEUE_PRIV_H
#define IMQ_QUEUE_PRIV_H

#include "queue.h"
#include "queue_url.h"

/* What Q's engine made; NULL: Q is of another one. */
void *queue_self(const struct queue *q, const struct queue_engine *engine);

struct queue_engine {
	const char *schemes; /* separated by blanks */
	bool exact; /* queue_repeats_exactly() */
	/* OTHER is what open() gave for the queue being taken from, of the same engine, or NULL. */
	void *(*open)(const struct queue_url *url, enum queue_use use, void *other, struct problem *problem);
	void (*close)(void *self);
	enum queue_taken (*take)(void *self, size_t records, size_t bytes, int timeout, struct queue_batch *batch,
		struct problem *problem);
	bool (*keep)(void *self, size_t count, struct problem *problem);
	bool (*done)(void *self, long long number, struct problem *problem);
	void (*beat)(void *self); /* NULL: not needed */
	bool (*recover)(void *self, struct problem *problem);
	long long (*number)(const void *self);
	bool (*give)(void *self, struct text lines, struct problem *problem);
	bool (*commit)(void *self, struct problem *problem);
	bool (*joined)(const void *self); /* NULL: never */
	bool (*count)(void *self, long long *waiting, long long *in_flight, struct problem *problem);
	bool (*peek)(void *self, size_t count, struct buf *lines, struct problem *problem);
	bool (*clear)(void *self, struct problem *problem);
	bool (*list)(void *self, void (*each)(void *context, struct text name, long long waiting, long long in_flight),
		void *context, struct problem *problem);
};

extern const struct queue_engine queue_sqlite, queue_redis, queue_amqp, queue_kafka;

/* Appends RECORD, as a foreign program may have put it on a queue, as one line: line feeds, which JSON has only between its tokens,
 * become blanks, and an empty record a blank, so that it is rejected and no barrier. To a batch that is raw: as it is, behind its length. */
void queue_add_record(struct queue_batch *batch, struct text record);
/* Appends LINES as IntelMQ's brokers want them: an object without __type gets that of an event. Empty lines are left out. */
void queue_add_typed(struct buf *out, struct text lines);
/* Whether the time in milliseconds since STARTED (clock_steady()) leaves some of TIMEOUT; *LEFT gets it. */
bool queue_time_left(long long started, int timeout, int *left);

#endif
