/* The identity of an event as far as a filter's keys say: a keyed 128-bit hash of some of its fields.
 *
 * Which fields take part is as in data-format.md 3.9; the hash itself is our own (XXH3, seeded, because keys come from
 * attackers). The order of the fields does not matter, nor that of a known field's multiple values (an array below
 * `extra` has an order), nor how a string is escaped; 48 and 48.0 differ, as do 1 and "1". Absent and ignored values are one. `extra` nested or flat is the same. */
#ifndef IMQ_HASH_H
#define IMQ_HASH_H

#include <stdbool.h>
#include <stdint.h>

#include "event.h"
#include "opt.h"

struct hash {
	uint64_t low, high;
};

struct hash_filter {
	bool whitelist;
	uint64_t seed;
	enum field *fields; /* those named, without time.observation */
	size_t count;
	uint64_t *seeds;    /* by field number; 0: the field is left out */
	size_t known;       /* entries of SEEDS */
	struct buf name, form;
};

/* Only the fields NAMES take part (WHITELIST), or all but them; never time.observation, __type and __path. Names are
 * compared whole. Call it when all names of the command are known. False: a name is no field name (PROBLEM). */
bool hash_filter_init(struct hash_filter *h, const struct list *names, bool whitelist, struct problem *problem);
/* The seed decides all hashes; set it before the first one. */
void hash_filter_seed(struct hash_filter *h, uint64_t seed);
void hash_filter_free(struct hash_filter *h);
/* The hash of EV; allocates nothing once warm. Events without any of the fields have one hash. */
struct hash hash_event(struct hash_filter *h, struct event *ev);

#endif
