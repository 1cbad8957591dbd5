/* Templates: texts made of an event's fields. Two languages become one tree: a strict part of Jinja2
 * (imq-jinja(1) says which) and the format strings of imq-modify(1), `{msg[source.ip]}`. Whatever is not
 * understood is refused when the template is read. */
#ifndef IMQ_TEMPLATE_H
#define IMQ_TEMPLATE_H

#include "event.h"
#include "problem.h"

struct template;

/* Reads a Jinja2 template, whose one outside name is `msg`. NAME is what messages call it. NULL with PROBLEM.
 * Free with template_free(). */
struct template *template_jinja(struct text source, const char *name, struct problem *problem);

/* The number of the match that `{matches[FIELD][GROUP]}` means, for template_render(); -1 with PROBLEM's
 * text: there is none. */
typedef int template_resolve(void *context, struct text field, struct text group, struct problem *problem);
/* Reads a format string in which the event goes by the name EVENT: `msg`. NULL with PROBLEM's text filled in. */
struct template *template_format(struct text source, const char *event, template_resolve *resolve, void *context,
	struct problem *problem);
/* Makes the fields of T, a format string, print None where they are absent, but for `extra` as a whole. */
void template_print_none(struct template *t);
void template_free(struct template *t);

/* Appends the result for EV to OUT. MATCHES are what template_resolve numbered; NULL where there are none.
 * False after event_mark(). */
bool template_render(const struct template *t, struct event *ev, const struct text *matches, struct buf *out);
/* If T is a text without anything to fill in, that text; else NO_TEXT. */
struct text template_constant(const struct template *t);

#endif
