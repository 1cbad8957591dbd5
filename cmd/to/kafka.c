/* imq-to-kafka: events written to a topic of Kafka. They are gathered, and are delivered once the brokers have acknowledged them. */
#include "export.h"
#include "queue_kafka.h"
#include "queue_sink.h"

static struct {
	struct kafka_options brokers;
	struct export export;
	struct queue_sink sink;
} my;

static const struct opt options[] = {
	KAFKA_OPTIONS(&my.brokers),
	OPT_BOOL(0, "hierarchical-output", &my.export.hierarchical, false, "nest: source.ip becomes ip in source"),
	OPT_BOOL(0, "message-with-type", &my.export.with_type, false, "add __type"),
	OPT_BOOL(0, "message-jsondict-as-string", &my.export.jsondict_as_string, false, "write all of extra as one text of JSON"),
	OPT_BOOL(0, "keep-raw-field", &my.export.keep_raw, false, "keep raw"),
	OPT_END
};

static enum verdict gather(struct event *ev)
{
	export_event(&my.export, ev, &my.sink.lines);
	buf_char(&my.sink.lines, '\n');
	queue_sink_added(&my.sink);
	return MERGE;
}

static void idle(void)
{
	queue_sink_flush(&my.sink);
}

static bool barrier(const struct batch *batch, struct problem *problem)
{
	(void)batch;
	return queue_sink_flush(&my.sink) || problem_set(problem, "events are not delivered");
}

static bool start(struct problem *problem)
{
	my.sink.queue = queue_kafka_open(&my.brokers, QUEUE_GIVE, "&message.timeout.ms=20000", problem);
	return my.sink.queue != NULL;
}

static void stop(void)
{
	queue_sink_close(&my.sink);
	export_stop(&my.export);
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv, &(struct filter){ .name = "imq-to-kafka", .summary = "write events to Kafka", .options = options,
		.sink = true, .start = start, .event = gather, .idle = idle, .barrier = barrier, .stop = stop });
}
