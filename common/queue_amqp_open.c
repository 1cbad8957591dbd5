#include "queue_amqp.h"

#include <poll.h>

#include "log.h"
#include "queue_priv.h"
#include "queue_url.h"

enum { PAUSE = 2000 /* milliseconds between two tries to connect */ };

enum { SHORT_STRING = 255 /* bytes (AMQP 0-9-1, 4.2.5.3) */ };

static bool check_options(const struct amqp_options *o, const char *name, struct problem *problem)
{
	if (!*o->host || strchr(o->host, '/'))
		return problem_set(problem, "--connection-host: no name of a host: \"%s\"", o->host);
	if (o->port < 1 || o->port > 65535)
		return problem_set(problem, "--connection-port: from 1 to 65535");
	if (o->attempts < 1)
		return problem_set(problem, "--connection-attempts: at least 1");
	if ((o->exchange && strlen(o->exchange) > SHORT_STRING) || strlen(name) > SHORT_STRING || strlen(o->vhost) > SHORT_STRING)
		return problem_set(problem, "names of exchanges, queues and virtual hosts have at most %d bytes", SHORT_STRING);
	return true;
}

static void add_setting(struct buf *url, const char *key, const char *value)
{
	buf_printf(url, "&%s=", key);
	queue_url_add(url, text_of(value));
}

/* IntelMQ logs in only where both name and password have something in them. */
static void write_url(const struct amqp_options *o, enum queue_use use, const char *name, const char *more, struct buf *url)
{
	buf_string(url, o->use_ssl ? "amqps://" : "amqp://");
	buf_string(url, strchr(o->host, ':') ? "[" : "");
	queue_url_add(url, text_of(o->host));
	buf_printf(url, strchr(o->host, ':') ? "]:%lld/" : ":%lld/", o->port);
	queue_url_add(url, text_of(o->vhost));
	buf_string(url, o->exchange_durable ? "?exchange_durable=true" : "?exchange_durable=false");
	if (o->exchange || use == QUEUE_GIVE)
		add_setting(url, "exchange", o->exchange ? o->exchange : "");
	if (o->exchange_type && *o->exchange_type)
		add_setting(url, "exchange_type", o->exchange_type);
	if (o->username && *o->username && o->password && *o->password) {
		add_setting(url, "user", o->username);
		add_setting(url, "password", o->password);
	}
	if (o->use_ssl)
		tls_options_add(&o->tls, url);
	buf_string(url, more);
	buf_char(url, '#');
	queue_url_add(url, text_of(name));
}

struct queue *queue_amqp_open(const struct amqp_options *o, enum queue_use use, const char *name, const char *more,
	struct problem *problem)
{
	struct buf url = BUF_INIT;
	struct queue *q;

	if (!check_options(o, name, problem))
		return NULL;
	write_url(o, use, name, more, &url);
	for (long long tries = 1; !(q = queue_open_engine(&queue_amqp, buf_cstr(&url), use, NULL, problem)) && problem->away &&
		tries < o->attempts; tries++) {
		log_problem(problem);
		poll(NULL, 0, PAUSE);
		*problem = (struct problem){ .line = 0 };
	}
	buf_free(&url);
	return q;
}
