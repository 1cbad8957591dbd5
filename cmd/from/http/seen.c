#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "files.h"
#include "stream.h"
#include "value.h"

#include "from_http.h"

enum { MAX_SEEN = 64 * 1024 };

static void take(struct buf *to, struct value v)
{
	struct arena arena = { 0 };

	buf_text(to, value_text(v, &arena));
	arena_free(&arena);
}

bool seen_read(struct seen *s, const char *path, struct problem *problem)
{
	struct buf text = BUF_INIT;
	struct value_error error;
	struct value_walk walk;
	struct value v, key, member;
	bool fine;

	if (access(path, F_OK) != 0 && errno == ENOENT)
		return true;
	fine = file_read(path, MAX_SEEN, &text, problem);
	if (fine && text_trim(buf_view(&text)).len) {
		if (!value_parse(buf_view(&text), &v, &error) || v.kind != VALUE_OBJECT)
			fine = problem_at(problem, path, 0, 0, "not written by imq-from-http");
		else
			for (walk = value_walk(v); value_next_member(&walk, &key, &member);)
				take(text_is(value_inside(key), "url") ? &s->url :
					text_is(value_inside(key), "etag") ? &s->etag : &s->last_modified, member);
	}
	buf_free(&text);
	return fine;
}

static void add_member(struct buf *out, const char *key, const char *value)
{
	if (!value)
		return;
	buf_printf(out, "%s\"%s\":", out->len > 1 ? "," : "", key);
	buf_json_ascii(out, text_of(value));
}

static bool replace(const char *path, const char *next, struct text bytes)
{
	int fd = open(next, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	bool fine = fd >= 0 && write_all(fd, bytes.at, bytes.len) && fsync(fd) == 0;

	if (fd >= 0 && close(fd) != 0)
		fine = false;
	fine = fine && rename(next, path) == 0;
	if (!fine && fd >= 0) {
		int why = errno;

		unlink(next);
		errno = why;
	}
	return fine;
}

/* Other bytes are Latin-1 at best (RFC 9110, 5.5), and a validator has none. */
static const char *printable(const char *value)
{
	for (const char *p = value; p && *p; p++)
		if (*p < ' ' || *p > '~')
			return NULL;
	return value;
}

bool seen_write(const char *path, const char *url, const struct http_reply *reply, struct problem *problem)
{
	struct buf next = BUF_INIT, line = BUF_INIT;
	bool fine;

	buf_printf(&next, "%s.new", path);
	buf_char(&line, '{');
	add_member(&line, "url", url);
	add_member(&line, "etag", printable(reply->etag));
	add_member(&line, "last_modified", printable(reply->last_modified));
	buf_string(&line, "}\n");
	fine = replace(path, buf_cstr(&next), buf_view(&line));
	if (!fine)
		problem_at(problem, path, 0, 0, "%s", strerror(errno));
	buf_free(&next);
	buf_free(&line);
	return fine;
}

void seen_free(struct seen *s)
{
	buf_free(&s->url);
	buf_free(&s->etag);
	buf_free(&s->last_modified);
}
