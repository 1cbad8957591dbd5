/* imq-from-amqp: the messages of a queue of RabbitMQ as reports, each acknowledged once it is safe. */
#include "queue_amqp.h"
#include "queue_source.h"

static struct {
	const char *queue;
	struct amqp_options broker;
	struct queue_source source;
} my;

static const struct opt options[] = {
	OPT_TEXT('q', "queue-name", &my.queue, NULL, "the queue, which must be there"),
	AMQP_OPTIONS(&my.broker),
	QUEUE_SOURCE_OPTIONS(&my.source),
	OPT_END
};

static struct queue *open_queue(const char **label, struct problem *problem)
{
	if (!my.queue || !*my.queue) {
		problem_set(problem, "--queue-name is missing");
		return NULL;
	}
	*label = my.queue;
	return queue_amqp_open(&my.broker, QUEUE_TAKE, my.queue, "&declare=false", problem);
}

int main(int argc, char **argv)
{
	struct command command = { .name = "imq-from-amqp", .modules = "intelmq.bots.collectors.amqp.collector_amqp",
		.summary = "read messages from RabbitMQ", .operands = "", .options = options, .common = run_options };

	return queue_source_main(&my.source, &command, argc, argv, open_queue);
}
