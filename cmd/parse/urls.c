/* Steps about URLs: their parts, and URLs relative to others. */
#include "steps.h"
#include "url.h"

/* The URL anew, the scheme in small letters, without a `?` or `#` that nothing follows. */
static void put_whole(const struct url *u, struct buf *out)
{
	for (size_t i = 0; i < u->scheme.len; i++)
		buf_char(out, (char)(u->scheme.at[i] >= 'A' && u->scheme.at[i] <= 'Z' ? u->scheme.at[i] | 0x20 :
											 u->scheme.at[i]));
	if (u->scheme.at)
		buf_char(out, ':');
	if (u->location.at) {
		buf_string(out, "//");
		buf_text(out, u->location);
	}
	buf_text(out, u->path);
	if (u->query.len) {
		buf_char(out, '?');
		buf_text(out, u->query);
	}
	if (u->fragment.len) {
		buf_char(out, '#');
		buf_text(out, u->fragment);
	}
}

static enum outcome part(struct session *s, enum url_part which, struct cell *cell)
{
	struct url u;
	struct text t;

	url_split(url_clean(cell->text, &s->arena), &u);
	switch (which) {
	case URL_SCHEME:
		t = u.scheme;
		break;
	case URL_HOST:
		t = u.host;
		break;
	case URL_PORT:
		t = u.port;
		break;
	case URL_LOCATION:
		t = u.location;
		break;
	case URL_PATH:
		t = u.path;
		break;
	case URL_QUERY:
		t = u.query;
		break;
	case URL_FRAGMENT:
		t = u.fragment;
		break;
	default:
		buf_clear(&s->work);
		put_whole(&u, &s->work);
		t = arena_text(&s->arena, buf_view(&s->work));
		break;
	}
	if (t.len == 0)
		return STEP_NOTHING;
	*cell = cell_of(t);
	return STEP_FINE;
}

/* Removes `.` and `..` segments (RFC 3986, 5.2.4) from what OUT has from START on. */
static void remove_dots(struct buf *out, size_t start)
{
	struct text rest, segment;
	char *from = out->at + start, *to = from, *end = out->at + out->len;
	bool rooted = from < end && *from == '/';

	rest = (struct text){ from + rooted, (size_t)(end - from - rooted) };
	to += rooted;
	while (text_split(&rest, '/', &segment)) {
		bool last = !rest.at;

		if (text_is(segment, ".")) {
			continue;
		}
		if (text_is(segment, "..")) {
			if (to > from + rooted)
				to--;
			while (to > from + rooted && to[-1] != '/')
				to--;
			continue;
		}
		memmove(to, segment.at, segment.len);
		to += segment.len;
		if (!last)
			*to++ = '/';
	}
	out->len = (size_t)(to - out->at);
}

/* RFC 3986, 5.2.2, for references without a scheme of their own. */
static enum outcome resolve(struct session *s, struct text base, struct cell *cell)
{
	struct url b, r;
	struct buf *out = &s->work;
	const char *slash;
	size_t start;

	url_split(url_clean(cell->text, &s->arena), &r);
	url_split(base, &b);
	if (r.scheme.at)
		return STEP_FINE;
	buf_clear(out);
	buf_text(out, b.scheme);
	buf_string(out, "://");
	buf_text(out, r.location.at ? r.location : b.location);
	start = out->len;
	if (!r.location.at && r.path.len == 0) {
		buf_text(out, b.path);
	} else if (r.location.at || r.path.at[0] == '/') {
		buf_text(out, r.path);
	} else {
		slash = memrchr(b.path.at, '/', b.path.len);
		if (slash)
			buf_add(out, b.path.at, (size_t)(slash - b.path.at) + 1);
		else
			buf_char(out, '/');
		buf_text(out, r.path);
	}
	remove_dots(out, start);
	if (r.query.at) {
		buf_char(out, '?');
		buf_text(out, r.query);
	}
	*cell = cell_of(arena_text(&s->arena, buf_view(out)));
	return STEP_FINE;
}

enum outcome step_url(struct session *s, const struct step *step, struct cell *cell)
{
	struct cell base;

	if (step->kind == STEP_URL)
		return part(s, step->part, cell);
	base = source_get(s, step->source, s->record);
	if (base.kind != VALUE_STRING)
		return step_fail(s, "no URL that it is relative to", cell->text);
	return resolve(s, base.text, cell);
}
