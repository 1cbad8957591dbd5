#include "redis.h"

#include <stdlib.h>
#include <sys/time.h>

#include "alloc.h"
#include "buf.h"
#include "url.h"

enum { PORT = 6379, CONNECT = 5, ANSWER = 30, WORDS = 160 }; /* seconds, seconds, words of a command */

struct redis {
	redisContext *c; /* NULL: not connected */
	char *host, *socket, *user, *password, *name, *place;
	unsigned port;
	long db;
};

bool redis_is_url(const char *url)
{
	return strncmp(url, "redis:", 6) == 0 || strncmp(url, "rediss:", 7) == 0;
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)((at - digits) & 15) : -1;
}

/* T without its percent-encoding; NULL for NO_TEXT. */
static char *decoded(struct text t)
{
	struct buf b = BUF_INIT;
	char *copy;

	if (!t.at)
		return NULL;
	for (size_t i = 0; i < t.len; i++) {
		int high = i + 2 < t.len ? hex_digit(t.at[i + 1]) : -1, low = high >= 0 ? hex_digit(t.at[i + 2]) : -1;

		if (t.at[i] == '%' && low >= 0) {
			buf_char(&b, (char)(high << 4 | low));
			i += 2;
		} else {
			buf_char(&b, t.at[i]);
		}
	}
	copy = alloc_string(buf_view(&b));
	buf_free(&b);
	return copy;
}

static bool read_db(struct redis *r, struct text t, struct problem *problem)
{
	long long n;

	if (!t.len)
		return true;
	if (!text_integer(t, &n) || n < 0 || n > 1000000)
		return problem_set(problem, "redis: no number of a database: \"%.*s\"", TEXT_ARGS(t));
	r->db = (long)n;
	return true;
}

static bool read_url(struct redis *r, const char *text, struct problem *problem)
{
	struct url url;

	url_split(text_of(text), &url);
	if (!text_is(url.scheme, "redis"))
		return problem_set(problem, "redis: a URL begins with redis://HOST or redis:/SOCKET (TLS is not supported)");
	r->name = url.fragment.len ? decoded(url.fragment) : NULL;
	if (!url.location.at) {
		r->socket = decoded(url.path);
		if (r->socket[0] != '/')
			return problem_set(problem, "redis: a URL begins with redis://HOST or redis:/SOCKET");
		if (url.query.at && !text_starts(url.query, TEXT("db=")))
			return problem_set(problem, "redis: not a setting: \"%.*s\"", TEXT_ARGS(url.query));
		return read_db(r, url.query.at ? text_from(url.query, 3) : NO_TEXT, problem);
	}
	r->host = url.host.len ? decoded(url.host) : alloc_string(TEXT("127.0.0.1"));
	r->user = url.user.len ? decoded(url.user) : NULL;
	r->password = url.password.len ? decoded(url.password) : NULL;
	r->port = PORT;
	if (url.port.at && (!url_port(&url, &r->port) || !r->port))
		return problem_set(problem, "redis: no port: \"%.*s\"", TEXT_ARGS(url.port));
	if (url.query.at)
		return problem_set(problem, "redis: not a setting: \"%.*s\"", TEXT_ARGS(url.query));
	return read_db(r, text_from(url.path, 1), problem);
}

struct redis *redis_new(const char *url, long db, struct problem *problem)
{
	struct redis *r = alloc_zero(1, sizeof *r);
	struct buf place = BUF_INIT;

	r->db = db;
	if (!read_url(r, url, problem)) {
		redis_free(r);
		return NULL;
	}
	if (r->socket)
		buf_printf(&place, "redis:%s?db=%ld", r->socket, r->db);
	else
		buf_printf(&place, "redis://%s:%u/%ld", r->host, r->port, r->db);
	r->place = alloc_string(buf_view(&place));
	buf_free(&place);
	return r;
}

static void disconnect(struct redis *r)
{
	if (r->c)
		redisFree(r->c);
	r->c = NULL;
}

void redis_free(struct redis *r)
{
	if (!r)
		return;
	disconnect(r);
	free(r->host);
	free(r->socket);
	free(r->user);
	free(r->password);
	free(r->name);
	free(r->place);
	free(r);
}

const char *redis_name(const struct redis *r, const char *fallback)
{
	return r->name ? r->name : fallback;
}

const char *redis_place(const struct redis *r)
{
	return r->place;
}

bool redis_connected(const struct redis *r)
{
	return r->c != NULL;
}

static redisReply *lost(struct redis *r, struct problem *problem)
{
	problem_set(problem, "%s: %s", r->place, !r->c ? "not connected" : r->c->err ? r->c->errstr : "the connection is lost");
	problem->away = true;
	disconnect(r);
	return NULL;
}

redisReply *redis_read(struct redis *r, struct problem *problem)
{
	void *got = NULL;
	redisReply *reply;

	if (!r->c || redisGetReply(r->c, &got) != REDIS_OK || !got)
		return lost(r, problem);
	reply = got;
	if (reply->type != REDIS_REPLY_ERROR)
		return reply;
	problem_set(problem, "%s: %s", r->place, reply->str);
	freeReplyObject(reply);
	return NULL;
}

redisReply *redis_ask(struct redis *r, struct problem *problem, const char *format, ...)
{
	va_list arguments;
	int added = REDIS_ERR;

	if (r->c) {
		va_start(arguments, format);
		added = redisvAppendCommand(r->c, format, arguments);
		va_end(arguments);
	}
	return added == REDIS_OK ? redis_read(r, problem) : lost(r, problem);
}

void redis_add(struct redis *r, int count, const struct text *words)
{
	const char *at[WORDS];
	size_t len[WORDS];

	if (!r->c)
		return;
	for (int i = 0; i < count && i < WORDS; i++) {
		at[i] = words[i].at ? words[i].at : "";
		len[i] = words[i].len;
	}
	redisAppendCommandArgv(r->c, count < WORDS ? count : WORDS, at, len);
}

bool redis_done(redisReply *reply)
{
	if (reply)
		freeReplyObject(reply);
	return reply != NULL;
}

struct text redis_text(const redisReply *reply)
{
	return reply && reply->type == REDIS_REPLY_STRING ? (struct text){ reply->str, reply->len } : NO_TEXT;
}

bool redis_connect(struct redis *r, struct problem *problem)
{
	struct timeval connecting = { CONNECT, 0 }, answer = { ANSWER, 0 };
	bool fine = true;

	disconnect(r);
	r->c = r->socket ? redisConnectUnixWithTimeout(r->socket, connecting)
			 : redisConnectWithTimeout(r->host, (int)r->port, connecting);
	if (!r->c || r->c->err)
		return lost(r, problem), false;
	redisSetTimeout(r->c, answer);
	if (r->password)
		fine = redis_done(r->user ? redis_ask(r, problem, "AUTH %s %s", r->user, r->password)
					  : redis_ask(r, problem, "AUTH %s", r->password));
	if (fine)
		fine = redis_done(redis_ask(r, problem, "SELECT %ld", r->db));
	if (!fine)
		disconnect(r);
	return fine;
}
