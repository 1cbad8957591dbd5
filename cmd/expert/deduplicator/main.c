/* imq-deduplicator: drop events that were seen before.
 * Seen again does not mean remembered longer: an event that keeps coming passes once per time to live. With --keys intelmq what was seen
 * is in Redis, as a running IntelMQ has it there: intelmq.c. */
#include "clock.h"
#include "filter.h"
#include "hash.h"
#include "intelmq.h"
#include "state.h"

static struct {
	struct dedup_settings settings;
	struct hash_filter hash;
	struct state state;
} my = { .settings.state = &my.state, .state.apart = &my.settings.keys };

static const char *const filter_types[] = { "blacklist", "whitelist", NULL };
static const char *const key_kinds[] = { "own", "intelmq", NULL };

static const struct opt options[] = {
	OPT_CHOICE('f', "filter-type", &my.settings.filter_type, filter_types, "blacklist",
		"whether the keys are all that counts, or all that does not"),
	OPT_LIST('k', "filter-keys", &my.settings.filter_keys, "raw,time.observation", "the names of fields"),
	OPT_BOOL(0, "bypass", &my.settings.bypass, false, "pass every event and remember none"),
	{ .kind = OPT_KIND_SECONDS, .letter = 't', .name = "ttl", .to.number = &my.settings.ttl, .fallback = "86400",
		.parameter = "redis_cache_ttl", .help = "remember an event that long; 0: for ever" },
	OPT_CHOICE(0, "keys", &my.settings.keys, key_kinds, "own", "intelmq: the --state is in Redis, and its keys are IntelMQ's"),
	STATE_OPTIONS(&my.state),
	OPT_MIXIN(&intelmq_mixin, &my.settings),
	OPT_END
};

static bool start(struct problem *problem)
{
	if (my.settings.ttl < 0)
		return problem_set(problem, "--ttl must not be negative");
	if (!hash_filter_init(&my.hash, &my.settings.filter_keys, my.settings.filter_type == WHITELIST, problem))
		return false;
	hash_filter_seed(&my.hash, state_seed(&my.state));
	return true;
}

static enum verdict pass_once(struct event *ev)
{
	double ttl = my.settings.ttl;
	struct text value;
	struct hash key;
	int64_t now;

	if (my.settings.bypass)
		return PASS;
	if (my.settings.keys)
		return intelmq_event(ev);
	key = hash_event(&my.hash, ev);
	state_expect(&my.state, &key);
	now = clock_now() / 1000000;
	if (state_get(&my.state, &key, now, &value))
		return DROP;
	state_put(&my.state, &key, TEXT(""), now, ttl > 0 ? now + (int64_t)(ttl + 0.999) : 0);
	return PASS;
}

static void stop(void)
{
	hash_filter_free(&my.hash);
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv, &(struct filter){ .name = "imq-deduplicator",
		.module = "intelmq.bots.experts.deduplicator.expert", .summary = "drop events that were seen before",
		.options = options, .start = start, .event = pass_once, .idle = intelmq_idle, .stop = stop });
}
