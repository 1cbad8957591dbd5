/* Queues in Redis as IntelMQ keeps them (runtime.md 4.1): lists, written on the left and read on the right. What a reader has in flight lies
 * in a second list, NAME-internal, its oldest record on the right too. So one bot of a running IntelMQ can be replaced, and put back.
 *
 * Acknowledging is one transaction with what is given to queues of the same database and with the batch's number, which is kept at
 * the key NAME-imq-batch. */
#include <stdlib.h>

#include "alloc.h"
#include "queue_priv.h"
#include "redis.h"

enum {
	DATABASE = 2,
	VALUES = 256,     /* records in one LPUSH */
	FIRST_WINDOW = 16, /* records moved in one go before their size is known */
	WINDOW = 1000,
	JOINED = 64,
};

struct redis_queue {
	struct redis *r;
	const char *name; /* NULL: none, for a look at all */
	char *internal, *number_key;
	bool typed; /* give what has no __type that of an event */
	bool fresh; /* there may be something in the internal list */
	size_t in_flight;
	long long number;
	struct buf given; /* lines not yet committed */
	struct redis_queue *reader;         /* commits for us */
	struct redis_queue *joined[JOINED]; /* for these we commit */
	size_t joined_count;
};

/* ---- talking ---- */

/* An integer answer; -1 with PROBLEM. */
static long long number_of(redisReply *reply)
{
	long long n = -1;

	if (!reply)
		return -1;
	if (reply->type == REDIS_REPLY_INTEGER)
		n = reply->integer;
	else if (reply->type == REDIS_REPLY_STRING && !text_integer((struct text){ reply->str, reply->len }, &n))
		n = 0;
	else if (reply->type == REDIS_REPLY_NIL)
		n = 0;
	freeReplyObject(reply);
	return n;
}

static bool connect_server(struct redis_queue *q, struct problem *problem)
{
	if (!redis_connect(q->r, problem))
		return false;
	if (!q->name)
		return true;
	q->number = number_of(redis_ask(q->r, problem, "GET %s", q->number_key));
	q->fresh = true;
	return q->number >= 0;
}

/* ---- opening ---- */

static char *with_suffix(const char *name, const char *suffix)
{
	struct buf b = BUF_INIT;
	char *whole;

	buf_printf(&b, "%s%s", name, suffix);
	whole = alloc_string(buf_view(&b));
	buf_free(&b);
	return whole;
}

static void close_queue(void *self)
{
	struct redis_queue *q = self;

	redis_free(q->r);
	free(q->internal);
	free(q->number_key);
	buf_free(&q->given);
	free(q);
}

static void *open_queue(const struct queue_url *url, enum queue_use use, void *other, struct problem *problem)
{
	struct redis_queue *q = alloc_zero(1, sizeof *q), *reader = other;

	(void)use;
	q->typed = true;
	if (!(q->r = redis_new_queue(url, DATABASE, &q->typed, problem))) {
		close_queue(q);
		return NULL;
	}
	if ((q->name = redis_name(q->r, NULL))) {
		q->internal = with_suffix(q->name, "-internal");
		q->number_key = with_suffix(q->name, "-imq-batch");
	}
	if (!connect_server(q, problem)) {
		close_queue(q);
		return NULL;
	}
	if (reader && strcmp(redis_place(reader->r), redis_place(q->r)) == 0 && reader->joined_count < JOINED) {
		q->reader = reader;
		reader->joined[reader->joined_count++] = q;
	}
	return q;
}

/* ---- giving ---- */

/* Puts down the commands that push what was given; returns how many. */
static size_t push_given(struct redis *r, const struct redis_queue *q)
{
	struct text words[VALUES + 2] = { TEXT("LPUSH"), text_of(q->name) }, rest = buf_view(&q->given);
	size_t n = 2, commands = 0;

	while (rest.len) {
		const char *feed = memchr(rest.at, '\n', rest.len);
		size_t length = feed ? (size_t)(feed - rest.at) : rest.len;

		if (length)
			words[n++] = (struct text){ rest.at, length };
		rest = text_from(rest, length + 1);
		if (n > 2 && (n == VALUES + 2 || !rest.len)) {
			redis_add(r, n, words);
			commands++;
			n = 2;
		}
	}
	return commands;
}

/* The answers to MULTI, to COMMANDS that are queued, and to EXEC. */
static bool read_transaction(struct redis_queue *q, size_t commands, struct problem *problem)
{
	bool fine = true;

	for (size_t i = 0; i < commands + 2 && redis_connected(q->r); i++) {
		struct problem this = { .line = 0 };
		redisReply *reply = redis_read(q->r, &this);
		bool good = reply && reply->type != REDIS_REPLY_NIL;

		/* An error inside of EXEC's answer: a key of another type. */
		for (size_t k = 0; good && i == commands + 1 && k < reply->elements; k++)
			if (reply->element[k]->type == REDIS_REPLY_ERROR)
				good = problem_set(&this, "redis: %s", reply->element[k]->str);
		if (!good && fine)
			*problem = this; /* the first says why */
		fine = fine && good;
		if (reply)
			freeReplyObject(reply);
	}
	return fine && redis_connected(q->r);
}

static bool give(void *self, struct text lines, struct problem *problem)
{
	struct redis_queue *q = self;

	(void)problem;
	if (q->typed)
		queue_add_typed(&q->given, lines);
	else
		buf_text(&q->given, lines);
	return true;
}

static bool commit(void *self, struct problem *problem)
{
	struct redis_queue *q = self;
	size_t commands;

	if (q->reader || !q->given.len)
		return true;
	if (!redis_ready(q->r, problem))
		return false;
	redis_send(q->r, "MULTI");
	commands = push_given(q->r, q);
	redis_send(q->r, "EXEC");
	if (!read_transaction(q, commands, problem))
		return false;
	buf_clear(&q->given);
	return true;
}

static bool joined(const void *self)
{
	return ((const struct redis_queue *)self)->reader != NULL;
}

/* ---- taking ---- */

/* What an earlier reader had in flight: the whole internal list, its right end first. */
static enum queue_taken take_left_over(struct redis_queue *q, struct queue_batch *batch, struct problem *problem)
{
	redisReply *all = redis_ask(q->r, problem, "LRANGE %s 0 -1", q->internal);

	if (!all)
		return QUEUE_FAILED;
	q->fresh = false;
	for (size_t i = all->elements; i-- > 0;)
		queue_add_record(batch, (struct text){ all->element[i]->str, all->element[i]->len });
	freeReplyObject(all);
	q->in_flight = batch->count;
	return batch->count ? QUEUE_TAKEN : QUEUE_EMPTY;
}

/* Moves COUNT records into flight, all asked for before the first answer is read. False: PROBLEM, or *END: there are no more. */
static bool move_records(struct redis_queue *q, size_t count, struct queue_batch *batch, bool *end, struct problem *problem)
{
	bool fine = true;

	for (size_t i = 0; i < count; i++)
		redis_send(q->r, "RPOPLPUSH %s %s", q->name, q->internal);
	for (size_t i = 0; i < count && redis_connected(q->r); i++) {
		redisReply *reply = redis_read(q->r, problem);

		fine = fine && reply;
		if (reply && reply->type == REDIS_REPLY_STRING) {
			queue_add_record(batch, (struct text){ reply->str, reply->len });
			q->in_flight = batch->count;
		} else if (reply) {
			*end = true;
		}
		if (reply)
			freeReplyObject(reply);
	}
	return fine;
}

/* Blocks until a record has been moved into flight. */
static enum queue_taken wait_for_record(struct redis_queue *q, int timeout, struct queue_batch *batch, struct problem *problem)
{
	redisReply *reply;
	bool got;

	if (timeout <= 0)
		return QUEUE_EMPTY;
	reply = redis_ask(q->r, problem, "BLMOVE %s %s RIGHT LEFT %f", q->name, q->internal, timeout / 1e3);
	if (!reply && redis_connected(q->r)) /* before 6.2, which counts whole seconds */
		reply = redis_ask(q->r, problem, "BRPOPLPUSH %s %s 1", q->name, q->internal);
	if (!reply)
		return QUEUE_FAILED;
	got = reply->type == REDIS_REPLY_STRING;
	if (got) {
		queue_add_record(batch, (struct text){ reply->str, reply->len });
		q->in_flight = 1;
	}
	freeReplyObject(reply);
	return got ? QUEUE_TAKEN : QUEUE_EMPTY;
}

static enum queue_taken take(void *self, size_t records, size_t bytes, int timeout, struct queue_batch *batch,
	struct problem *problem)
{
	struct redis_queue *q = self;
	bool end = false;

	if (!redis_ready(q->r, problem))
		return QUEUE_FAILED;
	if (q->fresh) {
		enum queue_taken left = take_left_over(q, batch, problem);

		if (left != QUEUE_EMPTY)
			return left;
	}
	q->in_flight = 0;
	for (bool first = true; !end && batch->count < records && batch->lines.len < bytes; first = false) {
		size_t each = batch->count ? batch->lines.len / batch->count + 1 : 1;
		size_t fit = (bytes - batch->lines.len) / each + 1, window = first ? FIRST_WINDOW : WINDOW;

		if (window > records - batch->count)
			window = records - batch->count;
		if (!move_records(q, window < fit ? window : fit, batch, &end, problem)) {
			q->fresh = true;
			return QUEUE_FAILED;
		}
	}
	return batch->count ? QUEUE_TAKEN : wait_for_record(q, timeout, batch, problem);
}

/* Puts the youngest of the records in flight back. */
static bool keep(void *self, size_t count, struct problem *problem)
{
	struct redis_queue *q = self;
	size_t back = q->in_flight > count ? q->in_flight - count : 0;

	if (!redis_ready(q->r, problem))
		return false;
	redis_send(q->r, "MULTI");
	for (size_t i = 0; i < back; i++)
		redis_send(q->r, "LMOVE %s %s LEFT RIGHT", q->internal, q->name);
	redis_send(q->r, "EXEC");
	if (!read_transaction(q, back, problem))
		return false;
	q->in_flight -= back;
	return true;
}

/* A transaction is not undone where one command of it fails, which happens on a key that is no list: that must be known before. */
static bool is_list(struct redis_queue *q, const char *name, struct problem *problem)
{
	redisReply *reply = redis_ask(q->r, problem, "TYPE %s", name);
	bool fine = reply && (strcmp(reply->str, "list") == 0 || strcmp(reply->str, "none") == 0);

	if (reply && !fine)
		problem_set(problem, "redis: \"%s\" is no list: it is of type %s", name, reply->str);
	if (reply)
		freeReplyObject(reply);
	return fine;
}

static bool done(void *self, long long number, struct problem *problem)
{
	struct redis_queue *q = self;
	size_t commands = 2;

	if (!redis_ready(q->r, problem))
		return false;
	for (size_t i = 0; i < q->joined_count; i++)
		if (q->joined[i]->given.len && !is_list(q, q->joined[i]->name, problem))
			return false;
	redis_send(q->r, "MULTI");
	for (size_t i = 0; i < q->joined_count; i++)
		commands += push_given(q->r, q->joined[i]);
	redis_send(q->r, "LTRIM %s 0 %lld", q->internal, -(long long)q->in_flight - 1);
	redis_send(q->r, "SET %s %lld", q->number_key, number);
	redis_send(q->r, "EXEC");
	if (!read_transaction(q, commands, problem))
		return false;
	for (size_t i = 0; i < q->joined_count; i++)
		buf_clear(&q->joined[i]->given);
	q->in_flight = 0;
	q->number = number;
	return true;
}

static bool recover(void *self, struct problem *problem)
{
	struct redis_queue *q = self;
	long long left;

	buf_clear(&q->given);
	for (size_t i = 0; i < q->joined_count; i++)
		buf_clear(&q->joined[i]->given);
	if (q->reader)
		return true;
	if (!connect_server(q, problem))
		return false;
	left = number_of(redis_ask(q->r, problem, "LLEN %s", q->internal));
	q->in_flight = left > 0 ? (size_t)left : 0;
	return left >= 0;
}

static long long number(const void *self)
{
	return ((const struct redis_queue *)self)->number;
}

/* ---- looking ---- */

static bool count(void *self, long long *waiting, long long *in_flight, struct problem *problem)
{
	struct redis_queue *q = self;

	*waiting = number_of(redis_ask(q->r, problem, "LLEN %s", q->name));
	*in_flight = *waiting < 0 ? -1 : number_of(redis_ask(q->r, problem, "LLEN %s", q->internal));
	*waiting += *in_flight;
	return *in_flight >= 0;
}

static bool peek_list(struct redis_queue *q, const char *list, size_t *left, struct queue_batch *batch, struct problem *problem)
{
	redisReply *reply;

	if (!*left)
		return true;
	reply = redis_ask(q->r, problem, "LRANGE %s %lld -1", list, -(long long)*left);
	if (!reply)
		return false;
	for (size_t i = reply->elements; i-- > 0;)
		queue_add_record(batch, (struct text){ reply->element[i]->str, reply->element[i]->len });
	*left -= reply->elements;
	freeReplyObject(reply);
	return true;
}

static bool peek(void *self, size_t records, struct buf *lines, struct problem *problem)
{
	struct redis_queue *q = self;
	struct queue_batch batch = { .lines = *lines };
	bool fine = peek_list(q, q->internal, &records, &batch, problem) && peek_list(q, q->name, &records, &batch, problem);

	*lines = batch.lines;
	return fine;
}

static bool clear(void *self, struct problem *problem)
{
	struct redis_queue *q = self;

	return redis_done(redis_ask(q->r, problem, "DEL %s %s", q->name, q->internal));
}

static bool tell_length(struct redis_queue *q, const char *name, void (*each)(void *, struct text, long long, long long),
	void *context, struct problem *problem)
{
	long long waiting = number_of(redis_ask(q->r, problem, "LLEN %s", name));
	long long in_flight = waiting < 0 ? -1 : number_of(redis_ask(q->r, problem, "LLEN %s-internal", name));

	if (in_flight < 0)
		return false;
	each(context, text_of(name), waiting + in_flight, in_flight);
	return true;
}

/* All lists but internal ones. */
static bool list(void *self, void (*each)(void *context, struct text name, long long waiting, long long in_flight), void *context,
	struct problem *problem)
{
	struct redis_queue *q = self;
	char cursor[32] = "0";
	bool fine = true;

	do {
		redisReply *reply = redis_ask(q->r, problem, "SCAN %s TYPE list COUNT 1000", cursor);

		if (!reply || reply->elements != 2)
			return redis_done(reply) && problem_set(problem, "redis: no answer to SCAN");
		snprintf(cursor, sizeof cursor, "%s", reply->element[0]->str);
		for (size_t i = 0; fine && i < reply->element[1]->elements; i++) {
			const char *name = reply->element[1]->element[i]->str;

			if (!text_ends(text_of(name), TEXT("-internal")))
				fine = tell_length(q, name, each, context, problem);
		}
		freeReplyObject(reply);
	} while (fine && strcmp(cursor, "0") != 0);
	return fine;
}

const struct queue_engine queue_redis = { .schemes = "redis rediss", .exact = true, .open = open_queue, .close = close_queue, .take = take,
	.keep = keep, .done = done, .recover = recover, .number = number, .give = give, .commit = commit, .joined = joined,
	.count = count, .peek = peek, .clear = clear, .list = list };
