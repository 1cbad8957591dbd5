#include "queue.h"

#include <stdlib.h>

#include "alloc.h"
#include "clock.h"
#include "queue_priv.h"
#include "value.h"

struct queue {
	const struct queue_engine *engine;
	void *self;
	char *name;
};

/* ---- the calls ---- */

static bool speaks(const struct queue_engine *engine, const char *scheme)
{
	struct text rest = text_of(engine->schemes), word;

	while (text_split(&rest, ' ', &word))
		if (text_is(word, scheme))
			return true;
	return false;
}

struct queue *queue_open_engine(const struct queue_engine *engine, const char *text, enum queue_use use, struct queue *with,
	struct problem *problem)
{
	char *name = queue_url_public(text_of(text));
	struct queue *q = NULL;
	struct queue_url url;
	void *self;

	if (!queue_url_read(&url, text_of(text)) || !speaks(engine, url.scheme)) {
		problem_set(problem, "not the URL of a queue here: \"%s\"", name);
	} else if (!url.name && use != QUEUE_LOOK) {
		problem_set(problem, "the name of the queue is missing behind #: \"%s\"", name);
	} else if ((self = engine->open(&url, use, with && with->engine == engine ? with->self : NULL, problem))) {
		q = alloc_zero(1, sizeof *q);
		*q = (struct queue){ engine, self, name };
		name = NULL;
	}
	free(name);
	queue_url_free(&url);
	return q;
}

void queue_close(struct queue *q)
{
	if (!q)
		return;
	q->engine->close(q->self);
	free(q->name);
	free(q);
}

const char *queue_name(const struct queue *q)
{
	return q->name;
}

enum queue_taken queue_take(struct queue *q, size_t records, size_t bytes, int timeout, struct queue_batch *batch,
	struct problem *problem)
{
	buf_clear(&batch->lines);
	batch->count = 0;
	return q->engine->take(q->self, records, bytes, timeout, batch, problem);
}

bool queue_keep(struct queue *q, size_t count, struct problem *problem)
{
	return q->engine->keep(q->self, count, problem);
}

bool queue_done(struct queue *q, long long number, struct problem *problem)
{
	return q->engine->done(q->self, number, problem);
}

void queue_beat(struct queue *q)
{
	if (q->engine->beat)
		q->engine->beat(q->self);
}

bool queue_recover(struct queue *q, struct problem *problem)
{
	return q->engine->recover(q->self, problem);
}

long long queue_number(const struct queue *q)
{
	return q->engine->number(q->self);
}

bool queue_repeats_exactly(const struct queue *q)
{
	return q->engine->exact;
}

bool queue_give(struct queue *q, struct text lines, struct problem *problem)
{
	return q->engine->give(q->self, lines, problem);
}

bool queue_commit(struct queue *q, struct problem *problem)
{
	return q->engine->commit(q->self, problem);
}

bool queue_is_joined(const struct queue *q)
{
	return q->engine->joined && q->engine->joined(q->self);
}

bool queue_count(struct queue *q, long long *waiting, long long *in_flight, struct problem *problem)
{
	return q->engine->count(q->self, waiting, in_flight, problem);
}

bool queue_peek(struct queue *q, size_t count, struct buf *lines, struct problem *problem)
{
	return q->engine->peek(q->self, count, lines, problem);
}

bool queue_clear(struct queue *q, struct problem *problem)
{
	return q->engine->clear(q->self, problem);
}

bool queue_list(struct queue *q, void (*each)(void *context, struct text name, long long waiting, long long in_flight), void *context,
	struct problem *problem)
{
	return q->engine->list(q->self, each, context, problem);
}

/* ---- for engines ---- */

void *queue_self(const struct queue *q, const struct queue_engine *engine)
{
	return q->engine == engine ? q->self : NULL;
}

void queue_add_record(struct queue_batch *batch, struct text record)
{
	size_t start = batch->lines.len;
	char *feed;

	batch->count++;
	if (batch->raw) {
		buf_add(&batch->lines, (const char *)&record.len, sizeof record.len);
		buf_text(&batch->lines, record);
		return;
	}
	while (record.len && record.at[record.len - 1] == '\n')
		record.len--;
	buf_text(&batch->lines, record.len ? record : TEXT(" "));
	for (char *at = batch->lines.at + start; (feed = memchr(at, '\n', (size_t)(batch->lines.at + batch->lines.len - at)));
		at = feed)
		*feed = ' ';
	buf_char(&batch->lines, '\n');
}

bool queue_batch_next(const struct queue_batch *batch, size_t *cursor, struct text *message)
{
	struct text rest = text_from(buf_view(&batch->lines), *cursor);

	if (!rest.len)
		return false;
	memcpy(&message->len, rest.at, sizeof message->len);
	message->at = rest.at + sizeof message->len;
	*cursor += sizeof message->len + message->len;
	return true;
}

/* Whether an object has a member __type of its own, not only somewhere inside. */
static bool has_type(struct text line)
{
	struct value object, key, member;
	struct value_error unused;
	struct value_walk walk;

	if (!memmem(line.at, line.len, "\"__type\"", 8) || !value_parse(line, &object, &unused) || object.kind != VALUE_OBJECT)
		return false;
	walk = value_walk(object);
	while (value_next_member(&walk, &key, &member))
		if (text_is(key.raw, "\"__type\""))
			return true;
	return false;
}

void queue_add_typed(struct buf *out, struct text lines)
{
	while (lines.len) {
		const char *feed = memchr(lines.at, '\n', lines.len);
		struct text line = { lines.at, feed ? (size_t)(feed - lines.at) : lines.len };
		struct text body = text_trim(line);

		lines = text_from(lines, line.len + 1);
		if (!line.len)
			continue;
		if (body.len < 2 || body.at[0] != '{' || body.at[body.len - 1] != '}' || has_type(body)) {
			buf_text(out, line);
		} else {
			body.len--;
			buf_text(out, body);
			buf_string(out, text_trim(text_from(body, 1)).len ? ",\"__type\":\"Event\"}" : "\"__type\":\"Event\"}");
		}
		buf_char(out, '\n');
	}
}

bool queue_time_left(long long started, int timeout, int *left)
{
	long long passed = (clock_steady() - started) / 1000;

	*left = passed < timeout ? (int)(timeout - passed) : 0;
	return *left > 0;
}
