/* A list of Redis as commands name it in their options. */
#ifndef IMQ_QUEUE_REDIS_H
#define IMQ_QUEUE_REDIS_H

#include "opt.h"
#include "queue.h"
#include "tls.h"

struct redis_options {
	const char *host, *password, *queue;
	long long port, db;
	bool use_ssl;
	struct tls_options tls;
};

#define REDIS_OPTIONS(o) \
	OPT_TEXT('s', "redis-server-ip", &(o)->host, "127.0.0.1", "the server, or the path of its socket"), \
	OPT_INTEGER('p', "redis-server-port", &(o)->port, "6379", "its port"), \
	OPT_INTEGER('d', "redis-db", &(o)->db, "2", "number of the database"), \
	OPT_SECRET("redis-password", &(o)->password, "password"), \
	OPT_BOOL(0, "use-ssl", &(o)->use_ssl, false, "talk TLS, and check the server's certificate"), \
	TLS_OPTIONS(&(o)->tls), \
	OPT_TEXT('q', "redis-queue", &(o)->queue, NULL, "key of the list")

/* Appends the URL of the server, up to the name; it has settings. The port is taken as it is. False: PROBLEM. */
bool queue_redis_url(const struct redis_options *o, struct buf *url, struct problem *problem);
/* Connects as O says; what is given goes there as it is. NULL with PROBLEM filled in. */
struct queue *queue_redis_open(const struct redis_options *o, enum queue_use use, struct problem *problem);

#endif
