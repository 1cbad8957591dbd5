/* File names made from events: `{event[source.ip]}.txt`, `{event[time.source]:%Y-%m-%d}`; `{{` and `}}` are braces.
 *
 * What comes from an event is made harmless: a slash, a NUL and other controls become `_`, so does a leading dot, an absent or empty
 * value is `None`, and more than 200 bytes are cut. So a name never leaves the directories that the template itself names. */
#ifndef IMQ_NAME_TEMPLATE_H
#define IMQ_NAME_TEMPLATE_H

#include <stdbool.h>

#include "buf.h"
#include "event.h"
#include "problem.h"

struct name_template;

/* Compiles TEXT. NULL with PROBLEM's text filled in. Free with name_template_free(). */
struct name_template *name_template_new(struct text text, struct problem *problem);
void name_template_free(struct name_template *t);
/* Appends the name for EV. */
void name_template_write(const struct name_template *t, struct event *ev, struct buf *out);

#endif
