/* A state in Redis: one hash of all rows, one of what the last numbered batch changed, and one of facts (command, seed, batch, owner).
 * Everything is loaded at the start, and a batch is one transaction (MULTI), which holds only while the owner is this process: who opens a
 * state takes it over, so that a process that hangs somewhere cannot spoil it later. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "alloc.h"
#include "buf.h"
#include "log.h"
#include "redis.h"
#include "state_priv.h"

enum { DB = 6 }; /* IntelMQ's deduplicator's */

struct state_redis {
	struct state_store store;
	struct redis *redis;
	char *rows, *undo, *facts;
	char owner[33];
	size_t commands; /* in the transaction, with MULTI and EXEC */
	struct buf value;
	struct problem why;
};

static struct state_redis *redis_of(struct state_store *store)
{
	return (struct state_redis *)(void *)store;
}

static bool problem_of(struct state_store *store, struct problem *problem)
{
	*problem = redis_of(store)->why;
	return false;
}

static char *key_of(const char *name, const char *suffix)
{
	struct buf b = BUF_INIT;
	char *key;

	buf_printf(&b, "imq-state:%s%s", name, suffix);
	key = alloc_string(buf_view(&b));
	buf_free(&b);
	return key;
}

/* ---- the transaction ---- */

static void add(struct state_redis *s, size_t count, const struct text *words)
{
	redis_add(s->redis, count, words);
	s->commands++;
}

/* Reads all answers of the transaction; the last is EXEC's: nothing if the owner has changed in the meantime. */
static bool finish(struct state_redis *s)
{
	bool fine = true;

	for (; s->commands; s->commands--) {
		redisReply *reply = redis_read(s->redis, &s->why);

		if (!reply && !redis_connected(s->redis))
			return s->commands = 0, false;
		if (fine && reply && s->commands == 1 && reply->type != REDIS_REPLY_ARRAY)
			fine = problem_set(&s->why, "%s: another process has taken over this state", redis_place(s->redis));
		for (size_t i = 0; fine && reply && s->commands == 1 && i < reply->elements; i++)
			if (reply->element[i]->type == REDIS_REPLY_ERROR)
				fine = problem_set(&s->why, "%s: %s", redis_place(s->redis), reply->element[i]->str);
		fine = fine && reply;
		if (reply)
			freeReplyObject(reply);
	}
	return fine;
}

/* Whether the state is ours still, and from now until the transaction. */
static bool watch_owner(struct state_redis *s)
{
	redisReply *reply;
	bool ours;

	if (!redis_done(redis_ask(s->redis, &s->why, "WATCH %s:owner", s->rows)))
		return false;
	reply = redis_ask(s->redis, &s->why, "GET %s:owner", s->rows);
	if (!reply)
		return false;
	ours = text_is(redis_text(reply), s->owner);
	freeReplyObject(reply);
	return ours || problem_set(&s->why, "%s: another process has taken over this state", redis_place(s->redis));
}

static bool begin(struct state_store *store)
{
	struct state_redis *s = redis_of(store);

	/* A connection that the server closed while nothing went on is made again. */
	if (!redis_connected(s->redis) || !watch_owner(s)) {
		if (redis_connected(s->redis) || !redis_connect(s->redis, &s->why) || !watch_owner(s))
			return false;
	}
	add(s, 1, (struct text[]){ TEXT("MULTI") });
	add(s, 2, (struct text[]){ TEXT("DEL"), text_of(s->undo) });
	return true;
}

/* A row as text: `EXPIRES:VALUE`, or `-`: there was none. */
static struct text form_of(struct state_redis *s, const struct state_row *row)
{
	buf_clear(&s->value);
	if (row->exists) {
		buf_integer(&s->value, row->expires);
		buf_char(&s->value, ':');
		buf_text(&s->value, row->value);
	} else {
		buf_char(&s->value, '-');
	}
	return buf_view(&s->value);
}

static struct text key_text(const struct state_row *row)
{
	return (struct text){ (const char *)&row->key, sizeof row->key };
}

static bool write_undo(struct state_store *store, const struct state_row *old)
{
	struct state_redis *s = redis_of(store);

	add(s, 4, (struct text[]){ TEXT("HSET"), text_of(s->undo), key_text(old), form_of(s, old) });
	return true;
}

static bool write_row(struct state_store *store, const struct state_row *row)
{
	struct state_redis *s = redis_of(store);

	if (row->exists)
		add(s, 4, (struct text[]){ TEXT("HSET"), text_of(s->rows), key_text(row), form_of(s, row) });
	else
		add(s, 3, (struct text[]){ TEXT("HDEL"), text_of(s->rows), key_text(row) });
	return true;
}

static bool end_as(struct state_redis *s, long long batch)
{
	char number[TEXT_INTEGER];

	add(s, 4, (struct text[]){ TEXT("HSET"), text_of(s->facts), TEXT("batch"), text_of_integer(batch, number) });
	add(s, 1, (struct text[]){ TEXT("EXEC") });
	return finish(s);
}

static bool end(struct state_store *store, long long batch, int64_t moment)
{
	struct state_redis *s = redis_of(store);
	char number[TEXT_INTEGER], when[TEXT_INTEGER];

	add(s, 6, (struct text[]){ TEXT("HSET"), text_of(s->facts), TEXT("moment_batch"), text_of_integer(batch, number),
		TEXT("moment"), text_of_integer(moment, when) });
	return end_as(s, batch);
}

/* ---- opening ---- */

/* Calls EACH for all fields of the hash KEY. */
static bool walk(struct state_redis *s, const char *key, bool (*each)(void *context, struct text field, struct text value), void *context)
{
	char cursor[32] = "0";
	bool fine = true;

	do {
		redisReply *reply = redis_ask(s->redis, &s->why, "HSCAN %s %s COUNT 1000", key, cursor), *pairs;

		if (!reply)
			return false;
		if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 || !redis_text(reply->element[0]).len)
			return redis_done(reply) && problem_set(&s->why, "%s: no answer to HSCAN", redis_place(s->redis));
		snprintf(cursor, sizeof cursor, "%s", reply->element[0]->str);
		pairs = reply->element[1];
		for (size_t i = 0; fine && i + 1 < pairs->elements; i += 2)
			fine = each(context, redis_text(pairs->element[i]), redis_text(pairs->element[i + 1]));
		freeReplyObject(reply);
	} while (fine && strcmp(cursor, "0") != 0);
	return fine;
}

static bool read_row(struct text field, struct text value, struct state_row *row)
{
	struct text expires;
	long long time;

	if (field.len != sizeof row->key)
		return false;
	memcpy(&row->key, field.at, sizeof row->key);
	row->exists = false;
	if (text_is(value, "-"))
		return true;
	row->exists = text_split(&value, ':', &expires) && value.at && text_integer(expires, &time);
	if (row->exists) {
		row->value = value;
		row->expires = time;
	}
	return row->exists;
}

struct adder {
	void (*add)(void *context, const struct state_row *row);
	void *context;
};

static bool add_row(void *context, struct text field, struct text value)
{
	const struct adder *adder = context;
	struct state_row row;

	if (read_row(field, value, &row) && row.exists)
		adder->add(adder->context, &row);
	return true;
}

static bool load(struct state_store *store, void (*adds)(void *context, const struct state_row *row), void *context,
	struct problem *problem)
{
	struct state_redis *s = redis_of(store);
	struct adder adder = { adds, context };

	return walk(s, s->rows, add_row, &adder) || problem_of(store, problem);
}

/* A fact as text, the caller's to free; NULL: there is none (*FINE), or PROBLEM. */
static char *fact(struct state_redis *s, const char *name, bool *fine)
{
	redisReply *reply = redis_ask(s->redis, &s->why, "HGET %s %s", s->facts, name);
	char *text = redis_text(reply).at ? alloc_string(redis_text(reply)) : NULL;

	*fine = redis_done(reply);
	return text;
}

/* Writes back what the undo log says. All of it is read before: it is as long as a batch. */
static bool undo_rows(struct state_redis *s, long long batch)
{
	redisReply *log = redis_ask(s->redis, &s->why, "HGETALL %s", s->undo);
	struct state_row row;
	bool fine = log && begin(&s->store);

	for (size_t i = 0; fine && i + 1 < log->elements; i += 2)
		if (read_row(redis_text(log->element[i]), redis_text(log->element[i + 1]), &row))
			write_row(&s->store, &row);
	fine = fine && end_as(s, batch);
	if (log)
		freeReplyObject(log);
	return fine;
}

/* The batch that comes now may have been committed before a crash: take it back. An unnumbered run keeps no undo log, so the old one must
 * not be used after it. */
static bool undo_batch(struct state_redis *s, long long batch)
{
	bool fine;
	char *text = fact(s, "batch", &fine);
	long long committed = -1;

	if (text)
		text_integer(text_of(text), &committed);
	free(text);
	if (!fine)
		return false;
	if (batch < 0)
		return redis_done(redis_ask(s->redis, &s->why, "DEL %s", s->undo)) &&
		       redis_done(redis_ask(s->redis, &s->why, "HSET %s batch -1", s->facts));
	if (committed < batch)
		return true;
	if (committed > batch)
		log_message("%s: batch %lld is committed, batch %lld comes next: undoing only the last one", redis_place(s->redis),
			committed, batch);
	return undo_rows(s, batch - 1);
}

/* A new state becomes NAME's; one that another command made is refused, and stays with its owner. */
static bool claim(struct state_redis *s, const char *name, uint64_t *seed)
{
	bool fine = redis_done(redis_ask(s->redis, &s->why, "HSETNX %s command %s", s->facts, name)) &&
		    redis_done(redis_ask(s->redis, &s->why, "HSETNX %s seed %lld", s->facts, (long long)*seed));
	char *command = fine ? fact(s, "command", &fine) : NULL, *text = fine ? fact(s, "seed", &fine) : NULL;
	long long number = 0;

	if (fine && command && strcmp(command, name) != 0)
		fine = problem_set(&s->why, "%s: %s is a state of %s", redis_place(s->redis), s->rows, command);
	else if (fine && !(text && text_integer(text_of(text), &number)))
		fine = problem_set(&s->why, "%s: %s has no seed", redis_place(s->redis), s->rows);
	free(command);
	free(text);
	*seed = (uint64_t)number;
	return fine;
}

/* When BATCH took place, if it was committed before: also after an undo whose batch did not get as far again. */
static bool read_moment(struct state_redis *s, long long batch)
{
	bool fine, fine_too = true;
	char *of = fact(s, "moment_batch", &fine), *moment = fine ? fact(s, "moment", &fine_too) : NULL;
	long long number = -1, when = 0;

	if (of && moment && text_integer(text_of(of), &number) && number == batch && text_integer(text_of(moment), &when))
		s->store.moment = when;
	free(of);
	free(moment);
	return fine && fine_too;
}

static bool take_over(struct state_redis *s)
{
	unsigned char random[16];

	if (getrandom(random, sizeof random, 0) != sizeof random)
		return problem_set(&s->why, "no random numbers");
	for (size_t i = 0; i < sizeof random; i++)
		snprintf(s->owner + 2 * i, 3, "%02x", random[i]);
	return redis_done(redis_ask(s->redis, &s->why, "SET %s:owner %s", s->rows, s->owner));
}

static void close_redis(struct state_store *store)
{
	struct state_redis *s = redis_of(store);

	redis_free(s->redis);
	free(s->rows);
	free(s->undo);
	free(s->facts);
	buf_free(&s->value);
	free(s);
}

struct state_store *state_redis_open(
	const char *url, const char *name, long long batch, uint64_t *seed, struct problem *problem)
{
	struct state_redis *s = alloc_zero(1, sizeof *s);
	const char *own;

	s->store = (struct state_store){ 0, load, begin, write_undo, write_row, end, problem_of, close_redis };
	s->redis = redis_new(url, DB, &s->why);
	own = s->redis ? redis_name(s->redis, name) : name;
	s->rows = key_of(own, "");
	s->undo = key_of(own, ":undo");
	s->facts = key_of(own, ":facts");
	if (s->redis && redis_connect(s->redis, &s->why) && claim(s, name, seed) && take_over(s) && undo_batch(s, batch) &&
		(batch < 0 || read_moment(s, batch)))
		return &s->store;
	problem_of(&s->store, problem);
	close_redis(&s->store);
	return NULL;
}
