/* imq-deduplicator: drop events that were seen before.
 * Seen again does not mean remembered longer: an event that keeps coming passes once per time to live. */
#include "clock.h"
#include "filter.h"
#include "hash.h"
#include "state.h"

static struct {
	int filter_type;
	struct list filter_keys;
	bool bypass;
	double ttl; /* seconds, 0: for ever */
	struct hash_filter hash;
	struct state state;
} my;

static const char *const filter_types[] = { "blacklist", "whitelist", NULL };
enum { BLACKLIST, WHITELIST };

static const struct opt options[] = {
	OPT_CHOICE('f', "filter-type", &my.filter_type, filter_types, "blacklist",
		"whether the keys are all that counts, or all that does not"),
	OPT_LIST('k', "filter-keys", &my.filter_keys, "raw,time.observation", "the names of fields"),
	OPT_BOOL(0, "bypass", &my.bypass, false, "pass every event and remember none"),
	{ .kind = OPT_KIND_SECONDS, .letter = 't', .name = "ttl", .to.number = &my.ttl, .fallback = "86400",
		.parameter = "redis_cache_ttl", .help = "remember an event that long; 0: for ever" },
	STATE_OPTIONS(&my.state),
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

static enum verdict pass_once(struct event *ev)
{
	struct text value;
	struct hash key;
	int64_t now;

	if (my.bypass)
		return PASS;
	now = clock_now() / 1000000;
	key = hash_event(&my.hash, ev);
	if (state_get(&my.state, &key, now, &value))
		return DROP;
	state_put(&my.state, &key, TEXT(""), now, my.ttl > 0 ? now + (int64_t)(my.ttl + 0.999) : 0);
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
		.options = options, .start = start, .event = pass_once, .stop = stop });
}
