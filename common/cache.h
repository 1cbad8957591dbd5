/* A cache of answers, negative ones too, each with a time to live: in memory, where the oldest give way, and
 * with --cache FILE in an SQLite file too, which several processes may share and which may be deleted at any
 * time. Writing to the file is behind: what a crash loses is asked again. With --cache redis://… (redis.h) they
 * are kept in Redis instead. In both, keys begin with the command's name, so that several commands may share one.
 *
 * Answers that hold for a range of addresses (or of any numbers of 32 or 128 bits) are found for all in the
 * range; of nested ranges the smallest answers. Times are those of clock_now(). */
#ifndef IMQ_CACHE_H
#define IMQ_CACHE_H

#include <stdbool.h>
#include <stddef.h>

#include "ip.h"
#include "opt.h"
#include "problem.h"
#include "text.h"

struct cache_state;

struct cache {
	const char *path; /* NULL: memory only */
	size_t limit;     /* bytes in memory */
	const char *name; /* what keys outside of memory begin with; the mixin sets it to the command's name */
	struct cache_state *state;
};

extern const struct mixin cache_mixin;

/* clang-format off */
#define CACHE_OPTIONS(c) \
	OPT_FILE(0, "cache", &(c)->path, "keep answers in FILE (SQLite) too, or in redis://HOST[:PORT][/DB]"), \
	OPT_BYTES(0, "cache-size", &(c)->limit, "8M", "keep that much of them in memory"), \
	OPT_MIXIN(&cache_mixin, c)
/* clang-format on */

/* The mixin opens and closes it; others do it themselves. A LIMIT of 0 keeps nothing in memory. */
bool cache_open(struct cache *c, struct problem *problem);
/* Writes what is due and frees everything. */
void cache_close(struct cache *c);

enum cache_answer {
	CACHE_MISS,
	CACHE_NOTHING, /* it is known that there is no answer */
	CACHE_FOUND,
};

/* VALUE holds until the next call. */
enum cache_answer cache_get(struct cache *c, struct text key, struct text *value);
/* Keeps VALUE (.at NULL: that there is none) for TTL seconds; a TTL of 0 or less keeps nothing. */
void cache_set(struct cache *c, struct text key, struct text value, double ttl);
/* The same for ranges: SPACE (at most 31 bytes) tells kinds of numbers apart. FROM and TO are of one length,
 * FROM not greater. */
enum cache_answer cache_get_range(
	struct cache *c, struct text space, const struct ip *ip, struct text *value);
void cache_set_range(struct cache *c, struct text space, const struct ip *from, const struct ip *to,
	struct text value, double ttl);
/* Writes to the file what is not there yet. */
void cache_flush(struct cache *c);

#endif
