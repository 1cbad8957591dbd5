/* imq-filter: keep or drop events by the value of a field, and by the time they tell of.
 * A field with several values holds a condition if one of them does; lists in `extra` are one value each. */
#include "clock.h"
#include "event.h"
#include "filter.h"
#include "log.h"
#include "nest.h"
#include "regex.h"
#include "repr.h"
#include "span.h"
#include "when.h"

/* A moment, or so many seconds before now. */
struct limit {
	bool set, relative;
	int64_t time; /* microseconds */
};

static struct {
	const char *filter_key, *filter_action, *not_before, *not_after;
	struct text filter_value, filter_regex;
	enum field key;
	bool by_key, keep;
	struct value wanted;
	struct regex *regex;
	struct limit before, after;
	struct buf text;
} my;

static const struct opt options[] = {
	OPT_TEXT('k', "filter-key", &my.filter_key, NULL, "the field to look at"),
	OPT_VALUE('v', "filter-value", &my.filter_value, NULL, "the value it has, or a regular expression"),
	OPT_VALUE('r', "filter-regex", &my.filter_regex, NULL, "if true, the value is a regular expression"),
	OPT_TEXT('a', "filter-action", &my.filter_action, NULL, "keep or drop events that match"),
	OPT_TEXT(0, "not-before", &my.not_before, NULL,
		"drop events older than this time or span (\"2 days\")"),
	OPT_TEXT(0, "not-after", &my.not_after, NULL, "drop events younger than this time or span"),
	OPT_END
};

static bool read_limit(const char *option, const char *text, struct limit *limit, struct problem *problem)
{
	static const char *const units[] = { "second", "minute", "hour", "day", "week", "month", "year" };
	long long seconds;

	limit->set = text && *text;
	if (!limit->set)
		return true;
	for (size_t i = 0; i < LENGTH(units); i++)
		limit->relative = limit->relative || strstr(text, units[i]);
	if (!limit->relative)
		return when_parse(text_of(text), &limit->time) ||
		       problem_set(problem, "%s: not a time: \"%s\"", option, text);
	if (!span_parse(text_of(text), &seconds) || __builtin_mul_overflow(seconds, 1000000LL, &limit->time))
		return problem_set(problem, "%s: not a span of time: \"%s\"", option, text);
	return true;
}

static bool is_true(struct text json)
{
	static const char *const no[] = { "", "null", "false", "0", "0.0", "\"\"", "[]", "{}" };

	for (size_t i = 0; i < LENGTH(no); i++)
		if (text_is(json, no[i]))
			return false;
	return true;
}

static bool start_regex(struct problem *problem)
{
	struct arena scratch = { 0 };
	bool is_text = my.wanted.kind == VALUE_STRING;

	if (my.wanted.kind == VALUE_NONE || my.wanted.kind == VALUE_NULL)
		return problem_set(problem, "--filter-regex needs a regular expression as --filter-value");
	my.regex =
		regex_new(is_text ? value_text(my.wanted, &scratch) : my.wanted.raw, REGEX_PYTHON, problem);
	arena_free(&scratch);
	return my.regex != NULL;
}

static bool start(struct problem *problem)
{
	struct text action = text_of(my.filter_action);
	struct value_error unused;

	my.keep = text_is(action, "keep");
	if (my.filter_value.at && !value_parse(my.filter_value, &my.wanted, &unused))
		return problem_set(problem, "--filter-value: %s", unused.reason);
	if (my.filter_regex.at && is_true(my.filter_regex) && !start_regex(problem))
		return false;
	my.by_key = my.filter_key && my.wanted.kind != VALUE_NONE && my.wanted.kind != VALUE_NULL &&
		    (my.keep || text_is(action, "drop"));
	if (!read_limit("--not-before", my.not_before, &my.before, problem) ||
		!read_limit("--not-after", my.not_after, &my.after, problem))
		return false;
	if (action.len && !my.keep && !text_is(action, "drop")) {
		if (!my.before.set && !my.after.set)
			return problem_set(
				problem, "--filter-action is keep or drop, not \"%s\"", my.filter_action);
		log_message("--filter-action is neither keep nor drop: \"%s\": only the time counts",
			my.filter_action);
	}
	if (!my.by_key && !my.before.set && !my.after.set)
		return problem_set(problem,
			"--filter-key, -value and -action are needed, or --not-before or --not-after");
	if (my.by_key) {
		my.key = field_intern(text_of(my.filter_key));
		if (!field_check(my.key, problem)) {
			log_message("--filter-key: no such field: \"%s\": nothing will match", my.filter_key);
			my.key = F_NONE;
		}
	}
	return true;
}

static int64_t time_of(const struct limit *limit, int64_t now)
{
	return limit->relative ? now - limit->time : limit->time;
}

/* Whether EV's time is within the limits; without a time it is. */
static bool in_time(struct event *ev)
{
	struct text text = event_text(ev, F_TIME_SOURCE);
	int64_t now = 0, time;

	if (!text.at)
		return true;
	if (!when_parse(text, &time)) {
		event_mark(ev, "time.source: not a time");
		return true;
	}
	if (my.before.relative || my.after.relative)
		now = clock_now();
	return !(my.after.set && time > time_of(&my.after, now)) &&
	       !(my.before.set && time < time_of(&my.before, now));
}

static bool same_number(struct value a, struct value b)
{
	long long n, m;
	double x, y;

	if (value_integer(a, &n) && value_integer(b, &m))
		return n == m;
	return text_eq(a.raw, b.raw) || (value_double(a, &x) && value_double(b, &y) && x == y);
}

/* A number; true and false are 1 and 0, as in Python. */
static struct value as_number(struct value v)
{
	if (v.kind == VALUE_TRUE)
		return (struct value){ TEXT("1"), VALUE_NUMBER, false };
	return v.kind == VALUE_FALSE ? (struct value){ TEXT("0"), VALUE_NUMBER, false } : v;
}

static bool same(struct value a, struct value b, struct arena *arena);

static bool same_arrays(struct value a, struct value b, struct arena *arena)
{
	struct value_walk left = value_walk(a), right = value_walk(b);
	struct value x, y;

	while (value_next(&left, &x))
		if (!value_next(&right, &y) || !same(x, y, arena))
			return false;
	return !value_next(&right, &y);
}

static size_t member_count(struct value object)
{
	struct value_walk walk = value_walk(object);
	struct value key, member;
	size_t count = 0;

	while (value_next_member(&walk, &key, &member))
		count++;
	return count;
}

/* Whether OBJECT has MEMBER called KEY. */
static bool has_same_member(struct value object, struct value key, struct value member, struct arena *arena)
{
	struct value_walk walk = value_walk(object);
	struct text name = value_text(key, arena);
	struct value other, value;

	while (value_next_member(&walk, &other, &value))
		if (text_eq(value_text(other, arena), name))
			return same(member, value, arena);
	return false;
}

static bool same_objects(struct value a, struct value b, struct arena *arena)
{
	struct value_walk walk = value_walk(a);
	struct value key, member;

	if (member_count(a) != member_count(b))
		return false;
	while (value_next_member(&walk, &key, &member))
		if (!has_same_member(b, key, member, arena))
			return false;
	return true;
}

static bool same(struct value a, struct value b, struct arena *arena)
{
	a = as_number(a);
	b = as_number(b);
	if (a.kind != b.kind)
		return false;
	switch (a.kind) {
	case VALUE_STRING:
		return text_eq(value_text(a, arena), value_text(b, arena));
	case VALUE_NUMBER:
		return same_number(a, b);
	case VALUE_ARRAY:
		return same_arrays(a, b, arena);
	case VALUE_OBJECT:
		return same_objects(a, b, arena);
	default:
		return true;
	}
}

static bool holds(struct event *ev, struct value v)
{
	if (!my.regex)
		return same(my.wanted, v, event_arena(ev));
	if (v.kind == VALUE_STRING)
		return regex_search(my.regex, value_text(v, event_arena(ev)));
	buf_clear(&my.text);
	repr_value(&my.text, v);
	return regex_search(my.regex, buf_view(&my.text));
}

/* `extra` as a whole is the text of one object. */
static bool extra_holds(struct event *ev)
{
	buf_clear(&my.text);
	if (!nest_write(ev, TEXT("extra"), &my.text))
		return false;
	if (my.regex)
		return regex_search(my.regex, buf_view(&my.text));
	return my.wanted.kind == VALUE_STRING &&
	       text_eq(value_text(my.wanted, event_arena(ev)), buf_view(&my.text));
}

static bool matches(struct event *ev)
{
	struct value v = event_value(ev, my.key), one;
	struct event_values values;

	if (my.key == F_EXTRA)
		return extra_holds(ev);
	if (v.kind == VALUE_NONE || holds(ev, v))
		return v.kind != VALUE_NONE;
	if (v.kind != VALUE_ARRAY || field_is_extra(my.key))
		return false;
	for (values = event_values(ev, my.key); event_next_value(&values, &one);)
		if (holds(ev, one))
			return true;
	return false;
}

static enum verdict sort_out(struct event *ev)
{
	bool match;

	if ((my.before.set || my.after.set) && !in_time(ev))
		return DROP;
	if (!my.by_key)
		return PASS;
	match = matches(ev);
	if (match != my.keep)
		filter_send(ev, "action_other");
	filter_send(ev, match ? "filter_match" : "filter_no_match");
	if (match == my.keep)
		filter_send(ev, "_default");
	return PASS;
}

static void stop(void)
{
	regex_free(my.regex);
	buf_free(&my.text);
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv,
		&(struct filter){ .name = "imq-filter",
			.module = "intelmq.bots.experts.filter.expert",
			.summary = "keep or drop events by a field's value or by their time",
			.options = options,
			.start = start,
			.event = sort_out,
			.stop = stop });
}
