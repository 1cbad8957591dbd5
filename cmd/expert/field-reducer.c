/* imq-field-reducer: keep only some fields, or all but some. What stays is not touched. */
#include <stdlib.h>

#include "alloc.h"
#include "event.h"
#include "filter.h"

enum { WHITELIST, BLACKLIST };

static const char *const types[] = { "whitelist", "blacklist", NULL };

static struct {
	int type;
	struct list keys;
	enum field *fields; /* one per key */
	bool wanted[FIELD_MAX];
} my;

static const struct opt options[] = {
	OPT_CHOICE('t', "type", &my.type, types, NULL, "keep only the fields, or delete them"),
	OPT_LIST('k', "keys", &my.keys, "", "the fields"),
	OPT_END
};

static bool start(struct problem *problem)
{
	if (my.type < 0)
		return problem_set(problem, "--type is needed: whitelist or blacklist");
	if (my.keys.count == 0)
		return problem_set(problem, "--keys is needed: names of fields");
	my.fields = alloc_zero(my.keys.count, sizeof *my.fields);
	for (size_t i = 0; i < my.keys.count; i++) {
		my.fields[i] = field_intern(my.keys.items[i]);
		if (!field_check(my.fields[i], problem))
			return false;
		my.wanted[my.fields[i]] = true;
	}
	my.wanted[F_MESSAGE_TYPE] = my.wanted[F_MESSAGE_PATH] = true;
	return true;
}

static bool is_wanted(enum field f, struct text name)
{
	return my.wanted[f] || (my.wanted[F_EXTRA] && text_starts(name, TEXT("extra.")));
}

/* Members of a nested `extra` that are wanted by their names become fields of their own. */
static void keep_wanted(struct event *ev)
{
	struct text *inside =
		(struct text *)(void *)arena_bytes(event_arena(ev), my.keys.count * sizeof *inside);

	for (size_t i = 0; i < my.keys.count; i++)
		inside[i] = field_is_extra(my.fields[i]) ? event_value(ev, my.fields[i]).raw : NO_TEXT;
	event_retain(ev, is_wanted);
	for (size_t i = 0; i < my.keys.count && !my.wanted[F_EXTRA]; i++)
		if (inside[i].at && !event_has(ev, my.fields[i]))
			event_set_raw(ev, my.fields[i], inside[i]);
}

static enum verdict reduce(struct event *ev)
{
	if (my.type == WHITELIST)
		keep_wanted(ev);
	else
		for (size_t i = 0; i < my.keys.count; i++)
			event_delete(ev, my.fields[i]);
	return event_is_empty(ev) ? DROP : PASS;
}

static void stop(void)
{
	free(my.fields);
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv,
		&(struct filter){ .name = "imq-field-reducer",
			.module = "intelmq.bots.experts.field_reducer.expert",
			.summary = "keep only some fields of events, or delete some",
			.options = options,
			.start = start,
			.event = reduce,
			.stop = stop });
}
