/* imq-to-redis: events pushed on a list of Redis, where readers take them from the right, as IntelMQ's queues are read. */
#include "export.h"
#include "filter.h"
#include "opt.h"
#include "queue_redis.h"
#include "queue_sink.h"

static struct {
	struct redis_options server;
	double timeout;
	bool with_type;
	struct export export;
	struct queue_sink sink;
} my;

static const struct opt options[] = {
	REDIS_OPTIONS(&my.server),
	OPT_NUMBER(0, "redis-timeout", &my.timeout, "5000", "without effect"),
	OPT_BOOL(0, "hierarchical-output", &my.export.hierarchical, false, "nest: source.ip becomes ip in source"),
	{ .kind = OPT_KIND_BOOLEAN, .name = "message-with-type", .to.boolean = &my.with_type, .parameter = "with_type", .fallback = "true",
		.help = "add __type" },
	OPT_END
};

static enum verdict push(struct event *ev)
{
	size_t before = my.sink.lines.len;

	if (!export_event(&my.export, ev, &my.sink.lines)) {
		my.sink.lines.len = before;
		return REJECT;
	}
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
	my.export.keep_raw = true;
	my.export.with_type = my.with_type;
	my.sink.queue = queue_redis_open(&my.server, QUEUE_GIVE, problem);
	return my.sink.queue != NULL;
}

static void stop(void)
{
	queue_sink_close(&my.sink);
	export_stop(&my.export);
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv, &(struct filter){ .name = "imq-to-redis", .module = "intelmq.bots.outputs.redis.output",
		.summary = "push events on a list of Redis", .options = options, .sink = true, .start = start, .event = push,
		.idle = idle, .barrier = barrier, .stop = stop });
}
