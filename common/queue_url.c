#include "queue_url.h"

#include <ctype.h>
#include <stdlib.h>

#include "alloc.h"

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* T with %XX resolved (RFC 3986, 2.1); a NUL ends it. */
static char *decode(struct text t)
{
	char *copy = alloc_string(t), *out = copy;

	for (size_t i = 0; i < t.len; i++) {
		bool coded = t.at[i] == '%' && t.len - i > 2 && hex(t.at[i + 1]) >= 0 && hex(t.at[i + 2]) >= 0;

		*out++ = (char)(coded ? hex(t.at[i + 1]) << 4 | hex(t.at[i + 2]) : t.at[i]);
		i += coded ? 2 : 0;
	}
	*out = '\0';
	return copy;
}

/* What stands before the first SEPARATOR; *REST moves behind it. False: there is none, *PART is all. */
static bool cut(struct text *rest, char separator, struct text *part)
{
	const char *at = rest->len ? memchr(rest->at, separator, rest->len) : NULL;

	*part = at ? (struct text){ rest->at, (size_t)(at - rest->at) } : *rest;
	*rest = at ? text_from(*rest, part->len + 1) : NO_TEXT;
	return at != NULL;
}

/* USER:PASSWORD@HOST:PORT; an IPv6 address stands in brackets. Several hosts keep their ports. */
static bool split_authority(struct text t, struct queue_url *url)
{
	const char *at = t.len ? memrchr(t.at, '@', t.len) : NULL, *colon;
	long long port;

	if (at) {
		struct text login = { t.at, (size_t)(at - t.at) }, user;

		if (cut(&login, ':', &user))
			url->password = decode(login);
		url->user = user.len ? decode(user) : NULL;
		t = text_from(t, (size_t)(at - t.at) + 1);
	}
	colon = t.len && !memchr(t.at, ',', t.len) ? memrchr(t.at, ':', t.len) : NULL;
	if (colon && !memchr(colon, ']', (size_t)(t.at + t.len - colon))) {
		if (!text_integer(text_from(t, (size_t)(colon - t.at) + 1), &port) || port < 1 || port > 65535)
			return false;
		url->port = (long)port;
		t.len = (size_t)(colon - t.at);
	}
	if (t.len > 1 && t.at[0] == '[' && t.at[t.len - 1] == ']')
		t = (struct text){ t.at + 1, t.len - 2 };
	url->host = t.len ? decode(t) : NULL;
	return true;
}

void queue_url_free(struct queue_url *url)
{
	char *parts[] = { url->scheme, url->user, url->password, url->host, url->path, url->query, url->name };

	for (size_t i = 0; i < LENGTH(parts); i++)
		free(parts[i]);
}

bool queue_url_read(struct queue_url *url, struct text rest)
{
	struct text scheme, place, part;

	*url = (struct queue_url){ .port = 0 };
	if (!cut(&rest, ':', &scheme))
		return false;
	url->scheme = decode(scheme);
	cut(&rest, '#', &place);
	url->name = rest.len ? decode(rest) : NULL;
	cut(&place, '?', &part);
	url->query = place.len ? alloc_string(place) : NULL;
	if (text_starts(part, TEXT("//"))) {
		struct text authority = text_from(part, 2), path = NO_TEXT;
		const char *slash = memchr(authority.at, '/', authority.len);

		if (slash) {
			path = (struct text){ slash, (size_t)(authority.at + authority.len - slash) };
			authority.len = (size_t)(slash - authority.at);
		}
		part = path;
		if (!split_authority(authority, url))
			return false;
	}
	url->path = part.len ? decode(part) : NULL;
	return true;
}

bool queue_url_next(const struct queue_url *url, size_t *cursor, char **key, char **value)
{
	struct text rest = text_from(text_of(url->query ? url->query : ""), *cursor), pair, name;

	if (!rest.len)
		return false;
	cut(&rest, '&', &pair);
	*cursor += pair.len + 1;
	cut(&pair, '=', &name);
	*key = decode(name);
	*value = decode(pair.at ? pair : TEXT(""));
	return true;
}

char *queue_url_setting(const struct queue_url *url, const char *wanted)
{
	char *key, *value;
	size_t cursor = 0;

	while (queue_url_next(url, &cursor, &key, &value)) {
		bool found = strcmp(key, wanted) == 0;

		free(key);
		if (found)
			return value;
		free(value);
	}
	return NULL;
}

/* USER@HOST without what follows USER. */
static void add_authority(struct text t, struct buf *out)
{
	const char *at = t.len ? memrchr(t.at, '@', t.len) : NULL;
	const char *colon = at ? memchr(t.at, ':', (size_t)(at - t.at)) : NULL;

	if (colon) {
		buf_add(out, t.at, (size_t)(colon - t.at));
		t = text_from(t, (size_t)(at - t.at));
	}
	buf_text(out, t);
}

char *queue_url_public(struct text t)
{
	struct buf out = BUF_INIT;
	struct text scheme, place, part, setting;
	bool named, queried;
	char mark = '?';
	char *name;

	if (cut(&t, ':', &scheme)) {
		buf_text(&out, scheme);
		buf_char(&out, ':');
	} else {
		t = scheme;
	}
	named = cut(&t, '#', &place);
	queried = cut(&place, '?', &part);
	if (text_starts(part, TEXT("//"))) {
		const char *slash = memchr(part.at + 2, '/', part.len - 2);
		size_t length = slash ? (size_t)(slash - part.at) : part.len;

		buf_string(&out, "//");
		add_authority((struct text){ part.at + 2, length - 2 }, &out);
		part = text_from(part, length);
	}
	buf_text(&out, part);
	while (queried) {
		queried = cut(&place, '&', &setting);
		if (text_starts(setting, TEXT("password=")))
			continue;
		buf_char(&out, mark);
		buf_text(&out, setting);
		mark = '&';
	}
	if (named) {
		buf_char(&out, '#');
		buf_text(&out, t);
	}
	name = alloc_string(buf_view(&out));
	buf_free(&out);
	return name;
}

void queue_url_add(struct buf *url, struct text t)
{
	for (size_t i = 0; i < t.len; i++)
		if (isalnum((unsigned char)t.at[i]) || strchr("-._~/", t.at[i]))
			buf_char(url, t.at[i]);
		else
			buf_printf(url, "%%%02x", (unsigned char)t.at[i]);
}
