/* The table of drivers, the parameters of single parsers, and the way from a driver's objects to events. */
#include <stdio.h>

#include "driver.h"

static const struct driver *const drivers[] = { &ctip_driver, &cymru_driver, &fireeye_driver, &misp_driver,
	&shadowserver_driver, &shodan_driver, &twitter_driver };

const struct driver *driver_find(struct text name)
{
	for (size_t i = 0; i < LENGTH(drivers); i++)
		if (text_is(name, drivers[i]->name))
			return drivers[i];
	return NULL;
}

const char *const *driver_names(void)
{
	static const char *names[LENGTH(drivers) + 1];

	for (size_t i = 0; i < LENGTH(drivers); i++)
		names[i] = drivers[i]->name;
	return names;
}

/* One object. False: the session's reason says why. */
static bool map_object(struct session *s, struct text source, long line, struct value object, size_t *events)
{
	struct record r = { .source = source, .line = line, .json = object };
	size_t more;

	json_extract(s, &r);
	if (!map_record(s, &r, &more))
		return false;
	*events += more;
	return true;
}

void driver_events(struct session *s, struct text source, long line, struct text json)
{
	struct record whole = { .source = source, .line = line };
	size_t start = s->out->len;
	struct value_error error = { NULL, NULL };
	struct value_walk walk;
	struct value v, element;
	size_t events = 0;
	bool fine;

	buf_clear(&s->reason);
	fine = value_parse(json, &v, &error);
	if (!fine)
		buf_string(&s->reason, error.reason);
	else if (v.kind == VALUE_OBJECT)
		fine = map_object(s, source, line, v, &events);
	else
		for (walk = value_walk(v); fine && value_next(&walk, &element);)
			fine = map_object(s, source, line, element, &events);
	if (fine) {
		s->done(s, events);
	} else {
		s->out->len = start;
		s->reject(s, &whole, buf_view(&s->reason));
	}
	arena_clear(&s->arena);
}

size_t driver_values(struct session *s, struct text data, bool last,
	void (*take)(struct session *s, struct value v, long line))
{
	const char *p = data.at, *end = p + data.len, *start, *stop;
	struct value_error error;
	struct value v;

	for (;; p = stop) {
		start = p;
		p = value_space(p, end);
		s->line += line_feeds(start, p);
		if (p == end)
			return data.len;
		error.at = p;
		stop = value_scan(p, end, &v, &error);
		if (!last && (stop == end || (!stop && error.at == end)) && (size_t)(end - p) <= s->max_record)
			return (size_t)(p - data.at);
		if (stop && v.kind == VALUE_OBJECT) {
			take(s, v, s->line);
		} else {
			const char *reason = stop ? "not an object" : error.reason;

			if (!stop)
				stop = memchr(p, '\n', (size_t)(end - p));
			stop = stop ? stop : end;
			session_reject(s, (struct text){ p, (size_t)(stop - p) }, s->line, reason);
		}
		s->line += line_feeds(p, stop);
	}
}

struct parameters parameters;

static const struct opt rows[] = { PARAMETER_OPTIONS, OPT_END };

const struct opt *parameter_find(struct text name)
{
	for (const struct opt *row = rows; row->kind != OPT_KIND_END; row++) {
		struct text want = text_of(row->name);
		size_t i = 0;

		while (i < name.len && i < want.len &&
		       (name.at[i] == want.at[i] || (name.at[i] == '_' && want.at[i] == '-')))
			i++;
		if (i == name.len && i == want.len)
			return row;
	}
	return NULL;
}

struct cell parameter_get(const struct opt *row)
{
	static char number[24];

	switch (row->kind) {
	case OPT_KIND_BOOLEAN:
		return *row->to.boolean ? (struct cell){ TEXT("true"), VALUE_TRUE } :
					  (struct cell){ TEXT("false"), VALUE_FALSE };
	case OPT_KIND_TRISTATE:
		if (*row->to.tristate == TRISTATE_UNSET)
			return NO_CELL;
		return *row->to.tristate == TRISTATE_YES ? (struct cell){ TEXT("true"), VALUE_TRUE } :
							   (struct cell){ TEXT("false"), VALUE_FALSE };
	case OPT_KIND_INTEGER:
		snprintf(number, sizeof number, "%lld", *row->to.integer);
		return (struct cell){ text_of(number), VALUE_NUMBER };
	default:
		return *row->to.text ? cell_of(text_of(*row->to.text)) : NO_CELL;
	}
}
