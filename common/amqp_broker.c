#include "amqp_broker.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <amqp_framing.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>

#include "alloc.h"
#include "clock.h"

enum {
	CONNECT = 10,         /* seconds */
	FRAME = 131072,
	MAX_HEARTBEAT = 3600, /* seconds */
};

bool broker_gone(struct amqp_broker *b, struct problem *problem, const char *what)
{
	b->broken = true;
	return problem_set(problem, "amqp %s: %s", b->host, what);
}

/* Their text is counted, not terminated. */
bool broker_closed(struct amqp_broker *b, struct problem *problem, const amqp_method_t *method)
{
	amqp_bytes_t text = amqp_empty_bytes;

	b->broken = true;
	if (method->id == AMQP_CHANNEL_CLOSE_METHOD)
		text = ((amqp_channel_close_t *)method->decoded)->reply_text;
	else if (method->id == AMQP_CONNECTION_CLOSE_METHOD)
		text = ((amqp_connection_close_t *)method->decoded)->reply_text;
	return problem_set(problem, "amqp %s: %.*s", b->host, (int)text.len, text.len ? (const char *)text.bytes : "");
}

/* A call of the library has failed, with STATUS or without an answer: the broker is away, unless it is about certificates. */
static bool failed(struct amqp_broker *b, int status, struct problem *problem)
{
	char place[300];

	if (b->secure && status != AMQP_STATUS_TIMEOUT && tls_has_failed(&b->tls)) {
		b->broken = true;
		snprintf(place, sizeof place, "amqps %s", b->host);
		return tls_failed(&b->tls, place, problem);
	}
	broker_gone(b, problem, status ? amqp_error_string2(status) : "no answer");
	problem->away = true;
	return false;
}

bool broker_check(struct amqp_broker *b, amqp_rpc_reply_t reply, struct problem *problem)
{
	if (reply.reply_type == AMQP_RESPONSE_NORMAL)
		return true;
	if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION)
		return broker_closed(b, problem, &reply.reply);
	return failed(b, reply.library_error, problem);
}

/* ---- settings ---- */

static char *text_or(const char *text, const char *fallback)
{
	return alloc_string(text_of(text && *text ? text : fallback));
}

/* A part of the URL's authority, or the setting KEY, which may hold anything. */
static char *login_part(const struct queue_url *url, const char *part, const char *key)
{
	char *setting = queue_url_setting(url, key), *own = text_or(setting ? setting : part, "guest");

	free(setting);
	return own;
}

bool broker_number(const struct queue_url *url, const char *key, int lowest, int highest, int *number, struct problem *problem)
{
	char *setting = queue_url_setting(url, key);
	long long read = lowest;
	bool fine = !setting || (text_integer(text_of(setting), &read) && read >= lowest && read <= highest);

	if (!fine)
		problem_set(problem, "amqp: %s: from %d to %d: \"%s\"", key, lowest, highest, setting);
	free(setting);
	*number = (int)read;
	return fine;
}

static bool read_tls(struct amqp_broker *b, const struct queue_url *url, struct problem *problem)
{
	bool fine = true;
	size_t cursor = 0;
	char *key, *value;

	*problem->text = '\0';
	while (fine && queue_url_next(url, &cursor, &key, &value)) {
		if (tls_setting(&b->tls, key, value, problem) && !b->secure)
			problem_set(problem, "amqp: %s is a setting of amqps:", key);
		fine = !*problem->text;
		free(key);
		free(value);
	}
	return fine;
}

bool broker_init(struct amqp_broker *b, const struct queue_url *url, struct problem *problem)
{
	*b = (struct amqp_broker){ .secure = strcmp(url->scheme, "amqps") == 0, .tls = TLS_INIT };
	b->host = text_or(url->host, "127.0.0.1");
	b->port = url->port ? (int)url->port : b->secure ? 5671 : 5672;
	b->user = login_part(url, url->user, "user");
	b->password = login_part(url, url->password, "password");
	b->vhost = text_or(url->path ? url->path + 1 : NULL, "/");
	return broker_number(url, "heartbeat", 0, MAX_HEARTBEAT, &b->heartbeat, problem) && read_tls(b, url, problem);
}

/* ---- connecting ---- */

/* The library looks for host names only in certificates, and its errors do not say why: what is expected, and who signs, OpenSSL is told. */
static amqp_socket_t *new_socket(struct amqp_broker *b, struct problem *problem)
{
	amqp_socket_t *socket = b->secure ? amqp_ssl_socket_new(b->c) : amqp_tcp_socket_new(b->c);

	if (!socket) {
		broker_gone(b, problem, "no memory for a socket");
		return NULL;
	}
	if (!b->secure)
		return socket;
	amqp_ssl_socket_set_verify_peer(socket, b->tls.verify);
	amqp_ssl_socket_set_verify_hostname(socket, 0);
	if (tls_prepare(&b->tls, amqp_ssl_socket_get_context(socket), b->host, problem))
		return socket;
	b->broken = true;
	return NULL;
}

static void hang_up(struct amqp_broker *b)
{
	if (b->c)
		amqp_destroy_connection(b->c);
	b->c = NULL;
}

bool broker_connect(struct amqp_broker *b, struct problem *problem)
{
	struct timeval limit = { CONNECT, 0 }, answer = { BROKER_ANSWER, 0 };
	amqp_socket_t *socket;
	int status, on = 1;

	hang_up(b);
	b->c = amqp_new_connection();
	b->broken = false;
	if (!(socket = new_socket(b, problem)))
		return false;
	status = amqp_socket_open_noblock(socket, b->host, b->port, &limit);
	if (status != AMQP_STATUS_OK)
		return failed(b, status, problem);
	/* The kernel notices a broker that is gone, as far as we need to know. */
	setsockopt(amqp_get_sockfd(b->c), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	amqp_set_rpc_timeout(b->c, &answer);
	if (!broker_check(b, amqp_login(b->c, b->vhost, 0, FRAME, b->heartbeat, AMQP_SASL_METHOD_PLAIN, b->user, b->password), problem))
		return false;
	return broker_channel(b, problem);
}

bool broker_channel(struct amqp_broker *b, struct problem *problem)
{
	amqp_channel_open(b->c, BROKER_CHANNEL);
	return broker_answered(b, problem);
}

bool broker_answered(struct amqp_broker *b, struct problem *problem)
{
	return broker_check(b, amqp_get_rpc_reply(b->c), problem);
}

void broker_close(struct amqp_broker *b)
{
	if (b->c && !b->broken)
		amqp_connection_close(b->c, AMQP_REPLY_SUCCESS);
	hang_up(b);
	free(b->host);
	free(b->user);
	free(b->password);
	free(b->vhost);
	tls_free(&b->tls);
}

/* The broker wants one in every interval (AMQP 0-9-1, 4.2.7), and may want a shorter one than we. Those that it sends itself
 * are read with what it sends next. */
void broker_beat(struct amqp_broker *b)
{
	int64_t now = clock_steady();
	int interval = b->c && !b->broken ? amqp_get_heartbeat(b->c) : 0;

	if (!b->heartbeat || !interval || now - b->beaten < (int64_t)interval * 1000000 / 2)
		return;
	b->beaten = now;
	if (amqp_send_frame(b->c, &(amqp_frame_t){ .frame_type = AMQP_FRAME_HEARTBEAT }) != AMQP_STATUS_OK)
		b->broken = true;
}
