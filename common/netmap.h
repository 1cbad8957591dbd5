/* Networks with an AS number each, IPv4 and IPv6, loaded once; the longest network that an address is in is
 * found in some 100 ns. The networks are cut into ranges that do not overlap, the ranges sorted and indexed
 * by their first 16 bits: 9 or 21 bytes a range, two ranges at most for a network. */
#ifndef IMQ_NETMAP_H
#define IMQ_NETMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ip.h"

struct netmap_entry {
	struct ip ip;
	unsigned prefix, order;
	uint32_t value;
};

enum { NETMAP_NOTHING = 255, NETMAP_BUCKETS = 65536 };

struct netmap_ranges {
	unsigned char *starts; /* addresses of 4 or 16 bytes */
	uint32_t *values;
	unsigned char *prefixes; /* of the network that the range is a part of; NETMAP_NOTHING: of none */
	size_t count;
	uint32_t *index; /* NETMAP_BUCKETS + 1: the first range at or behind each value of the first 16 bits */
};

/* Starts as all zero. */
struct netmap {
	struct netmap_entry *entries; /* until netmap_finish() */
	size_t count, cap;
	struct netmap_ranges v4, v6;
	void *map; /* of the file that the ranges are in; NULL: they are in memory of their own */
	size_t map_size;
};

void netmap_free(struct netmap *m);
/* Host bits of IP are cleared. */
void netmap_add(struct netmap *m, const struct ip *ip, unsigned prefix, uint32_t value);
/* Makes M ready for netmap_find(); of equal networks the last added stays. */
void netmap_finish(struct netmap *m);
bool netmap_find(const struct netmap *m, const struct ip *ip, unsigned *prefix, uint32_t *value);

/* The compiled form: the ranges in a file that is mapped instead of read, and shared by all who map it (netmap_file.c). It is for
 * the machine it was made on. */

/* What a compiled form was made of: it serves that file only. */
struct netmap_stamp {
	int64_t size, seconds, nanoseconds;
};

/* False: errno. */
bool netmap_stamp_of(const char *path, struct netmap_stamp *stamp);
/* Puts M, which is finished, to the file at PATH in one step. False: errno. */
bool netmap_save(const struct netmap *m, const char *path, const struct netmap_stamp *stamp);
/* Maps the file at PATH into M, which must be all zero. False: there is none, it was made of something else, or it is damaged. */
bool netmap_map(struct netmap *m, const char *path, const struct netmap_stamp *stamp);
/* The same with bytes in memory, aligned to 8, that must outlive M. */
bool netmap_view(struct netmap *m, const void *bytes, size_t size, const struct netmap_stamp *stamp);

#endif
