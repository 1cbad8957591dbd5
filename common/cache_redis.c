/* The cache in Redis: each answer is a string that Redis forgets in time, at a key that begins with the command's name. A server that
 * goes away makes the cache forgetful, never the command fail; it is looked for again every few seconds. */
#include <stdlib.h>

#include "alloc.h"
#include "cache_priv.h"
#include "clock.h"
#include "log.h"
#include "redis.h"

enum {
	DB = 5,             /* IntelMQ's */
	BATCH = 256,        /* answers on their way at a time */
	AGAIN = 10000000,   /* microseconds between attempts to connect */
};

struct cache_redis {
	struct redis *redis;
	struct buf key, prefixed, value;
	size_t prefix;
	unsigned pending; /* commands whose answers have not been read */
	int64_t tried;    /* clock_steady() of the last attempt to connect */
};

struct cache_redis *cache_redis_open(const char *url, const char *prefix, struct problem *problem)
{
	struct cache_redis *c = alloc_zero(1, sizeof *c);

	c->redis = redis_new(url, DB, problem);
	if (!c->redis || !redis_connect(c->redis, problem)) {
		cache_redis_close(c);
		return NULL;
	}
	buf_printf(&c->prefixed, "%s:", redis_name(c->redis, prefix));
	c->prefix = c->prefixed.len;
	return c;
}

/* Whether there is a connection, or can be again. */
static bool ready(struct cache_redis *c)
{
	struct problem problem = { .line = 0 };
	int64_t now;

	if (redis_connected(c->redis))
		return true;
	now = clock_steady();
	if (now - c->tried < AGAIN)
		return false;
	c->tried = now;
	return redis_connect(c->redis, &problem);
}

static void trouble(struct cache_redis *c, const struct problem *problem)
{
	log_message("%s: going on without the cache for now", problem->text);
	c->tried = clock_steady();
}

void cache_redis_flush(struct cache_redis *c)
{
	struct problem problem = { .line = 0 };
	bool told = false;

	for (; c->pending && redis_connected(c->redis); c->pending--)
		if (!redis_done(redis_read(c->redis, &problem)) && !told) {
			trouble(c, &problem);
			told = true;
		}
	c->pending = 0;
}

void cache_redis_close(struct cache_redis *c)
{
	if (!c)
		return;
	if (c->redis)
		cache_redis_flush(c);
	redis_free(c->redis);
	buf_free(&c->key);
	buf_free(&c->prefixed);
	buf_free(&c->value);
	free(c);
}

/* Reads `1764115200+VALUE` or `1764115200-`: when it expires, and what. */
static enum cache_answer read_answer(struct cache_redis *c, struct text t, int64_t now, struct text *value, int64_t *expires)
{
	size_t digits = 0;
	long long time;

	while (digits < t.len && t.at[digits] >= '0' && t.at[digits] <= '9')
		digits++;
	if (digits == t.len || !text_integer((struct text){ t.at, digits }, &time) || time <= now)
		return CACHE_MISS;
	*expires = time;
	*value = NO_TEXT;
	if (t.at[digits] != '+')
		return t.at[digits] == '-' ? CACHE_NOTHING : CACHE_MISS;
	buf_clear(&c->value);
	buf_text(&c->value, text_from(t, digits + 1));
	*value = buf_view(&c->value);
	return CACHE_FOUND;
}

size_t cache_redis_get(struct cache_redis *c, const struct text *keys, size_t count, int64_t now, enum cache_answer *answer,
	struct text *value, int64_t *expires)
{
	struct text words[CACHE_KEYS + 1] = { TEXT("MGET") };
	struct problem problem = { .line = 0 };
	redisReply *reply;
	size_t at = 0, found = 0;

	*answer = CACHE_MISS;
	if (!ready(c))
		return 0;
	cache_redis_flush(c);
	buf_clear(&c->key);
	for (size_t i = 0; i < count; i++) {
		buf_text(&c->key, (struct text){ c->prefixed.at, c->prefix });
		buf_text(&c->key, keys[i]);
	}
	for (size_t i = 0; i < count; at += words[++i].len)
		words[i + 1] = (struct text){ c->key.at + at, c->prefix + keys[i].len };
	redis_add(c->redis, count + 1, words);
	reply = redis_read(c->redis, &problem);
	if (!reply) {
		trouble(c, &problem);
		return 0;
	}
	for (size_t i = 0; i < count && i < reply->elements && *answer == CACHE_MISS; i++) {
		*answer = read_answer(c, redis_text(reply->element[i]), now, value, expires);
		found = i;
	}
	freeReplyObject(reply);
	return found;
}

void cache_redis_set(struct cache_redis *c, struct text key, struct text value, int64_t expires, int64_t now)
{
	char seconds[TEXT_INTEGER];

	if (!ready(c))
		return;
	c->prefixed.len = c->prefix;
	buf_text(&c->prefixed, key);
	buf_clear(&c->value);
	buf_integer(&c->value, expires);
	buf_char(&c->value, value.at ? '+' : '-');
	buf_text(&c->value, value);
	redis_add(c->redis, 5, (struct text[]){ TEXT("SET"), buf_view(&c->prefixed), buf_view(&c->value), TEXT("EX"),
		text_of_integer(expires - now, seconds) });
	if (++c->pending >= BATCH)
		cache_redis_flush(c);
}
