#include "url.h"

#include "scan.h"

enum { SCHEME_START = 1, SCHEME_MORE = 2, LOCATION_END = 4, UNCLEAN = 8 };

static const unsigned char class[256] = {
	['a' ... 'z'] = SCHEME_START | SCHEME_MORE,
	['A' ... 'Z'] = SCHEME_START | SCHEME_MORE,
	['0' ... '9'] = SCHEME_MORE,
	['+'] = SCHEME_MORE,
	['-'] = SCHEME_MORE,
	['.'] = SCHEME_MORE,
	['/'] = LOCATION_END,
	['?'] = LOCATION_END,
	['#'] = LOCATION_END,
	['\t'] = UNCLEAN,
	['\n'] = UNCLEAN,
	['\r'] = UNCLEAN,
};

static bool is(char c, unsigned what)
{
	return class[(unsigned char)c] & what;
}

struct text url_clean(struct text t, struct arena *a)
{
	char *copy;
	size_t n = 0, unclean = 0;

	while (t.len && (unsigned char)t.at[0] <= ' ')
		t = text_from(t, 1);
	if (scan_plain(t.at, t.at + t.len) == t.at + t.len)
		return t;
	for (size_t i = 0; i < t.len; i++)
		unclean += is(t.at[i], UNCLEAN);
	if (!unclean)
		return t;
	copy = arena_bytes(a, t.len);
	for (size_t i = 0; i < t.len; i++)
		if (!is(t.at[i], UNCLEAN))
			copy[n++] = t.at[i];
	return (struct text){ copy, n };
}

/* The scheme at the start of *REST, which moves behind its colon. */
static struct text take_scheme(struct text *rest)
{
	struct text scheme = NO_TEXT;
	size_t n = 0;

	if (rest->len == 0 || !is(rest->at[0], SCHEME_START))
		return scheme;
	while (n < rest->len && is(rest->at[n], SCHEME_MORE))
		n++;
	if (n < rest->len && rest->at[n] == ':') {
		scheme = (struct text){ rest->at, n };
		*rest = text_from(*rest, n + 1);
	}
	return scheme;
}

/* [user[:password]@]host[:port]: the last @ counts, as users of mail services have one in their names. */
static void split_location(struct url *url)
{
	struct text host = url->location, port;
	const char *found = memrchr(host.at, '@', host.len);

	if (found) {
		struct text account = { host.at, (size_t)(found - host.at) };

		url->password = account;
		text_split(&url->password, ':', &url->user);
		host = text_from(host, account.len + 1);
	}
	found = memchr(host.at, '[', host.len);
	if (found) {
		port = text_from(host, (size_t)(found + 1 - host.at));
		text_split(&port, ']', &url->host);
		if (port.at) {
			struct text between;

			text_split(&port, ':', &between);
		}
	} else {
		port = host;
		text_split(&port, ':', &url->host);
	}
	url->port = port.len ? port : NO_TEXT;
}

void url_split(struct text t, struct url *url)
{
	size_t n = 0;

	*url = (struct url){ .host = { "", 0 } };
	url->scheme = take_scheme(&t);
	if (text_starts(t, TEXT("//"))) {
		t = text_from(t, 2);
		while (n < t.len && !is(t.at[n], LOCATION_END))
			n++;
		url->location = (struct text){ t.at, n };
		t = text_from(t, n);
		split_location(url);
	}
	url->fragment = t.len ? t : TEXT("");
	text_split(&url->fragment, '#', &url->query);
	text_split(&url->query, '?', &url->path);
}

bool url_port(const struct url *url, unsigned *port)
{
	unsigned long number = 0;

	if (!url->port.len)
		return false;
	for (size_t i = 0; i < url->port.len; i++) {
		char c = url->port.at[i];

		if (c < '0' || c > '9')
			return false;
		number = number * 10 + (unsigned long)(c - '0');
		if (number > 65535)
			return false;
	}
	*port = (unsigned)number;
	return true;
}

struct text url_path_plain(const struct url *url)
{
	static const char *const schemes[] = { "http", "https", "ftp", "sftp", "shttp", "rtsp", "rtspu",
		"sip", "sips", "mms", "tel", "hdl", "prospero" };
	struct text path = url->path;
	const char *slash = memrchr(path.at, '/', path.len);
	size_t from = slash ? (size_t)(slash - path.at) : 0;
	const char *found = path.len ? memchr(path.at + from, ';', path.len - from) : NULL;

	if (!found)
		return path;
	for (size_t i = 0; i < LENGTH(schemes); i++)
		if (!url->scheme.at || text_eq_nocase(url->scheme, text_of(schemes[i])))
			return (struct text){ path.at, (size_t)(found - path.at) };
	return path;
}
