#include "queue_redis.h"

#include "queue_priv.h"
#include "queue_url.h"

static bool check_options(const struct redis_options *o, struct problem *problem)
{
	if (!o->queue || !*o->queue)
		return problem_set(problem, "--redis-queue is missing");
	if (o->port < 1 || o->port > 65535)
		return problem_set(problem, "--redis-server-port: from 1 to 65535");
	return true;
}

bool queue_redis_url(const struct redis_options *o, struct buf *url, struct problem *problem)
{
	if (o->use_ssl && o->host[0] == '/')
		return problem_set(problem, "--use-ssl: not over a Unix socket");
	buf_string(url, o->use_ssl ? "rediss:" : "redis:");
	if (o->host[0] == '/')
		queue_url_add(url, text_of(o->host));
	else
		buf_printf(url, strchr(o->host, ':') ? "//[%s]:%lld" : "//%s:%lld", o->host, o->port);
	buf_printf(url, "?db=%lld", o->db);
	if (o->password && *o->password) {
		buf_string(url, "&password=");
		queue_url_add(url, text_of(o->password));
	}
	if (o->use_ssl)
		tls_options_add(&o->tls, url);
	return true;
}

struct queue *queue_redis_open(const struct redis_options *o, enum queue_use use, struct problem *problem)
{
	struct buf url = BUF_INIT;
	struct queue *q = NULL;

	if (check_options(o, problem) && queue_redis_url(o, &url, problem)) {
		buf_string(&url, "&typed=false#");
		queue_url_add(&url, text_of(o->queue));
		q = queue_open_engine(&queue_redis, buf_cstr(&url), use, NULL, problem);
	}
	buf_free(&url);
	return q;
}
