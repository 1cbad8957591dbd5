/* Addresses with a number each, loaded once and looked up often. */
#ifndef IMQ_IPMAP_H
#define IMQ_IPMAP_H

#include <stdbool.h>
#include <stddef.h>

#include "ip.h"

struct ipmap_entry {
	struct ip ip;
	unsigned order; /* of being added */
	long long value;
};

/* Starts as all zero. */
struct ipmap {
	struct ipmap_entry *entries;
	size_t count, cap;
};

void ipmap_free(struct ipmap *m);
void ipmap_add(struct ipmap *m, const struct ip *ip, long long value);
/* Makes M ready for ipmap_find(); of equal addresses the last added stays. */
void ipmap_finish(struct ipmap *m);
bool ipmap_find(const struct ipmap *m, const struct ip *ip, long long *value);

#endif
