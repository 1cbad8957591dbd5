/* The JSON scanner: RFC 8259 to the letter, in one pass, without memory of its own for all but nested objects,
 * whose keys are remembered to refuse duplicates. */
#include "value.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <sys/random.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "alloc.h"
#include "scan.h"

static const char *fail(struct value_error *error, const char *at, const char *reason)
{
	error->at = at;
	error->reason = reason;
	return NULL;
}

uint64_t value_hash(struct text t)
{
	static uint64_t seed;

	if (!seed) {
		const char *fixed = getenv("IMQ_HASH_SEED");

		if (fixed)
			seed = strtoull(fixed, NULL, 10) | 1;
		else if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
			seed = (uint64_t)(uintptr_t)&seed;
		seed |= 1;
	}
	return XXH3_64bits_withSeed(t.at, t.len, seed);
}

static bool continuation(const char *p, unsigned char low, unsigned char high)
{
	return (unsigned char)*p >= low && (unsigned char)*p <= high;
}

/* The bytes of the UTF-8 sequence at P (RFC 3629, 4: shortest form, no surrogates, up to U+10FFFF), 0 if it is none. */
static size_t utf8_length(const char *p, const char *end)
{
	unsigned char c = (unsigned char)*p;
	ptrdiff_t left = end - p;

	if (c < 0x80)
		return 1;
	if (c >= 0xc2 && c <= 0xdf)
		return left >= 2 && continuation(p + 1, 0x80, 0xbf) ? 2 : 0;
	if (c >= 0xe0 && c <= 0xef)
		return left >= 3 && continuation(p + 1, c == 0xe0 ? 0xa0 : 0x80, c == 0xed ? 0x9f : 0xbf) &&
		       continuation(p + 2, 0x80, 0xbf) ? 3 : 0;
	if (c >= 0xf0 && c <= 0xf4)
		return left >= 4 && continuation(p + 1, c == 0xf0 ? 0x90 : 0x80, c == 0xf4 ? 0x8f : 0xbf) &&
		       continuation(p + 2, 0x80, 0xbf) && continuation(p + 3, 0x80, 0xbf) ? 4 : 0;
	return 0;
}

/* Four hex digits at P, or -1. */
static int hex4(const char *p, const char *end)
{
	int unit = 0;

	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		char c = p[i];

		if (c >= '0' && c <= '9')
			unit = unit * 16 + (c - '0');
		else if (c >= 'a' && c <= 'f')
			unit = unit * 16 + (c - 'a' + 10);
		else if (c >= 'A' && c <= 'F')
			unit = unit * 16 + (c - 'A' + 10);
		else
			return -1;
	}
	return unit;
}

/* P is at a backslash. Returns what follows the escape. */
static const char *scan_escape(const char *p, const char *end, struct value_error *error)
{
	int unit;

	if (end - p < 2)
		return fail(error, p, "string without end");
	if (p[1] != 'u')
		return p[1] && strchr("\"\\/bfnrt", p[1]) ? p + 2 : fail(error, p, "unknown escape");
	unit = hex4(p + 2, end);
	if (unit < 0)
		return fail(error, p, "escape \\u without four hex digits");
	if (unit >= 0xdc00 && unit <= 0xdfff)
		return fail(error, p, "lone low surrogate");
	if (unit < 0xd800 || unit > 0xdbff)
		return p + 6;
	if (end - p < 8 || p[6] != '\\' || p[7] != 'u')
		return fail(error, p, "lone high surrogate");
	unit = hex4(p + 8, end);
	return unit >= 0xdc00 && unit <= 0xdfff ? p + 12 : fail(error, p, "lone high surrogate");
}

const char *value_scan_string(const char *p, const char *end, struct value *v, struct value_error *error)
{
	const char *start = p++;

	v->kind = VALUE_STRING;
	v->escaped = false;
	for (;;) {
		size_t length;

		p = scan_plain(p, end);
		if (p == end)
			return fail(error, start, "string without end");
		if (*p == '"')
			break;
		if (*p == '\\') {
			v->escaped = true;
			p = scan_escape(p, end, error);
			if (!p)
				return NULL;
			continue;
		}
		if ((unsigned char)*p < 0x20)
			return fail(error, p, "control character in a string");
		length = utf8_length(p, end);
		if (length == 0)
			return fail(error, p, "invalid UTF-8");
		p += length;
	}
	v->raw = (struct text){ start, (size_t)(p + 1 - start) };
	return p + 1;
}

static const char *digits(const char *p, const char *end)
{
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return p;
}

static const char *scan_number(const char *p, const char *end, struct value *v, struct value_error *error)
{
	const char *start = p, *after;

	if (*p == '-')
		p++;
	after = digits(p, end);
	if (after == p || (*p == '0' && after != p + 1))
		return fail(error, start, "not a number");
	p = after;
	if (p < end && *p == '.') {
		after = digits(p + 1, end);
		if (after == p + 1)
			return fail(error, start, "not a number");
		p = after;
	}
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		after = digits(p, end);
		if (after == p)
			return fail(error, start, "not a number");
		p = after;
	}
	*v = (struct value){ { start, (size_t)(p - start) }, VALUE_NUMBER, false };
	return p;
}

static const char *scan_word(const char *p, const char *end, const char *word, enum value_kind kind,
	struct value *v, struct value_error *error)
{
	size_t n = strlen(word);

	if ((size_t)(end - p) < n || memcmp(p, word, n) != 0)
		return fail(error, p, "not a JSON value");
	*v = (struct value){ { p, n }, kind, false };
	return p + n;
}

static const char *scan_scalar(const char *p, const char *end, struct value *v, struct value_error *error)
{
	switch (*p) {
	case '"':
		return value_scan_string(p, end, v, error);
	case 't':
		return scan_word(p, end, "true", VALUE_TRUE, v, error);
	case 'f':
		return scan_word(p, end, "false", VALUE_FALSE, v, error);
	case 'n':
		return scan_word(p, end, "null", VALUE_NULL, v, error);
	default:
		if (*p == '-' || (*p >= '0' && *p <= '9'))
			return scan_number(p, end, v, error);
		return fail(error, p, "not a JSON value");
	}
}

enum { FEW_KEYS = 32 };

/* The keys of the objects that are open: a hash table of (object, key) without deletion, since a closed object's
 * number is never given again. Few values have many keys: the first are compared one by one, without any memory. */
struct keys {
	struct key {
		struct text name; /* unescaped */
		unsigned object;
	} few[FEW_KEYS], *list;
	size_t count, cap;
	size_t *table; /* index + 1 into list; 0: free */
	size_t size;   /* of the table, a power of two */
	struct arena unescaped;
};

static size_t *key_slot(const struct keys *keys, const struct key *key)
{
	size_t at = (size_t)value_hash(key->name) + key->object * (size_t)0x9e3779b97f4a7c15;

	for (;; at++) {
		size_t *slot = &keys->table[at & (keys->size - 1)];
		const struct key *other = &keys->list[*slot ? *slot - 1 : 0];

		if (!*slot || (other->object == key->object && text_eq(other->name, key->name)))
			return slot;
	}
}

/* False: OBJECT has this key already. */
static bool key_add(struct keys *keys, unsigned object, struct value name)
{
	struct key key = { value_text(name, &keys->unescaped), object };
	size_t *slot;

	if (keys->count < FEW_KEYS) {
		for (size_t i = 0; i < keys->count; i++)
			if (keys->few[i].object == object && text_eq(keys->few[i].name, key.name))
				return false;
		keys->few[keys->count++] = key;
		return true;
	}
	alloc_grow(&keys->list, &keys->cap, keys->count + 1, sizeof *keys->list);
	if (keys->count == FEW_KEYS)
		memcpy(keys->list, keys->few, sizeof keys->few);
	if ((keys->count + 1) * 2 > keys->size) {
		keys->size = keys->size ? keys->size * 2 : 64;
		free(keys->table);
		keys->table = alloc_zero(keys->size, sizeof *keys->table);
		for (size_t i = 0; i < keys->count; i++)
			*key_slot(keys, &keys->list[i]) = i + 1;
	}
	slot = key_slot(keys, &key);
	if (*slot)
		return false;
	keys->list[keys->count++] = key;
	*slot = keys->count;
	return true;
}

static void keys_free(struct keys *keys)
{
	free(keys->list);
	free(keys->table);
	arena_free(&keys->unescaped);
}

/* Reads `"key" :` of object number OBJECT. */
static const char *scan_key(const char *p, const char *end, unsigned object, struct keys *keys,
	struct value_error *error)
{
	struct value name;
	const char *start = p;

	if (p == end || *p != '"')
		return fail(error, p, "a key in quotes is missing");
	p = value_scan_string(p, end, &name, error);
	if (!p)
		return NULL;
	if (!key_add(keys, object, name))
		return fail(error, start, "duplicate key");
	p = value_space(p, end);
	if (p == end || *p != ':')
		return fail(error, p, "a colon is missing");
	return value_space(p + 1, end);
}

/* Arrays and objects, without recursion: the input decides the depth. */
static const char *scan_container(const char *p, const char *end, struct keys *keys, struct value_error *error)
{
	unsigned char closer[VALUE_DEPTH];
	unsigned number[VALUE_DEPTH], objects = 0;
	int depth = 0;
	struct value v;

	for (;;) {
		/* P is at the start of a value. */
		if (p < end && (*p == '[' || *p == '{')) {
			if (depth == VALUE_DEPTH)
				return fail(error, p, "nested too deeply");
			closer[depth] = *p == '[' ? ']' : '}';
			number[depth] = objects;
			objects += *p == '{';
			p = value_space(p + 1, end);
			if (p < end && (unsigned char)*p == closer[depth])
				goto closed;
			depth++;
			if (closer[depth - 1] == '}')
				p = scan_key(p, end, number[depth - 1], keys, error);
			if (!p)
				return NULL;
			continue;
		}
		p = p < end ? scan_scalar(p, end, &v, error) : fail(error, p, "a value is missing");
		if (!p)
			return NULL;
		goto after_value;
closed:
		p++;
after_value:
		if (depth == 0)
			return p;
		p = value_space(p, end);
		if (p == end)
			return fail(error, p, "array or object without end");
		if ((unsigned char)*p == closer[depth - 1]) {
			depth--;
			goto closed;
		}
		if (*p != ',')
			return fail(error, p, "a comma is missing");
		p = value_space(p + 1, end);
		if (closer[depth - 1] == '}')
			p = scan_key(p, end, number[depth - 1], keys, error);
		if (!p)
			return NULL;
	}
}

const char *value_scan(const char *p, const char *end, struct value *v, struct value_error *error)
{
	struct keys keys;
	const char *start = p;

	if (p == end)
		return fail(error, p, "a value is missing");
	if (*p != '[' && *p != '{')
		return scan_scalar(p, end, v, error);
	keys.list = NULL;
	keys.table = NULL;
	keys.count = keys.cap = keys.size = 0;
	keys.unescaped = (struct arena){ 0 };
	p = scan_container(p, end, &keys, error);
	keys_free(&keys);
	if (p)
		*v = (struct value){ { start, (size_t)(p - start) }, *start == '[' ? VALUE_ARRAY : VALUE_OBJECT, false };
	return p;
}

bool value_parse(struct text t, struct value *v, struct value_error *error)
{
	const char *end = t.at + t.len, *p = value_scan(value_space(t.at, end), end, v, error);

	if (!p)
		return false;
	p = value_space(p, end);
	return p == end || fail(error, p, "something follows the value");
}

static char *put_utf8(char *out, unsigned rune)
{
	if (rune < 0x80) {
		*out++ = (char)rune;
	} else if (rune < 0x800) {
		*out++ = (char)(0xc0 | rune >> 6);
		*out++ = (char)(0x80 | (rune & 0x3f));
	} else if (rune < 0x10000) {
		*out++ = (char)(0xe0 | rune >> 12);
		*out++ = (char)(0x80 | (rune >> 6 & 0x3f));
		*out++ = (char)(0x80 | (rune & 0x3f));
	} else {
		*out++ = (char)(0xf0 | rune >> 18);
		*out++ = (char)(0x80 | (rune >> 12 & 0x3f));
		*out++ = (char)(0x80 | (rune >> 6 & 0x3f));
		*out++ = (char)(0x80 | (rune & 0x3f));
	}
	return out;
}

struct text value_text(struct value v, struct arena *a)
{
	const char *p, *end;
	char *start, *out;

	if (v.kind != VALUE_STRING)
		return NO_TEXT;
	if (!v.escaped)
		return value_inside(v);
	p = v.raw.at + 1;
	end = v.raw.at + v.raw.len - 1;
	start = out = arena_bytes(a, v.raw.len); /* an escape is never shorter than what it stands for */
	while (p < end) {
		static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
		unsigned rune;

		if (*p != '\\') {
			const char *escape = memchr(p, '\\', (size_t)(end - p));
			size_t plain = (size_t)((escape ? escape : end) - p);

			memcpy(out, p, plain);
			out += plain;
			p += plain;
			continue;
		}
		if (p[1] != 'u') {
			*out++ = meanings[strchr(letters, p[1]) - letters];
			p += 2;
			continue;
		}
		rune = (unsigned)hex4(p + 2, end);
		p += 6;
		if (rune >= 0xd800 && rune <= 0xdbff) {
			rune = 0x10000 + ((rune - 0xd800) << 10) + ((unsigned)hex4(p + 2, end) - 0xdc00);
			p += 6;
		}
		out = put_utf8(out, rune);
	}
	return (struct text){ start, (size_t)(out - start) };
}

bool value_integer(struct value v, long long *number)
{
	return v.kind == VALUE_NUMBER && text_integer(v.raw, number);
}

bool value_double(struct value v, double *number)
{
	char copy[64], *long_copy = copy;

	if (v.kind != VALUE_NUMBER)
		return false;
	if (v.raw.len >= sizeof copy)
		long_copy = alloc_string(v.raw);
	else
		memcpy(copy, v.raw.at, v.raw.len), copy[v.raw.len] = '\0';
	*number = strtod(long_copy, NULL);
	if (long_copy != copy)
		free(long_copy);
	return isfinite(*number);
}

bool value_ignored(struct value v)
{
	if (v.kind != VALUE_STRING || v.raw.len > 5)
		return v.kind == VALUE_NONE || v.kind == VALUE_NULL;
	return text_is(v.raw, "\"\"") || text_is(v.raw, "\"-\"") || text_is(v.raw, "\"N/A\"");
}

bool value_is_true(struct value v)
{
	double number;
	struct value_walk walk;

	switch (v.kind) {
	case VALUE_NONE:
	case VALUE_NULL:
	case VALUE_FALSE:
		return false;
	case VALUE_NUMBER:
		return !value_double(v, &number) || number != 0;
	case VALUE_STRING:
		return v.raw.len > 2;
	case VALUE_ARRAY:
	case VALUE_OBJECT:
		walk = value_walk(v);
		return value_space(walk.at, walk.end) != walk.end;
	default:
		return true;
	}
}

struct value_walk value_walk(struct value container)
{
	if (container.kind != VALUE_ARRAY && container.kind != VALUE_OBJECT)
		return (struct value_walk){ NULL, NULL };
	return (struct value_walk){ container.raw.at + 1, container.raw.at + container.raw.len - 1 };
}

/* The end of the value at P in text known to be good: brackets are counted, strings skipped. */
static const char *skip(const char *p, const char *end, struct value *v)
{
	struct value_error unused;
	const char *start = p;
	size_t depth = 0;

	if (*p != '[' && *p != '{')
		return scan_scalar(p, end, v, &unused);
	do {
		if (*p == '"') {
			p = value_scan_string(p, end, v, &unused);
			continue;
		}
		depth += *p == '[' || *p == '{';
		depth -= *p == ']' || *p == '}';
		p++;
	} while (depth);
	*v = (struct value){ { start, (size_t)(p - start) }, *start == '[' ? VALUE_ARRAY : VALUE_OBJECT, false };
	return p;
}

bool value_next(struct value_walk *w, struct value *element)
{
	w->at = value_space(w->at, w->end);
	if (w->at == w->end)
		return false;
	if (*w->at == ',')
		w->at = value_space(w->at + 1, w->end);
	w->at = skip(w->at, w->end, element);
	return true;
}

bool value_next_member(struct value_walk *w, struct value *key, struct value *member)
{
	if (w->at == w->end || *w->end != '}' || !value_next(w, key))
		return false;
	w->at = value_space(w->at, w->end) + 1; /* the colon */
	w->at = value_space(w->at, w->end);
	w->at = skip(w->at, w->end, member);
	return true;
}

struct value value_first(struct value v)
{
	struct value_walk w = value_walk(v);
	struct value first = NO_VALUE;

	if (v.kind != VALUE_ARRAY)
		return v;
	value_next(&w, &first);
	return first;
}
