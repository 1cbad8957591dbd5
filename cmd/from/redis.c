/* imq-from-redis: the elements of a list of Redis as reports, taken from its right end; until one is safe it stands in a second list,
 * as with the queues of IntelMQ. */
#include "queue_redis.h"
#include "queue_source.h"

static struct {
	struct redis_options server;
	struct queue_source source;
} my;

static const struct opt options[] = {
	REDIS_OPTIONS(&my.server),
	QUEUE_SOURCE_OPTIONS(&my.source),
	OPT_END
};

static struct queue *open_queue(const char **label, struct problem *problem)
{
	*label = my.server.queue ? my.server.queue : "-";
	return queue_redis_open(&my.server, QUEUE_TAKE, problem);
}

int main(int argc, char **argv)
{
	struct command command = { .name = "imq-from-redis", .summary = "read messages from a list of Redis", .operands = "",
		.options = options, .common = run_options };

	return queue_source_main(&my.source, &command, argc, argv, open_queue);
}
