/* An event: one line of NDJSON, seen through a table of its members. Reading copies nothing; what a command does not
 * change goes out byte for byte as it came in, in the same order; new fields are appended.
 *
 * A nested `extra` object is readable by path (F_EXTRA's members `extra.a.b`) and stays as it is until a member of it
 * is written or deleted; then all of it is spelt out as flat keys. */
#ifndef IMQ_EVENT_H
#define IMQ_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "arena.h"
#include "buf.h"
#include "field.h"
#include "text.h"
#include "value.h"

struct event;

/* An empty event; holds a few KiB. Free with event_free(). */
struct event *event_new(void);
void event_free(struct event *ev);

/* Reads LINE, which must stay as it is until the event is read again or freed. False: no event; ERROR says why, and
 * ERROR->at points into LINE. The event is then empty. */
bool event_read(struct event *ev, struct text line, struct value_error *error);
/* As event_read(), of a copy of LINE that the event keeps: for events that wait. */
bool event_read_copy(struct event *ev, struct text line, struct value_error *error);
/* Forgets everything: `{}`. */
void event_clear(struct event *ev);
/* Appends the event as one JSON object, without a line feed. */
void event_write(const struct event *ev, struct buf *out);
/* The line the event was read from; empty for a new one. */
struct text event_line(const struct event *ev);
/* Whether event_write() writes something other than event_line(). */
bool event_changed(const struct event *ev);
/* Whether nothing is left of EV but __type and __path. */
bool event_is_empty(struct event *ev);
/* Memory that holds until the event is read or cleared. */
struct arena *event_arena(struct event *ev);

/* Whether the event has F with something in it: null, "", "-" and "N/A" count as absent, as on IntelMQ's wire.
 * For F_EXTRA: whether there is anything below it. */
bool event_has(struct event *ev, enum field f);
/* F's value as it stands, NO_VALUE if there is none; an ignored value is none. */
struct value event_value(struct event *ev, enum field f);
/* F as UTF-8, JSON escapes resolved (RFC 8259, 7); of an array, the first. NO_TEXT if F is absent or not a string. The
 * bytes belong to EV and hold until F is set or EV is read again. A NUL is data. */
struct text event_text(struct event *ev, enum field f);
/* F as text whatever its kind: a string's characters, else the JSON text (`80`, `true`); of an array, the first. */
struct text event_form(struct event *ev, enum field f);
/* All values of F, one by one: START the walk with event_values(), then event_next_value() until false. A single value is
 * one value. (imq-filter(7), "Multiple values") */
struct event_values {
	struct value single;
	struct value_walk walk;
	bool many;
};
struct event_values event_values(struct event *ev, enum field f);
bool event_next_value(struct event_values *values, struct value *v);
/* The text form of a value: as event_form(). */
struct text event_value_form(struct event *ev, struct value v);
/* False: F is absent or no such thing. A string is never read as a number. */
bool event_integer(struct event *ev, enum field f, long long *number);
bool event_double(struct event *ev, enum field f, double *number);
bool event_boolean(struct event *ev, enum field f, bool *value);

/* Set F to a copy of VALUE, sanitised by F's type, in place of what F was. A refused value leaves F as it was but marks EV, and
 * the main loop rejects a marked event with the reason: callbacks need no check. */
void event_set(struct event *ev, enum field f, struct text value);
void event_set_integer(struct event *ev, enum field f, long long value);
void event_set_double(struct event *ev, enum field f, double value);
void event_set_boolean(struct event *ev, enum field f, bool value);
/* As event_set(), VALUE being any JSON value. */
void event_set_value(struct event *ev, enum field f, struct value value);
/* As event_set() and event_set_value(), but a refused value changes nothing and returns false. */
bool event_try(struct event *ev, enum field f, struct text value);
bool event_try_value(struct event *ev, enum field f, struct value value);
/* Sets F to the JSON text RAW as it is: for fields that are not in the data format, and canonical values. */
void event_set_raw(struct event *ev, enum field f, struct text raw);
/* As event_set_raw(), for a name from the input that need not be known. NAME and RAW are copied. */
void event_set_raw_named(struct event *ev, struct text name, struct text raw);
/* Removes F; for F_EXTRA everything below it too. */
void event_delete(struct event *ev, enum field f);
/* Removes every member for which KEEP says no; F is F_NONE for names that nobody asked for. A nested `extra` is one member. */
void event_retain(struct event *ev, bool (*keep)(enum field f, struct text name));

/* Removes the members whose value says that nothing is known; see event_has(). */
void event_drop_ignored(struct event *ev);

/* What message operations call `overwrite`: add() of data-format.md 3.1. */
enum overwrite { OVERWRITE_UNSET, OVERWRITE_NO, OVERWRITE_YES };
/* Adds VALUE to F: with OVERWRITE_UNSET an existing F marks the event; with OVERWRITE_NO it stays; with OVERWRITE_YES it is
 * replaced, and deleted if VALUE is an ignored one. A refused value marks the event. True: F has VALUE now. */
bool event_add(struct event *ev, enum field f, struct text value, enum overwrite overwrite);
bool event_add_value(struct event *ev, enum field f, struct value value, enum overwrite overwrite);
/* As event_add(), but a refused value changes nothing: for what was found out, not said. */
bool event_offer(struct event *ev, enum field f, struct text value, enum overwrite overwrite);
/* As event_add() of RAW, which is canonical JSON text for F: what field_sanitise() gave. */
bool event_add_raw(struct event *ev, enum field f, struct text raw, enum overwrite overwrite);

/* Marks EV to be rejected, with a reason; the first mark stays. */
void event_mark(struct event *ev, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The reason of the mark, NULL without one. */
const char *event_marked(const struct event *ev);

/* Steps through the members in the order of output, *CURSOR being 0 at first; false: no more. NAME is unescaped and holds as
 * event_text() does; F is F_NONE where nobody asked for the name. Members of a nested `extra` are not spelt out: call
 * event_flatten() first where that matters. */
bool event_next(struct event *ev, size_t *cursor, struct text *name, enum field *f, struct value *v);
void event_flatten(struct event *ev);

#endif
