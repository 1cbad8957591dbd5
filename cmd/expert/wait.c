/* imq-wait: let events through slowly: one each so many seconds, or only while a list in Redis is short.
 * What has gone through is written before each wait. A first SIGTERM ends the waiting, not the events. */
#include <errno.h>
#include <math.h>
#include <time.h>

#include "event.h"
#include "filter.h"
#include "log.h"
#include "queue_redis.h"
#include "redis.h"

enum { TRIES = 60, ANSWER = 5 }; /* a second apart; seconds */

static struct {
	const char *queue_name;
	long long queue_size;
	double queue_polling_interval, sleep_time;
	struct redis_options server;
	struct redis *redis; /* NULL: no list is looked at */
} my;

static const struct opt options[] = {
	OPT_SECONDS('s', "sleep-time", &my.sleep_time, "0", "wait so long before each event"),
	OPT_TEXT('q', "queue-name", &my.queue_name, NULL,
		"wait while this list in Redis is longer than --queue-size"),
	OPT_INTEGER(0, "queue-size", &my.queue_size, "0", "the longest length that needs no waiting"),
	OPT_SECONDS(0, "queue-polling-interval", &my.queue_polling_interval, "0.05",
		"how often to look at the list"),
	OPT_TEXT(0, "queue-host", &my.server.host, "localhost", "where Redis is; a path is a socket"),
	OPT_INTEGER(0, "queue-port", &my.server.port, "6379", "its port"),
	OPT_INTEGER(0, "queue-db", &my.server.db, "2", "number of the database"),
	OPT_SECRET("queue-password", &my.server.password, "the password of Redis"),
	OPT_BOOL(0, "use-ssl", &my.server.use_ssl, false, "talk TLS, and check the server's certificate"),
	TLS_OPTIONS(&my.server.tls),
	OPT_END
};

/* In slices of a second, so that a signal that comes just before a sleep is not missed for long. False on a
 * signal to stop. */
static bool wait_for(double seconds)
{
	while (seconds > 0 && !run_stopping()) {
		double slice = fmin(seconds, 1);
		struct timespec left = { .tv_sec = (time_t)slice,
			.tv_nsec = (long)((slice - floor(slice)) * 1e9) };

		while (nanosleep(&left, &left) < 0 && errno == EINTR && !run_stopping())
			;
		seconds -= slice;
	}
	return !run_stopping();
}

/* How long the list is; -1: PROBLEM. */
static long long list_length(struct problem *problem)
{
	redisReply *reply = redis_ask(my.redis, problem, "LLEN %s", my.queue_name);
	long long length = reply && reply->type == REDIS_REPLY_INTEGER ? reply->integer : 0;

	return redis_done(reply) ? length : -1;
}

/* Waits until the list is short. A server that does not answer is asked again for a minute: then something
 * else is wrong; what it does not let us in for will not change. */
static enum exit_status wait_for_queue(struct problem *problem)
{
	bool flushed = false;

	for (int failures = 0; failures < TRIES;) {
		long long length;

		if (!redis_connected(my.redis) && !redis_connect(my.redis, problem) && !problem->away)
			return EXIT_USAGE;
		length = redis_connected(my.redis) ? list_length(problem) : -1;
		if (length < 0) {
			log_message("%s", problem->text);
			if (!wait_for(1))
				return EXIT_FINE;
			failures++;
			continue;
		}
		failures = 0;
		if (length <= my.queue_size)
			return EXIT_FINE;
		if (!flushed)
			filter_flush();
		flushed = true;
		if (!wait_for(my.queue_polling_interval))
			return EXIT_FINE;
	}
	return EXIT_REMOTE;
}

static bool start(struct problem *problem)
{
	struct buf url = BUF_INIT;

	if (!my.queue_name || !*my.queue_name)
		return true;
	if (my.server.port < 1 || my.server.port > 65535)
		return problem_set(problem, "--queue-port: not a port: %lld", my.server.port);
	if (queue_redis_url(&my.server, &url, problem))
		my.redis = redis_new(buf_cstr(&url), my.server.db, problem);
	buf_free(&url);
	if (my.redis)
		redis_limit(my.redis, ANSWER);
	return my.redis;
}

static void stop(void)
{
	redis_free(my.redis);
}

static enum verdict delay(struct event *ev)
{
	struct problem problem = { .line = 0 };

	(void)ev;
	if (run_stopping())
		return PASS;
	if (my.redis) {
		enum exit_status status = wait_for_queue(&problem);

		if (status != EXIT_FINE)
			filter_fail(status, &problem);
	} else if (my.sleep_time > 0) {
		filter_flush();
		wait_for(my.sleep_time);
	}
	return PASS;
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv,
		&(struct filter){ .name = "imq-wait",
			.module = "intelmq.bots.experts.wait.expert",
			.summary = "let events through slowly",
			.options = options,
			.start = start,
			.event = delay,
			.stop = stop });
}
