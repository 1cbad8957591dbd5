/* Events are asked for in Redis by the hundred: those read so far wait until there are GROUP of them, or nothing more to read, or a barrier,
 * and go on in their order. What passed is in our memory until it is kept, in one transaction: at the barrier, printed first otherwise, so
 * that a crash in between may repeat an event but not lose it. */
#include "intelmq.h"

#include "clock.h"
#include "redis.h"

enum { GROUP = 256, GROUP_BYTES = 4 << 20 };

struct waiting {
	struct event *ev;
	enum verdict verdict;
	bool asked; /* its digest counts */
	const char *file;
	long line;
};

static struct {
	const struct dedup_settings *settings;
	struct intelmq_hash *hash;
	struct intelmq_keys *keys;
	bool numbered;
	size_t pending; /* hashes that Redis does not have yet */
	struct waiting group[GROUP];
	unsigned char digests[GROUP][DIGEST];
	size_t count, bytes; /* of the group */
} my;

/* ---- what passed ---- */

/* The state's keys are the beginnings of IntelMQ's. */
static struct hash key_of(const unsigned char digest[DIGEST])
{
	struct hash key;

	memcpy(&key, digest, sizeof key);
	return key;
}

static bool commit(long long batch)
{
	struct problem problem = { .line = 0 };
	struct hash key;
	struct text value;

	if (!intelmq_keys_commit(my.keys, batch, &problem)) {
		filter_fail(EXIT_REMOTE, &problem);
		return false;
	}
	/* Another key may move into the place of one that is deleted: it is looked at again. */
	for (size_t cursor = 0; my.pending && state_next(my.settings->state, &cursor, &key, &value); cursor--)
		state_delete(my.settings->state, &key);
	my.pending = 0;
	return true;
}

/* False: the command cannot go on. */
static bool keep_unnumbered(void)
{
	if (my.numbered || !my.pending)
		return true;
	filter_flush();
	return commit(-1);
}

void intelmq_idle(void)
{
	keep_unnumbered();
}

/* Not called where no barrier is going to make the batch complete. */
static bool barrier(void *self, const struct batch *batch, struct problem *problem)
{
	(void)self, (void)problem;
	if (!my.keys)
		return true;
	if (!batch->numbered)
		filter_flush();
	return commit(batch->numbered ? batch->number : -1);
}

/* ---- the group ---- */

static struct event *next_event(void *self)
{
	struct waiting *w = &my.group[my.count];

	(void)self;
	if (my.count == GROUP || my.bytes >= GROUP_BYTES)
		return NULL;
	if (!w->ev)
		w->ev = event_new();
	w->asked = false;
	return w->ev;
}

enum verdict intelmq_event(struct event *ev)
{
	intelmq_hash(my.hash, ev, my.digests[my.count]);
	my.group[my.count].asked = true;
	return PASS;
}

static void admit(void *self, enum verdict verdict, const char *file, long line)
{
	struct waiting *w = &my.group[my.count++];

	(void)self;
	w->verdict = verdict;
	w->file = file;
	w->line = line;
	my.bytes += event_line(w->ev).len;
}

static size_t held(void *self)
{
	(void)self;
	return my.count;
}

static void abandon(void *self)
{
	(void)self;
	for (size_t i = 0; i < my.count; i++)
		filter_finish(my.group[i].ev, MERGE, my.group[i].file, my.group[i].line);
	my.count = my.bytes = 0;
}

/* Whether the event is the first of its kind: of the group an earlier one may be, or one that is not kept yet. */
static enum verdict pass_first(const unsigned char digest[DIGEST], bool known)
{
	int64_t now = clock_now() / 1000000;
	struct hash key = key_of(digest);
	struct text value;

	if (known || state_get(my.settings->state, &key, now, &value))
		return DROP;
	state_put(my.settings->state, &key, TEXT(""), now, 0);
	my.pending = intelmq_keys_add(my.keys, digest);
	return PASS;
}

/* Asks for the whole group and lets it go. */
static void settle(void *self, int fd, int timeout)
{
	struct problem problem = { .line = 0 };
	bool known[GROUP];

	(void)self, (void)fd, (void)timeout;
	if (my.pending >= STATE_CHANGES && !keep_unnumbered())
		return;
	if (!intelmq_keys_test(my.keys, my.digests, my.count, known, &problem)) {
		filter_fail(EXIT_REMOTE, &problem);
		return;
	}
	for (size_t i = 0; i < my.count; i++) {
		struct waiting *w = &my.group[i];

		filter_finish(w->ev, w->asked ? pass_first(my.digests[i], known[i]) : w->verdict, w->file, w->line);
	}
	my.count = my.bytes = 0;
}

static const struct window window = { .slot = next_event, .admit = admit, .wait = settle, .held = held, .abandon = abandon };

/* ---- beginning and end ---- */

/* A mixin, because it has to know which batch comes first. Only with these keys it holds events. */
static bool start(void *self, const struct filter *filter, const struct batch *batch, struct problem *problem)
{
	const struct dedup_settings *s = my.settings = self;

	(void)filter;
	if (!s->keys)
		return true;
	if (!s->state->path || !redis_is_url(s->state->path))
		return problem_set(problem, "--keys intelmq needs --state redis://HOST[:PORT][/DB]");
	my.numbered = batch->numbered;
	my.hash = intelmq_hash_new(&s->filter_keys, s->filter_type == WHITELIST);
	my.keys = intelmq_keys_open(s->state->path, batch->numbered ? batch->undo : -1, (long long)(s->ttl + 0.999), problem);
	intelmq_mixin.window = &window;
	return my.keys != NULL;
}

static void stop(void *self)
{
	(void)self;
	for (size_t i = 0; i < GROUP; i++)
		event_free(my.group[i].ev);
	intelmq_hash_free(my.hash);
	intelmq_keys_close(my.keys);
}

struct mixin intelmq_mixin = { .name = "intelmq", .start = start, .barrier = barrier, .stop = stop };
