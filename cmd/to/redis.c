/* imq-to-redis: events pushed on a list of Redis, where readers take them from the right, as IntelMQ's queues are read. */
#include "export.h"
#include "filter.h"
#include "opt.h"
#include "queue_priv.h"
#include "queue_sink.h"

static struct {
	const char *host, *password, *queue;
	long long port, db;
	double timeout;
	bool with_type;
	struct export export;
	struct queue_sink sink;
} my;

static const struct opt options[] = {
	OPT_TEXT('s', "redis-server-ip", &my.host, "127.0.0.1", "the server, or the path of its socket"),
	OPT_INTEGER('p', "redis-server-port", &my.port, "6379", "its port"),
	OPT_INTEGER('d', "redis-db", &my.db, "2", "number of the database"),
	OPT_SECRET("redis-password", &my.password, "password"),
	OPT_TEXT('q', "redis-queue", &my.queue, NULL, "key of the list"),
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
	struct buf url = BUF_INIT;

	if (!my.queue || !*my.queue)
		return problem_set(problem, "--redis-queue is missing");
	if (my.port < 1 || my.port > 65535)
		return problem_set(problem, "--redis-server-port: from 1 to 65535");
	my.export.keep_raw = true;
	my.export.with_type = my.with_type;
	buf_string(&url, "redis:");
	if (my.host[0] == '/')
		queue_url_add(&url, text_of(my.host));
	else
		buf_printf(&url, strchr(my.host, ':') ? "//[%s]:%lld" : "//%s:%lld", my.host, my.port);
	buf_printf(&url, "?db=%lld&typed=false", my.db);
	if (my.password) {
		buf_string(&url, "&password=");
		queue_url_add(&url, text_of(my.password));
	}
	buf_char(&url, '#');
	queue_url_add(&url, text_of(my.queue));
	my.sink.queue = queue_open_engine(&queue_redis, buf_cstr(&url), QUEUE_GIVE, NULL, problem);
	buf_free(&url);
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
