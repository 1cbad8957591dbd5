/* Where events wait for their mails: for each contact a list of them, oldest first. One process adds to it while another one sends. */
#ifndef STORE_H
#define STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "filter.h"
#include "problem.h"
#include "text.h"

/* Contacts, or other texts, out of a store. */
struct names {
	char **items;
	size_t count, cap;
};

void names_add(struct names *names, struct text name);
/* In order, each once. */
void names_sort(struct names *names);
void names_free(struct names *names);

struct store;

/* What a kind of store does. SELF is the struct that begins with a struct store. */
struct store_kind {
	/* Takes back what was committed of batches that come again. BATCH: the first to come. */
	bool (*begin)(struct store *self, const struct batch *batch, struct problem *problem);
	/* Makes the events gathered durable; NUMBER: the batch's, -1: none; WHOLE: that is all of it. Until then nobody mails them. */
	bool (*commit)(struct store *self, long long number, bool whole, struct problem *problem);

	/* Keeps other processes from sending. */
	bool (*lock)(struct store *self, struct problem *problem);
	bool (*contacts)(struct store *self, struct names *names, struct problem *problem);
	/* From now on it is about CONTACT's events that are there now; REMOVE: they are going to be removed. */
	bool (*open)(struct store *self, struct text contact, bool remove, struct problem *problem);
	/* Hands the next events to EACH, oldest first, until it wants no more or there are none. */
	bool (*read)(struct store *self, bool (*each)(void *context, struct text event), void *context, struct problem *problem);
	/* Removes what was handed out by the last read(). Otherwise the next one goes on behind it, and nothing is removed. */
	bool (*remove)(struct store *self, struct problem *problem);
	/* Ends open(): what was not removed stays. */
	bool (*leave)(struct store *self, struct problem *problem);
	void (*close)(struct store *self);
};

/* An event gathered: its contact and its text, one behind the other in `texts`. */
struct gathered {
	size_t at, contact, event;
};

struct store {
	const struct store_kind *kind;
	struct gathered *list;
	size_t count, cap;
	struct buf texts;
};

struct text gathered_contact(const struct store *s, size_t i);
struct text gathered_event(const struct store *s, size_t i);

/* Opens the file or the URL; CREATE: the file need not be there. NULL with PROBLEM. */
struct store *store_file_open(const char *path, bool create, struct problem *problem);
struct store *store_redis_open(const char *url, struct problem *problem);
/* Writes down EVENT for CONTACT; durable by commit(). */
void store_gather(struct store *s, struct text contact, struct text event);
void store_close(struct store *s);

#endif
