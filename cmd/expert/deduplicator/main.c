/* imq-deduplicator: drop events that were seen before.
 * Seen again does not mean remembered longer: an event that keeps coming passes once per time to live. With --keys intelmq what was seen
 * is in Redis, as a running IntelMQ has it there, and in the state only what the batch at hand adds. */
#include "clock.h"
#include "filter.h"
#include "hash.h"
#include "intelmq.h"
#include "redis.h"
#include "state.h"

static struct {
	int filter_type;
	struct list filter_keys;
	bool bypass;
	double ttl; /* seconds, 0: for ever */
	struct hash_filter hash;
	int keys;
	struct intelmq_hash *intelmq_hash;
	struct intelmq_keys *intelmq_keys;
	bool numbered;
	size_t pending; /* hashes that Redis does not have yet */
	struct state state;
} my = { .state.apart = &my.keys };

static const char *const filter_types[] = { "blacklist", "whitelist", NULL };
enum { BLACKLIST, WHITELIST };
static const char *const key_kinds[] = { "own", "intelmq", NULL };

/* A mixin, because it has to know which batch comes first. The state is memory here, for what Redis will only have after the barrier; its
 * keys are the beginnings of IntelMQ's. */
static bool start_intelmq(void *self, const struct filter *filter, const struct batch *batch, struct problem *problem)
{
	(void)self, (void)filter;
	if (!my.keys)
		return true;
	if (!my.state.path || !redis_is_url(my.state.path))
		return problem_set(problem, "--keys intelmq needs --state redis://HOST[:PORT][/DB]");
	my.numbered = batch->numbered;
	my.intelmq_hash = intelmq_hash_new(&my.filter_keys, my.filter_type == WHITELIST);
	my.intelmq_keys = intelmq_keys_open(
		my.state.path, batch->numbered ? batch->undo : -1, (long long)(my.ttl + 0.999), problem);
	return my.intelmq_keys != NULL;
}

static const struct mixin intelmq_mixin = { .name = "intelmq", .start = start_intelmq };

static const struct opt options[] = {
	OPT_CHOICE('f', "filter-type", &my.filter_type, filter_types, "blacklist",
		"whether the keys are all that counts, or all that does not"),
	OPT_LIST('k', "filter-keys", &my.filter_keys, "raw,time.observation", "the names of fields"),
	OPT_BOOL(0, "bypass", &my.bypass, false, "pass every event and remember none"),
	{ .kind = OPT_KIND_SECONDS, .letter = 't', .name = "ttl", .to.number = &my.ttl, .fallback = "86400",
		.parameter = "redis_cache_ttl", .help = "remember an event that long; 0: for ever" },
	OPT_CHOICE(0, "keys", &my.keys, key_kinds, "own", "intelmq: the --state is in Redis, and its keys are IntelMQ's"),
	STATE_OPTIONS(&my.state),
	OPT_MIXIN(&intelmq_mixin, &my.intelmq_keys),
	OPT_END
};

static bool start(struct problem *problem)
{
	if (my.ttl < 0)
		return problem_set(problem, "--ttl must not be negative");
	if (!hash_filter_init(&my.hash, &my.filter_keys, my.filter_type == WHITELIST, problem))
		return false;
	hash_filter_seed(&my.hash, state_seed(&my.state));
	return true;
}

static bool commit(long long batch, struct problem *problem)
{
	struct hash key;
	struct text value;

	if (!intelmq_keys_commit(my.intelmq_keys, batch, problem)) {
		filter_fail(EXIT_REMOTE, problem);
		return false;
	}
	/* Another key may move into the place of one that is deleted: it is looked at again. */
	for (size_t cursor = 0; my.pending && state_next(&my.state, &cursor, &key, &value); cursor--)
		state_delete(&my.state, &key);
	my.pending = 0;
	return true;
}

static enum verdict pass_unknown(struct event *ev)
{
	struct problem problem = { .line = 0 };
	unsigned char digest[DIGEST];
	int64_t now = clock_now() / 1000000;
	struct text value;
	struct hash key;
	bool known;

	intelmq_hash(my.intelmq_hash, ev, digest);
	memcpy(&key, digest, sizeof key);
	if (state_get(&my.state, &key, now, &value))
		return DROP;
	if (!intelmq_keys_test(my.intelmq_keys, digest, &known, &problem)) {
		filter_fail(EXIT_REMOTE, &problem);
		event_mark(ev, "%s", problem.text);
		return REJECT;
	}
	if (known)
		return DROP;
	state_put(&my.state, &key, TEXT(""), now, 0);
	my.pending = intelmq_keys_add(my.intelmq_keys, digest);
	return PASS;
}

/* Printed first, then remembered: a crash in between may repeat an event but not lose it. */
static void keep_unnumbered(void)
{
	struct problem problem = { .line = 0 };

	if (my.intelmq_keys && my.pending && !my.numbered) {
		filter_flush();
		commit(-1, &problem);
	}
}

static bool barrier(const struct batch *batch, struct problem *problem)
{
	if (!my.intelmq_keys || (batch->last && batch->numbered))
		return true;
	if (!batch->numbered)
		filter_flush();
	return commit(batch->numbered ? batch->number : -1, problem);
}

static enum verdict pass_once(struct event *ev)
{
	struct text value;
	struct hash key;
	int64_t now;

	if (my.bypass)
		return PASS;
	if (my.keys) {
		if (my.pending >= STATE_CHANGES)
			keep_unnumbered();
		return pass_unknown(ev);
	}
	key = hash_event(&my.hash, ev);
	state_expect(&my.state, &key);
	now = clock_now() / 1000000;
	if (state_get(&my.state, &key, now, &value))
		return DROP;
	state_put(&my.state, &key, TEXT(""), now, my.ttl > 0 ? now + (int64_t)(my.ttl + 0.999) : 0);
	return PASS;
}

static void stop(void)
{
	hash_filter_free(&my.hash);
	intelmq_hash_free(my.intelmq_hash);
	intelmq_keys_close(my.intelmq_keys);
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv, &(struct filter){ .name = "imq-deduplicator",
		.module = "intelmq.bots.experts.deduplicator.expert", .summary = "drop events that were seen before",
		.options = options, .start = start, .event = pass_once, .idle = keep_unnumbered, .barrier = barrier,
		.stop = stop });
}
