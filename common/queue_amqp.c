/* Queues in RabbitMQ, by AMQP 0-9-1: publisher confirms, manual acknowledgement, prefetch.
 *
 * A queue that is not there is declared as IntelMQ declares it, durable and lazy, or durable and of ?queue_type=TYPE, unless
 * ?declare=false; one that is there is taken as it is. With ?exchange=NAME no queue is declared, and records are published there with
 * the queue's name as the routing key; &exchange_type=TYPE declares the exchange. Others: exchange_durable, content_type,
 * delivery_mode, heartbeat, user, password, and those of tls.h.
 *
 * A message is a record, as IntelMQ has it; or, given with ?records=N, up to N of them, a line each: what a broker can do is so many
 * messages a second, nearly whatever their length. Such a message has the type PACKED, and is taken apart where it is taken. */
#include <stdlib.h>
#include <sys/socket.h>

#include <amqp.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>

#include "alloc.h"
#include "clock.h"
#include "queue_amqp.h"
#include "queue_priv.h"
#include "tls.h"

enum {
	CHANNEL = 1,
	CONNECT = 10,        /* seconds */
	CONFIRM = 60,        /* seconds that the broker may take for a confirm */
	LINGER = 5,          /* milliseconds that the next record of a batch may take to come */
	ARRIVE = 5000,       /* milliseconds that a record may take of which the broker says that it is there */
	UNCONFIRMED = 2000,  /* messages published before their confirms are waited for */
	FRAME = 131072,
	MAX_PREFETCH = 65535,
	MAX_RECORDS = 10000, /* in a message */
	MAX_HEARTBEAT = 3600, /* seconds */
	PEEKED = 1000,       /* messages; what giving them back costs a broker grows with the square of their number */
	PACKED_BYTES = 1 << 20, /* no further record in a message of that size */
};

#define PACKED "imq-records"

struct amqp_queue {
	amqp_connection_state_t c;
	char *host, *user, *password, *vhost, *name, *exchange, *exchange_type, *content_type, *queue_type;
	int port;
	size_t records; /* in a message that is given, at most */
	int heartbeat; /* seconds; 0: none */
	int64_t beaten; /* when it was sent last, of clock_steady() */
	uint8_t delivery_mode;
	bool secure, may_declare, durable, broken;
	struct tls tls;
	enum queue_use use;
	/* Taken and not acknowledged: the first IN_FLIGHT of them are the batch. */
	struct queue_batch held;
	uint64_t *tags; /* of each record's message */
	size_t *ends; /* of each record in held.lines */
	size_t cap, ends_cap, in_flight, prefetch;
	struct buf given;
	/* Since the channel was opened; all up to CONFIRMED are, and beyond it those that SEEN has at tag modulo size. */
	uint64_t published, confirmed;
	bool seen[UNCONFIRMED];
	bool returned;                 /* a record found no queue */
	/* What queue_amqp_publish() is sending; RETURNS_FROM: where the message that is returned next is likely to be. */
	struct amqp_sending *sending;
	size_t sending_count, returns_from;
};

static bool gone(struct amqp_queue *q, struct problem *problem, const char *what)
{
	q->broken = true;
	return problem_set(problem, "amqp %s: %s", q->host, what);
}

/* What a channel's or connection's end says; its text is counted, not terminated. */
static bool closed(struct amqp_queue *q, struct problem *problem, const amqp_method_t *method)
{
	amqp_bytes_t text = amqp_empty_bytes;

	q->broken = true;

	if (method->id == AMQP_CHANNEL_CLOSE_METHOD)
		text = ((amqp_channel_close_t *)method->decoded)->reply_text;
	else if (method->id == AMQP_CONNECTION_CLOSE_METHOD)
		text = ((amqp_connection_close_t *)method->decoded)->reply_text;
	return problem_set(problem, "amqp %s: %.*s", q->host, (int)text.len, text.len ? (const char *)text.bytes : "");
}

/* A call of the library has failed, with STATUS or without an answer: the broker is away, unless it is about certificates. */
static bool failed(struct amqp_queue *q, int status, struct problem *problem)
{
	char place[300];

	if (q->secure && status != AMQP_STATUS_TIMEOUT && tls_has_failed(&q->tls)) {
		q->broken = true;
		snprintf(place, sizeof place, "amqps %s", q->host);
		return tls_failed(&q->tls, place, problem);
	}
	gone(q, problem, status ? amqp_error_string2(status) : "no answer");
	problem->away = true;
	return false;
}

static bool check(struct amqp_queue *q, amqp_rpc_reply_t reply, struct problem *problem)
{
	if (reply.reply_type == AMQP_RESPONSE_NORMAL)
		return true;
	if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION)
		return closed(q, problem, &reply.reply);
	return failed(q, reply.library_error, problem);
}

/* ---- connecting ---- */

/* The library looks for host names only in certificates, and its errors do not say why: what is expected, and who signs, OpenSSL is told. */
static amqp_socket_t *new_socket(struct amqp_queue *q, struct problem *problem)
{
	amqp_socket_t *socket = q->secure ? amqp_ssl_socket_new(q->c) : amqp_tcp_socket_new(q->c);

	if (!socket) {
		gone(q, problem, "no memory for a socket");
		return NULL;
	}
	if (!q->secure)
		return socket;
	amqp_ssl_socket_set_verify_peer(socket, q->tls.verify);
	amqp_ssl_socket_set_verify_hostname(socket, 0);
	if (tls_prepare(&q->tls, amqp_ssl_socket_get_context(socket), q->host, problem))
		return socket;
	q->broken = true;
	return NULL;
}

/* Declares the queue, if it is not there yet. A declaration that the broker refuses closes the channel. */
static bool declare(struct amqp_queue *q, struct problem *problem)
{
	amqp_table_entry_t kind = { amqp_cstring_bytes(q->queue_type ? "x-queue-type" : "x-queue-mode"),
		{ .kind = AMQP_FIELD_KIND_UTF8 } };
	amqp_table_t arguments = { 1, &kind };
	struct problem missing;

	kind.value.value.bytes = amqp_cstring_bytes(q->queue_type ? q->queue_type : "lazy");
	amqp_queue_declare(q->c, CHANNEL, amqp_cstring_bytes(q->name), 1, 0, 0, 0, amqp_empty_table);
	if (amqp_get_rpc_reply(q->c).reply_type == AMQP_RESPONSE_NORMAL)
		return true;
	if (q->use == QUEUE_LOOK || !q->may_declare)
		return check(q, amqp_get_rpc_reply(q->c), problem);
	check(q, amqp_get_rpc_reply(q->c), &missing);
	if (amqp_send_method(q->c, CHANNEL, AMQP_CHANNEL_CLOSE_OK_METHOD, &(amqp_channel_close_ok_t){ 0 }) != AMQP_STATUS_OK)
		return gone(q, problem, "the channel cannot be opened again");
	q->broken = false;
	amqp_channel_open(q->c, CHANNEL);
	if (!check(q, amqp_get_rpc_reply(q->c), problem))
		return false;
	amqp_queue_declare(q->c, CHANNEL, amqp_cstring_bytes(q->name), 0, 1, 0, 0, arguments);
	return check(q, amqp_get_rpc_reply(q->c), problem);
}

static bool prepare(struct amqp_queue *q, struct problem *problem)
{
	if (q->exchange && *q->exchange && q->exchange_type) {
		amqp_exchange_declare(q->c, CHANNEL, amqp_cstring_bytes(q->exchange), amqp_cstring_bytes(q->exchange_type), 0,
			q->durable, 0, 0, amqp_empty_table);
		if (!check(q, amqp_get_rpc_reply(q->c), problem))
			return false;
	}
	if (q->name && (!q->exchange || q->use != QUEUE_GIVE) && !declare(q, problem))
		return false;
	if (q->use != QUEUE_GIVE)
		return true;
	amqp_confirm_select(q->c, CHANNEL);
	return check(q, amqp_get_rpc_reply(q->c), problem);
}

static void hang_up(struct amqp_queue *q)
{
	if (q->c)
		amqp_destroy_connection(q->c);
	q->c = NULL;
}

static bool connect_broker(struct amqp_queue *q, struct problem *problem)
{
	struct timeval limit = { CONNECT, 0 }, answer = { CONFIRM, 0 };
	amqp_socket_t *socket;
	int status, on = 1;

	hang_up(q);
	q->c = amqp_new_connection();
	q->prefetch = q->in_flight = q->held.count = 0;
	q->published = q->confirmed = 0;
	memset(q->seen, 0, sizeof q->seen);
	q->broken = false;
	buf_clear(&q->held.lines);
	if (!(socket = new_socket(q, problem)))
		return false;
	status = amqp_socket_open_noblock(socket, q->host, q->port, &limit);
	if (status != AMQP_STATUS_OK)
		return failed(q, status, problem);
	/* The kernel notices a broker that is gone, as far as we need to know. */
	setsockopt(amqp_get_sockfd(q->c), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	amqp_set_rpc_timeout(q->c, &answer);
	if (!check(q, amqp_login(q->c, q->vhost, 0, FRAME, q->heartbeat, AMQP_SASL_METHOD_PLAIN, q->user, q->password), problem))
		return false;
	amqp_channel_open(q->c, CHANNEL);
	return check(q, amqp_get_rpc_reply(q->c), problem) && prepare(q, problem);
}

static void close_queue(void *self)
{
	struct amqp_queue *q = self;
	char *parts[] = { q->host, q->user, q->password, q->vhost, q->name, q->exchange, q->exchange_type, q->content_type, q->queue_type };

	if (q->c && !q->broken)
		amqp_connection_close(q->c, AMQP_REPLY_SUCCESS);
	hang_up(q);
	for (size_t i = 0; i < LENGTH(parts); i++)
		free(parts[i]);
	buf_free(&q->held.lines);
	buf_free(&q->given);
	tls_free(&q->tls);
	free(q->tags);
	free(q->ends);
	free(q);
}

static char *text_or(const char *text, const char *fallback)
{
	return alloc_string(text_of(text && *text ? text : fallback));
}

/* Whether the setting KEY is there and is WORD. */
static bool setting_is(const struct queue_url *url, const char *key, const char *word)
{
	char *value = queue_url_setting(url, key);
	bool is = value && strcmp(value, word) == 0;

	free(value);
	return is;
}

/* A part of the URL's authority, or the setting KEY, which may hold anything. */
static char *login_part(const struct queue_url *url, const char *part, const char *key)
{
	char *setting = queue_url_setting(url, key), *own = text_or(setting ? setting : part, "guest");

	free(setting);
	return own;
}

static bool read_number(const struct queue_url *url, const char *key, int lowest, int highest, int *number, struct problem *problem)
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

static bool read_tls(struct amqp_queue *q, const struct queue_url *url, struct problem *problem)
{
	bool fine = true;
	size_t cursor = 0;
	char *key, *value;

	q->tls = TLS_INIT;
	*problem->text = '\0';
	while (fine && queue_url_next(url, &cursor, &key, &value)) {
		if (tls_setting(&q->tls, key, value, problem) && !q->secure)
			problem_set(problem, "amqp: %s is a setting of amqps:", key);
		fine = !*problem->text;
		free(key);
		free(value);
	}
	return fine;
}

static void *open_queue(const struct queue_url *url, enum queue_use use, void *other, struct problem *problem)
{
	struct amqp_queue *q;
	int records, heartbeat;

	(void)other;
	if (!read_number(url, "records", 1, MAX_RECORDS, &records, problem) ||
		!read_number(url, "heartbeat", 0, MAX_HEARTBEAT, &heartbeat, problem))
		return NULL;
	q = alloc_zero(1, sizeof *q);
	q->records = (size_t)records;
	q->heartbeat = heartbeat;
	q->use = use;
	q->secure = strcmp(url->scheme, "amqps") == 0;
	q->may_declare = !setting_is(url, "declare", "false");
	q->durable = !setting_is(url, "exchange_durable", "false");
	q->delivery_mode = setting_is(url, "delivery_mode", "1") ? AMQP_DELIVERY_NONPERSISTENT : AMQP_DELIVERY_PERSISTENT;
	q->host = text_or(url->host, "127.0.0.1");
	q->port = url->port ? (int)url->port : q->secure ? 5671 : 5672;
	q->user = login_part(url, url->user, "user");
	q->password = login_part(url, url->password, "password");
	q->vhost = text_or(url->path ? url->path + 1 : NULL, "/");
	q->name = url->name ? text_or(url->name, "") : NULL;
	q->exchange = queue_url_setting(url, "exchange");
	q->exchange_type = queue_url_setting(url, "exchange_type");
	q->content_type = queue_url_setting(url, "content_type");
	q->queue_type = queue_url_setting(url, "queue_type");
	if (read_tls(q, url, problem) && connect_broker(q, problem))
		return q;
	close_queue(q);
	return NULL;
}

static bool recover(void *self, struct problem *problem)
{
	struct amqp_queue *q = self;

	buf_clear(&q->given);
	return connect_broker(q, problem);
}

/* The broker wants one in every interval (AMQP 0-9-1, 4.2.7), and may want a shorter one than we. Those that it sends itself
 * are read with what it sends next. */
static void beat(void *self)
{
	struct amqp_queue *q = self;
	int64_t now = clock_steady();
	int interval = q->c && !q->broken ? amqp_get_heartbeat(q->c) : 0;

	if (!q->heartbeat || !interval || now - q->beaten < (int64_t)interval * 1000000 / 2)
		return;
	q->beaten = now;
	if (amqp_send_frame(q->c, &(amqp_frame_t){ .frame_type = AMQP_FRAME_HEARTBEAT }) != AMQP_STATUS_OK)
		q->broken = true;
}

/* ---- giving ---- */

static bool give(void *self, struct text lines, struct problem *problem)
{
	struct amqp_queue *q = self;

	(void)problem;
	queue_add_typed(&q->given, lines);
	return true;
}

/* Confirms come one by one, in any order, or for all up to a tag. */
static void note_confirm(struct amqp_queue *q, const amqp_basic_ack_t *ack)
{
	for (uint64_t tag = q->confirmed + 1; ack->multiple && tag <= ack->delivery_tag && tag <= q->published; tag++)
		q->seen[tag % UNCONFIRMED] = true;
	if (ack->delivery_tag > q->confirmed && ack->delivery_tag <= q->published)
		q->seen[ack->delivery_tag % UNCONFIRMED] = true;
	for (; q->confirmed < q->published && q->seen[(q->confirmed + 1) % UNCONFIRMED]; q->confirmed++)
		q->seen[(q->confirmed + 1) % UNCONFIRMED] = false;
}

/* A message comes back, whole: which one of ours it is, its key and bytes tell, for equal ones are equally without a queue. */
static bool note_return(struct amqp_queue *q, const amqp_basic_return_t *how, struct problem *problem)
{
	struct text key = { how->routing_key.bytes, how->routing_key.len }, body;
	amqp_message_t message;

	if (!q->sending)
		return q->returned = true;
	if (!check(q, amqp_read_message(q->c, CHANNEL, &message, 0), problem))
		return false;
	body = (struct text){ message.body.bytes, message.body.len };
	for (size_t i = 0; i < q->sending_count; i++) {
		size_t at = (q->returns_from + i) % q->sending_count;
		struct amqp_sending *s = &q->sending[at];

		if (!s->returned && text_eq(s->key, key) && text_eq(s->body, body)) {
			s->returned = true;
			q->returns_from = at + 1;
			break;
		}
	}
	amqp_destroy_message(&message);
	return true;
}

static bool count_confirm(struct amqp_queue *q, const amqp_method_t *method, struct problem *problem)
{
	switch (method->id) {
	case AMQP_BASIC_ACK_METHOD:
		note_confirm(q, method->decoded);
		return true;
	case AMQP_BASIC_NACK_METHOD:
		return gone(q, problem, "the broker refused a record");
	case AMQP_BASIC_RETURN_METHOD:
		return note_return(q, method->decoded, problem);
	default:
		return closed(q, problem, method);
	}
}

/* Until at most LEFT are missing. */
static bool wait_for_confirms(struct amqp_queue *q, uint64_t left, struct problem *problem)
{
	struct timeval limit = { CONFIRM, 0 };

	while (q->published - q->confirmed > left) {
		amqp_frame_t frame;
		int status = amqp_simple_wait_frame_noblock(q->c, &frame, &limit);

		if (status != AMQP_STATUS_OK)
			return gone(q, problem, amqp_error_string2(status));
		/* Headers and bodies are those of returned records that nobody asks for. */
		if (frame.frame_type == AMQP_FRAME_METHOD && !count_confirm(q, &frame.payload.method, problem))
			return false;
		amqp_maybe_release_buffers(q->c);
	}
	if (q->returned) {
		q->returned = false;
		return gone(q, problem, "no queue is bound to the exchange for the records");
	}
	return true;
}

/* BODY is a record, or several as lines if it is PACKED. */
static bool publish(struct amqp_queue *q, struct text key, struct text body, bool packed, struct problem *problem)
{
	amqp_basic_properties_t properties = { ._flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG,
		.content_type = amqp_cstring_bytes(q->content_type ? q->content_type : "application/json"),
		.delivery_mode = q->delivery_mode };
	amqp_bytes_t exchange = q->exchange ? amqp_cstring_bytes(q->exchange) : amqp_empty_bytes;
	amqp_bytes_t routing_key = { key.len, (void *)(uintptr_t)key.at };
	int status;

	if (packed) {
		properties._flags |= AMQP_BASIC_TYPE_FLAG;
		properties.type = amqp_cstring_bytes(PACKED);
		properties.content_type = amqp_cstring_bytes("application/x-ndjson");
	}
	status = amqp_basic_publish(q->c, CHANNEL, exchange, routing_key, 1, 0, &properties,
		(amqp_bytes_t){ body.len, (void *)(uintptr_t)body.at });
	if (status != AMQP_STATUS_OK)
		return gone(q, problem, amqp_error_string2(status));
	q->published++;
	return q->published - q->confirmed < UNCONFIRMED || wait_for_confirms(q, UNCONFIRMED / 2, problem);
}

/* Cuts the first records off LINES, as many as a message may have: without the last line feed. */
static struct text cut_message(struct amqp_queue *q, struct text *lines, bool *packed)
{
	size_t len = 0;

	for (size_t count = 0; count < q->records && len < lines->len && len < PACKED_BYTES; count++) {
		const char *feed = memchr(lines->at + len, '\n', lines->len - len);

		*packed = count > 0;
		len = feed ? (size_t)(feed - lines->at) + 1 : lines->len;
	}
	*lines = text_from(*lines, len);
	return (struct text){ lines->at - len, len - (lines->at[-1] == '\n') };
}

static bool commit(void *self, struct problem *problem)
{
	struct amqp_queue *q = self;
	struct text rest = buf_view(&q->given), name = text_of(q->name);

	if (q->broken)
		return gone(q, problem, "not connected");
	while (rest.len) {
		bool packed = false;
		struct text body = cut_message(q, &rest, &packed);

		if (!publish(q, name, body, packed, problem))
			return false;
	}
	if (!wait_for_confirms(q, 0, problem))
		return false;
	buf_clear(&q->given);
	return true;
}

bool queue_amqp_publish(struct queue *queue, struct amqp_sending *messages, size_t count, struct problem *problem)
{
	struct amqp_queue *q = queue_self(queue, &queue_amqp);
	bool fine = true;

	if (q->broken)
		return gone(q, problem, "not connected");
	for (size_t i = 0; i < count; i++)
		messages[i].returned = false;
	q->sending = messages;
	q->sending_count = count;
	q->returns_from = 0;
	for (size_t i = 0; fine && i < count; i++)
		fine = publish(q, messages[i].key, messages[i].body, false, problem);
	fine = fine && wait_for_confirms(q, 0, problem);
	q->sending = NULL;
	return fine;
}

/* ---- taking ---- */

/* The broker sends ahead what fits into two batches. */
static bool want(struct amqp_queue *q, size_t records, struct problem *problem)
{
	size_t prefetch = records > MAX_PREFETCH / 2 ? MAX_PREFETCH : 2 * records;

	if (q->prefetch >= prefetch)
		return true;
	amqp_basic_qos(q->c, CHANNEL, 0, (uint16_t)prefetch, 0);
	if (!check(q, amqp_get_rpc_reply(q->c), problem))
		return false;
	if (!q->prefetch) {
		amqp_basic_consume(q->c, CHANNEL, amqp_cstring_bytes(q->name), amqp_empty_bytes, 0, 0, 0, amqp_empty_table);
		if (!check(q, amqp_get_rpc_reply(q->c), problem))
			return false;
	}
	q->prefetch = prefetch;
	return true;
}

/* Cuts the next record off BODY. */
static struct text next_record(const amqp_message_t *message, struct text *body)
{
	const amqp_basic_properties_t *p = &message->properties;
	bool packed = p->_flags & AMQP_BASIC_TYPE_FLAG && text_is((struct text){ p->type.bytes, p->type.len }, PACKED);
	const char *feed = packed ? memchr(body->at, '\n', body->len) : NULL;
	struct text record = feed ? (struct text){ body->at, (size_t)(feed - body->at) } : *body;

	*body = text_from(*body, record.len + (feed != NULL));
	return record;
}

static void hold(struct amqp_queue *q, const amqp_envelope_t *envelope)
{
	struct text body = { envelope->message.body.bytes, envelope->message.body.len };

	do {
		alloc_grow(&q->tags, &q->cap, q->held.count + 1, sizeof *q->tags);
		alloc_grow(&q->ends, &q->ends_cap, q->held.count + 1, sizeof *q->ends);
		q->tags[q->held.count] = envelope->delivery_tag;
		queue_add_record(&q->held, next_record(&envelope->message, &body));
		q->ends[q->held.count - 1] = q->held.lines.len;
	} while (body.len);
}

/* Reads one delivery. QUEUE_EMPTY: none came within TIMEOUT milliseconds. */
static enum queue_taken receive(struct amqp_queue *q, int timeout, struct problem *problem)
{
	struct timeval limit = { timeout / 1000, timeout % 1000 * 1000 };
	amqp_rpc_reply_t reply;
	amqp_envelope_t envelope;

	amqp_maybe_release_buffers(q->c);
	reply = amqp_consume_message(q->c, &envelope, &limit, 0);
	if (reply.reply_type == AMQP_RESPONSE_NORMAL) {
		hold(q, &envelope);
		amqp_destroy_envelope(&envelope);
		return QUEUE_TAKEN;
	}
	if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION && reply.library_error == AMQP_STATUS_TIMEOUT)
		return QUEUE_EMPTY;
	if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION && reply.library_error == AMQP_STATUS_UNEXPECTED_STATE)
		gone(q, problem, "the broker closed the channel");
	else
		check(q, reply, problem);
	return QUEUE_FAILED;
}

static bool count(void *self, long long *waiting, long long *in_flight, struct problem *problem);

/* The first record, or the broker's word that there is none: what it has sent comes before its answer. */
static enum queue_taken receive_or_ask(struct amqp_queue *q, struct problem *problem)
{
	enum queue_taken got = receive(q, LINGER, problem);
	long long waiting, in_flight;

	if (got != QUEUE_EMPTY)
		return got;
	if (!count(q, &waiting, &in_flight, problem))
		return QUEUE_FAILED;
	return receive(q, waiting ? ARRIVE : LINGER, problem);
}

static enum queue_taken take(void *self, size_t records, size_t bytes, int timeout, struct queue_batch *batch,
	struct problem *problem)
{
	struct amqp_queue *q = self;

	if (q->broken)
		return gone(q, problem, "not connected"), QUEUE_FAILED;
	q->held.raw = batch->raw;
	if (!want(q, records, problem))
		return QUEUE_FAILED;
	while (q->held.count < records && q->held.lines.len < bytes) {
		enum queue_taken got = q->held.count ? receive(q, LINGER, problem) :
				timeout > 0 ? receive(q, timeout, problem) : receive_or_ask(q, problem);

		if (got == QUEUE_FAILED)
			return got;
		if (got == QUEUE_EMPTY)
			break;
	}
	q->in_flight = q->held.count < records ? q->held.count : records;
	if (!q->in_flight)
		return QUEUE_EMPTY;
	batch->count = q->in_flight;
	buf_add(&batch->lines, q->held.lines.at, q->ends[q->in_flight - 1]);
	return QUEUE_TAKEN;
}

static bool keep(void *self, size_t count, struct problem *problem)
{
	struct amqp_queue *q = self;

	(void)problem;
	if (count < q->in_flight)
		q->in_flight = count;
	return true;
}

static bool done(void *self, long long number, struct problem *problem)
{
	struct amqp_queue *q = self;
	size_t n = q->in_flight, left = q->held.count - n, whole = n, cut;
	int status = AMQP_STATUS_OK;

	(void)number;
	if (q->broken)
		return gone(q, problem, "not connected");
	if (!n)
		return true;
	/* A message that was done in part is not acknowledged yet. */
	while (left && whole && q->tags[whole - 1] == q->tags[n])
		whole--;
	if (whole)
		status = amqp_basic_ack(q->c, CHANNEL, q->tags[whole - 1], 1);
	if (status != AMQP_STATUS_OK)
		return gone(q, problem, amqp_error_string2(status));
	cut = q->ends[n - 1];
	memmove(q->held.lines.at, q->held.lines.at + cut, q->held.lines.len - cut);
	q->held.lines.len -= cut;
	for (size_t i = 0; i < left; i++) {
		q->tags[i] = q->tags[n + i];
		q->ends[i] = q->ends[n + i] - cut;
	}
	q->held.count = left;
	q->in_flight = 0;
	return true;
}

static long long number(const void *self)
{
	(void)self;
	return -1;
}

/* ---- looking ---- */

/* What waits; the broker does not say over AMQP what readers have in flight. */
static bool count(void *self, long long *waiting, long long *in_flight, struct problem *problem)
{
	struct amqp_queue *q = self;
	amqp_queue_declare_ok_t *answer;

	if (q->broken)
		return gone(q, problem, "not connected");
	answer = amqp_queue_declare(q->c, CHANNEL, amqp_cstring_bytes(q->name), 1, 0, 0, 0, amqp_empty_table);
	if (!answer)
		return check(q, amqp_get_rpc_reply(q->c), problem);
	*waiting = answer->message_count;
	*in_flight = 0;
	return true;
}

/* Gets one message, *TAG, and adds its records to BATCH, up to COUNT altogether. */
static enum queue_taken look(struct amqp_queue *q, struct queue_batch *batch, size_t count, uint64_t *tag, struct problem *problem)
{
	amqp_rpc_reply_t reply = amqp_basic_get(q->c, CHANNEL, amqp_cstring_bytes(q->name), 0);
	amqp_message_t message;
	struct text body;

	if (!check(q, reply, problem))
		return QUEUE_FAILED;
	if (reply.reply.id == AMQP_BASIC_GET_EMPTY_METHOD)
		return QUEUE_EMPTY;
	*tag = ((amqp_basic_get_ok_t *)reply.reply.decoded)->delivery_tag;
	if (!check(q, amqp_read_message(q->c, CHANNEL, &message, 0), problem))
		return QUEUE_FAILED;
	body = (struct text){ message.body.bytes, message.body.len };
	do
		queue_add_record(batch, next_record(&message, &body));
	while (body.len && batch->count < count);
	amqp_destroy_message(&message);
	return QUEUE_TAKEN;
}

/* Gets records and gives them back. */
static bool peek(void *self, size_t records, struct buf *lines, struct problem *problem)
{
	struct amqp_queue *q = self;
	struct queue_batch batch = { .lines = *lines };
	enum queue_taken got = QUEUE_TAKEN;
	uint64_t tag = 0;

	for (int messages = 0; got == QUEUE_TAKEN && messages < PEEKED && batch.count < records; messages++)
		got = look(q, &batch, records, &tag, problem);
	if (tag)
		amqp_basic_nack(q->c, CHANNEL, tag, 1, 1);
	*lines = batch.lines;
	if (got == QUEUE_TAKEN && batch.count < records)
		return problem_set(problem, "amqp %s: no more than %d messages are looked at", q->host, PEEKED);
	return got != QUEUE_FAILED;
}

static bool clear(void *self, struct problem *problem)
{
	struct amqp_queue *q = self;

	amqp_queue_purge(q->c, CHANNEL, amqp_cstring_bytes(q->name));
	return check(q, amqp_get_rpc_reply(q->c), problem);
}

static bool list(void *self, void (*each)(void *context, struct text name, long long waiting, long long in_flight), void *context,
	struct problem *problem)
{
	(void)self;
	(void)each;
	(void)context;
	return problem_set(problem, "amqp: a broker does not list its queues: ask rabbitmqctl list_queues");
}

const struct queue_engine queue_amqp = { .schemes = "amqp amqps", .open = open_queue, .close = close_queue, .take = take, .keep = keep,
	.done = done, .beat = beat, .recover = recover, .number = number, .give = give, .commit = commit, .count = count, .peek = peek,
	.clear = clear, .list = list };
