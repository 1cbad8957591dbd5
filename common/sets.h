/* Sets that rules test values against: texts in a hash table, networks as sorted ranges of addresses. Built
 * once. */
#ifndef IMQ_SETS_H
#define IMQ_SETS_H

#include <stdbool.h>
#include <stdint.h>

#include "ip.h"
#include "problem.h"
#include "text.h"

struct text_set {
	struct text *slots; /* hash table, empty slots have no text */
	uint64_t *hashes;
	size_t size, count;
	struct text only; /* the one text, if COUNT is 1: the most frequent set of all */
};

/* Adds T, whose bytes must live as long as the set. */
void text_set_add(struct text_set *set, struct text t);
/* HASH is value_hash(T). */
bool text_set_has(const struct text_set *set, struct text t, uint64_t hash);
void text_set_free(struct text_set *set);

struct net_range {
	struct ip first, last;
};

struct net_set {
	struct net_range *ranges;
	size_t count, cap;
};

/* Adds the network (or address) T. False: it is none. */
bool net_set_add(struct net_set *set, struct text t);
/* Must be called once after the last net_set_add(). */
void net_set_finish(struct net_set *set);
bool net_set_has(const struct net_set *set, const struct ip *ip);
void net_set_free(struct net_set *set);

/* Calls ADD for each line of the file PATH: blanks at the ends trimmed, empty lines and those that start with
 * # left out. The line's bytes are in *BYTES, which the caller frees after the set. False with PROBLEM filled
 * in; ADD returning false ends it (PROBLEM's text is ADD's, its place is filled in here). */
bool list_file_read(const char *path, char **bytes,
	bool (*add)(void *context, struct text line, struct problem *problem), void *context,
	struct problem *problem);

#endif
