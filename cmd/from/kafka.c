/* imq-from-kafka: the records of a topic of Kafka as reports. The offsets of the group are committed once the reports are safe. */
#include "queue_kafka.h"
#include "queue_url.h"
#include "queue_source.h"

static struct {
	const char *group;
	struct kafka_options brokers;
	struct queue_source source;
} my;

static const struct opt options[] = {
	KAFKA_OPTIONS(&my.brokers),
	OPT_TEXT('g', "group-id", &my.group, NULL, "the consumer group; by default it has the topic's name"),
	QUEUE_SOURCE_OPTIONS(&my.source),
	OPT_END
};

static struct queue *open_queue(const char **label, struct problem *problem)
{
	struct buf more = BUF_INIT;
	struct queue *q;

	*label = "kafka";
	buf_string(&more, "&allow.auto.create.topics=false");
	if (my.group) {
		buf_string(&more, "&group=");
		queue_url_add(&more, text_of(my.group));
	}
	q = queue_kafka_open(&my.brokers, QUEUE_TAKE, buf_cstr(&more), problem);
	buf_free(&more);
	return q;
}

int main(int argc, char **argv)
{
	struct command command = { .name = "imq-from-kafka", .modules = "intelmq.bots.collectors.kafka.collector",
		.summary = "read records from Kafka", .operands = "", .options = options, .common = run_options };

	return queue_source_main(&my.source, &command, argc, argv, open_queue);
}
