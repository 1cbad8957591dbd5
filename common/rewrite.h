/* Changing the text of a field, wherever it holds text: one value, each of several, or `extra` as a whole. */
#ifndef IMQ_REWRITE_H
#define IMQ_REWRITE_H

#include <stdbool.h>

#include "event.h"

enum rewritten {
	REWRITE_ABSENT,   /* there is no such field */
	REWRITE_DONE,     /* changed, or nothing to change */
	REWRITE_NOT_TEXT, /* a number, an object … : as it was */
};

/* Gives the text of F to CHANGE, which appends the new one to OUT and returns true, or returns false where
 * nothing changes. The new text is sanitised by F's type; a refused one marks EV, an empty one (or "-")
 * deletes the field. Of several values each is changed, and those that become empty go; a list in `extra` is
 * no text. `extra` itself is the text of one object (nest.h). SCRATCH is the caller's, so that its memory can
 * be kept from one event to the next. */
enum rewritten event_rewrite(
	struct event *ev, enum field f, bool (*change)(struct text in, struct buf *out), struct buf *scratch);

#endif
