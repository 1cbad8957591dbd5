/* Events as outputs hand them out: flat or nested, with or without `raw`, or one field alone (IntelMQ's export parameters). */
#ifndef IMQ_EXPORT_H
#define IMQ_EXPORT_H

#include <stdbool.h>

#include "event.h"
#include "opt.h"

struct export {
	bool hierarchical, with_type, jsondict_as_string, keep_raw;
	const char *single_key;    /* NULL: the whole event */
	struct buf object, string; /* kept from one event to the next */
};

#define EXPORT_OPTIONS(x) \
	OPT_BOOL(0, "hierarchical-output", &(x)->hierarchical, false, "nest: source.ip becomes ip in source"), \
	OPT_BOOL(0, "message-with-type", &(x)->with_type, false, "add __type"), \
	OPT_BOOL(0, "message-jsondict-as-string", &(x)->jsondict_as_string, false, "write all of extra as one text of JSON"), \
	OPT_BOOL(0, "keep-raw-field", &(x)->keep_raw, false, "keep raw"), \
	OPT_TEXT(0, "single-key", &(x)->single_key, NULL, "write this field alone, as text")

/* Checks the options. False with PROBLEM filled in. */
bool export_start(const struct export *x, struct problem *problem);
/* Appends EV as X wants it, without a line feed. EV is changed on the way; what it was read from is not. False: the field wanted
 * is not there, and EV is marked. */
bool export_event(struct export *x, struct event *ev, struct buf *out);
void export_stop(struct export *x);
/* Appends V as text: a string's characters, `80`, `True`, `['a', 1]`. */
void export_text(struct event *ev, struct value v, struct buf *out);

#endif
