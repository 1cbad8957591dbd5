#include "time_template.h"

#include <time.h>

#include "value.h"

enum { SECOND = 1000000, LONGEST_FORMAT = 200 };

static bool unit_of(struct text name, double *microseconds)
{
	static const struct { const char *name; double microseconds; } units[] = {
		{ "microseconds", 1 }, { "milliseconds", 1e3 }, { "seconds", 1e6 }, { "minutes", 60e6 }, { "hours", 3600e6 },
		{ "days", 86400e6 }, { "weeks", 604800e6 },
	};

	for (size_t i = 0; i < LENGTH(units); i++)
		if (text_is(name, units[i].name)) {
			*microseconds = units[i].microseconds;
			return true;
		}
	return false;
}

static bool add_difference(struct value map, long long *delta, struct problem *problem)
{
	struct value_walk walk = value_walk(map);
	struct value key, v;
	double number, unit, sum = 0;

	while (value_next_member(&walk, &key, &v)) {
		if (!unit_of(value_inside(key), &unit))
			return problem_set(problem, "no unit of time: \"%.*s\"", TEXT_ARGS(value_inside(key)));
		if (v.kind != VALUE_NUMBER || !value_double(v, &number))
			return problem_set(problem, "not a number of %.*s", TEXT_ARGS(value_inside(key)));
		sum += number * unit;
	}
	if (!(sum > -3e15 && sum < 3e15)) /* a hundred years */
		return problem_set(problem, "too far away");
	*delta = (long long)sum;
	return true;
}

bool time_template_option(struct text json, bool *wanted, long long *delta, struct problem *problem)
{
	struct value v = { .kind = VALUE_FALSE };
	struct value_error error;

	*delta = 0;
	if (json.at && !value_parse(json, &v, &error))
		return problem_set(problem, "%s", error.reason);
	*wanted = v.kind == VALUE_TRUE || v.kind == VALUE_OBJECT;
	if (v.kind == VALUE_OBJECT)
		return add_difference(v, delta, problem);
	return *wanted || v.kind == VALUE_FALSE || v.kind == VALUE_NULL || problem_set(problem, "true, false or a map of times");
}

/* What stands between braces: time[FORMAT]. */
static bool put_time(struct text inside, const struct tm *tm, struct buf *out, struct problem *problem)
{
	char format[LONGEST_FORMAT + 1], text[8 * LONGEST_FORMAT];

	if (!text_starts(inside, TEXT("time[")) || !text_ends(inside, TEXT("]")) || inside.len - 6 > LONGEST_FORMAT)
		return problem_set(problem, "not {time[FORMAT]}: \"{%.*s}\"", TEXT_ARGS(inside));
	memcpy(format, inside.at + 5, inside.len - 6);
	format[inside.len - 6] = '\0';
	buf_add(out, text, strftime(text, sizeof text, format, tm));
	return true;
}

bool time_template_write(struct text template, long long now, struct buf *out, struct problem *problem)
{
	time_t seconds = (time_t)(now / SECOND);
	struct tm tm;

	if (!localtime_r(&seconds, &tm))
		return problem_set(problem, "no such time");
	for (size_t i = 0; i < template.len; i++) {
		struct text left = text_from(template, i);
		const char *end;

		if (text_starts(left, TEXT("{{")) || text_starts(left, TEXT("}}"))) {
			buf_char(out, template.at[i++]);
		} else if (left.at[0] != '{' && left.at[0] != '}') {
			buf_char(out, left.at[0]);
		} else {
			end = left.at[0] == '{' ? memchr(left.at, '}', left.len) : NULL;
			if (!end)
				return problem_set(problem, "a brace alone in \"%.*s\"", TEXT_ARGS(template));
			left = (struct text){ left.at + 1, (size_t)(end - left.at) - 1 };
			if (!put_time(left, &tm, out, problem))
				return false;
			i += left.len + 1;
		}
	}
	return true;
}
