/* URLs. data-format.md 2.13: the text is taken apart only to see whether it has a network location; it stays
 * as it is. */
#include "ip.h"
#include "type_priv.h"
#include "unicode.h"
#include "url.h"

/* RFC 3986 3.2.2: an IPv6 address, or v, hex digits, a point and more. */
static bool ip_literal(struct text t)
{
	struct ip ip;
	struct text scope;
	size_t i = 1;

	if (t.len == 0 || t.at[0] != 'v')
		return text_split(&t, '%', &scope) && ip_parse(scope, &ip) && ip.bits == 128 &&
		       (!t.at || (t.len && !memchr(t.at, '%', t.len)));
	while (i < t.len &&
		((t.at[i] >= '0' && t.at[i] <= '9') || ((t.at[i] | 32) >= 'a' && (t.at[i] | 32) <= 'f')))
		i++;
	return i > 1 && i + 1 < t.len && t.at[i] == '.' && !memchr(t.at + i, '\n', t.len - i);
}

static bool brackets_fit(struct text location)
{
	const char *open = memchr(location.at, '[', location.len),
		   *close = memchr(location.at, ']', location.len);

	if (!open && !close)
		return true;
	if (!open || !close)
		return false;
	location = text_from(location, (size_t)(open + 1 - location.at));
	close = memchr(location.at, ']', location.len);
	return ip_literal((struct text){ location.at, close ? (size_t)(close - location.at) : location.len });
}

/* Whether other programs, which normalise the location, would see a delimiter where there is none: such a URL
 * is a trick. */
static bool hides_delimiter(struct text location)
{
	struct buf kept = BUF_INIT, normal = BUF_INIT;
	bool hides;

	for (size_t i = 0; i < location.len; i++)
		if (!one_of(location.at[i], "@:#?"))
			buf_char(&kept, location.at[i]);
	hides = !unicode_nfkc(buf_view(&kept), &normal);
	for (size_t i = 0; !hides && i < normal.len; i++)
		hides = one_of(normal.at[i], "/?#@:");
	buf_free(&kept);
	buf_free(&normal);
	return hides;
}

static bool location_fits(struct text location)
{
	return location.len && brackets_fit(location) &&
	       (unicode_ascii(location) || !hides_delimiter(location));
}

/* Appends T as it is seen by the split: nothing below ! at the start, no TAB, CR, LF anywhere. */
static void clean(struct text t, struct buf *out)
{
	size_t i = 0;

	while (i < t.len && (unsigned char)t.at[i] <= ' ')
		i++;
	for (; i < t.len; i++)
		if (t.at[i] != '\t' && t.at[i] != '\r' && t.at[i] != '\n')
			buf_char(out, t.at[i]);
}

/* Appends T with hxxp:// and hxxps:// turned back into what they were. */
static void refang(struct text t, struct buf *out)
{
	const char *found;

	while (t.len && (found = memmem(t.at, t.len, "hxxp", 4))) {
		size_t before = (size_t)(found - t.at);
		struct text rest = text_from(t, before + 4);
		bool defanged = text_starts(rest, TEXT("://")) || text_starts(rest, TEXT("s://"));

		buf_add(out, t.at, before);
		buf_string(out, defanged ? "http" : "hxxp");
		t = rest;
	}
	buf_text(out, t);
}

/* Appends the URL of a file on this host in full: file://localhost/path */
static void put_file_url(const struct url *url, struct buf *out)
{
	buf_string(out, "file://localhost");
	if (url->path.len && url->path.at[0] != '/')
		buf_char(out, '/');
	buf_text(out, url->path);
	if (url->query.len) {
		buf_char(out, '?');
		buf_text(out, url->query);
	}
	if (url->fragment.len) {
		buf_char(out, '#');
		buf_text(out, url->fragment);
	}
}

static bool url_sanitise(enum value_kind kind, struct text in, struct buf *out)
{
	struct buf text = BUF_INIT, cleaned = BUF_INIT, file = BUF_INIT;
	struct form form;
	struct url url;
	bool taken = true;

	if (!form_open(kind, in, &form))
		return false;
	refang(form.text, &text);
	clean(buf_view(&text), &cleaned);
	url_split(buf_view(&cleaned), &url);
	if (text_eq_nocase(url.scheme, TEXT("file")) && url.location.len == 0) {
		put_file_url(&url, &file);
		buf_json(out, buf_view(&file));
	} else if (location_fits(url.location)) {
		buf_json(out, buf_view(&text));
	} else {
		taken = false;
	}
	form_close(&form);
	buf_free(&text);
	buf_free(&cleaned);
	buf_free(&file);
	return taken;
}

static bool url_valid(enum value_kind kind, struct text in)
{
	struct buf cleaned = BUF_INIT;
	struct url url;
	bool valid;

	if (kind != VALUE_STRING || in.len == 0 || in.at[0] == ' ' ||
		(in.at[0] >= '\t' && in.at[0] <= '\r') || !unicode_valid(in))
		return false;
	clean(in, &cleaned);
	url_split(buf_view(&cleaned), &url);
	valid = location_fits(url.location);
	buf_free(&cleaned);
	return valid;
}

/* Characters that make a URL unusual: what JSON escapes, controls and blanks, brackets, all that is not
 * ASCII. */
static const bool unusual[256] = {
	[0 ... ' '] = true,
	['"'] = true,
	['\\'] = true,
	['['] = true,
	[']'] = true,
	[127 ... 255] = true,
};

/* Whether T is http:// or https:// and a host and plain characters, without anything that may be a hxxp. */
static bool is_usual(struct text t)
{
	size_t start = text_starts(t, TEXT("http://")) ? 7 : text_starts(t, TEXT("https://")) ? 8 : 0;
	bool odd = false;

	if (start == 0 || start == t.len || one_of(t.at[start], "/?#"))
		return false;
	for (size_t i = start; i < t.len; i++)
		odd |= unusual[(unsigned char)t.at[i]] | (t.at[i] == 'x' && t.at[i - 1] == 'x');
	return !odd;
}

static bool url_accept(enum value_kind kind, struct text in, struct buf *out)
{
	if (kind != VALUE_STRING || !is_usual(in))
		return url_sanitise(kind, in, out);
	put_plain(out, in);
	return true;
}

const struct type type_url = { "URL", "a URL", url_sanitise, url_valid, url_accept };
