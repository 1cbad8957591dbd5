/* imq-threshold: pass the one event with which a count reaches the threshold.
 * Each event prolongs the count's life: what counts is that no pause is longer than the time to live. */
#include "clock.h"
#include "filter.h"
#include "hash.h"
#include "state.h"

static struct {
	int filter_type;
	struct list filter_keys;
	long long threshold;
	struct text add_keys;
	bool bypass;
	double ttl; /* seconds */
	struct hash_filter hash;
	struct state state;
	struct value additions; /* add_keys */
	enum field count;
} my;

static const char *const filter_types[] = { "blacklist", "whitelist", NULL };
enum { BLACKLIST, WHITELIST };

static const struct opt options[] = {
	OPT_CHOICE('f', "filter-type", &my.filter_type, filter_types, "blacklist",
		"whether the keys are all that counts, or all that does not"),
	OPT_LIST('k', "filter-keys", &my.filter_keys, "raw,time.observation", "the names of fields"),
	OPT_INTEGER('n', "threshold", &my.threshold, "100", "pass the event with this number"),
	OPT_JSON('a', "add-keys", &my.add_keys, "{\"comment\": \"Threshold reached\"}",
		"fields to set in the event that passes"),
	OPT_BOOL(0, "bypass", &my.bypass, false, "pass every event and count none"),
	{ .kind = OPT_KIND_SECONDS, .letter = 't', .name = "ttl", .to.number = &my.ttl, .fallback = "3600",
		.parameter = "redis_cache_ttl", .help = "forget a count after a pause of that long" },
	STATE_OPTIONS(&my.state),
	OPT_END
};

/* The fields of add_keys get their numbers here, so that they are known when events are hashed. */
static bool read_additions(struct problem *problem)
{
	struct value_error error;
	struct value_walk walk;
	struct value key, member;

	if (!my.add_keys.at)
		my.add_keys = TEXT("{}");
	if (!value_parse(my.add_keys, &my.additions, &error) || my.additions.kind != VALUE_OBJECT)
		return problem_set(problem, "--add-keys must be an object");
	walk = value_walk(my.additions);
	while (value_next_member(&walk, &key, &member)) {
		struct problem why = { .line = 0 };
		enum field f = field_intern(value_inside(key));

		if (f == F_NONE || !field_check(f, &why))
			return problem_set(problem, "--add-keys: \"%.*s\": no such field", TEXT_ARGS(value_inside(key)));
	}
	return true;
}

static bool start(struct problem *problem)
{
	if (my.threshold < 1)
		return problem_set(problem, "--threshold must be at least 1");
	if (my.ttl <= 0)
		return problem_set(problem, "--ttl must be more than 0");
	my.count = field_intern(TEXT("extra.count"));
	if (!read_additions(problem) ||
		!hash_filter_init(&my.hash, &my.filter_keys, my.filter_type == WHITELIST, problem))
		return false;
	hash_filter_seed(&my.hash, state_seed(&my.state));
	return true;
}

static void announce(struct event *ev)
{
	struct value_walk walk = value_walk(my.additions);
	struct value key, member;

	while (value_next_member(&walk, &key, &member))
		event_add_value(ev, field_find(value_inside(key)), member, OVERWRITE_YES);
	event_set_integer(ev, my.count, my.threshold);
}

static enum verdict count(struct event *ev)
{
	struct text value;
	struct hash key;
	int64_t now;
	uint64_t n = 0;

	if (my.bypass)
		return PASS;
	key = hash_event(&my.hash, ev);
	state_expect(&my.state, &key);
	now = clock_now() / 1000000;
	if (state_get(&my.state, &key, now, &value) && value.len == sizeof n)
		memcpy(&n, value.at, sizeof n);
	n++;
	state_put(&my.state, &key, (struct text){ (const char *)&n, sizeof n }, now, now + (int64_t)(my.ttl + 0.999));
	if (n != (uint64_t)my.threshold)
		return DROP;
	announce(ev);
	return PASS;
}

static void stop(void)
{
	hash_filter_free(&my.hash);
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv, &(struct filter){ .name = "imq-threshold",
		.module = "intelmq.bots.experts.threshold.expert",
		.summary = "pass the event with which a count reaches the threshold", .options = options,
		.start = start, .event = count, .stop = stop });
}
