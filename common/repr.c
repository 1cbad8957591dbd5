/* Python's notation, token by token: the input's order and nesting are the output's. */
#include "repr.h"

#include "unicode.h"

bool repr_is_integer(struct text raw)
{
	for (size_t i = 0; i < raw.len; i++)
		if (raw.at[i] == '.' || raw.at[i] == 'e' || raw.at[i] == 'E')
			return false;
	return true;
}

void repr_number(struct buf *out, struct text raw)
{
	double number;

	if (repr_is_integer(raw))
		buf_text(out, text_is(raw, "-0") ? TEXT("0") : raw);
	else if (value_double((struct value){ raw, VALUE_NUMBER, false }, &number))
		buf_double(out, number);
	else
		buf_text(out, raw);
}

static void escape(struct buf *out, uint32_t rune)
{
	if (rune < 0x100)
		buf_printf(out, "\\x%02x", rune);
	else if (rune < 0x10000)
		buf_printf(out, "\\u%04x", rune);
	else
		buf_printf(out, "\\U%08x", rune);
}

/* How many characters T begins with that stand as they are within QUOTE: most texts have no other. */
static size_t plain_run(struct text t, char quote)
{
	size_t n = 0;

	while (n < t.len && t.at[n] >= ' ' && t.at[n] <= '~' && t.at[n] != quote && t.at[n] != '\\')
		n++;
	return n;
}

void repr_string(struct buf *out, struct text t)
{
	char quote = t.len && memchr(t.at, '\'', t.len) && !memchr(t.at, '"', t.len) ? '"' : '\'';
	struct text rest = t;
	uint32_t rune;

	buf_char(out, quote);
	for (;;) {
		size_t plain = plain_run(rest, quote);
		const char *start;

		if (plain) {
			buf_add(out, rest.at, plain);
			rest = text_from(rest, plain);
		}
		start = rest.at;
		if (!unicode_next(&rest, &rune))
			break;
		if (rune == '\n' || rune == '\r' || rune == '\t') {
			buf_char(out, '\\');
			buf_char(out, rune == '\n' ? 'n' : rune == '\r' ? 'r' : 't');
		} else if (!unicode_printable(rune)) {
			escape(out, rune);
		} else {
			if (rune == '\\' || rune == (unsigned char)quote)
				buf_char(out, '\\');
			buf_add(out, start, (size_t)(rest.at - start));
		}
	}
	buf_char(out, quote);
}

static void repr_scalar(struct buf *out, struct value v)
{
	struct arena scratch = { 0 };

	switch (v.kind) {
	case VALUE_STRING:
		repr_string(out, value_text(v, &scratch));
		arena_free(&scratch);
		break;
	case VALUE_NUMBER:
		repr_number(out, v.raw);
		break;
	case VALUE_TRUE:
	case VALUE_FALSE:
		buf_string(out, v.kind == VALUE_TRUE ? "True" : "False");
		break;
	default:
		buf_string(out, "None");
	}
}

void repr_value(struct buf *out, struct value v)
{
	struct value_error unused;
	const char *p = v.raw.at, *end = v.raw.at + v.raw.len;

	while (v.kind != VALUE_NONE && (p = value_space(p, end)) < end) {
		if (strchr("[]{}", *p)) {
			buf_char(out, *p++);
		} else if (*p == ',' || *p == ':') {
			buf_char(out, *p++);
			buf_char(out, ' ');
		} else {
			struct value token;

			p = value_scan(p, end, &token, &unused);
			if (!p)
				return;
			repr_scalar(out, token);
		}
	}
}
