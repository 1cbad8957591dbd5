/* The types of message fields: what values they take and the one form each value is written in.
 *
 * Every type has two questions to answer. `sanitise` turns a value as a feed or a person writes it into the canonical
 * one, or refuses it. `valid` tells whether a value is acceptable as it stands. Both take the value's kind and its
 * text: for a string the characters with escapes resolved, for every other kind the JSON text itself. A sanitised value
 * need not be valid (of blanks, an empty text is left). None ever fails otherwise, whatever the input. imq-fields(5) describes the types one by one. */
#ifndef IMQ_TYPE_H
#define IMQ_TYPE_H

#include <stdbool.h>

#include "buf.h"
#include "text.h"
#include "value.h"

struct type {
	const char *name;
	const char *noun; /* for messages: "a URL", "an IP address" */
	/* Appends the canonical value to OUT as JSON text and returns true; or returns false with OUT as it was. */
	bool (*sanitise)(enum value_kind kind, struct text in, struct buf *out);
	bool (*valid)(enum value_kind kind, struct text in);
	/* Sanitise, and take the result only if it is valid: what setting a field means, on the fast path. As sanitise. */
	bool (*accept)(enum value_kind kind, struct text in, struct buf *out);
};

/* The type called NAME ("IPAddress"), or NULL. Types live as long as the process. */
const struct type *type_named(struct text name);
/* All types, COUNT of them. */
const struct type *const *type_list(size_t *count);

#endif
