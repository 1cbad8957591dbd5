/* imq-pump --spool: between a queue that keeps no numbers of batches, and sends what was in flight again in other pieces (RabbitMQ, Kafka),
 * and the pump, a queue in a SQLite file, which repeats batches exactly and keeps their numbers.
 *
 * Whenever that one is empty, a batch of the remote queue goes into it and is synced to disk, and only then acknowledged. So no record is
 * ever in neither; one whose acknowledgement was cut off comes again and is in both. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "clock.h"
#include "log.h"
#include "pump.h"

enum {
	PAUSE = 100,    /* milliseconds between looks at the time while the remote server is away */
	AT_LEAST = 1000 /* records in a batch of the remote queue, so that none ends within a message of many */
};

struct spool {
	const char *url;
	struct queue *remote;       /* NULL: its server has been away since the start */
	struct queue *local, *give; /* what is given is committed by itself, not by the reader's queue_done() */
	struct queue_batch batch;   /* taken from the remote queue … */
	bool held;                  /* … and not stored yet */
	unsigned failures;          /* of the remote queue, in a row; 0: it works */
	int64_t again;              /* of clock_steady(): when to try next */
	struct status *status;
};

/* ---- opening ---- */

/* The URL of the queue in FILE that is called as the one at URL. To be freed. */
static char *local_url(const char *file, const char *url)
{
	const char *name = strchr(url, '#');
	struct buf b = BUF_INIT;

	buf_string(&b, "sqlite:");
	while (file[0] == '/' && file[1] == '/') /* that would be the name of a host */
		file++;
	for (; *file; file++)
		if (strchr("#?%", *file))
			buf_printf(&b, "%%%02X", (unsigned char)*file);
		else
			buf_char(&b, *file);
	buf_string(&b, name ? name : "#");
	buf_cstr(&b);
	return b.at;
}

static struct queue *open_remote(const struct spool *s, struct problem *problem)
{
	struct queue *q = queue_open(s->url, QUEUE_TAKE, NULL, problem);

	if (q && queue_number(q) >= 0) {
		queue_close(q);
		problem_set(problem, "--spool: not needed, the queue keeps the numbers of batches itself");
		return NULL;
	}
	return q;
}

/* Numbers begin beyond all that stages can have seen, whichever queue they were behind, and are kept from the first batch on: they must not
 * begin again with another one when that batch comes again. What somebody else has in flight there has a number already. */
static bool begin_numbers(struct spool *s, struct problem *problem)
{
	long long waiting, in_flight;

	if (queue_number(s->local) > 0)
		return true;
	return queue_count(s->local, &waiting, &in_flight, problem) && (in_flight || queue_done(s->local, clock_now(), problem));
}

static bool open_local(struct spool *s, const char *file, struct problem *problem)
{
	char *url = local_url(file, s->url);

	s->local = queue_open(url, QUEUE_TAKE, NULL, problem);
	s->give = s->local ? queue_open(url, QUEUE_GIVE, NULL, problem) : NULL;
	free(url);
	return s->give && begin_numbers(s, problem);
}

static bool is_empty(struct spool *s)
{
	long long waiting, in_flight;
	struct problem unused;

	return !queue_count(s->local, &waiting, &in_flight, &unused) || !waiting;
}

static void remote_failed(struct spool *s, const struct problem *problem)
{
	log_problem(problem);
	status_error(s->status, problem->text);
	s->again = clock_steady() + (int64_t)(pause_after(++s->failures) * SECOND);
}

struct spool *spool_open(const char *file, const char *url, bool patient, struct status *status, struct problem *problem)
{
	struct spool *s = alloc_zero(1, sizeof *s);
	struct problem away = { .line = 0 };

	*s = (struct spool){ .url = url, .status = status, .batch.whole = true };
	s->remote = open_remote(s, &away);
	if (!s->remote && !away.away) {
		*problem = away;
	} else if (open_local(s, file, problem)) {
		if (s->remote)
			return s;
		if (patient || !is_empty(s)) {
			remote_failed(s, &away);
			return s;
		}
		*problem = away;
	}
	spool_close(s);
	return NULL;
}

void spool_close(struct spool *s)
{
	/* The reader last: with its lock on the file it closes a descriptor of that, which takes all locks of the process on it along. */
	queue_close(s->give);
	queue_close(s->local);
	queue_close(s->remote);
	buf_free(&s->batch.lines);
	free(s);
}

struct queue *spool_local(const struct spool *s)
{
	return s->local;
}

const char *spool_name(const struct spool *s)
{
	return queue_name(s->remote ? s->remote : s->local);
}

/* ---- taking ---- */

/* Whether the remote queue can be asked, again if need be. */
static bool remote_works(struct spool *s)
{
	struct problem problem = { .line = 0 };

	if (!s->failures)
		return true;
	if (clock_steady() < s->again)
		return false;
	if (s->remote ? queue_recover(s->remote, &problem) : (s->remote = open_remote(s, &problem)) != NULL)
		return true;
	remote_failed(s, &problem);
	return false;
}

/* Takes a batch from the remote queue, unless one is held. False: there is none. */
static bool hold_batch(struct spool *s, size_t records, size_t bytes, int timeout)
{
	struct problem problem = { .line = 0 };
	enum queue_taken taken;

	if (s->held)
		return true;
	if (!remote_works(s)) {
		poll(NULL, 0, PAUSE);
		return false;
	}
	taken = queue_take(s->remote, records > AT_LEAST ? records : AT_LEAST, bytes, timeout, &s->batch, &problem);
	s->held = taken == QUEUE_TAKEN;
	if (taken == QUEUE_FAILED)
		remote_failed(s, &problem);
	else
		s->failures = 0;
	return s->held;
}

/* Moves the batch that is held into the file. False with PROBLEM: it is held still. */
static bool store(struct spool *s, struct problem *problem)
{
	struct problem unheard = { .line = 0 };

	if (!queue_give(s->give, buf_view(&s->batch.lines), problem) || !queue_commit(s->give, problem)) {
		struct problem unused;

		queue_recover(s->give, &unused);
		return false;
	}
	s->held = false;
	if (!queue_done(s->remote, 0, &unheard))
		remote_failed(s, &unheard);
	return true;
}

enum queue_taken spool_take(struct spool *s, size_t limit, size_t records, size_t bytes, int timeout, struct queue_batch *batch,
	struct problem *problem)
{
	enum queue_taken taken = queue_take(s->local, limit, bytes, 0, batch, problem);

	if (taken != QUEUE_EMPTY || !hold_batch(s, records, bytes, timeout))
		return taken;
	return store(s, problem) ? queue_take(s->local, limit, bytes, 0, batch, problem) : QUEUE_FAILED;
}

void spool_beat(struct spool *s)
{
	if (!s->failures)
		queue_beat(s->remote);
}

unsigned spool_failures(const struct spool *s)
{
	return s->failures;
}

bool spool_count(struct spool *s, long long *remote, struct problem *problem)
{
	long long in_flight;

	return !s->failures && queue_count(s->remote, remote, &in_flight, problem);
}
