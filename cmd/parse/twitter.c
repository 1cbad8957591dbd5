/* The driver of tweets (parsers-2.md 3.20): finds host names, with what follows them, in free text in which people have made
 * links unclickable. What was found becomes `{"url":"http://host/path"}`, one object each.
 *
 * Repaired are upstream's defects: an item of the whitelist is a name, which stands for the names below it too, and not a
 * regular expression; the default of the substitutions undoes `[.]` instead of making it. */
#include <libpsl.h>
#include <stdlib.h>

#include "alloc.h"
#include "driver.h"

enum { QUERY_ITEMS = 64 };

struct twitter {
	struct regex *host;
	psl_ctx_t *suffixes;
};

static bool open_it(struct session *s, struct problem *problem)
{
	/* At the beginning of a word, or behind two slashes: labels, and to the end what a slash or colon begins. */
	static const char pattern[] = "(?:^|//)([a-z0-9.-]*[a-z]\\.[a-z][a-z-]*(?:[/:].*)?)$";
	struct text rest = text_of(parameters.substitutions), item;
	struct twitter *d;
	size_t count = 0;

	while (rest.len && text_split(&rest, ';', &item))
		count++;
	if (count % 2)
		return problem_set(problem, "--substitutions: pairs are wanted, not %zu texts", count);
	d = alloc_zero(1, sizeof *d);
	d->host = regex_new(text_of(pattern), 0, problem);
	d->suffixes = psl_latest(NULL);
	s->driver_state = d;
	return d->host != NULL;
}

/* TEXT with every FROM replaced by TO, in the arena. */
static struct text replaced(struct session *s, struct text text, struct text from, struct text to)
{
	const char *hit;

	if (from.len == 0)
		return text;
	buf_clear(&s->work);
	while ((hit = memmem(text.at, text.len, from.at, from.len))) {
		buf_add(&s->work, text.at, (size_t)(hit - text.at));
		buf_text(&s->work, to);
		text = text_from(text, (size_t)(hit - text.at) + from.len);
	}
	buf_text(&s->work, text);
	return arena_text(&s->arena, buf_view(&s->work));
}

static struct text substituted(struct session *s, struct text text)
{
	struct text rest = text_of(parameters.substitutions), from, to;

	while (rest.len && text_split(&rest, ';', &from) && text_split(&rest, ';', &to))
		text = replaced(s, text, from, to);
	return text;
}

/* Whether HOST is, or is below, a name of the whitelist. */
static bool is_white(struct text host)
{
	struct text rest = text_of(parameters.domain_whitelist), item;

	while (rest.len && text_split(&rest, ',', &item)) {
		item = text_trim(item);
		if (item.len && text_ends(host, item) &&
			(host.len == item.len || host.at[host.len - item.len - 1] == '.'))
			return true;
	}
	return false;
}

/* Whether HOST ends in a public suffix that someone has listed, and is none itself. */
static bool is_public(const struct twitter *d, struct text host)
{
	char name[256], *dot;

	if (host.len >= sizeof name || !d->suffixes)
		return false;
	memcpy(name, host.at, host.len);
	name[host.len] = '\0';
	if (psl_is_public_suffix2(d->suffixes, name, PSL_TYPE_ANY | PSL_TYPE_NO_STAR_RULE))
		return false;
	for (dot = strchr(name, '.'); dot; dot = strchr(dot + 1, '.'))
		if (psl_is_public_suffix2(d->suffixes, dot + 1, PSL_TYPE_ANY | PSL_TYPE_NO_STAR_RULE))
			return true;
	return false;
}

/* Appends PATH without `.` and `..` (RFC 3986, 5.2.4). */
static void put_path(struct buf *out, struct text path)
{
	size_t start = out->len;
	struct text segment;

	for (path = text_from(path, 1); path.at && text_split(&path, '/', &segment);) {
		bool last = !path.at;

		if (text_is(segment, "..")) {
			while (out->len > start && out->at[--out->len] != '/')
				;
		} else if (!text_is(segment, ".")) {
			buf_char(out, '/');
			buf_text(out, segment);
			continue;
		}
		if (last)
			buf_char(out, '/');
	}
	if (out->len == start)
		buf_char(out, '/');
}

static int by_text(const void *a, const void *b)
{
	return text_cmp(*(const struct text *)a, *(const struct text *)b);
}

static void put_query(struct buf *out, struct text query)
{
	struct text items[QUERY_ITEMS], rest = query;
	size_t n = 0;

	while (n < QUERY_ITEMS && text_split(&rest, '&', &items[n]))
		n++;
	buf_char(out, '?');
	if (rest.at) { /* too many to be put in order */
		buf_text(out, query);
		return;
	}
	qsort(items, n, sizeof *items, by_text);
	for (size_t i = 0; i < n; i++) {
		buf_string(out, i ? "&" : "");
		buf_text(out, items[i]);
	}
}

/* Appends the URL of FOUND, a host and what follows it, in a regular form. */
static void put_url(struct session *s, struct text found, struct text host)
{
	const char *scheme = parameters.default_scheme ? parameters.default_scheme : "https";
	struct text rest = text_from(found, host.len), path = TEXT("/"), tail = NO_TEXT;
	size_t port = 0, end = 0;

	buf_clear(&s->composed);
	buf_printf(&s->composed, "%s://", scheme);
	buf_text(&s->composed, host);
	while (port < rest.len && rest.at[port] != '/' && rest.at[port] != '?' && rest.at[port] != '#')
		port++;
	if (port > 1 && !(strcmp(scheme, "http") == 0 && text_is((struct text){ rest.at, port }, ":80")) &&
		!(strcmp(scheme, "https") == 0 && text_is((struct text){ rest.at, port }, ":443")))
		buf_add(&s->composed, rest.at, port);
	rest = text_from(rest, port);
	while (end < rest.len && rest.at[end] != '?' && rest.at[end] != '#')
		end++;
	if (end)
		path = (struct text){ rest.at, end };
	put_path(&s->composed, path);
	rest = text_from(rest, end);
	if (rest.len && rest.at[0] == '?') {
		const char *hash = memchr(rest.at, '#', rest.len);

		tail = hash ? text_from(rest, (size_t)(hash - rest.at)) : NO_TEXT;
		rest.len -= tail.len;
		if (rest.len > 1)
			put_query(&s->composed, text_from(rest, 1));
	} else {
		tail = rest;
	}
	if (tail.len > 1)
		buf_text(&s->composed, tail);
}

static void take_word(struct session *s, struct text word)
{
	const struct twitter *d = s->driver_state;
	struct text groups[2], host;

	if (!regex_match(d->host, word, groups, LENGTH(groups)))
		return;
	host = groups[1];
	for (size_t i = 0; i < host.len; i++)
		if (host.at[i] == '/' || host.at[i] == ':')
			host.len = i;
	if (is_white(host) || !is_public(d, host))
		return;
	put_url(s, groups[1], host);
	buf_string(&s->glue, s->glue.len > 1 ? ",{\"url\":" : "{\"url\":");
	buf_json(&s->glue, buf_view(&s->composed));
	buf_char(&s->glue, '}');
}

static struct text lower(struct session *s, struct text t)
{
	char *copy = arena_bytes(&s->arena, t.len + 1);

	for (size_t i = 0; i < t.len; i++)
		copy[i] = (char)(t.at[i] >= 'A' && t.at[i] <= 'Z' ? t.at[i] + 32 : t.at[i]);
	return (struct text){ copy, t.len };
}

static size_t feed(struct session *s, struct text data, bool last)
{
	struct problem problem = { .line = 0 };
	struct text text;

	(void)last;
	if (!s->driver_state && !open_it(s, &problem)) {
		session_reject(s, data, s->line, problem.text);
		return data.len;
	}
	text = lower(s, substituted(s, data));
	buf_clear(&s->glue);
	buf_char(&s->glue, '[');
	while (text.len) {
		size_t length = 0;

		while (length < text.len && !strchr(" \t\n\r\v\f", text.at[length]))
			length++;
		if (length)
			take_word(s, (struct text){ text.at, length });
		text = text_from(text, length ? length : 1);
	}
	buf_char(&s->glue, ']');
	driver_events(s, data, s->line, buf_view(&s->glue));
	return data.len;
}

static void stop(struct session *s)
{
	struct twitter *d = s->driver_state;

	regex_free(d->host);
	psl_free(d->suffixes);
	free(d);
	s->driver_state = NULL;
}

const struct driver twitter_driver = { .name = "twitter", .whole = true, .open = open_it, .feed = feed, .stop = stop };
