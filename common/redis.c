#include "redis.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <openssl/err.h>

#include "alloc.h"
#include "buf.h"
#include "ip.h"
#include "queue_url.h"
#include "tls.h"

enum { PORT = 6379, CONNECT = 10, ANSWER = 60, SILENCE = 1, CHUNK = 65536 }; /* seconds, bytes read at a time */

/* hiredis connects and reads answers out of bytes; the bytes go through our hands, because Debian 12 has it without TLS. */
struct redis {
	redisContext *c; /* NULL: not connected */
	SSL *ssl;        /* NULL: without TLS */
	char *host, *socket, *user, *password, *name, *place;
	int port;
	long db, connecting, answering; /* number; seconds that may take */
	bool secure;
	struct tls tls;
	struct buf out; /* commands not sent yet */
	char in[CHUNK];
};

bool redis_is_url(const char *url)
{
	return strncmp(url, "redis:", 6) == 0 || strncmp(url, "rediss:", 7) == 0;
}

/* ---- the URL ---- */

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

static char *copy_of(const char *text)
{
	return text ? alloc_string(text_of(text)) : NULL;
}

static bool read_setting(struct redis *r, const char *key, const char *value, bool *typed, struct problem *problem)
{
	if (strcmp(key, "db") == 0)
		return read_db(r, text_of(value), problem);
	if (strcmp(key, "password") == 0) {
		free(r->password);
		r->password = copy_of(value);
		return true;
	}
	if (typed && strcmp(key, "typed") == 0)
		return *typed = strcmp(value, "false") != 0, true;
	if (r->secure && tls_setting(&r->tls, key, value, problem))
		return true;
	return *problem->text ? false : problem_set(problem, "redis: not a setting: \"%s\"", key);
}

static bool read_parts(struct redis *r, const struct queue_url *url, bool *typed, struct problem *problem)
{
	bool fine = true;
	size_t cursor = 0;
	char *key, *value;

	r->secure = strcmp(url->scheme, "rediss") == 0;
	if ((!r->secure && strcmp(url->scheme, "redis") != 0) || (!url->host && url->path && (r->secure || *url->path != '/')))
		return problem_set(problem, "redis: a URL begins with redis://HOST, rediss://HOST or redis:/SOCKET");
	r->name = copy_of(url->name);
	r->socket = url->host ? NULL : copy_of(url->path);
	r->host = copy_of(url->host ? url->host : "127.0.0.1");
	r->port = url->port ? (int)url->port : PORT;
	r->user = copy_of(url->user);
	r->password = copy_of(url->password);
	while (fine && queue_url_next(url, &cursor, &key, &value)) {
		fine = read_setting(r, key, value, typed, problem);
		free(key);
		free(value);
	}
	return fine && (r->socket || !url->path || read_db(r, text_from(text_of(url->path), 1), problem));
}

static char *place_of(const struct redis *r)
{
	struct buf b = BUF_INIT;
	char *place;

	if (r->socket)
		buf_printf(&b, "redis:%s?db=%ld", r->socket, r->db);
	else
		buf_printf(&b, strchr(r->host, ':') ? "%s://[%s]:%d/%ld" : "%s://%s:%d/%ld", r->secure ? "rediss" : "redis", r->host,
			r->port, r->db);
	place = alloc_string(buf_view(&b));
	buf_free(&b);
	return place;
}

struct redis *redis_new_queue(const struct queue_url *url, long db, bool *typed, struct problem *problem)
{
	struct redis *r = alloc_zero(1, sizeof *r);

	r->db = db;
	r->connecting = CONNECT;
	r->answering = ANSWER;
	r->tls = TLS_INIT;
	*problem->text = '\0';
	if (!read_parts(r, url, typed, problem)) {
		redis_free(r);
		return NULL;
	}
	r->place = place_of(r);
	return r;
}

struct redis *redis_new(const char *text, long db, struct problem *problem)
{
	char *name = queue_url_public(text_of(text));
	struct queue_url url;
	struct redis *r = NULL;

	if (queue_url_read(&url, text_of(text)))
		r = redis_new_queue(&url, db, NULL, problem);
	else
		problem_set(problem, "redis: not a URL: \"%s\"", name);
	free(name);
	queue_url_free(&url);
	return r;
}

static void disconnect(struct redis *r)
{
	SSL_free(r->ssl);
	r->ssl = NULL;
	if (r->c)
		redisFree(r->c);
	r->c = NULL;
	buf_clear(&r->out);
}

void redis_free(struct redis *r)
{
	if (!r)
		return;
	disconnect(r);
	tls_free(&r->tls);
	free(r->host);
	free(r->socket);
	free(r->user);
	free(r->password);
	free(r->name);
	free(r->place);
	buf_free(&r->out);
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

/* ---- talking ---- */

/* The connection is of no use any more. */
static bool lost(struct redis *r, const char *why, struct problem *problem)
{
	problem_set(problem, "%s: %s", r->place, why);
	problem->away = true;
	disconnect(r);
	return false;
}

/* A server that refuses our certificate says so (TLS 1.3: after the handshake) and closes; then writing may fail before that was read. */
static bool lost_tls(struct redis *r, struct problem *problem)
{
	size_t got;
	int why = errno;

	if (!tls_has_failed(&r->tls))
		SSL_read_ex(r->ssl, r->in, sizeof r->in, &got);
	errno = why;
	tls_failed(&r->tls, r->place, problem);
	disconnect(r);
	return false;
}

/* Whether to try again what has failed in the kernel: a signal came. Otherwise the connection is lost, which includes that nothing came
 * in for the time that an answer may take. */
static bool interrupted(struct redis *r, struct problem *problem)
{
	if (errno == EINTR)
		return true;
	return lost(r, errno == EAGAIN ? "no answer" : strerror(errno), problem);
}

static bool send_out(struct redis *r, struct problem *problem)
{
	size_t sent = 0;

	while (sent < r->out.len) {
		ssize_t n = 0;
		size_t written = 0;

		if (r->ssl) {
			ERR_clear_error();
			errno = 0;
			if (!SSL_write_ex(r->ssl, r->out.at + sent, r->out.len - sent, &written) &&
				!(SSL_get_error(r->ssl, 0) == SSL_ERROR_WANT_WRITE ? interrupted(r, problem) : lost_tls(r, problem)))
				return false;
			sent += written;
			continue;
		}
		n = send(r->c->fd, r->out.at + sent, r->out.len - sent, MSG_NOSIGNAL);
		if (n < 0 && !interrupted(r, problem))
			return false;
		sent += n > 0 ? (size_t)n : 0;
	}
	buf_clear(&r->out);
	return true;
}

/* Reads what there is, after waiting for it. */
static bool receive(struct redis *r, struct problem *problem)
{
	size_t got = 0;
	ssize_t n;

	if (r->ssl) {
		ERR_clear_error();
		errno = 0;
		if (!SSL_read_ex(r->ssl, r->in, sizeof r->in, &got))
			return SSL_get_error(r->ssl, 0) == SSL_ERROR_WANT_READ ? interrupted(r, problem) : lost_tls(r, problem);
	} else {
		n = recv(r->c->fd, r->in, sizeof r->in, 0);
		if (n < 0)
			return interrupted(r, problem);
		if (n == 0)
			return lost(r, "Server closed the connection", problem);
		got = (size_t)n;
	}
	redisReaderFeed(r->c->reader, r->in, got);
	return true;
}

bool redis_ready(struct redis *r, struct problem *problem)
{
	return r->c || lost(r, "not connected", problem);
}

redisReply *redis_read(struct redis *r, struct problem *problem)
{
	void *got = NULL;
	redisReply *reply;

	if (!redis_ready(r, problem))
		return NULL;
	while (!got) {
		if (redisReaderGetReply(r->c->reader, &got) != REDIS_OK)
			return lost(r, r->c->reader->errstr, problem), NULL;
		if (!got && (!send_out(r, problem) || !receive(r, problem)))
			return NULL;
	}
	reply = got;
	if (reply->type != REDIS_REPLY_ERROR)
		return reply;
	problem_set(problem, "%s: %s", r->place, reply->str);
	freeReplyObject(reply);
	return NULL;
}

static void add_format(struct redis *r, const char *format, va_list arguments)
{
	char *command = NULL;
	int length;

	if (!r->c)
		return;
	length = redisvFormatCommand(&command, format, arguments);
	if (length > 0)
		buf_add(&r->out, command, (size_t)length);
	redisFreeCommand(command);
}

void redis_send(struct redis *r, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	add_format(r, format, arguments);
	va_end(arguments);
}

redisReply *redis_ask(struct redis *r, struct problem *problem, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	add_format(r, format, arguments);
	va_end(arguments);
	return redis_read(r, problem);
}

/* A command as an array of strings (RESP2). */
void redis_add(struct redis *r, size_t count, const struct text *words)
{
	if (!r->c)
		return;
	buf_char(&r->out, '*');
	buf_integer(&r->out, (long long)count);
	buf_string(&r->out, "\r\n");
	for (size_t i = 0; i < count; i++) {
		buf_char(&r->out, '$');
		buf_integer(&r->out, (long long)words[i].len);
		buf_string(&r->out, "\r\n");
		buf_text(&r->out, words[i]);
		buf_string(&r->out, "\r\n");
	}
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

/* ---- connecting ---- */

/* Whether the server talks without TLS: it answers, with whatever, what TLS would not let through. To the first message of TLS a Redis says
 * nothing, because it waits for the end of the line. Nothing secret is sent. */
static bool talks_plainly(const struct redis *r)
{
	struct timeval limit = { SILENCE, 0 };
	redisContext *c = redisConnectWithTimeout(r->host, r->port, limit);
	char first = '\0';

	if (c && !c->err && redisSetTimeout(c, limit) == REDIS_OK && send(c->fd, "PING\r\n", 6, MSG_NOSIGNAL) == 6 &&
		recv(c->fd, &first, 1, 0) != 1)
		first = '\0';
	if (c)
		redisFree(c);
	return first == '+' || first == '-';
}

/* 1: done; else errno is EAGAIN where nothing came for SECONDS. */
static int try_hands(struct redis *r, long seconds)
{
	struct timeval limit = { seconds, 0 };
	int status;

	redisSetTimeout(r->c, limit);
	ERR_clear_error();
	do {
		errno = 0;
		status = SSL_connect(r->ssl);
	} while (status != 1 && SSL_get_error(r->ssl, status) == SSL_ERROR_WANT_READ && errno == EINTR);
	return status;
}

static bool shake_hands(struct redis *r, struct problem *problem)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	struct ip ip;
	int status;

	if (!context || !tls_prepare(&r->tls, context, r->host, problem) || !(r->ssl = SSL_new(context))) {
		SSL_CTX_free(context);
		disconnect(r);
		return false;
	}
	SSL_CTX_free(context); /* the connection holds on to it */
	if (!ip_parse(text_of(r->host), &ip))
		SSL_set_tlsext_host_name(r->ssl, r->host); /* RFC 6066, 3: no addresses */
	SSL_set_fd(r->ssl, r->c->fd);
	status = try_hands(r, SILENCE);
	if (status != 1 && errno == EAGAIN) {
		if (BIO_number_read(SSL_get_rbio(r->ssl)) == 0 && talks_plainly(r)) {
			problem_set(problem, "%s: the server does not speak TLS at this port", r->place);
			disconnect(r);
			return false;
		}
		status = try_hands(r, r->connecting);
	}
	return status == 1 || (errno == EAGAIN ? lost(r, "no answer to TLS", problem) : lost_tls(r, problem));
}

static bool log_in(struct redis *r, struct problem *problem)
{
	bool fine = true;

	if (r->password)
		fine = redis_done(r->user ? redis_ask(r, problem, "AUTH %s %s", r->user, r->password)
					  : redis_ask(r, problem, "AUTH %s", r->password));
	return fine && redis_done(redis_ask(r, problem, "SELECT %ld", r->db));
}

void redis_limit(struct redis *r, long seconds)
{
	r->connecting = r->answering = seconds;
}

bool redis_connect(struct redis *r, struct problem *problem)
{
	struct timeval connecting = { r->connecting, 0 }, answer = { r->answering, 0 };

	disconnect(r);
	r->c = r->socket ? redisConnectUnixWithTimeout(r->socket, connecting) : redisConnectWithTimeout(r->host, r->port, connecting);
	if (!r->c || r->c->err)
		return lost(r, r->c ? r->c->errstr : "no memory", problem);
	if (!r->socket)
		redisEnableKeepAlive(r->c);
	if (r->secure && !shake_hands(r, problem))
		return false;
	redisSetTimeout(r->c, answer);
	if (log_in(r, problem))
		return true;
	disconnect(r);
	return false;
}
