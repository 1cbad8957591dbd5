/* Sources that read queues whose messages are anything: each becomes a report with its bytes in `raw`, or is a record already. They are
 * acknowledged once what came of them is safe, so a crash repeats some and loses none. */
#ifndef IMQ_QUEUE_SOURCE_H
#define IMQ_QUEUE_SOURCE_H

#include "queue.h"
#include "source.h"

struct queue_source {
	struct source source;
	struct queue *queue;
	bool expect_message, drain;
	int failures; /* in a row */
	struct event *event;
	struct buf line, record; /* kept from one message to the next */
};

#define QUEUE_SOURCE_OPTIONS(s) \
	OPT_BOOL(0, "expect-intelmq-message", &(s)->expect_message, false, "messages are reports and events: hand them on as they are"), \
	OPT_BOOL(0, "drain", &(s)->drain, false, "end when the queue is empty"), \
	SOURCE_OPTIONS(&(s)->source)

/* Runs the command until SIGTERM; the result is main's. OPEN opens the queue that options name, and *LABEL gets what messages call it;
 * NULL with PROBLEM: that is the end. */
int queue_source_main(struct queue_source *s, const struct command *command, int argc, char **argv,
	struct queue *(*open)(const char **label, struct problem *problem));

#endif
