/* A Redis server as queues, caches and states use it: one connection, commands whose answers are read at once or later.
 *
 *	redis://[[USER]:PASSWORD@]HOST[:PORT][/DB][?db=N][#NAME]   port 6379
 *	rediss://…                                                 with TLS: ?verify, cafile, certfile, keyfile (tls.h)
 *	redis:/SOCKET[?db=N][&password=PASSWORD][#NAME]            a Unix socket
 *
 * The others may have their password as that setting too. Special characters are percent-encoded (RFC 3986, 2.1). */
#ifndef IMQ_REDIS_H
#define IMQ_REDIS_H

#include <stdbool.h>
#include <stddef.h>

#include <hiredis/hiredis.h>

#include "problem.h"
#include "queue_url.h"
#include "text.h"

struct redis;

/* Whether a cache or state is to be kept in Redis: the scheme is `redis:` or `rediss:`. */
bool redis_is_url(const char *url);
/* Reads URL; DB is the number of the database where it names none. Not connected yet. NULL with PROBLEM's text filled in. Free with
 * redis_free(). */
struct redis *redis_new(const char *url, long db, struct problem *problem);
/* The same for a queue, which has a further setting: ?typed=false clears *TYPED. */
struct redis *redis_new_queue(const struct queue_url *url, long db, bool *typed, struct problem *problem);
void redis_free(struct redis *r);
/* What stands behind the `#`, or FALLBACK. */
const char *redis_name(const struct redis *r, const char *fallback);
/* Where it is, for messages: the URL without name and password. */
const char *redis_place(const struct redis *r);

/* How many seconds connecting, and an answer, may take, instead of 10 and 60. */
void redis_limit(struct redis *r, long seconds);
/* Connects anew, with what the URL says; what was put down and not sent is forgotten. False: PROBLEM. */
bool redis_connect(struct redis *r, struct problem *problem);
/* Whether there is a connection, as far as is known. */
bool redis_connected(const struct redis *r);
/* The same; if there is none, PROBLEM says so. */
bool redis_ready(struct redis *r, struct problem *problem);
/* Sends a command in printf's manner (`%s`, `%b` with a size_t) and waits for the answer, which is the caller's to freeReplyObject(). NULL
 * with PROBLEM: none came, and the connection is given up; or the server says that it is wrong. */
redisReply *redis_ask(struct redis *r, struct problem *problem, const char *format, ...);
/* Puts down a command, to be sent with the next one that is asked or read. */
void redis_add(struct redis *r, size_t count, const struct text *words);
/* The same in printf's manner. */
void redis_send(struct redis *r, const char *format, ...);
/* The next answer to what was added, as redis_ask(). */
redisReply *redis_read(struct redis *r, struct problem *problem);
/* Forgets an answer that nobody needs. False: there was none. */
bool redis_done(redisReply *reply);
/* A string answer as text; NO_TEXT: it is none. */
struct text redis_text(const redisReply *reply);

#endif
