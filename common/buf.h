/* A growing byte buffer. It starts as BUF_INIT (all zero), owns its memory, and is meant to be kept and reused:
 * buf_clear() forgets the bytes, not the memory. Running out of memory ends the process (alloc.h). */
#ifndef IMQ_BUF_H
#define IMQ_BUF_H

#include "text.h"

struct buf {
	char *at;
	size_t len; /* bytes in use */
	size_t cap; /* bytes allocated */
};

#define BUF_INIT ((struct buf){ NULL, 0, 0 })

/* Frees the memory; the buffer can be used again. */
void buf_free(struct buf *b);
/* Makes room for N more bytes and returns where they go; the caller adds what it wrote to B->len. */
char *buf_room_slow(struct buf *b, size_t n);

static inline char *buf_room(struct buf *b, size_t n)
{
	return b->cap - b->len > n ? b->at + b->len : buf_room_slow(b, n);
}

static inline void buf_clear(struct buf *b)
{
	b->len = 0;
}

static inline void buf_add(struct buf *b, const char *bytes, size_t n)
{
	if (n) {
		memcpy(buf_room(b, n), bytes, n);
		b->len += n;
	}
}

static inline void buf_text(struct buf *b, struct text t)
{
	buf_add(b, t.at, t.len);
}

static inline void buf_string(struct buf *b, const char *string)
{
	buf_add(b, string, strlen(string));
}

static inline void buf_char(struct buf *b, char c)
{
	*buf_room(b, 1) = c;
	b->len++;
}

/* What B holds; valid until B changes. */
static inline struct text buf_view(const struct buf *b)
{
	return (struct text){ b->at ? b->at : "", b->len };
}

/* B's bytes as a C string: a NUL is put behind them, not counted. */
const char *buf_cstr(struct buf *b);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Appends N in decimal. */
void buf_integer(struct buf *b, long long n);
/* Appends D as JSON text: the shortest decimal that reads back the same, with ".0" or an exponent, exponent from
 * 1e16 upwards and below 1e-4, as data formats descended from Python write it. D is finite. */
void buf_double(struct buf *b, double d);
/* Appends T, which is UTF-8, as a JSON string with quotes (RFC 8259, 7): escapes only quote, backslash and controls. */
void buf_json(struct buf *b, struct text t);
/* As buf_json(), every character outside U+0020-U+007E as \uXXXX in lower-case hex. */
void buf_json_ascii(struct buf *b, struct text t);
/* Appends T as a name of SQL in double quotes (SQL-92, 5.2: quotes inside are doubled). */
void buf_sql_name(struct buf *b, struct text t);
/* Appends T in base64 with padding (RFC 4648, 4), no line breaks. */
void buf_base64(struct buf *b, struct text t);
/* Appends what the base64 text T stands for, skipping characters outside the alphabet and stopping at complete
 * padding, as lenient decoders do. False, with nothing appended: an incomplete last group. */
bool buf_unbase64(struct buf *b, struct text t);

#endif
