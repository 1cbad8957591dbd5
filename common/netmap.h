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

struct netmap_ranges {
	unsigned char *starts; /* addresses of 4 or 16 bytes */
	uint32_t *values;
	unsigned char *prefixes; /* of the network that the range is a part of; 255: of none */
	size_t count;
	uint32_t *index; /* 65537: the first range at or behind each value of the first 16 bits */
};

/* Starts as all zero. */
struct netmap {
	struct netmap_entry *entries; /* until netmap_finish() */
	size_t count, cap;
	struct netmap_ranges v4, v6;
};

void netmap_free(struct netmap *m);
/* Host bits of IP are cleared. */
void netmap_add(struct netmap *m, const struct ip *ip, unsigned prefix, uint32_t value);
/* Makes M ready for netmap_find(); of equal networks the last added stays. */
void netmap_finish(struct netmap *m);
bool netmap_find(const struct netmap *m, const struct ip *ip, unsigned *prefix, uint32_t *value);

#endif
