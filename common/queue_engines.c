/* All engines: a command that names queues by their URLs is linked with each of them. */
#include "queue.h"
#include "queue_priv.h"

static const struct queue_engine *const engines[] = { &queue_sqlite, &queue_redis, &queue_amqp, &queue_kafka };

struct queue *queue_open(const char *url, enum queue_use use, struct queue *with, struct problem *problem)
{
	const char *colon = strchr(url, ':');
	struct text scheme = { url, colon ? (size_t)(colon - url) : 0 };

	for (size_t i = 0; i < LENGTH(engines); i++) {
		struct text rest = text_of(engines[i]->schemes), word;

		while (text_split(&rest, ' ', &word))
			if (text_eq(scheme, word))
				return queue_open_engine(engines[i], url, use, with, problem);
	}
	problem_set(problem, "not the URL of a queue: \"%s\"", url);
	return NULL;
}
