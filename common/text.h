/* A text: a pointer and a length. The bytes belong to somebody else and need not end with a NUL; a NUL inside is data. */
#ifndef IMQ_TEXT_H
#define IMQ_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

struct text {
	const char *at; /* NULL: there is no text, which differs from an empty one */
	size_t len;     /* bytes */
};

#define NO_TEXT ((struct text){ NULL, 0 })
/* A constant text from a string literal. */
#define TEXT(literal) ((struct text){ "" literal, sizeof(literal) - 1 })
/* The two arguments of printf's "%.*s"; the texts that go there are shorter than 2 GiB by --max-record. */
#define TEXT_ARGS(t) (int)(t).len, (t).at

static inline struct text text_of(const char *string)
{
	return string ? (struct text){ string, strlen(string) } : NO_TEXT;
}

static inline bool text_eq(struct text a, struct text b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static inline bool text_is(struct text t, const char *string)
{
	return text_eq(t, text_of(string));
}

static inline bool text_starts(struct text t, struct text prefix)
{
	return t.len >= prefix.len && (prefix.len == 0 || memcmp(t.at, prefix.at, prefix.len) == 0);
}

static inline bool text_ends(struct text t, struct text suffix)
{
	return t.len >= suffix.len &&
	       (suffix.len == 0 || memcmp(t.at + t.len - suffix.len, suffix.at, suffix.len) == 0);
}

/* T without its first N bytes (all of it, if it is shorter). */
static inline struct text text_from(struct text t, size_t n)
{
	return n < t.len ? (struct text){ t.at + n, t.len - n } : (struct text){ t.at + t.len, 0 };
}

/* Order by bytes, which for UTF-8 is the order of code points; like memcmp. */
static inline int text_cmp(struct text a, struct text b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int order = n ? memcmp(a.at, b.at, n) : 0;

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

/* T without blanks, tabs, CR, LF, VT and FF at either end. */
struct text text_trim(struct text t);
/* As text_eq(), ASCII letters of either case being equal. */
bool text_eq_nocase(struct text a, struct text b);
/* The part of *REST before the first SEPARATOR, or all of it; *REST moves behind the separator, and to NO_TEXT
 * at the end. Returns false once *REST is NO_TEXT. */
bool text_split(struct text *rest, char separator, struct text *part);
/* Reads T, all of it, as a decimal integer with an optional sign. False: no such number, or it does not fit. */
bool text_integer(struct text t, long long *number);

/* N in decimal, written into DIGITS, which has room for TEXT_INTEGER bytes. */
enum { TEXT_INTEGER = 24 };
struct text text_of_integer(long long n, char *digits);

#endif
