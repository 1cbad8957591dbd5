/* imq-wait: let events through slowly: one each so many seconds, or only while a list in Redis is short.
 * What has gone through is written before each wait. A first SIGTERM ends the waiting, not the events. */
#include <errno.h>
#include <hiredis/hiredis.h>
#include <math.h>
#include <stdarg.h>
#include <time.h>

#include "event.h"
#include "filter.h"
#include "log.h"

static struct {
	const char *queue_name, *queue_host, *queue_password;
	long long queue_port, queue_db, queue_size;
	double queue_polling_interval, sleep_time;
	redisContext *redis;
} my;

static const struct opt options[] = {
	OPT_SECONDS('s', "sleep-time", &my.sleep_time, "0", "wait so long before each event"),
	OPT_TEXT('q', "queue-name", &my.queue_name, NULL,
		"wait while this list in Redis is longer than --queue-size"),
	OPT_INTEGER(0, "queue-size", &my.queue_size, "0", "the longest length that needs no waiting"),
	OPT_SECONDS(0, "queue-polling-interval", &my.queue_polling_interval, "0.05",
		"how often to look at the list"),
	OPT_TEXT(0, "queue-host", &my.queue_host, "localhost", "where Redis is; a path is a socket"),
	OPT_INTEGER(0, "queue-port", &my.queue_port, "6379", "its port"),
	OPT_INTEGER(0, "queue-db", &my.queue_db, "2", "number of the database"),
	OPT_SECRET("queue-password", &my.queue_password, "the password of Redis"),
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

static void hang_up(void)
{
	redisFree(my.redis);
	my.redis = NULL;
}

/* Sends one command. False with PROBLEM filled in, and the connection closed. */
static bool ask(long long *number, struct problem *problem, const char *format, ...)
{
	va_list args;
	redisReply *reply;
	bool fine;

	va_start(args, format);
	reply = redisvCommand(my.redis, format, args);
	va_end(args);
	fine = reply && reply->type != REDIS_REPLY_ERROR;
	if (!fine)
		problem_set(problem, "redis: %s", reply ? reply->str : my.redis->errstr);
	else if (number)
		*number = reply->type == REDIS_REPLY_INTEGER ? reply->integer : 0;
	freeReplyObject(reply);
	if (!fine)
		hang_up();
	return fine;
}

static bool connect_redis(struct problem *problem)
{
	struct timeval limit = { .tv_sec = 5 };

	if (my.redis)
		return true;
	my.redis = my.queue_host[0] == '/'
			   ? redisConnectUnixWithTimeout(my.queue_host, limit)
			   : redisConnectWithTimeout(my.queue_host, (int)my.queue_port, limit);
	if (!my.redis || my.redis->err) {
		problem_set(problem, "redis at %s: %s", my.queue_host,
			my.redis ? my.redis->errstr : "out of memory");
		hang_up();
		return false;
	}
	redisSetTimeout(my.redis, limit);
	if (my.queue_password && *my.queue_password && !ask(NULL, problem, "AUTH %s", my.queue_password))
		return false;
	return my.queue_db == 0 || ask(NULL, problem, "SELECT %lld", my.queue_db);
}

/* Waits until the list is short. A server that does not answer is asked again for a minute: then something
 * else is wrong. */
static bool wait_for_queue(struct problem *problem)
{
	enum { TRIES = 60 };
	bool flushed = false;

	for (int failures = 0; failures < TRIES;) {
		long long length;

		if (!connect_redis(problem) || !ask(&length, problem, "LLEN %s", my.queue_name)) {
			log_message("%s", problem->text);
			if (!wait_for(1))
				return true;
			failures++;
			continue;
		}
		failures = 0;
		if (length <= my.queue_size)
			return true;
		if (!flushed)
			filter_flush();
		flushed = true;
		if (!wait_for(my.queue_polling_interval))
			return true;
	}
	return false;
}

static bool start(struct problem *problem)
{
	if (my.queue_name && !*my.queue_name)
		my.queue_name = NULL;
	if (my.queue_name && (my.queue_port < 1 || my.queue_port > 65535))
		return problem_set(problem, "--queue-port: not a port: %lld", my.queue_port);
	return true;
}

static enum verdict delay(struct event *ev)
{
	struct problem problem = { .line = 0 };

	(void)ev;
	if (run_stopping())
		return PASS;
	if (my.queue_name) {
		if (!wait_for_queue(&problem))
			filter_fail(EXIT_REMOTE, &problem);
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
			.stop = hang_up });
}
