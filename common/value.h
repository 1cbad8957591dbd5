/* JSON values as they stand in the input (RFC 8259), read without building anything. */
#ifndef IMQ_VALUE_H
#define IMQ_VALUE_H

#include <stdint.h>

#include "arena.h"
#include "buf.h"
#include "text.h"

enum value_kind {
	VALUE_NONE, /* there is no value */
	VALUE_NULL,
	VALUE_FALSE,
	VALUE_TRUE,
	VALUE_NUMBER,
	VALUE_STRING,
	VALUE_ARRAY,
	VALUE_OBJECT,
};

/* How deep arrays and objects may be nested. */
enum { VALUE_DEPTH = 512 };

/* RAW is the value's JSON text, quotes and brackets included, without white space around it. ESCAPED (strings only)
 * says that the text has a backslash. */
struct value {
	struct text raw;
	enum value_kind kind;
	bool escaped;
};

#define NO_VALUE ((struct value){ NO_TEXT, VALUE_NONE, false })

/* Where reading stopped and why; REASON is a constant string. */
struct value_error {
	const char *at;
	const char *reason;
};

/* Reads one value that starts at P (no white space before it) and ends before END: strict grammar, strict UTF-8,
 * no duplicate keys in objects. Returns the end of the value, or NULL with ERROR filled in. */
const char *value_scan(const char *p, const char *end, struct value *v, struct value_error *error);
/* Reads all of T, white space around the value allowed. False with ERROR filled in. */
bool value_parse(struct text t, struct value *v, struct value_error *error);
/* The string that opens with the quote at P, as value_scan() would. */
const char *value_scan_string(const char *p, const char *end, struct value *v, struct value_error *error);
/* Skips blanks, tabs, CR and LF. */
static inline const char *value_space(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
		p++;
	return p;
}

/* A string's characters with escapes resolved, as UTF-8: a part of V itself, or, where it has escapes, in A.
 * Lone surrogates cannot occur: scanning refuses them. NO_TEXT for other kinds. */
struct text value_text(struct value v, struct arena *a);
/* What stands between the quotes of a string, escapes and all. */
static inline struct text value_inside(struct value v)
{
	return (struct text){ v.raw.at + 1, v.raw.len - 2 };
}

/* A number without fraction and exponent that fits. */
bool value_integer(struct value v, long long *number);
/* Any number; one beyond the range of a double is refused. */
bool value_double(struct value v, double *number);
/* Null, "", "-" and "N/A" stand for "nothing known" in messages. */
bool value_ignored(struct value v);
/* Whether Python takes V for true: not null, false, 0, "", [] or {}, nor NO_VALUE. */
bool value_is_true(struct value v);

/* Steps through the elements of an array, or the members of an object, that value_scan() accepted. */
struct value_walk {
	const char *at, *end;
};

struct value_walk value_walk(struct value container);
/* The next element. False: no more. */
bool value_next(struct value_walk *w, struct value *element);
/* The next member; KEY is a VALUE_STRING. False: no more, or no object. */
bool value_next_member(struct value_walk *w, struct value *key, struct value *member);
/* The first element of an array; other kinds give themselves, an empty array gives NO_VALUE. */
struct value value_first(struct value v);

/* 64-bit hash of T, seeded once per process (or by IMQ_HASH_SEED for tests of collisions): keys come from attackers. */
uint64_t value_hash(struct text t);

#endif
