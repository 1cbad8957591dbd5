/* What the pieces of imq-idea share. */
#ifndef IMQ_IDEA_H
#define IMQ_IDEA_H

#include "buf.h"
#include "text.h"

struct idea_type {
	const char *type;     /* classification.type */
	const char *category; /* of the event */
	const char *source;   /* the kind of its source; NULL: none */
};

/* The row of TYPE; that of undetermined for none and for unknown ones. */
const struct idea_type *idea_type(struct text type);

/* The object being written. Commas are put where they are needed. */
extern struct buf out;

/* Before an item, or a name: a comma, unless it is the first. */
void out_comma(void);
/* The name of a member; its value is to follow. */
void out_key(const char *name);
/* A string, as an item. */
void out_text(struct text t);
/* A member that is a string; NO_TEXT: none. */
void out_member(const char *name, struct text t);
/* Opens a list or an object, called NAME, or NULL for an item of a list. Returns what out_close() needs. */
size_t out_open(const char *name, char bracket);
/* Closes it; if it is empty, it has never been there. */
void out_close(size_t mark, char bracket);

#endif
