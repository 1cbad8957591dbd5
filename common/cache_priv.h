/* Inside struct cache: for cache*.c only. */
#ifndef IMQ_CACHE_PRIV_H
#define IMQ_CACHE_PRIV_H

#include <stdint.h>

#include "buf.h"
#include "cache.h"

struct cache_file;
struct cache_redis;

/* cache_file.c: the answers on disk. All keys begin with PREFIX and a colon. Failures after opening are told once; then the file is
 * left alone. */
struct cache_file *cache_file_open(const char *path, const char *prefix, struct problem *problem);
void cache_file_close(struct cache_file *f);
/* As cache_get(), with the time (seconds since 1970) when the answer expires. */
enum cache_answer cache_file_get(
	struct cache_file *f, struct text key, int64_t now, struct text *value, int64_t *expires);
void cache_file_set(struct cache_file *f, struct text key, struct text value, int64_t expires);
void cache_file_flush(struct cache_file *f);

enum { CACHE_KEYS = 129 }; /* an address is in that many networks */

/* cache_redis.c: the answers in Redis. All keys begin with the URL's #NAME, else PREFIX, and a colon. */
struct cache_redis *cache_redis_open(const char *url, const char *prefix, struct problem *problem);
void cache_redis_close(struct cache_redis *c);
/* Looks for COUNT keys at once, at most CACHE_KEYS: the first one known answers, and its place is returned. */
size_t cache_redis_get(struct cache_redis *c, const struct text *keys, size_t count, int64_t now, enum cache_answer *answer,
	struct text *value, int64_t *expires);
void cache_redis_set(struct cache_redis *c, struct text key, struct text value, int64_t expires, int64_t now);
void cache_redis_flush(struct cache_redis *c);

#endif
