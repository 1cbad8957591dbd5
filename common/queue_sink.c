#include "queue_sink.h"

#include <poll.h>

#include "log.h"

enum { TRIES = 6, FIRST_PAUSE = 250 /* milliseconds, doubled each time */ };

static bool deliver(struct queue_sink *s, struct problem *problem)
{
	if (s->deliver)
		return s->deliver(s, problem);
	return queue_give(s->queue, buf_view(&s->lines), problem) && queue_commit(s->queue, problem);
}

bool queue_sink_flush(struct queue_sink *s)
{
	struct problem problem = { .line = 0 };
	int pause = FIRST_PAUSE;

	if (!s->lines.len)
		return true;
	for (int tries = 1;; tries++) {
		if ((tries == 1 || queue_recover(s->queue, &problem)) && deliver(s, &problem)) {
			buf_clear(&s->lines);
			filter_delivered(s->count);
			s->count = 0;
			return true;
		}
		if (tries == TRIES) {
			filter_fail(EXIT_REMOTE, &problem);
			return false;
		}
		log_problem(&problem);
		poll(NULL, 0, pause);
		pause *= 2;
	}
}

void queue_sink_added(struct queue_sink *s)
{
	s->count++;
	if (s->lines.len >= QUEUE_SINK_GATHER)
		queue_sink_flush(s);
}

void queue_sink_close(struct queue_sink *s)
{
	queue_close(s->queue);
	buf_free(&s->lines);
}
