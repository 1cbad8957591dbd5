/* The growing byte buffer, and the text forms (JSON strings, numbers, base64) that are written into one. */
#include "buf.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "scan.h"

void buf_free(struct buf *b)
{
	free(b->at);
	*b = BUF_INIT;
}

char *buf_room_slow(struct buf *b, size_t n)
{
	size_t need;

	if (__builtin_add_overflow(b->len, n, &need))
		need = SIZE_MAX;
	alloc_grow(&b->at, &b->cap, need < 64 ? 64 : need, 1);
	return b->at + b->len;
}

const char *buf_cstr(struct buf *b)
{
	*buf_room(b, 1) = '\0';
	return b->at;
}

void buf_printf(struct buf *b, const char *format, ...)
{
	va_list args, again;
	int n;

	va_start(args, format);
	va_copy(again, args);
	n = vsnprintf(NULL, 0, format, args);
	if (n > 0) {
		size_t bytes = (size_t)n;

		vsnprintf(buf_room(b, bytes + 1), bytes + 1, format, again);
		b->len += bytes;
	}
	va_end(again);
	va_end(args);
}

void buf_integer(struct buf *b, long long n)
{
	char digits[TEXT_INTEGER];

	buf_text(b, text_of_integer(n, digits));
}

/* What four decimals say exactly, such as a place on Earth. The division is rounded as reading the digits would be. */
static bool put_decimals(struct buf *b, double d)
{
	double scaled = nearbyint(d * 1e4);
	long long rest, unit = 1000;

	if (!(fabs(d) < 1e9) || scaled == 0 || scaled / 1e4 != d)
		return false;
	rest = (long long)fabs(scaled);
	if (d < 0)
		buf_char(b, '-');
	buf_integer(b, rest / 10000);
	buf_char(b, '.');
	rest %= 10000;
	do {
		buf_char(b, (char)('0' + rest / unit));
		rest %= unit;
		unit /= 10;
	} while (rest);
	return true;
}

void buf_double(struct buf *b, double d)
{
	char digits[40];
	const char *p = digits;
	char *e;
	/* What has 15 significant digits or fewer is written by 15 and zeros (but numbers next to zero); 17 always read back. */
	int precision = isnormal(d) ? 15 : 1, exponent, count;

	if (put_decimals(b, d))
		return;
	do
		snprintf(digits, sizeof digits, "%.*e", precision - 1, d);
	while (strtod(digits, NULL) != d && ++precision <= 17);
	e = strchr(digits, 'e');
	exponent = (int)strtol(e + 1, NULL, 10);
	if (*p == '-') {
		buf_char(b, '-');
		p++;
	}
	for (precision = (int)(e - p) - 1; precision > 1 && p[precision] == '0'; precision--)
		;
	if (exponent >= 16 || exponent < -4) {
		buf_add(b, p, precision > 1 ? (size_t)precision + 1 : 1);
		buf_printf(b, "e%c%02d", exponent < 0 ? '-' : '+', abs(exponent));
		return;
	}
	count = precision;
	if (count > 1)
		memmove(digits + (p - digits) + 1, p + 2, (size_t)count - 1); /* the digits alone, without the point */
	if (exponent < 0) {
		buf_string(b, "0.");
		for (int i = -1; i > exponent; i--)
			buf_char(b, '0');
		buf_add(b, p, (size_t)count);
		return;
	}
	for (int i = 0; i <= exponent || i < count; i++) {
		if (i == exponent + 1)
			buf_char(b, '.');
		buf_char(b, i < count ? p[i] : '0');
	}
	if (count <= exponent + 1)
		buf_string(b, ".0");
}

/* What stands behind the backslash for the controls that have a short form (RFC 8259, 7). */
static char short_escape(unsigned char c)
{
	switch (c) {
	case '"':
		return '"';
	case '\\':
		return '\\';
	case '\b':
		return 'b';
	case '\f':
		return 'f';
	case '\n':
		return 'n';
	case '\r':
		return 'r';
	case '\t':
		return 't';
	default:
		return 0;
	}
}

static void escape(struct buf *b, unsigned unit)
{
	static const char hex[] = "0123456789abcdef";
	char sequence[6] = { '\\', 'u', hex[unit >> 12 & 15], hex[unit >> 8 & 15], hex[unit >> 4 & 15], hex[unit & 15] };

	buf_add(b, sequence, sizeof sequence);
}

static void escape_byte(struct buf *b, unsigned char c)
{
	char letter = short_escape(c);

	if (letter) {
		buf_char(b, '\\');
		buf_char(b, letter);
	} else {
		escape(b, c);
	}
}

void buf_json(struct buf *b, struct text t)
{
	const char *p = t.at, *end = t.at + t.len, *start = p;

	buf_room(b, t.len + 2);
	buf_char(b, '"');
	while ((p = scan_plain(p, end)) < end) {
		unsigned char c = (unsigned char)*p++;

		if (c >= 0x80)
			continue;
		buf_add(b, start, (size_t)(p - 1 - start));
		escape_byte(b, c);
		start = p;
	}
	buf_add(b, start, (size_t)(end - start));
	buf_char(b, '"');
}

void buf_json_ascii(struct buf *b, struct text t)
{
	buf_char(b, '"');
	for (size_t i = 0; i < t.len;) {
		unsigned char c = (unsigned char)t.at[i];
		size_t more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;
		unsigned rune = c & (0xffU >> (more ? more + 2 : 0));

		i++;
		if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') {
			buf_char(b, (char)c);
			continue;
		}
		if (c < 0x80) {
			escape_byte(b, c);
			continue;
		}
		for (; more && i < t.len; more--)
			rune = rune << 6 | ((unsigned char)t.at[i++] & 0x3fU);
		if (rune >= 0x10000) {
			escape(b, 0xd800 + ((rune - 0x10000) >> 10));
			escape(b, 0xdc00 + ((rune - 0x10000) & 0x3ff));
		} else {
			escape(b, rune);
		}
	}
	buf_char(b, '"');
}

void buf_sql_name(struct buf *b, struct text t)
{
	buf_char(b, '"');
	for (size_t i = 0; i < t.len; i++) {
		if (t.at[i] == '"')
			buf_char(b, '"');
		buf_char(b, t.at[i]);
	}
	buf_char(b, '"');
}

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void buf_base64(struct buf *b, struct text t)
{
	const unsigned char *in = (const unsigned char *)t.at;
	char *out = buf_room(b, (t.len + 2) / 3 * 4), *start = out;
	size_t i = 0;

	for (; i + 2 < t.len; i += 3) {
		unsigned group = (unsigned)in[i] << 16 | (unsigned)in[i + 1] << 8 | in[i + 2];

		*out++ = base64_digits[group >> 18];
		*out++ = base64_digits[group >> 12 & 63];
		*out++ = base64_digits[group >> 6 & 63];
		*out++ = base64_digits[group & 63];
	}
	if (i < t.len) {
		unsigned group = (unsigned)in[i] << 16 | (i + 1 < t.len ? (unsigned)in[i + 1] << 8 : 0);

		*out++ = base64_digits[group >> 18];
		*out++ = base64_digits[group >> 12 & 63];
		*out++ = i + 1 < t.len ? base64_digits[group >> 6 & 63] : '=';
		*out++ = '=';
	}
	b->len += (size_t)(out - start);
}

static int base64_value(unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool buf_unbase64(struct buf *b, struct text t)
{
	size_t before = b->len;
	unsigned group = 0, digits = 0, padding = 0;

	for (size_t i = 0; i < t.len; i++) {
		int value = base64_value((unsigned char)t.at[i]);

		if (t.at[i] == '=' && digits >= 2 && digits + ++padding >= 4)
			break;
		if (value < 0)
			continue;
		padding = 0;
		group = group << 6 | (unsigned)value;
		if (++digits == 4) {
			char three[3] = { (char)(group >> 16), (char)(group >> 8), (char)group };

			buf_add(b, three, 3);
			group = digits = 0;
		}
	}
	if (digits && digits + padding < 4) {
		b->len = before;
		return false;
	}
	if (digits == 3)
		buf_char(b, (char)(group >> 10));
	if (digits >= 2)
		buf_char(b, digits == 3 ? (char)(group >> 2) : (char)(group >> 4));
	return true;
}
