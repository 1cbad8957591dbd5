/* imq-aggregate: of similar events within a time span pass one, with their number.
 * A group that is too small when its time is over is dropped. Windows close on records, barriers and the timer. */
#include <stdlib.h>

#include "alloc.h"
#include "clock.h"
#include "filter.h"
#include "hash.h"
#include "log.h"
#include "span.h"
#include "state.h"
#include "when.h"

/* What the state holds for a group, followed by the first event. Times are microseconds since 1970. */
struct group {
	int64_t arrived; /* when the first event came */
	int64_t start;   /* the first event's time, by --clock */
	int64_t last;    /* the latest event's own time */
	int64_t count;
	uint64_t number; /* groups go out in the order they began */
	uint64_t run;    /* the process that counted the records below */
	uint64_t records; /* pending in the statistics */
};

struct due {
	uint64_t number;
	struct hash key;
};

static struct {
	struct list fields;
	long long threshold;
	const char *timespan;
	int clock; /* -1: arrival under a pump, else event */
	struct state state;
	struct hash_filter hash;
	int64_t span;      /* microseconds */
	int64_t slack;     /* how much later groups that get no more events may be closed */
	int64_t watermark; /* the latest time of --clock */
	int64_t earliest;  /* no group began before */
	int64_t oldest;    /* no group arrived before */
	uint64_t number, run;
	size_t since; /* events since all groups were looked at */
	size_t early; /* times that all groups were closed for lack of room */
	enum field count, end;
	struct event *out;
	struct buf value;
	struct due *due;
	size_t due_count, due_cap;
} my;

static const char *const clocks[] = { "event", "arrival", NULL };
enum { BY_EVENT, BY_ARRIVAL };
enum { SECOND = 1000000, MAX_SLACK = 10 * SECOND };

static const struct opt options[] = {
	OPT_LIST('f', "fields", &my.fields, "classification.type,classification.identifier",
		"events with the same values of these fields are similar"),
	OPT_INTEGER('n', "threshold", &my.threshold, "10", "drop groups of fewer events"),
	OPT_TEXT('t', "timespan", &my.timespan, "1 hour", "how long a group collects, such as \"1 hour\""),
	OPT_CHOICE(0, "clock", &my.clock, clocks, NULL, "which time counts; by default event, under imq-pump arrival"),
	STATE_OPTIONS(&my.state),
	OPT_END
};

static struct group group_of(struct text value)
{
	struct group g;

	memcpy(&g, value.at, sizeof g);
	return g;
}

/* Groups of an earlier run. */
static void recall(void)
{
	size_t cursor = 0;
	struct hash key;
	struct text value;

	while (state_next(&my.state, &cursor, &key, &value)) {
		struct group g = group_of(value);

		my.earliest = g.start < my.earliest ? g.start : my.earliest;
		my.oldest = g.arrived < my.oldest ? g.arrived : my.oldest;
		my.number = g.number >= my.number ? g.number + 1 : my.number;
	}
}

static bool start(struct problem *problem)
{
	long long seconds;

	if (!span_parse(text_of(my.timespan), &seconds) || seconds > INT64_MAX / 4 / SECOND)
		return problem_set(problem, "--timespan: not a time span such as \"1 hour\": \"%s\"", my.timespan);
	if (my.clock < 0)
		my.clock = getenv("IMQ_BATCH") ? BY_ARRIVAL : BY_EVENT;
	my.span = seconds * SECOND;
	my.slack = my.span / 16 < MAX_SLACK ? my.span / 16 : MAX_SLACK;
	my.count = field_intern(TEXT("extra.count"));
	my.end = field_intern(TEXT("extra.time_end"));
	if (!hash_filter_init(&my.hash, &my.fields, true, problem))
		return false;
	hash_filter_seed(&my.hash, state_seed(&my.state));
	my.earliest = my.oldest = INT64_MAX;
	my.watermark = INT64_MIN;
	my.run = (uint64_t)clock_steady();
	my.out = event_new();
	recall();
	return true;
}

static void write_group(const struct group *g, struct text line)
{
	struct value_error error;

	/* The line is the state's own, which is not touched before the event has gone out. */
	if (!event_read(my.out, line, &error))
		return;
	buf_clear(&my.value);
	when_write(&my.value, g->start);
	event_set(my.out, F_TIME_SOURCE, buf_view(&my.value));
	event_set_integer(my.out, my.count, g->count);
	buf_clear(&my.value);
	when_write(&my.value, g->last);
	event_set(my.out, my.end, buf_view(&my.value));
	filter_emit(my.out);
}

static void close_group(const struct hash *key, struct text value)
{
	struct group g = group_of(value);
	uint64_t records = g.run == my.run ? g.records : 0;
	bool enough = g.count >= my.threshold;

	if (enough)
		write_group(&g, text_from(value, sizeof g));
	filter_settle(enough ? records : 0, enough ? 0 : records);
	state_delete(&my.state, key);
}

static int by_number(const void *a, const void *b)
{
	const struct due *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

static bool is_over(const struct group *g, int64_t now)
{
	return (my.watermark != INT64_MIN && my.watermark - g->start > my.span) || now - g->arrived > my.span;
}

/* Whether some group may be over for longer than SLACK. */
static bool something_is_due(int64_t now, int64_t slack)
{
	return (my.earliest != INT64_MAX && my.watermark > my.earliest + my.span + slack) ||
	       (my.oldest != INT64_MAX && now > my.oldest + my.span + slack);
}

/* Closes the groups whose time is over, or all. */
static void close_groups(bool all, int64_t now)
{
	size_t cursor = 0;
	struct hash key;
	struct text value;

	my.due_count = my.since = 0;
	my.earliest = my.oldest = INT64_MAX;
	while (state_next(&my.state, &cursor, &key, &value)) {
		struct group g = group_of(value);

		if (all || is_over(&g, now)) {
			alloc_grow(&my.due, &my.due_cap, my.due_count + 1, sizeof *my.due);
			my.due[my.due_count++] = (struct due){ g.number, key };
		} else {
			my.earliest = g.start < my.earliest ? g.start : my.earliest;
			my.oldest = g.arrived < my.oldest ? g.arrived : my.oldest;
		}
	}
	if (my.due_count)
		qsort(my.due, my.due_count, sizeof *my.due, by_number);
	for (size_t i = 0; i < my.due_count; i++)
		if (state_get(&my.state, &my.due[i].key, 0, &value))
			close_group(&my.due[i].key, value);
}

static bool read_time(struct event *ev, enum field f, int64_t *when)
{
	struct text t = event_text(ev, f);

	return t.at && when_parse_iso(t, when);
}

/* How many events EV stands for. */
static int64_t weight(struct event *ev)
{
	long long n = 1;

	if (event_has(ev, my.count) && !text_integer(event_form(ev, my.count), &n))
		event_mark(ev, "extra.count: not an integer");
	return n;
}

static void begin_group(struct event *ev, const struct hash *key, struct group *g)
{
	if (state_full(&my.state)) {
		if (my.early++ == 0)
			log_message("--limit: %lld groups at once: closing all of them early", my.state.limit);
		close_groups(true, 0);
	}
	g->number = my.number++;
	g->run = my.run;
	g->records = 1;
	buf_clear(&my.value);
	buf_add(&my.value, (const char *)g, sizeof *g);
	event_write(ev, &my.value);
	state_put(&my.state, key, buf_view(&my.value), 0, 0);
	my.earliest = g->start < my.earliest ? g->start : my.earliest;
	my.oldest = g->arrived < my.oldest ? g->arrived : my.oldest;
}

/* Whether a group is there that takes the event in. */
static bool join_group(const struct hash *key, const struct group *ev)
{
	struct group g;
	char *value;
	size_t len;

	if (!state_edit(&my.state, key, 0, &value, &len))
		return false;
	memcpy(&g, value, sizeof g);
	if (is_over(&g, ev->arrived) || ev->start - g.start > my.span) {
		close_group(key, (struct text){ value, len });
		return false;
	}
	if (__builtin_add_overflow(g.count, ev->count, &g.count))
		g.count = INT64_MAX;
	g.records = g.run == my.run ? g.records + 1 : 1;
	g.run = my.run;
	g.last = ev->last;
	g.start = ev->start < g.start ? ev->start : g.start;
	my.earliest = g.start < my.earliest ? g.start : my.earliest;
	memcpy(value, &g, sizeof g);
	return true;
}

static enum verdict collect(struct event *ev)
{
	struct group g = { .arrived = clock_now() };
	struct hash key = hash_event(&my.hash, ev);

	state_expect(&my.state, &key);
	if (!read_time(ev, F_TIME_SOURCE, &g.last) && !read_time(ev, F_TIME_OBSERVATION, &g.last))
		g.last = g.arrived;
	g.count = weight(ev);
	if (event_marked(ev))
		return REJECT;
	g.start = my.clock == BY_EVENT ? g.last : g.arrived;
	/* A time in the future must not close what is going on. */
	if (g.start > my.watermark && g.start <= g.arrived)
		my.watermark = g.start;
	/* Looking at all groups costs as much as there are, so it is done once in as many events. A group that gets an
	 * event meanwhile is looked at in any case. */
	if (++my.since >= state_count(&my.state) && something_is_due(g.arrived, my.slack))
		close_groups(false, g.arrived);
	if (!join_group(&key, &g))
		begin_group(ev, &key, &g);
	return MERGE;
}

static int64_t on_timer(const struct batch *batch)
{
	int64_t now = clock_now(), next;

	if (!batch->last && something_is_due(now, 0))
		close_groups(false, now);
	next = my.oldest == INT64_MAX ? my.span : my.oldest + my.span - now;
	return next < SECOND ? SECOND : next;
}

static bool at_barrier(const struct batch *batch, struct problem *problem)
{
	(void)problem;
	if (batch->last && !batch->numbered)
		close_groups(true, 0);
	return true;
}

static void stop(void)
{
	hash_filter_free(&my.hash);
	event_free(my.out);
	buf_free(&my.value);
	free(my.due);
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv, &(struct filter){ .name = "imq-aggregate",
		.module = "intelmq.bots.experts.aggregate.expert",
		.summary = "collect similar events and pass one with their number", .options = options, .start = start,
		.event = collect, .timer = on_timer, .barrier = at_barrier, .stop = stop });
}
