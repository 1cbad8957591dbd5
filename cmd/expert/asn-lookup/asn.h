/* What imq-asn-lookup is made of. */
#ifndef IMQ_ASN_H
#define IMQ_ASN_H

#include "netmap.h"
#include "problem.h"
#include "stream.h"

/* table.c: reads the table at PATH, in pyasn's text format, packed or not, into NETWORKS, which must be all zero; freed by the
 * caller in any case. */
bool table_read(const char *path, struct netmap *networks, struct problem *problem);
/* One line of it, without its end. NULL, or what is wrong with it. */
const char *table_line(struct text line, struct netmap *networks);

/* mrt.c: networks with the AS that announces them, in order of appearance. Starts as all zero. */
struct route {
	struct ip ip;
	unsigned prefix;
	uint32_t asn;
};

struct routes {
	struct route *items;
	size_t count, cap;
	uint32_t *slots; /* numbers of items plus 1, hashed by network; slot_count is a power of two */
	size_t slot_count, v4;
	size_t left_out; /* networks without a usable origin */
	uint32_t time;   /* of the first record, since 1970 */
};

void routes_free(struct routes *r);
/* Adds the networks of a record of the given type and subtype (RFC 6396, 4.2 and 4.3). Records that are no table's entries are
 * passed over. False: PROBLEM. */
bool mrt_record(struct routes *r, unsigned type, unsigned subtype, struct text body, struct problem *problem);
/* Reads a dump, packed or not, from IN, which is at its beginning. */
bool mrt_read(struct routes *r, int in, struct problem *problem);

/* listing.c: puts into OUT the greatest of PAGE's links that look like PATTERN, in which # stands for a digit, and that are less than
 * BEFORE (NULL: whatever). PATTERN is shorter than LISTING_NAME. False: there is none. */
enum { LISTING_NAME = 32 };
bool listing_newest(struct text page, const char *pattern, const char *before, char out[LISTING_NAME]);

#endif
