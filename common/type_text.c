/* Free text: any, in lower or upper case, in base64. data-format.md 2.1 to 2.4. */
#include "type_priv.h"
#include "unicode.h"

static bool string_put(enum value_kind kind, struct text in, struct buf *out, bool empty_too)
{
	struct form form;
	bool taken;

	if (!form_open(kind, in, &form))
		return false;
	taken = form.text.len || empty_too;
	if (taken)
		buf_json(out, form.text);
	form_close(&form);
	return taken;
}

static bool string_sanitise(enum value_kind kind, struct text in, struct buf *out)
{
	return string_put(kind, in, out, true);
}

static bool string_accept(enum value_kind kind, struct text in, struct buf *out)
{
	return string_put(kind, in, out, false);
}

static bool string_valid(enum value_kind kind, struct text in)
{
	return kind == VALUE_STRING && in.len && unicode_valid(in);
}

const struct type type_generic = { "GenericType", "a text", string_sanitise, string_valid, string_accept };
const struct type type_string = { "String", "a text", string_sanitise, string_valid, string_accept };

static bool own_case(struct text in, bool (*map)(struct text, struct buf *))
{
	struct buf mapped = BUF_INIT;
	bool same = map(in, &mapped) && text_eq(in, buf_view(&mapped));

	buf_free(&mapped);
	return same;
}

/* ASCII without escapes is mapped where it is written; letters from *FIRST on, 26 of them, change case. */
static bool put_ascii_case(struct text t, char first, struct buf *out)
{
	size_t start = out->len;

	if (!unicode_ascii(t))
		return false;
	buf_json(out, t);
	if (out->len - start != t.len + 2) {
		out->len = start;
		return false;
	}
	for (size_t i = start; i < out->len; i++)
		if ((unsigned char)(out->at[i] - first) < 26)
			out->at[i] ^= 0x20;
	return true;
}

static bool case_put(enum value_kind kind, struct text in, struct buf *out, bool upper, bool must_be_valid)
{
	bool (*map)(struct text, struct buf *) = upper ? unicode_upper : unicode_lower;
	struct buf mapped = BUF_INIT;
	struct text text;
	bool taken;

	if (kind != VALUE_STRING || in.len == 0)
		return false;
	text = unicode_strip(in);
	if (text.len && put_ascii_case(text, upper ? 'a' : 'A', out))
		return true;
	taken = map(text, &mapped);
	if (taken && must_be_valid)
		taken = mapped.len && own_case(buf_view(&mapped), map);
	if (taken)
		buf_json(out, buf_view(&mapped));
	buf_free(&mapped);
	return taken;
}

static bool lower_sanitise(enum value_kind kind, struct text in, struct buf *out)
{
	return case_put(kind, in, out, false, false);
}

static bool lower_accept(enum value_kind kind, struct text in, struct buf *out)
{
	return case_put(kind, in, out, false, true);
}

static bool lower_valid(enum value_kind kind, struct text in)
{
	return string_valid(kind, in) && own_case(in, unicode_lower);
}

const struct type type_lowercase = { "LowercaseString", "a text in lower case", lower_sanitise, lower_valid,
	lower_accept };

static bool upper_sanitise(enum value_kind kind, struct text in, struct buf *out)
{
	return case_put(kind, in, out, true, false);
}

static bool upper_accept(enum value_kind kind, struct text in, struct buf *out)
{
	return case_put(kind, in, out, true, true);
}

static bool upper_valid(enum value_kind kind, struct text in)
{
	return string_valid(kind, in) && own_case(in, unicode_upper);
}

const struct type type_uppercase = { "UppercaseString", "a text in upper case", upper_sanitise, upper_valid,
	upper_accept };

/* Sanitising encodes, whatever the text is: one that already is base64 comes out encoded twice. */
static bool base64_sanitise(enum value_kind kind, struct text in, struct buf *out)
{
	if (kind != VALUE_STRING)
		return false;
	buf_char(out, '"');
	buf_base64(out, in);
	buf_char(out, '"');
	return true;
}

static bool base64_accept(enum value_kind kind, struct text in, struct buf *out)
{
	return in.len && base64_sanitise(kind, in, out);
}

static bool base64_valid(enum value_kind kind, struct text in)
{
	struct buf decoded = BUF_INIT;
	bool valid = kind == VALUE_STRING && in.len && unicode_valid(in) && buf_unbase64(&decoded, in);

	buf_free(&decoded);
	return valid;
}

const struct type type_base64 = { "Base64", "base64", base64_sanitise, base64_valid, base64_accept };
