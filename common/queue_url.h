/* URLs of queues, and of caches and states in Redis:
 *
 *	SCHEME://[USER[:PASSWORD]@]HOST[:PORT][/PATH][?KEY=VALUE[&KEY=VALUE]...][#NAME]
 *	SCHEME:PATH[?KEY=VALUE...][#NAME]
 *
 * Special characters are percent-encoded (RFC 3986, 2.1); an IPv6 address stands in brackets. */
#ifndef IMQ_QUEUE_URL_H
#define IMQ_QUEUE_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "text.h"

/* In its parts, decoded; the texts end with a NUL. */
struct queue_url {
	char *scheme; /* redis */
	char *user, *password; /* NULL: none */
	char *host; /* several, for Kafka, with their ports; NULL: none */
	long port; /* 0: none */
	char *path; /* what follows, up to `?` or `#`, with its slash: a file, socket, database, vhost; NULL: none */
	char *query; /* NULL: none; not decoded */
	char *name; /* NULL: none */
};

/* Takes T apart. False: it is no such URL. Free with queue_url_free() either way. */
bool queue_url_read(struct queue_url *url, struct text t);
void queue_url_free(struct queue_url *url);
/* T for messages, even where it is no such URL: without what stands where a password does, and without the setting ?password=. To be
 * freed. */
char *queue_url_public(struct text t);
/* The value of KEY in the query, decoded and to be freed; NULL: it is not there. */
char *queue_url_setting(const struct queue_url *url, const char *key);
/* Steps through the settings of a query: false at the end. KEY and VALUE are to be freed. */
bool queue_url_next(const struct queue_url *url, size_t *cursor, char **key, char **value);
/* The other way: appends T to URL with what has a meaning there written as %XX. */
void queue_url_add(struct buf *url, struct text t);

#endif
