/* Booleans and numbers. data-format.md 2.5 to 2.9.
 * A number's text form may be signed and grouped by single underscores, in digits of any script. NaN and
 * infinities are no numbers here, JSON having no words for them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "repr.h"
#include "type_priv.h"
#include "unicode.h"

static bool boolean_sanitise(enum value_kind kind, struct text in, struct buf *out)
{
	struct text t = in;
	bool yes;

	if (kind == VALUE_STRING)
		t = unicode_strip(in);
	yes = kind == VALUE_TRUE || (kind == VALUE_NUMBER && text_is(in, "1")) ||
	      (kind == VALUE_STRING && text_eq_nocase(t, TEXT("true")));
	if (!yes &&
		!(kind == VALUE_FALSE || (kind == VALUE_NUMBER && (text_is(in, "0") || text_is(in, "-0"))) ||
			(kind == VALUE_STRING && text_eq_nocase(t, TEXT("false")))))
		return false;
	buf_string(out, yes ? "true" : "false");
	return true;
}

static bool boolean_valid(enum value_kind kind, struct text in)
{
	(void)in;
	return kind == VALUE_TRUE || kind == VALUE_FALSE;
}

const struct type type_boolean = { "Boolean", "a boolean", boolean_sanitise, boolean_valid,
	boolean_sanitise };

/* More digits than this are no number: reading them would cost the square of their count, here or further
 * down. */
enum { DIGITS_MAX = 4300 };

/* Appends the number in T in plain ASCII: digits of any script become 0-9, underscores between digits vanish.
 * Other characters stay for the caller to judge. False: an underscore elsewhere, or T is no such thing at
 * all. */
static bool plain_digits(struct text t, struct buf *out)
{
	bool after_digit = false, after_underscore = false;
	uint32_t rune;

	for (t = unicode_strip(t); t.len;) {
		int digit;

		if (!unicode_next(&t, &rune))
			return false;
		digit = unicode_decimal(rune);
		if (after_underscore && digit < 0)
			return false;
		if (digit >= 0) {
			buf_char(out, (char)('0' + digit));
		} else if (rune == '_' && after_digit) {
			after_underscore = true;
			after_digit = false;
			continue;
		} else if (rune < 0x80 && rune != '_') {
			buf_char(out, (char)rune);
		} else {
			return false;
		}
		after_digit = digit >= 0;
		after_underscore = false;
	}
	return !after_underscore;
}

/* Whether T is digits alone, the first not 0 unless it is the only one: already canonical. */
static bool canonical_digits(struct text t)
{
	if (t.len == 0 || t.len > DIGITS_MAX || (t.at[0] == '0' && t.len > 1))
		return false;
	for (size_t i = 0; i < t.len; i++)
		if (t.at[i] < '0' || t.at[i] > '9')
			return false;
	return true;
}

/* Appends T, an optional sign and digits, without plus and leading zeros. */
static bool put_digits(struct text t, struct buf *out)
{
	bool negative = t.len && t.at[0] == '-';

	if (t.len && (t.at[0] == '-' || t.at[0] == '+'))
		t = text_from(t, 1);
	if (t.len > DIGITS_MAX)
		return false;
	while (t.len > 1 && t.at[0] == '0')
		t = text_from(t, 1);
	if (!canonical_digits(t))
		return false;
	if (negative && !text_is(t, "0"))
		buf_char(out, '-');
	buf_text(out, t);
	return true;
}

static bool integer_of_string(struct text in, struct buf *out)
{
	struct buf plain = BUF_INIT;
	bool taken;

	if (canonical_digits(in)) {
		buf_text(out, in);
		return true;
	}
	taken = plain_digits(in, &plain) && put_digits(buf_view(&plain), out);
	buf_free(&plain);
	return taken;
}

static bool integer_of_number(struct text in, struct buf *out)
{
	char digits[320]; /* the largest double has 309 digits */
	double number;
	int n;

	if (canonical_digits(in)) {
		buf_text(out, in);
		return true;
	}
	if (repr_is_integer(in)) {
		repr_number(out, in);
		return true;
	}
	if (!value_double((struct value){ in, VALUE_NUMBER, false }, &number))
		return false;
	n = snprintf(digits, sizeof digits, "%.0f", trunc(number));
	return put_digits((struct text){ digits, (size_t)n }, out);
}

static bool integer_sanitise(enum value_kind kind, struct text in, struct buf *out)
{
	switch (kind) {
	case VALUE_STRING:
		return integer_of_string(in, out);
	case VALUE_NUMBER:
		return integer_of_number(in, out);
	case VALUE_TRUE:
	case VALUE_FALSE:
		buf_char(out, kind == VALUE_TRUE ? '1' : '0');
		return true;
	default:
		return false;
	}
}

static bool integer_valid(enum value_kind kind, struct text in)
{
	return kind == VALUE_NUMBER && repr_is_integer(in);
}

const struct type type_integer = { "Integer", "an integer", integer_sanitise, integer_valid,
	integer_sanitise };

/* Whether T, an integer, is a number that an autonomous system can have (RFC 6793; 0 is reserved by RFC
 * 7607). */
static bool asn_range(struct text t)
{
	long long number;

	return text_integer(t, &number) && number >= 1 && number <= 4294967295;
}

static bool asn_sanitise(enum value_kind kind, struct text in, struct buf *out)
{
	size_t before = out->len;

	if (kind == VALUE_STRING && in.len > 2 && text_eq_nocase((struct text){ in.at, 2 }, TEXT("AS")))
		in = text_from(in, 2);
	if (integer_sanitise(kind, in, out) &&
		asn_range((struct text){ out->at + before, out->len - before }))
		return true;
	out->len = before;
	return false;
}

static bool asn_valid(enum value_kind kind, struct text in)
{
	return integer_valid(kind, in) && asn_range(in);
}

const struct type type_asn = { "ASN", "an AS number", asn_sanitise, asn_valid, asn_sanitise };

/* Writes T if it is a decimal of at most 15 significant digits, which are those a double keeps: then the
 * shortest text that reads back the same is T itself, but for zeros at the end. This is how nearly all
 * numbers in feeds look. */
static bool put_short_decimal(struct text t, struct buf *out)
{
	size_t i = t.len && t.at[0] == '-', whole = i, last, point;

	while (i < t.len && t.at[i] >= '0' && t.at[i] <= '9')
		i++;
	point = i;
	if (point == whole || (t.at[whole] == '0' && point > whole + 1) ||
		t.len - whole - (point < t.len) > 15)
		return false;
	for (last = ++i; i < t.len; i++) {
		if (t.at[i] < '0' || t.at[i] > '9')
			return false;
		if (t.at[i] != '0')
			last = i + 1;
	}
	if (point < t.len && (t.at[point] != '.' || t.len == point + 1))
		return false;
	/* Below 0.0001 the shortest form has an exponent. */
	if (t.at[whole] == '0' && last > point + 5 && memcmp(t.at + point + 1, "0000", 4) == 0)
		return false;
	if (last > point + 1) {
		buf_add(out, t.at, last);
	} else {
		buf_add(out, t.at, point);
		buf_string(out, ".0");
	}
	return true;
}

/* sign, digits with a point among them or not, exponent: what strtod() reads, without its hexadecimal and
 * words. */
static bool is_decimal(struct text t)
{
	size_t i = t.len && (t.at[0] == '-' || t.at[0] == '+'), digits = 0;

	for (bool point = false; i < t.len && (t.at[i] == '.' || (t.at[i] >= '0' && t.at[i] <= '9')); i++) {
		if (t.at[i] != '.')
			digits++;
		else if (point)
			return false;
		else
			point = true;
	}
	if (!digits || i == t.len)
		return digits;
	if (t.at[i] != 'e' && t.at[i] != 'E')
		return false;
	i++;
	i += i < t.len && (t.at[i] == '-' || t.at[i] == '+');
	for (digits = 0; i < t.len && t.at[i] >= '0' && t.at[i] <= '9'; i++)
		digits++;
	return digits && i == t.len;
}

static bool float_of_string(struct text in, struct buf *out)
{
	struct buf plain = BUF_INIT;
	double number = NAN;

	if (put_short_decimal(in, out))
		return true;
	if (plain_digits(in, &plain) && is_decimal(buf_view(&plain)))
		number = strtod(buf_cstr(&plain), NULL);
	buf_free(&plain);
	if (!isfinite(number))
		return false;
	buf_double(out, number);
	return true;
}

static bool float_sanitise(enum value_kind kind, struct text in, struct buf *out)
{
	switch (kind) {
	case VALUE_STRING:
		return float_of_string(in, out);
	case VALUE_NUMBER:
		return float_of_string(text_is(in, "-0") ? TEXT("0") : in, out);
	case VALUE_TRUE:
	case VALUE_FALSE:
		buf_string(out, kind == VALUE_TRUE ? "1.0" : "0.0");
		return true;
	default:
		return false;
	}
}

static bool float_valid(enum value_kind kind, struct text in)
{
	double number;

	return kind == VALUE_NUMBER &&
	       (repr_is_integer(in) || value_double((struct value){ in, kind, false }, &number));
}

const struct type type_float = { "Float", "a number", float_sanitise, float_valid, float_sanitise };

static bool percentage(struct text number)
{
	double d;

	return value_double((struct value){ number, VALUE_NUMBER, false }, &d) && d >= 0 && d <= 100;
}

static bool accuracy_sanitise(enum value_kind kind, struct text in, struct buf *out)
{
	size_t before = out->len;

	if (kind == VALUE_TRUE) {
		buf_string(out, "100.0");
		return true;
	}
	if (float_sanitise(kind, in, out) && percentage((struct text){ out->at + before, out->len - before }))
		return true;
	out->len = before;
	return false;
}

static bool accuracy_valid(enum value_kind kind, struct text in)
{
	return boolean_valid(kind, in) || (kind == VALUE_NUMBER && percentage(in));
}

const struct type type_accuracy = { "Accuracy", "a percentage", accuracy_sanitise, accuracy_valid,
	accuracy_sanitise };
