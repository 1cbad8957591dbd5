/* The fields of a message: those of share/fields.tsv, compiled in, with a number each; and names that a command
 * cares for besides, which get a number when it starts. With numbers, finding a field of an event is an array access.
 *
 * `enum field` is therefore open: F_COUNT and above are names given to field_intern(). */
#ifndef IMQ_FIELD_H
#define IMQ_FIELD_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "problem.h"
#include "text.h"
#include "type.h"
#include "value.h"

enum field {
	F_NONE, /* no field this process knows; also what field_find() says of unknown names */
#include "field_ids.h"
	F_MESSAGE_TYPE, /* __type: "Event" or "Report" */
	F_MESSAGE_PATH, /* __path: where the record is to be routed */
	F_COUNT
};

/* At most this many numbers exist, so that the table of an event has a fixed size. */
enum { FIELD_MAX = 4096 };

/* The number of NAME, which becomes known if it was not: names from options, rules and definitions, never from events.
 * Any name may be asked for; whether it may be written is field_check()'s business.
 * F_NONE: FIELD_MAX reached, or NAME is over 255 bytes. */
enum field field_intern(struct text name);
/* How many numbers have been given so far, F_NONE included. */
unsigned field_count(void);
/* The number of NAME, F_NONE if no one has asked for it. */
enum field field_find(struct text name);
struct text field_name(enum field f);
/* What share/fields.tsv says of F; empty for other names. */
const char *field_meaning(enum field f);
/* Whether F is in the data format: a known field or a well-formed sub-key of `extra`. Reasons in PROBLEM. */
bool field_check(enum field f, struct problem *problem);
/* Whether NAME is well formed: ^[a-z_][a-z_0-9]+(\.[a-z_0-9]+)*$ and nothing else. */
bool field_well_formed(struct text name);
/* The same of the name of F: then it stands in JSON as it is. */
bool field_is_well_formed(enum field f);
/* The type of F's values; NULL for names that are neither a field nor below a JSONDict field like `extra`, and for
 * those below one, which take any value. */
const struct type *field_type(enum field f);
/* Whether a report has F too. */
bool field_in_report(enum field f);
/* True for `extra` and everything below it. */
bool field_is_extra(enum field f);

enum field_verdict {
	FIELD_FINE,
	FIELD_UNKNOWN,  /* no such field */
	FIELD_REFUSED,  /* the type does not take the value */
	FIELD_TOO_LONG, /* more characters than the field's length */
	FIELD_MISMATCH, /* the field's regular expression does not match */
};

/* Sanitises a value for F: appends its canonical form to OUT as JSON text. KIND and IN as in type.h. Anything but
 * FIELD_FINE leaves OUT as it was. Ignored values ("", "-", null) are the caller's business. */
enum field_verdict field_sanitise(enum field f, enum value_kind kind, struct text in, struct buf *out);
/* Whether F takes the value as it stands. */
enum field_verdict field_valid(enum field f, enum value_kind kind, struct text in);
/* The words for a verdict on a value of F: `not a URL: "htp:/x"`, appended to OUT, the value cut to a sane length. */
void field_explain(enum field f, enum field_verdict verdict, enum value_kind kind, struct text in, struct buf *out);

/* Replaces and extends the built-in table by an IntelMQ harmonization.conf (JSON or YAML): its fields get its types,
 * lengths and regular expressions; fields it does not name are no longer known. Numbers stay as they are.
 * False with PROBLEM filled in. */
bool field_load(const char *file, struct problem *problem);

/* Rows of the built-in table, for --describe and documentation: from F_NONE + 1 to F_COUNT - 1. */
struct field_row {
	const char *name;
	const char *type;
	unsigned length; /* characters, 0: any */
	const char *regex;
	bool report;
	const char *meaning;
};

const struct field_row *field_row(enum field f);

#endif
