/* The keys of a running IntelMQ's deduplicator. What a batch adds is kept at its barrier, with a list of it at NAME:undo and the batch's
 * number at NAME:batch: a batch that comes again after a crash is not taken for seen. */
#include <stdlib.h>

#include "alloc.h"
#include "intelmq.h"
#include "log.h"
#include "redis.h"

enum { DB = 6 };

struct intelmq_keys {
	struct redis *redis;
	long long ttl;
	char *batch_key, *undo_key;
	struct buf pending; /* digests in hex, HEX bytes each */
};

static char *key_of(const struct redis *r, const char *suffix)
{
	struct buf b = BUF_INIT;
	char *key;

	buf_printf(&b, "%s:%s", redis_name(r, "imq-deduplicator"), suffix);
	key = alloc_string(buf_view(&b));
	buf_free(&b);
	return key;
}

static struct text hex_of(const unsigned char digest[DIGEST], char hex[HEX])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < DIGEST; i++) {
		hex[2 * i] = digits[digest[i] >> 4];
		hex[2 * i + 1] = digits[digest[i] & 15];
	}
	return (struct text){ hex, HEX };
}

/* Reads the answers to COUNT commands of a transaction. */
static bool finish(struct redis *r, size_t count, struct problem *problem)
{
	bool fine = true;

	while (count-- && redis_connected(r))
		fine = redis_done(redis_read(r, problem)) && fine;
	return fine && redis_connected(r);
}

/* Takes back what batch BATCH or a later one has added. */
static bool undo(struct intelmq_keys *k, long long batch, struct problem *problem)
{
	redisReply *reply = redis_ask(k->redis, problem, "GET %s", k->batch_key), *log;
	long long committed = -1;
	size_t commands = 4;

	if (!reply)
		return false;
	text_integer(redis_text(reply), &committed);
	freeReplyObject(reply);
	if (batch >= 0 && committed < batch)
		return true;
	if (batch < 0)
		return redis_done(redis_ask(k->redis, problem, "DEL %s %s", k->batch_key, k->undo_key));
	if (!(log = redis_ask(k->redis, problem, "LRANGE %s 0 -1", k->undo_key)))
		return false;
	redis_add(k->redis, 1, (struct text[]){ TEXT("MULTI") });
	for (size_t i = 0; i < log->elements; i++, commands++)
		redis_add(k->redis, 2, (struct text[]){ TEXT("DEL"), redis_text(log->element[i]) });
	redis_add(k->redis, 2, (struct text[]){ TEXT("DEL"), text_of(k->undo_key) });
	redis_add(k->redis, 2, (struct text[]){ TEXT("DEL"), text_of(k->batch_key) });
	redis_add(k->redis, 1, (struct text[]){ TEXT("EXEC") });
	freeReplyObject(log);
	return finish(k->redis, commands, problem);
}

struct intelmq_keys *intelmq_keys_open(const char *url, long long batch, long long ttl, struct problem *problem)
{
	struct intelmq_keys *k = alloc_zero(1, sizeof *k);

	k->ttl = ttl;
	k->redis = redis_new(url, DB, problem);
	if (k->redis) {
		k->batch_key = key_of(k->redis, "batch");
		k->undo_key = key_of(k->redis, "undo");
	}
	if (k->redis && redis_connect(k->redis, problem) && undo(k, batch, problem))
		return k;
	intelmq_keys_close(k);
	return NULL;
}

void intelmq_keys_close(struct intelmq_keys *k)
{
	if (!k)
		return;
	redis_free(k->redis);
	free(k->batch_key);
	free(k->undo_key);
	buf_free(&k->pending);
	free(k);
}

static bool ask_for(struct redis *r, const unsigned char (*digests)[DIGEST], size_t count, bool *known, struct problem *problem)
{
	bool fine = true;
	char hex[HEX];

	for (size_t i = 0; i < count; i++)
		redis_add(r, 2, (struct text[]){ TEXT("EXISTS"), hex_of(digests[i], hex) });
	for (size_t i = 0; i < count && (i == 0 || redis_connected(r)); i++) {
		redisReply *reply = redis_read(r, problem);

		known[i] = reply && reply->type == REDIS_REPLY_INTEGER && reply->integer > 0;
		fine = redis_done(reply) && fine;
	}
	return fine;
}

bool intelmq_keys_test(
	struct intelmq_keys *k, const unsigned char (*digests)[DIGEST], size_t count, bool *known, struct problem *problem)
{
	if (ask_for(k->redis, digests, count, known, problem))
		return true;
	return !redis_connected(k->redis) && redis_connect(k->redis, problem) && ask_for(k->redis, digests, count, known, problem);
}

size_t intelmq_keys_add(struct intelmq_keys *k, const unsigned char digest[DIGEST])
{
	char hex[HEX];

	buf_text(&k->pending, hex_of(digest, hex));
	return k->pending.len / HEX;
}

static size_t add_commands(struct intelmq_keys *k, long long batch)
{
	char seconds[TEXT_INTEGER], number[TEXT_INTEGER];
	struct text ttl = text_of_integer(k->ttl, seconds);
	size_t commands = 3;

	redis_add(k->redis, 1, (struct text[]){ TEXT("MULTI") });
	redis_add(k->redis, 2, (struct text[]){ TEXT("DEL"), text_of(k->undo_key) });
	for (size_t at = 0; at < k->pending.len; at += HEX, commands++) {
		struct text key = { k->pending.at + at, HEX };

		redis_add(k->redis, k->ttl > 0 ? 6 : 4,
			(struct text[]){ TEXT("SET"), key, TEXT("hash"), TEXT("NX"), TEXT("EX"), ttl });
		if (batch >= 0) {
			redis_add(k->redis, 3, (struct text[]){ TEXT("RPUSH"), text_of(k->undo_key), key });
			commands++;
		}
	}
	if (batch >= 0) {
		redis_add(k->redis, 3, (struct text[]){ TEXT("SET"), text_of(k->batch_key), text_of_integer(batch, number) });
		commands++;
	}
	redis_add(k->redis, 1, (struct text[]){ TEXT("EXEC") });
	return commands;
}

bool intelmq_keys_commit(struct intelmq_keys *k, long long batch, struct problem *problem)
{
	if (!k->pending.len && batch < 0)
		return true;
	if (!redis_connected(k->redis) && !redis_connect(k->redis, problem))
		return false;
	if (!finish(k->redis, add_commands(k, batch), problem))
		return false;
	buf_clear(&k->pending);
	return true;
}
