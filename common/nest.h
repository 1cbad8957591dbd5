/* Flat names as nested objects: `extra.a.b` is b in a in extra. What the flat form can say and the nested one
 * cannot, a value at `a` beside one at `a.b`, keeps the longer name as it is: {"a": 1, "a.b": 2}. Nothing is
 * lost. */
#ifndef IMQ_NEST_H
#define IMQ_NEST_H

#include <stdbool.h>

#include "arena.h"
#include "buf.h"
#include "event.h"
#include "text.h"
#include "value.h"

/* Appends what EV has below ROOT ("extra") as one object, members in the order in which their first part
 * appears, in the form of nest_value(). False, with nothing appended: there is nothing. EV stays as it is;
 * its arena is used. */
bool nest_write(struct event *ev, struct text root, struct buf *out);
/* Appends all of EV as one object, members in the order in which their first part appears, values as they
 * stand. EV stays as it is; its arena is used. */
void nest_event(struct event *ev, struct buf *out);
/* Appends V as Python's json module writes it: `{"a": [1, 2.0]}`, everything outside of ASCII escaped. This
 * is the text that IntelMQ works on where a whole object is taken for a text. */
void nest_value(struct buf *out, struct value v, struct arena *a);
/* As nest_value(), members of objects by their names. */
void nest_sorted(struct buf *out, struct value v, struct arena *a);

#endif
