/* Outputs that put events on a queue: they are gathered, and given when much has come together, when nothing more comes in, and at
 * barriers. A queue that fails is connected to again, with pauses, before the command ends with EXIT_REMOTE. */
#ifndef IMQ_QUEUE_SINK_H
#define IMQ_QUEUE_SINK_H

#include "filter.h"
#include "queue.h"

struct queue_sink {
	struct queue *queue;
	struct buf lines;
	uint64_t count;
	/* How to give what has been gathered, and wait until it is safe; NULL: LINES are records of the queue. */
	bool (*deliver)(struct queue_sink *s, struct problem *problem);
};

enum { QUEUE_SINK_GATHER = 256 * 1024 };

/* Gives what has been gathered, and waits until it is safe. False: it is not, and filter_fail() has been called. */
bool queue_sink_flush(struct queue_sink *s);
/* After a record was added to S->lines, whose verdict is then MERGE: gives all if it is enough. */
void queue_sink_added(struct queue_sink *s);
void queue_sink_close(struct queue_sink *s);

#endif
