/* What event.c and event_read.c share: the table of members. */
#ifndef IMQ_EVENT_PRIV_H
#define IMQ_EVENT_PRIV_H

#include "event.h"

enum {
	CHANGED = 1, /* VALUE is not the line's */
	DELETED = 2,
	NEW = 4,     /* not in the line at all */
	ESCAPED_KEY = 8,
	ESCAPED_VALUE = 16,
};

struct member {
	const char *key;   /* between the quotes, as written */
	const char *value; /* JSON text */
	uint32_t key_len, value_len;
	uint32_t end;        /* of CHANGED: where what VALUE was ended in the line */
	uint16_t field;      /* F_NONE: a name nobody asked for */
	uint16_t kind;       /* enum value_kind */
	uint16_t flags;
};

/* Where a field or a name is in the table of members. Entries of earlier events are told by their stamp, so nothing
 * has to be cleared between events. */
struct place {
	uint32_t stamp;
	uint32_t member;
};

struct event {
	struct text line;
	struct member *members;
	size_t count, cap;
	uint32_t stamp;
	uint32_t brace;   /* offset of the closing brace in the line */
	bool changed;     /* something is CHANGED, DELETED or NEW */
	bool moved;       /* something is CHANGED or DELETED: the line does not go out in one piece */
	bool nested;      /* `extra` or a key below it holds an object with members */
	bool empty_line;  /* the line has no members */
	struct place *fields; /* by field number */
	size_t fields_cap;
	struct place *names;  /* hash table over the other names, NAMES_SIZE of them or more */
	size_t names_size, names_used;
	struct arena arena;
	struct buf scratch, copy, reason;
	bool marked;
};

enum { NAMES_SIZE = 256 };

static inline bool live(const struct member *m)
{
	return !(m->flags & DELETED);
}

static inline struct text member_name(struct event *ev, const struct member *m)
{
	struct value quoted = { { m->key - 1, m->key_len + 2 }, VALUE_STRING, m->flags & ESCAPED_KEY };

	return m->flags & ESCAPED_KEY ? value_text(quoted, &ev->arena) : (struct text){ m->key, m->key_len };
}

static inline struct value member_value(const struct member *m)
{
	return (struct value){ { m->value, m->value_len }, (enum value_kind)m->kind, m->flags & ESCAPED_VALUE };
}

static inline struct member *find(const struct event *ev, enum field f)
{
	const struct place *place = f < ev->fields_cap ? &ev->fields[f] : NULL;

	if (!place || place->stamp != ev->stamp || !live(&ev->members[place->member]))
		return NULL;
	return &ev->members[place->member];
}

static inline bool below_extra(const struct member *m)
{
	return m->key_len >= 5 && memcmp(m->key, "extra", 5) == 0 && (m->key_len == 5 || m->key[5] == '.');
}

static inline bool holds_object(const struct member *m)
{
	return m->kind == VALUE_OBJECT && m->value_len > 2 && live(m) && below_extra(m);
}

/* The place of NAME, whose value_hash() is HASH, in the table of names that have no field number. */
struct place *event_name_place(struct event *ev, struct text name, uint64_t hash);
/* The place of F, which may have got its number after EV was made. */
struct place *event_field_place(struct event *ev, enum field f);
/* Enters the last member into the tables. False: its name is there already, and not deleted. */
bool event_enter(struct event *ev);
/* Calls VISIT with the dotted name of every leaf of the object V, which is below PREFIX. Stops at false. */
bool event_each_leaf(struct buf *prefix, struct value v, struct arena *arena,
	bool (*visit)(void *context, struct text name, struct value leaf), void *context);

#endif
