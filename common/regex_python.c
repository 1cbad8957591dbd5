/* Python's regular expressions for PCRE2. Most of the two languages is the same. What only Python has is
 * written in PCRE2's way; what only PCRE2 has is refused, because in the place that the expression comes from
 * it never worked.
 *
 * Known to be left: \s does not match U+001C to U+001F; ranges and quantifiers that Python finds useless are
 * taken. */
#include "regex_priv.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

struct translation {
	struct text in;
	size_t at;
	struct buf *out;
	uint32_t options;
	struct problem *problem;
};

static bool refuse(const struct translation *t, const char *what)
{
	return problem_set(t->problem, "regular expression, character %zu: %s", t->at, what);
}

static int peek(const struct translation *t, size_t ahead)
{
	return t->at + ahead < t->in.len ? (unsigned char)t->in.at[t->at + ahead] : -1;
}

static bool next_is(const struct translation *t, const char *what)
{
	return text_starts(text_from(t->in, t->at), text_of(what));
}

static void copy(struct translation *t, size_t n)
{
	buf_add(t->out, t->in.at + t->at, n);
	t->at += n;
}

static bool is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static bool is_octal(int c)
{
	return c >= '0' && c <= '7';
}

static int hex(int c)
{
	return is_digit(c) ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

static bool put_code(struct translation *t, unsigned long code, size_t used)
{
	if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return refuse(t, "no such character");
	buf_printf(t->out, "\\x{%lx}", code);
	t->at += used;
	return true;
}

/* \xHH, \uHHHH, \UHHHHHHHH: exactly so many digits. */
static bool hex_escape(struct translation *t, size_t digits)
{
	unsigned long code = 0;

	for (size_t i = 0; i < digits; i++) {
		int value = hex(peek(t, 2 + i));

		if (value < 0)
			return refuse(t, "hexadecimal digits are missing");
		code = code * 16 + (unsigned long)value;
	}
	return put_code(t, code, 2 + digits);
}

/* \0, \012, \123 are characters; \1 to \99 outside of a set are what a group has matched. */
static bool digit_escape(struct translation *t, bool in_set)
{
	size_t n = 0;
	unsigned long code = 0, group;

	while (n < 3 && is_octal(peek(t, 1 + n)))
		code = code * 8 + (unsigned long)(peek(t, 1 + n++) - '0');
	if (n == 3 || in_set || peek(t, 1) == '0')
		return n == 0 || code > 255 ? refuse(t, "no such octal escape") : put_code(t, code, 1 + n);
	group = (unsigned long)(peek(t, 1) - '0');
	n = 1;
	if (is_digit(peek(t, 2)))
		group = group * 10 + (unsigned long)(peek(t, 1 + n++) - '0');
	buf_printf(t->out, "\\g{%lu}", group);
	t->at += 1 + n;
	return true;
}

static bool escape(struct translation *t, bool in_set)
{
	int c = peek(t, 1);

	if (c < 0)
		return refuse(t, "a backslash at the end");
	if (is_digit(c))
		return digit_escape(t, in_set);
	if (c == 'x')
		return hex_escape(t, 2);
	if (c == 'u')
		return hex_escape(t, 4);
	if (c == 'U')
		return hex_escape(t, 8);
	if (c == 'v') /* a vertical tab, in PCRE2 any vertical space */
		return put_code(t, 0x0b, 2);
	if (c == 'Z' && !in_set) { /* the very end, PCRE2's \z */
		buf_string(t->out, "\\z");
		t->at += 2;
		return true;
	}
	if (((c | 32) >= 'a' && (c | 32) <= 'z') && !strchr(in_set ? "abfnrtdDsSwW" : "abfnrtdDsSwWAB", c))
		return refuse(t, c == 'N' ? "characters cannot be named" : "no such escape");
	if (c >= 0x80) { /* the first of several bytes, which stand for themselves */
		t->at++;
		return true;
	}
	copy(t, 2);
	return true;
}

/* [...]: a bracket inside is a bracket, not the start of a POSIX class. */
static bool set(struct translation *t)
{
	copy(t, 1);
	if (peek(t, 0) == '^')
		copy(t, 1);
	if (peek(t, 0) == ']')
		copy(t, 1);
	while (peek(t, 0) != ']') {
		if (peek(t, 0) < 0)
			return refuse(t, "a set without end");
		if (peek(t, 0) == '\\') {
			if (!escape(t, true))
				return false;
			continue;
		}
		if (peek(t, 0) == '[')
			buf_char(t->out, '\\');
		copy(t, 1);
	}
	copy(t, 1);
	return true;
}

/* {,n} counts from 0 in Python. Other braces mean the same, or nothing, in both. */
static void brace(struct translation *t)
{
	size_t n = 2;

	if (peek(t, 1) == ',') {
		while (is_digit(peek(t, n)))
			n++;
		if (peek(t, n) == '}') {
			buf_string(t->out, "{0");
			t->at++;
			copy(t, n);
			return;
		}
	}
	copy(t, 1);
}

/* The name before CLOSING, OPENING written before it and CLOSING behind it. */
static bool group_name(struct translation *t, const char *opening, char closing)
{
	size_t n = 0;

	while (peek(t, n) > 0 && peek(t, n) != closing)
		n++;
	if (peek(t, n) != closing || n == 0)
		return refuse(t, "a group's name is missing");
	buf_string(t->out, opening);
	copy(t, n + 1);
	return true;
}

/* (?(1)...|...) or (?(name)...|...): what PCRE2 would take for a condition of its own is a name in Python. */
static bool condition(struct translation *t)
{
	size_t n = 3;

	while (is_digit(peek(t, n)))
		n++;
	if (n > 3 && peek(t, n) == ')') {
		copy(t, n + 1);
		return true;
	}
	t->at += 3;
	if (!group_name(t, "(?(<", ')'))
		return false;
	t->out->len--;
	buf_string(t->out, ">)");
	return true;
}

/* (?ims) at the start, (?i-s:...) anywhere. */
static bool flags(struct translation *t)
{
	size_t n = 2;
	bool at_start = t->at == 0, minus = false;
	uint32_t before = t->options;
	struct buf kept = BUF_INIT;
	bool fine = true;

	for (; fine && peek(t, n) > 0 && peek(t, n) != ':' && peek(t, n) != ')'; n++) {
		int c = peek(t, n);

		if (c == '-' && !minus) {
			minus = true;
			buf_char(&kept, '-');
		} else if (c == 'i' || c == 'm' || c == 's') {
			buf_char(&kept, (char)c);
		} else if (c == 'x' && at_start) {
			t->options |= PCRE2_EXTENDED;
		} else if (c == 'a' && at_start) {
			t->options &= ~(uint32_t)PCRE2_UCP;
		} else if (c != 'u') {
			fine = refuse(t, "no such group or flag");
		}
	}
	if (fine && peek(t, n) != ':' && peek(t, n) != ')')
		fine = refuse(t, "a group without end");
	if (fine && peek(t, n) == ')' && (!at_start || minus))
		fine = refuse(t, "flags for all of the expression stand at its start");
	if (fine && peek(t, n) == ':' && t->options != before)
		fine = refuse(t, "flags a and x are for all of the expression");
	if (fine) {
		buf_string(t->out, "(?");
		buf_text(t->out, buf_view(&kept));
		t->at += n;
		copy(t, 1);
	}
	buf_free(&kept);
	return fine;
}

/* What begins with (? */
static bool group(struct translation *t)
{
	static const char *const same[] = { "(?:", "(?=", "(?!", "(?<=", "(?<!", "(?>" };

	for (size_t i = 0; i < LENGTH(same); i++)
		if (next_is(t, same[i])) {
			copy(t, strlen(same[i]));
			return true;
		}
	if (next_is(t, "(?P<")) {
		t->at += 4;
		return group_name(t, "(?P<", '>');
	}
	if (next_is(t, "(?P=")) {
		t->at += 4;
		return group_name(t, "(?P=", ')');
	}
	if (next_is(t, "(?#")) {
		const char *end = memchr(t->in.at + t->at, ')', t->in.len - t->at);

		if (!end)
			return refuse(t, "a comment without end");
		t->at = (size_t)(end + 1 - t->in.at);
		return true;
	}
	if (next_is(t, "(?("))
		return condition(t);
	return flags(t);
}

/* In an expression with flag x a comment may hold anything. */
static void skip_comment(struct translation *t)
{
	while (peek(t, 0) >= 0 && peek(t, 0) != '\n')
		t->at++;
}

static bool step(struct translation *t)
{
	switch (peek(t, 0)) {
	case '\\':
		return escape(t, false);
	case '[':
		return set(t);
	case '{':
		brace(t);
		return true;
	case '(':
		if (peek(t, 1) == '*')
			return refuse(t, "nothing to repeat");
		if (peek(t, 1) == '?')
			return group(t);
		break;
	case '#':
		if (t->options & PCRE2_EXTENDED) {
			skip_comment(t);
			return true;
		}
		break;
	default:
		break;
	}
	copy(t, 1);
	return true;
}

bool regex_from_python(struct text pattern, struct buf *out, uint32_t *options, struct problem *problem)
{
	struct translation t = { .in = pattern, .out = out, .options = *options, .problem = problem };

	while (t.at < t.in.len)
		if (!step(&t))
			return false;
	*options = t.options;
	return true;
}
