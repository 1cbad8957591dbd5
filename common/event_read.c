/* Reading a line into the table of members.
 *
 * The events of a stream resemble each other: behind a key there is, as a rule, the one that was there last time. So the
 * keys that were seen are kept with their fields, and what is expected next is compared first, all at once; only where
 * that fails is the key's end looked for and its field looked up. What is expected changes nothing but the speed. */
#include "event_priv.h"

#include <stdlib.h>

#include "alloc.h"
#include "scan.h"

enum { KEY_SIZE = 48, AROUND_NAME = 3, KEYS = 512, GUESSES = 2 };

struct known_key {
	char written[KEY_SIZE]; /* `"source.ip":`, then zeros; nothing in it is escaped */
	uint64_t bytes;         /* a bit for each of its bytes */
	uint16_t length;        /* of the name */
	uint16_t field;
	uint16_t next[GUESSES]; /* keys that came next, the latest first; 0: none */
};

/* Shared by all events of the process. Key 0 stands for the beginning of an event and for keys that are not kept. */
static struct {
	_Alignas(64) struct known_key keys[KEYS];
	uint64_t hash[KEYS];        /* value_hash() of the names */
	unsigned count;             /* key 0 included, once there is one */
	unsigned fields;            /* field_count() at that time: names may get numbers later */
	uint16_t by_name[2 * KEYS]; /* hash table over the names; 0: free */
} known;

struct place *event_name_place(struct event *ev, struct text name, uint64_t hash)
{
	size_t at = (size_t)hash;

	for (;; at++) {
		struct place *place = &ev->names[at & (ev->names_size - 1)];

		if (place->stamp != ev->stamp || text_eq(member_name(ev, &ev->members[place->member]), name))
			return place;
	}
}

static void grow_names(struct event *ev)
{
	if (ev->names_used * 2 < ev->names_size)
		return;
	free(ev->names);
	ev->names_size *= 2;
	ev->names = alloc_zero(ev->names_size, sizeof *ev->names);
	for (size_t i = 0; i < ev->count; i++) {
		struct text name = member_name(ev, &ev->members[i]);

		if (ev->members[i].field == F_NONE)
			*event_name_place(ev, name, value_hash(name)) = (struct place){ ev->stamp, (uint32_t)i };
	}
}

struct place *event_field_place(struct event *ev, enum field f)
{
	if (f >= ev->fields_cap) {
		size_t before = ev->fields_cap;

		alloc_grow(&ev->fields, &ev->fields_cap, (size_t)f + 1, sizeof *ev->fields);
		memset(ev->fields + before, 0, (ev->fields_cap - before) * sizeof *ev->fields);
	}
	return &ev->fields[f];
}

/* Enters the last member, whose field is set, into the tables. HASH: of its name, if that has no field. */
static inline bool enter(struct event *ev, struct member *m, uint64_t hash)
{
	uint32_t number = (uint32_t)(ev->count - 1);
	struct place *place;

	if (m->field != F_NONE) {
		place = event_field_place(ev, (enum field)m->field);
	} else {
		grow_names(ev);
		place = event_name_place(ev, member_name(ev, m), hash);
		ev->names_used++;
	}
	if (place->stamp == ev->stamp && place->member != number && live(&ev->members[place->member]))
		return false;
	*place = (struct place){ ev->stamp, number };
	return true;
}

bool event_enter(struct event *ev)
{
	struct member *m = &ev->members[ev->count - 1];
	struct text name = member_name(ev, m);

	m->field = (uint16_t)field_find(name);
	return enter(ev, m, m->field == F_NONE ? value_hash(name) : 0);
}

bool event_each_leaf(struct buf *prefix, struct value v, struct arena *arena,
	bool (*visit)(void *context, struct text name, struct value leaf), void *context)
{
	/* The depth is at most VALUE_DEPTH, kept here instead of on the stack of calls. */
	struct { struct value_walk walk; size_t length; } *open = alloc_zero(VALUE_DEPTH, sizeof *open);
	size_t depth = 1, base = prefix->len;
	bool fine = true;

	open[0].walk = value_walk(v);
	open[0].length = prefix->len;
	while (depth && fine) {
		struct value key, member;
		size_t length = open[depth - 1].length;

		prefix->len = length;
		if (!value_next_member(&open[depth - 1].walk, &key, &member)) {
			depth--;
			continue;
		}
		buf_char(prefix, '.');
		buf_text(prefix, value_text(key, arena));
		if (member.kind == VALUE_OBJECT && depth < VALUE_DEPTH) {
			struct value_walk inside = value_walk(member);

			if (value_space(inside.at, inside.end) != inside.end) {
				open[depth].walk = inside;
				open[depth].length = prefix->len;
				depth++;
				continue;
			}
		}
		fine = visit(context, buf_view(prefix), member);
	}
	free(open);
	prefix->len = base;
	return fine;
}

static bool name_is_free(void *context, struct text name, struct value leaf)
{
	struct event *ev = context;
	enum field f = field_find(name);

	(void)leaf;
	return f != F_NONE ? !find(ev, f) : event_name_place(ev, name, value_hash(name))->stamp != ev->stamp;
}

/* A nested `extra` beside flat keys below it: the same path must not be there twice. */
static bool nested_is_unique(struct event *ev)
{
	bool fine = true;
	size_t below = 0;

	for (size_t i = 0; i < ev->count; i++)
		below += below_extra(&ev->members[i]);
	for (size_t i = 0; i < ev->count && fine && below > 1; i++) {
		struct member *m = &ev->members[i];

		if (!holds_object(m))
			continue;
		buf_clear(&ev->scratch);
		buf_text(&ev->scratch, member_name(ev, m));
		fine = event_each_leaf(&ev->scratch, member_value(m), &ev->arena, name_is_free, ev);
	}
	return fine;
}

static bool fail(struct event *ev, struct value_error *error, const char *at, const char *reason)
{
	event_clear(ev);
	error->at = at;
	error->reason = reason;
	return false;
}

static void forget_keys(void)
{
	memset(&known, 0, sizeof known);
	known.keys[0].bytes = UINT64_MAX; /* with no bytes written, it is never there */
	known.count = 1;
	known.fields = field_count();
}

/* The key whose name is NAME, kept if it was not yet. NULL: too long to be kept. */
static struct known_key *key_named(struct text name)
{
	struct known_key *k;
	uint64_t hash;
	size_t at;

	if (name.len + AROUND_NAME > KEY_SIZE)
		return NULL;
	hash = value_hash(name);
	for (at = (size_t)hash;; at++) {
		uint16_t number = known.by_name[at % LENGTH(known.by_name)];

		k = &known.keys[number];
		if (!number)
			break;
		if (known.hash[number] == hash && text_eq((struct text){ k->written + 1, k->length }, name))
			return k;
	}
	if (known.count == KEYS) {
		forget_keys();
		at = (size_t)hash;
	}
	known.by_name[at % LENGTH(known.by_name)] = (uint16_t)known.count;
	known.hash[known.count] = hash;
	k = &known.keys[known.count++];
	memcpy(k->written, name.at - 1, name.len + 2);
	k->written[name.len + 2] = ':';
	k->length = (uint16_t)name.len;
	k->bytes = (UINT64_C(1) << (name.len + AROUND_NAME)) - 1;
	k->field = (uint16_t)field_find(name);
	return k;
}

#ifdef __SSE2__
/* A bit for each of the sixteen bytes in which A and B agree. */
static inline uint64_t agreement(const char *a, const char *b)
{
	__m128i x = _mm_loadu_si128((const __m128i *)(const void *)a), y = _mm_loadu_si128((const __m128i *)(const void *)b);

	return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(x, y));
}
#endif

/* Whether the KEY_SIZE bytes from P on begin with K. */
static inline bool starts_with(const char *p, const struct known_key *k)
{
#ifdef __SSE2__
	uint64_t same = agreement(p, k->written) | agreement(p + 16, k->written + 16) << 16 |
			agreement(p + 32, k->written + 32) << 32;

	return !(~same & k->bytes);
#else
	return k->written[0] && memcmp(p, k->written, k->length + AROUND_NAME) == 0;
#endif
}

/* The key at P and its colon, if it is one of those expected behind BEFORE; then more than KEY_SIZE bytes are there. */
static inline struct known_key *expected(struct known_key *before, const char *p, const char *end)
{
	uint16_t first, second;

	if (end - p <= KEY_SIZE)
		return NULL;
	first = before->next[0];
	if (starts_with(p, &known.keys[first]))
		return &known.keys[first];
	second = before->next[1];
	if (!second || !starts_with(p, &known.keys[second]))
		return NULL;
	before->next[0] = second;
	before->next[1] = first;
	return &known.keys[second];
}

static void expect(struct known_key *before, const struct known_key *k)
{
	uint16_t number = (uint16_t)(k - known.keys);

	if (before->next[0] == number)
		return;
	before->next[1] = before->next[0];
	before->next[0] = number;
}

static const char *stop(struct value_error *error, const char *at, const char *reason)
{
	error->at = at;
	error->reason = reason;
	return NULL;
}

/* A key that was not expected at P, and its colon. Returns the end of it, or NULL with ERROR filled in; *K is NULL if it is
 * not kept. */
static const char *read_key(struct member *m, struct known_key *before, struct known_key **k, const char *p,
	const char *end, struct value_error *error)
{
	struct value key;

	*k = NULL;
	if (p == end || *p != '"')
		return stop(error, p, "a key in quotes is missing");
	p = value_scan_string(p, end, &key, error);
	if (!p)
		return NULL;
	m->key = key.raw.at + 1;
	m->key_len = (uint32_t)key.raw.len - 2;
	m->flags = key.escaped ? ESCAPED_KEY : 0;
	p = value_space(p, end);
	if (p == end || *p != ':')
		return stop(error, p, "a colon is missing");
	if (!key.escaped)
		*k = key_named((struct text){ m->key, m->key_len });
	if (*k)
		expect(before, *k);
	return p + 1;
}

static inline bool digit(char c)
{
	return (unsigned char)(c - '0') < 10;
}

/* The end of the decimal digits from P on. */
static inline const char *skip_digits(const char *p, const char *end)
{
	while (p < end && digit(*p))
		p++;
	return p;
}

/* The end of a number that starts at P with a digit but 0 and has no exponent; NULL if it is not that plain. */
static inline const char *scan_number(const char *p, const char *end)
{
	p = skip_digits(p + 1, end);
	if (end - p > 1 && *p == '.' && digit(p[1]))
		p = skip_digits(p + 2, end);
	return p < end && (*p == ',' || *p == '}') ? p : NULL;
}

static inline const char *read_value(struct member *m, const char *p, const char *end, struct value_error *error)
{
	const char *start = p, *after;
	struct value v;

	/* Most values are strings, and most of them plain. */
	if (p < end && *p == '"') {
		after = scan_plain(p + 1, end);
		if (after < end && *after == '"') {
			m->value = start;
			m->value_len = (uint32_t)(++after - start);
			m->kind = VALUE_STRING;
			return after;
		}
	} else if (p < end && digit(*p) && *p != '0') {
		after = scan_number(p, end);
		if (after) {
			m->value = start;
			m->value_len = (uint32_t)(after - start);
			m->kind = VALUE_NUMBER;
			return after;
		}
	}
	/* Escapes, other numbers, what is nested, and more than one blank. */
	p = value_scan(value_space(start, end), end, &v, error);
	if (!p)
		return NULL;
	m->value = v.raw.at;
	m->value_len = (uint32_t)v.raw.len;
	m->kind = (uint16_t)v.kind;
	m->flags = (uint16_t)(m->flags | (v.escaped ? ESCAPED_VALUE : 0));
	return p;
}

/* Reads one member that starts at P; *BEFORE is the key before it. NULL with ERROR filled in. */
static inline const char *read_member(struct event *ev, struct known_key **before, const char *p, const char *end,
	struct value_error *error)
{
	struct known_key *k = expected(*before, p, end);
	const char *start = p;
	struct member *m;
	bool fresh;

	if (ev->count == ev->cap)
		alloc_grow(&ev->members, &ev->cap, ev->count + 1, sizeof *ev->members);
	m = &ev->members[ev->count];
	if (k) {
		m->key = p + 1;
		m->key_len = k->length;
		m->flags = 0;
		p += k->length + AROUND_NAME;
	} else {
		p = read_key(m, *before, &k, p, end, error);
		if (!p)
			return NULL;
	}
	p = read_value(m, p < end && *p == ' ' ? p + 1 : p, end, error);
	if (!p)
		return NULL;
	ev->count++;
	if (m->kind == VALUE_OBJECT)
		ev->nested |= holds_object(m);
	if (k && k->field != F_NONE) {
		/* event_read() has made sure that there is a place. */
		struct place *place = &ev->fields[k->field];

		m->field = k->field;
		fresh = place->stamp != ev->stamp;
		*place = (struct place){ ev->stamp, (uint32_t)(ev->count - 1) };
		*before = k;
	} else if (k) {
		m->field = F_NONE;
		fresh = enter(ev, m, known.hash[k - known.keys]);
		*before = k;
	} else {
		fresh = event_enter(ev);
		*before = &known.keys[0];
	}
	return fresh ? p : stop(error, start, "duplicate key");
}

/* All members and what is between them; P is at the first. Returns the closing brace, or NULL with ERROR filled in. */
static const char *read_members(struct event *ev, const char *p, const char *end, struct value_error *error)
{
	struct known_key *before = &known.keys[0];

	for (;;) {
		p = read_member(ev, &before, p, end, error);
		if (!p)
			return NULL;
		if (p == end || *p != ',')
			p = value_space(p, end);
		if (p < end && *p == '}')
			return p;
		if (p == end || *p != ',')
			return stop(error, p, p == end ? "object without end" : "a comma is missing");
		p++;
		if (p < end && *p == ' ')
			p++;
		if (p < end && *p != '"')
			p = value_space(p, end);
	}
}

bool event_read(struct event *ev, struct text line, struct value_error *error)
{
	const char *end = line.at + line.len, *p;

	event_clear(ev);
	if (known.fields != field_count())
		forget_keys();
	event_field_place(ev, (enum field)(known.fields - 1));
	if (line.len >= UINT32_MAX)
		return fail(ev, error, line.at, "longer than 4 GiB");
	ev->line = line;
	p = value_space(line.at, end);
	if (p == end || *p != '{')
		return fail(ev, error, p, "not a JSON object");
	p = value_space(p + 1, end);
	ev->empty_line = p < end && *p == '}';
	if (!ev->empty_line)
		p = read_members(ev, p, end, error);
	if (!p)
		return fail(ev, error, error->at, error->reason);
	ev->brace = (uint32_t)(p - line.at);
	p = value_space(p + 1, end);
	if (p != end)
		return fail(ev, error, p, "something follows the object");
	if (ev->nested && !nested_is_unique(ev))
		return fail(ev, error, line.at, "duplicate key below extra");
	return true;
}

bool event_read_copy(struct event *ev, struct text line, struct value_error *error)
{
	const char *original = line.at;
	enum { KEEP = 64 * 1024 };

	if (ev->copy.cap > KEEP && line.len < KEEP)
		buf_free(&ev->copy);
	buf_clear(&ev->copy);
	buf_text(&ev->copy, line);
	if (event_read(ev, buf_view(&ev->copy), error))
		return true;
	error->at = original + (error->at - buf_view(&ev->copy).at);
	return false;
}

