/* Inside struct cache: for cache*.c only. */
#ifndef IMQ_CACHE_PRIV_H
#define IMQ_CACHE_PRIV_H

#include <stdint.h>

#include "buf.h"
#include "cache.h"

struct cache_file;

/* cache_file.c: the answers on disk. Failures after opening are told once; then the file is left alone. */
struct cache_file *cache_file_open(const char *path, struct problem *problem);
void cache_file_close(struct cache_file *f);
/* As cache_get(), with the time (seconds since 1970) when the answer expires. */
enum cache_answer cache_file_get(
	struct cache_file *f, struct text key, int64_t now, struct text *value, int64_t *expires);
void cache_file_set(struct cache_file *f, struct text key, struct text value, int64_t expires);
void cache_file_flush(struct cache_file *f);

#endif
