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

#include "alloc.h"
#include "amqp_broker.h"
#include "queue_amqp.h"
#include "queue_priv.h"

enum {
	LINGER = 5,          /* milliseconds that the next record of a batch may take to come */
	ARRIVE = 5000,       /* milliseconds that a record may take of which the broker says that it is there */
	UNCONFIRMED = 2000,  /* messages published before their confirms are waited for */
	MAX_PREFETCH = 65535,
	MAX_RECORDS = 10000, /* in a message */
	PEEKED = 1000,       /* messages; what giving them back costs a broker grows with the square of their number */
	PACKED_BYTES = 1 << 20, /* no further record in a message of that size */
};

#define PACKED "imq-records"

struct amqp_queue {
	struct amqp_broker broker;
	char *name, *exchange, *exchange_type, *content_type, *queue_type;
	int records; /* in a message that is given, at most */
	uint8_t delivery_mode;
	bool may_declare, durable;
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

/* ---- connecting ---- */

/* Declares the queue, if it is not there yet. A declaration that the broker refuses closes the channel. */
static bool declare(struct amqp_queue *q, struct problem *problem)
{
	amqp_table_entry_t kind = { amqp_cstring_bytes(q->queue_type ? "x-queue-type" : "x-queue-mode"),
		{ .kind = AMQP_FIELD_KIND_UTF8 } };
	amqp_table_t arguments = { 1, &kind };
	struct problem missing;

	kind.value.value.bytes = amqp_cstring_bytes(q->queue_type ? q->queue_type : "lazy");
	amqp_queue_declare(q->broker.c, BROKER_CHANNEL, amqp_cstring_bytes(q->name), 1, 0, 0, 0, amqp_empty_table);
	if (amqp_get_rpc_reply(q->broker.c).reply_type == AMQP_RESPONSE_NORMAL)
		return true;
	if (q->use == QUEUE_LOOK || !q->may_declare)
		return broker_answered(&q->broker, problem);
	broker_answered(&q->broker, &missing);
	if (amqp_send_method(q->broker.c, BROKER_CHANNEL, AMQP_CHANNEL_CLOSE_OK_METHOD, &(amqp_channel_close_ok_t){ 0 }) != AMQP_STATUS_OK)
		return broker_gone(&q->broker, problem, "the channel cannot be opened again");
	q->broker.broken = false;
	if (!broker_channel(&q->broker, problem))
		return false;
	amqp_queue_declare(q->broker.c, BROKER_CHANNEL, amqp_cstring_bytes(q->name), 0, 1, 0, 0, arguments);
	return broker_answered(&q->broker, problem);
}

static bool prepare(struct amqp_queue *q, struct problem *problem)
{
	if (q->exchange && *q->exchange && q->exchange_type) {
		amqp_exchange_declare(q->broker.c, BROKER_CHANNEL, amqp_cstring_bytes(q->exchange), amqp_cstring_bytes(q->exchange_type), 0,
			q->durable, 0, 0, amqp_empty_table);
		if (!broker_answered(&q->broker, problem))
			return false;
	}
	if (q->name && (!q->exchange || q->use != QUEUE_GIVE) && !declare(q, problem))
		return false;
	if (q->use != QUEUE_GIVE)
		return true;
	amqp_confirm_select(q->broker.c, BROKER_CHANNEL);
	return broker_answered(&q->broker, problem);
}

static bool connect_queue(struct amqp_queue *q, struct problem *problem)
{
	q->prefetch = q->in_flight = q->held.count = 0;
	q->published = q->confirmed = 0;
	memset(q->seen, 0, sizeof q->seen);
	buf_clear(&q->held.lines);
	return broker_connect(&q->broker, problem) && prepare(q, problem);
}

static void close_queue(void *self)
{
	struct amqp_queue *q = self;
	char *parts[] = { q->name, q->exchange, q->exchange_type, q->content_type, q->queue_type };

	broker_close(&q->broker);
	for (size_t i = 0; i < LENGTH(parts); i++)
		free(parts[i]);
	buf_free(&q->held.lines);
	buf_free(&q->given);
	free(q->tags);
	free(q->ends);
	free(q);
}

/* Whether the setting KEY is there and is WORD. */
static bool setting_is(const struct queue_url *url, const char *key, const char *word)
{
	char *value = queue_url_setting(url, key);
	bool is = value && strcmp(value, word) == 0;

	free(value);
	return is;
}

static void *open_queue(const struct queue_url *url, enum queue_use use, void *other, struct problem *problem)
{
	struct amqp_queue *q = alloc_zero(1, sizeof *q);

	(void)other;
	q->use = use;
	q->may_declare = !setting_is(url, "declare", "false");
	q->durable = !setting_is(url, "exchange_durable", "false");
	q->delivery_mode = setting_is(url, "delivery_mode", "1") ? AMQP_DELIVERY_NONPERSISTENT : AMQP_DELIVERY_PERSISTENT;
	q->name = url->name ? alloc_string(text_of(url->name)) : NULL;
	q->exchange = queue_url_setting(url, "exchange");
	q->exchange_type = queue_url_setting(url, "exchange_type");
	q->content_type = queue_url_setting(url, "content_type");
	q->queue_type = queue_url_setting(url, "queue_type");
	if (broker_init(&q->broker, url, problem) && broker_number(url, "records", 1, MAX_RECORDS, &q->records, problem) &&
		connect_queue(q, problem))
		return q;
	close_queue(q);
	return NULL;
}

static bool recover(void *self, struct problem *problem)
{
	struct amqp_queue *q = self;

	buf_clear(&q->given);
	return connect_queue(q, problem);
}

static void beat(void *self)
{
	broker_beat(&((struct amqp_queue *)self)->broker);
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
	if (!broker_check(&q->broker, amqp_read_message(q->broker.c, BROKER_CHANNEL, &message, 0), problem))
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
		return broker_gone(&q->broker, problem, "the broker refused a record");
	case AMQP_BASIC_RETURN_METHOD:
		return note_return(q, method->decoded, problem);
	default:
		return broker_closed(&q->broker, problem, method);
	}
}

/* Until at most LEFT are missing. */
static bool wait_for_confirms(struct amqp_queue *q, uint64_t left, struct problem *problem)
{
	struct timeval limit = { BROKER_ANSWER, 0 };

	while (q->published - q->confirmed > left) {
		amqp_frame_t frame;
		int status = amqp_simple_wait_frame_noblock(q->broker.c, &frame, &limit);

		if (status != AMQP_STATUS_OK)
			return broker_gone(&q->broker, problem, amqp_error_string2(status));
		/* Headers and bodies are those of returned records that nobody asks for. */
		if (frame.frame_type == AMQP_FRAME_METHOD && !count_confirm(q, &frame.payload.method, problem))
			return false;
		amqp_maybe_release_buffers(q->broker.c);
	}
	if (q->returned) {
		q->returned = false;
		return broker_gone(&q->broker, problem, "no queue is bound to the exchange for the records");
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
	status = amqp_basic_publish(q->broker.c, BROKER_CHANNEL, exchange, routing_key, 1, 0, &properties,
		(amqp_bytes_t){ body.len, (void *)(uintptr_t)body.at });
	if (status != AMQP_STATUS_OK)
		return broker_gone(&q->broker, problem, amqp_error_string2(status));
	q->published++;
	return q->published - q->confirmed < UNCONFIRMED || wait_for_confirms(q, UNCONFIRMED / 2, problem);
}

/* Cuts the first records off LINES, as many as a message may have: without the last line feed. */
static struct text cut_message(struct amqp_queue *q, struct text *lines, bool *packed)
{
	size_t len = 0;

	for (int count = 0; count < q->records && len < lines->len && len < PACKED_BYTES; count++) {
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

	if (q->broker.broken)
		return broker_gone(&q->broker, problem, "not connected");
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

	if (q->broker.broken)
		return broker_gone(&q->broker, problem, "not connected");
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
	amqp_basic_qos(q->broker.c, BROKER_CHANNEL, 0, (uint16_t)prefetch, 0);
	if (!broker_answered(&q->broker, problem))
		return false;
	if (!q->prefetch) {
		amqp_basic_consume(q->broker.c, BROKER_CHANNEL, amqp_cstring_bytes(q->name), amqp_empty_bytes, 0, 0, 0, amqp_empty_table);
		if (!broker_answered(&q->broker, problem))
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

	amqp_maybe_release_buffers(q->broker.c);
	reply = amqp_consume_message(q->broker.c, &envelope, &limit, 0);
	if (reply.reply_type == AMQP_RESPONSE_NORMAL) {
		hold(q, &envelope);
		amqp_destroy_envelope(&envelope);
		return QUEUE_TAKEN;
	}
	if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION && reply.library_error == AMQP_STATUS_TIMEOUT)
		return QUEUE_EMPTY;
	if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION && reply.library_error == AMQP_STATUS_UNEXPECTED_STATE)
		broker_gone(&q->broker, problem, "the broker closed the channel");
	else
		broker_check(&q->broker, reply, problem);
	return QUEUE_FAILED;
}

static bool count(void *self, long long *waiting, long long *in_flight, struct problem *problem);

/* The first record, or the broker's word that there is none: what it has sent comes before its answer. */
static enum queue_taken receive_or_ask(struct amqp_queue *q, struct problem *problem)
{
	enum queue_taken got = receive(q, LINGER, problem);
	long long waiting = 0, in_flight;

	if (got != QUEUE_EMPTY)
		return got;
	if (!count(q, &waiting, &in_flight, problem))
		return QUEUE_FAILED;
	return receive(q, waiting ? ARRIVE : LINGER, problem);
}

/* COUNT of the records held, or less, to end where a message ends: that one can be acknowledged. */
static size_t whole_messages(const struct amqp_queue *q, size_t count)
{
	size_t whole = count;

	while (whole && whole < q->held.count && q->tags[whole - 1] == q->tags[whole])
		whole--;
	return whole ? whole : count;
}

static enum queue_taken take(void *self, size_t records, size_t bytes, int timeout, struct queue_batch *batch,
	struct problem *problem)
{
	struct amqp_queue *q = self;

	if (q->broker.broken)
		return broker_gone(&q->broker, problem, "not connected"), QUEUE_FAILED;
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
	if (batch->whole)
		q->in_flight = whole_messages(q, q->in_flight);
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
	if (q->broker.broken)
		return broker_gone(&q->broker, problem, "not connected");
	if (!n)
		return true;
	/* A message that was done in part is not acknowledged yet. */
	while (left && whole && q->tags[whole - 1] == q->tags[n])
		whole--;
	if (whole)
		status = amqp_basic_ack(q->broker.c, BROKER_CHANNEL, q->tags[whole - 1], 1);
	if (status != AMQP_STATUS_OK)
		return broker_gone(&q->broker, problem, amqp_error_string2(status));
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

	if (q->broker.broken)
		return broker_gone(&q->broker, problem, "not connected");
	answer = amqp_queue_declare(q->broker.c, BROKER_CHANNEL, amqp_cstring_bytes(q->name), 1, 0, 0, 0, amqp_empty_table);
	if (!answer) {
		broker_answered(&q->broker, problem);
		return false;
	}
	*waiting = answer->message_count;
	*in_flight = 0;
	return true;
}

/* Gets one message, *TAG, and adds its records to BATCH, up to COUNT altogether. */
static enum queue_taken look(struct amqp_queue *q, struct queue_batch *batch, size_t count, uint64_t *tag, struct problem *problem)
{
	amqp_rpc_reply_t reply = amqp_basic_get(q->broker.c, BROKER_CHANNEL, amqp_cstring_bytes(q->name), 0);
	amqp_message_t message;
	struct text body;

	if (!broker_check(&q->broker, reply, problem))
		return QUEUE_FAILED;
	if (reply.reply.id == AMQP_BASIC_GET_EMPTY_METHOD)
		return QUEUE_EMPTY;
	*tag = ((amqp_basic_get_ok_t *)reply.reply.decoded)->delivery_tag;
	if (!broker_check(&q->broker, amqp_read_message(q->broker.c, BROKER_CHANNEL, &message, 0), problem))
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
		amqp_basic_nack(q->broker.c, BROKER_CHANNEL, tag, 1, 1);
	*lines = batch.lines;
	if (got == QUEUE_TAKEN && batch.count < records)
		return problem_set(problem, "amqp %s: no more than %d messages are looked at", q->broker.host, PEEKED);
	return got != QUEUE_FAILED;
}

static bool clear(void *self, struct problem *problem)
{
	struct amqp_queue *q = self;

	amqp_queue_purge(q->broker.c, BROKER_CHANNEL, amqp_cstring_bytes(q->name));
	return broker_answered(&q->broker, problem);
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
