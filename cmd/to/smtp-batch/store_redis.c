/* Events in Redis, as IntelMQ's bot keeps them: a list for each contact at `BOT:CONTACT`, new ones on the right (outputs.md 2.17).
 *
 * Who sends moves a list away before reading it (RENAME), to `imq-sending:BOT:OWNER:CONTACT`, so that nothing that comes in meanwhile is
 * removed unread, and back again what was not sent. A process that was killed leaves lists there: they are moved back by the next one. The
 * key `imq-sender:BOT` keeps others from sending; it goes by itself if nobody renews it. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "alloc.h"
#include "redis.h"
#include "store.h"

enum { DB = 15, PIECE = 500 /* events asked for at a time */, TRIES = 6, LOCK_SECONDS = 900, OWNER = 32 };

struct store_redis {
	struct store store;
	struct redis *redis;
	char *bot, *sender, owner[OWNER + 1];
	bool locked, moved;
	struct buf key, away; /* of the contact in hand; where its list is moved to */
	size_t at, read;      /* events behind us, and handed out by the last read() */
};

static struct store_redis *redis_of(struct store *s)
{
	return (struct store_redis *)(void *)s;
}

static const char move_back[] = "while redis.call('RPOPLPUSH', KEYS[1], KEYS[2]) do end return 1";
static const char release[] = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end return 1";
static const char renew[] = "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end return redis.call('EXPIRE', KEYS[1], ARGV[2])";

/* ---- gathering ---- */

static bool begin(struct store *s, const struct batch *batch, struct problem *problem)
{
	(void)batch;
	return redis_connect(redis_of(s)->redis, problem);
}

/* All or nothing, as far as the answer gets here. */
static bool push(struct store_redis *r, struct problem *problem)
{
	bool fine = true;

	if (!redis_connected(r->redis) && !redis_connect(r->redis, problem))
		return false;
	redis_send(r->redis, "MULTI");
	for (size_t i = 0; i < r->store.count; i++) {
		struct text event = gathered_event(&r->store, i), contact = gathered_contact(&r->store, i);

		buf_clear(&r->key);
		buf_printf(&r->key, "%s:", r->bot);
		buf_text(&r->key, contact);
		redis_add(r->redis, 3, (struct text[]){ TEXT("RPUSH"), buf_view(&r->key), event });
	}
	redis_send(r->redis, "EXEC");
	for (size_t i = 0; i < r->store.count + 2; i++) {
		redisReply *reply = redis_read(r->redis, problem);

		if (!reply && !redis_connected(r->redis))
			return false;
		for (size_t k = 0; reply && reply->type == REDIS_REPLY_ARRAY && k < reply->elements; k++)
			if (reply->element[k]->type == REDIS_REPLY_ERROR && fine)
				fine = problem_set(problem, "%s: %s", redis_place(r->redis), reply->element[k]->str);
		fine = redis_done(reply) && fine;
	}
	return fine;
}

static bool commit(struct store *s, long long number, bool whole, struct problem *problem)
{
	struct store_redis *r = redis_of(s);

	(void)number, (void)whole;
	if (s->count == 0)
		return true;
	for (unsigned try = 1; !push(r, problem); try++) {
		if (redis_connected(r->redis) || try == TRIES) /* it has answered: no */
			return false;
		usleep(100000U << try);
	}
	return true;
}

/* ---- sending ---- */

/* Runs SCRIPT. Returns its number, -1 with PROBLEM: it failed. */
static long long eval(struct store_redis *r, const char *script, const char *key, const char *other, struct problem *problem)
{
	redisReply *reply = redis_ask(r->redis, problem, "EVAL %s 1 %s %s %d", script, key, other, LOCK_SECONDS);
	long long number = reply ? reply->integer : -1;

	redis_done(reply);
	return number;
}

static bool back(struct store_redis *r, const char *away, const char *key, struct problem *problem)
{
	return redis_done(redis_ask(r->redis, problem, "EVAL %s 2 %s %s", move_back, away, key));
}

/* Appends the names of the keys that begin with PREFIX, without it. */
static bool scan(struct store_redis *r, const char *prefix, struct names *names, struct problem *problem)
{
	struct buf pattern = BUF_INIT, cursor = BUF_INIT;
	bool fine = true;

	for (const char *p = prefix; *p; p++) {
		if (strchr("*?[]\\", *p))
			buf_char(&pattern, '\\');
		buf_char(&pattern, *p);
	}
	buf_char(&pattern, '*');
	buf_string(&cursor, "0");
	do {
		redisReply *reply =
			redis_ask(r->redis, problem, "SCAN %s MATCH %s COUNT 1000 TYPE list", buf_cstr(&cursor), buf_cstr(&pattern));

		fine = reply && reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 && reply->element[0]->str;
		if (fine) {
			buf_clear(&cursor);
			buf_string(&cursor, reply->element[0]->str);
			for (size_t i = 0; i < reply->element[1]->elements; i++)
				names_add(names, text_from(redis_text(reply->element[1]->element[i]), strlen(prefix)));
		} else if (reply) {
			problem_set(problem, "%s: an odd answer to SCAN", redis_place(r->redis));
		}
		redis_done(reply);
	} while (fine && strcmp(buf_cstr(&cursor), "0") != 0);
	buf_free(&pattern);
	buf_free(&cursor);
	names_sort(names);
	return fine;
}

static void set_keys(struct store_redis *r, struct text contact)
{
	buf_clear(&r->key);
	buf_printf(&r->key, "%s:", r->bot);
	buf_text(&r->key, contact);
	buf_clear(&r->away);
	buf_printf(&r->away, "imq-sending:%s:%s:", r->bot, r->owner);
	buf_text(&r->away, contact);
}

/* What a process that was killed has left. */
static bool recover(struct store_redis *r, struct problem *problem)
{
	struct names left = { NULL, 0, 0 };
	struct buf prefix = BUF_INIT, away = BUF_INIT;
	bool fine;

	buf_printf(&prefix, "imq-sending:%s:", r->bot);
	fine = scan(r, buf_cstr(&prefix), &left, problem);
	for (size_t i = 0; i < left.count && fine; i++) {
		if (strspn(left.items[i], "0123456789abcdef") != OWNER || left.items[i][OWNER] != ':')
			continue; /* of a bot whose name goes on behind ours */
		buf_clear(&away);
		buf_printf(&away, "%s%s", prefix.at, left.items[i]);
		set_keys(r, text_of(left.items[i] + OWNER + 1));
		fine = back(r, buf_cstr(&away), buf_cstr(&r->key), problem);
	}
	names_free(&left);
	buf_free(&prefix);
	buf_free(&away);
	return fine;
}

static bool lock(struct store *s, struct problem *problem)
{
	struct store_redis *r = redis_of(s);
	unsigned char random[OWNER / 2];
	redisReply *reply;

	if (!redis_connect(r->redis, problem))
		return false;
	if (getrandom(random, sizeof random, 0) != sizeof random)
		return problem_set(problem, "no random numbers");
	for (size_t i = 0; i < sizeof random; i++)
		snprintf(r->owner + 2 * i, 3, "%02x", random[i]);
	reply = redis_ask(r->redis, problem, "SET %s %s NX EX %d", r->sender, r->owner, LOCK_SECONDS);
	if (!reply)
		return false;
	r->locked = reply->type == REDIS_REPLY_STATUS;
	redis_done(reply);
	if (!r->locked)
		return problem_set(problem, "%s: another process is sending mails from there, or was until it was killed less than %d minutes ago",
			redis_place(r->redis), LOCK_SECONDS / 60);
	return recover(r, problem);
}

static bool contacts(struct store *s, struct names *names, struct problem *problem)
{
	struct store_redis *r = redis_of(s);
	struct buf prefix = BUF_INIT;
	bool fine = redis_connected(r->redis) || redis_connect(r->redis, problem);

	buf_printf(&prefix, "%s:", r->bot);
	fine = fine && scan(r, buf_cstr(&prefix), names, problem);
	buf_free(&prefix);
	return fine;
}

static bool open_contact(struct store *s, struct text contact, bool remove, struct problem *problem)
{
	struct store_redis *r = redis_of(s);
	redisReply *reply;

	set_keys(r, contact);
	r->at = r->read = 0;
	r->moved = false;
	if (!remove)
		return true;
	if (eval(r, renew, r->sender, r->owner, problem) != 1)
		return problem->text[0] ? false : problem_set(problem, "%s: another process has begun to send mails from there", redis_place(r->redis));
	reply = redis_ask(r->redis, problem, "RENAMENX %s %s", buf_cstr(&r->key), buf_cstr(&r->away));
	if (!reply) {
		bool gone = redis_connected(r->redis) && strstr(problem->text, "no such key") != NULL;

		if (gone)
			problem->text[0] = '\0'; /* IntelMQ has been there; an empty list is read */
		r->moved = gone;
		return gone;
	}
	r->moved = reply->integer == 1;
	redis_done(reply);
	return r->moved || problem_set(problem, "%s: %s is there already", redis_place(r->redis), buf_cstr(&r->away));
}

static bool read_events(struct store *s, bool (*each)(void *context, struct text event), void *context, struct problem *problem)
{
	struct store_redis *r = redis_of(s);
	const char *key = buf_cstr(r->moved ? &r->away : &r->key);
	bool more = true;

	r->at += r->read;
	r->read = 0;
	while (more) {
		long long from = (long long)(r->at + r->read);
		redisReply *reply = redis_ask(r->redis, problem, "LRANGE %s %lld %lld", key, from, from + PIECE - 1);

		if (!reply)
			return false;
		for (size_t i = 0; i < reply->elements && more; i++) {
			more = each(context, redis_text(reply->element[i]));
			r->read += more;
		}
		more = more && reply->elements == PIECE;
		redis_done(reply);
	}
	return true;
}

static bool remove_events(struct store *s, struct problem *problem)
{
	struct store_redis *r = redis_of(s);
	bool fine = redis_done(redis_ask(r->redis, problem, "LTRIM %s %lld -1", buf_cstr(&r->away), (long long)(r->at + r->read)));

	r->at = r->read = 0;
	return fine;
}

static bool leave(struct store *s, struct problem *problem)
{
	struct store_redis *r = redis_of(s);

	if (!r->moved)
		return true;
	r->moved = false;
	return back(r, buf_cstr(&r->away), buf_cstr(&r->key), problem);
}

static void close_redis(struct store *s)
{
	struct store_redis *r = redis_of(s);
	struct problem unused = { .line = 0 };

	if (r->locked && redis_connected(r->redis))
		eval(r, release, r->sender, r->owner, &unused);
	redis_free(r->redis);
	buf_free(&r->key);
	buf_free(&r->away);
	free(r->bot);
	free(r->sender);
	free(r);
}

static const struct store_kind kind = { begin, commit, lock, contacts, open_contact, read_events, remove_events, leave, close_redis };

struct store *store_redis_open(const char *url, struct problem *problem)
{
	struct store_redis *r = alloc_zero(1, sizeof *r);
	struct buf sender = BUF_INIT;

	r->store.kind = &kind;
	r->redis = redis_new(url, DB, problem);
	if (!r->redis) {
		store_close(&r->store);
		return NULL;
	}
	r->bot = alloc_string(text_of(redis_name(r->redis, "imq-to-smtp-batch")));
	buf_printf(&sender, "imq-sender:%s", r->bot);
	r->sender = alloc_string(buf_view(&sender));
	buf_free(&sender);
	return &r->store;
}
