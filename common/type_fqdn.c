/* Host names. data-format.md 2.12. */
#include "host.h"
#include "ip.h"
#include "type_priv.h"
#include "unicode.h"

/* T without dots and blanks at either end, in whatever order they stand. */
static struct text without_dots(struct text t)
{
	size_t before;

	do {
		before = t.len;
		t = unicode_strip(t);
		while (t.len && t.at[0] == '.')
			t = text_from(t, 1);
		while (t.len && t.at[t.len - 1] == '.')
			t.len--;
	} while (t.len < before);
	return t;
}

/* Whether T, which is ASCII, is a name and nothing else: no address, no URL or part of one. */
static bool is_name(struct text t)
{
	struct ip ip;

	if (t.len == 0 || t.at[0] == '.' || t.at[t.len - 1] == '.' || !host_labels(t))
		return false;
	for (size_t i = 0; i < t.len; i++)
		if ((t.at[i] >= 'A' && t.at[i] <= 'Z') || one_of(t.at[i], ":/?#"))
			return false;
	return !ip_parse(t, &ip) || text_is(t, "0.0.0.0");
}

static bool fqdn_valid(enum value_kind kind, struct text in)
{
	return kind == VALUE_STRING && unicode_ascii(in) && is_name(in);
}

/* Whether T is a name that stays as it is when it is sanitised: mapping may have made a blank of some
 * character at an end. */
static bool is_final(struct text t)
{
	return is_name(t) && unicode_strip(t).len == t.len;
}

static bool fqdn_put(enum value_kind kind, struct text in, struct buf *out, bool must_be_valid)
{
	struct buf ascii = BUF_INIT, name = BUF_INIT;
	struct form form;
	struct text text;
	bool taken;

	if (!form_open(kind, in, &form))
		return false;
	text = without_dots(form.text);
	taken = text.len && host_to_ascii(text, &ascii) && unicode_lower(buf_view(&ascii), &name) &&
		(!must_be_valid || is_final(buf_view(&name)));
	if (taken)
		buf_json(out, buf_view(&name));
	form_close(&form);
	buf_free(&ascii);
	buf_free(&name);
	return taken;
}

static bool fqdn_sanitise(enum value_kind kind, struct text in, struct buf *out)
{
	return fqdn_put(kind, in, out, false);
}

/* 1: a letter of a name as it usually is, 2: a digit, 3: the dot. */
static const unsigned char usual[256] = {
	['a' ... 'z'] = 1,
	['-'] = 1,
	['_'] = 1,
	['0' ... '9'] = 2,
	['.'] = 3,
};

/* Whether T is lower-case ASCII labels of letters, digits, - and _, with a letter somewhere, so no IPv4
 * address. */
static bool is_usual(struct text t)
{
	size_t label = 0;
	bool letter = false;

	for (size_t i = 0; i < t.len; i++) {
		switch (usual[(unsigned char)t.at[i]]) {
		case 1:
			letter = true;
			label++;
			break;
		case 2:
			label++;
			break;
		case 3:
			if (label == 0 || label > 63)
				return false;
			label = 0;
			break;
		default:
			return false;
		}
	}
	return letter && label > 0 && label <= 63;
}

static bool fqdn_accept(enum value_kind kind, struct text in, struct buf *out)
{
	if (kind != VALUE_STRING || !is_usual(in))
		return fqdn_put(kind, in, out, true);
	put_plain(out, in);
	return true;
}

const struct type type_fqdn = { "FQDN", "a host name", fqdn_sanitise, fqdn_valid, fqdn_accept };
