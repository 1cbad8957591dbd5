/* Moments as rules write them: ISO 8601 in full or in part, `now`, or a span of time before now. */
#include "sieve.h"

#include "clock.h"
#include "span.h"
#include "when.h"

#define SECOND INT64_C(1000000)
#define DAY (86400 * SECOND)

/* Takes exactly COUNT digits from *T. */
static bool take(struct text *t, size_t count, int *number)
{
	*number = 0;
	if (t->len < count)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (t->at[i] < '0' || t->at[i] > '9')
			return false;
		*number = *number * 10 + (t->at[i] - '0');
	}
	*t = text_from(*t, count);
	return true;
}

static bool take_char(struct text *t, char c)
{
	if (t->len == 0 || t->at[0] != c)
		return false;
	*t = text_from(*t, 1);
	return true;
}

/* `HH[:MM[:SS[.f]]][Z|±HH[:]MM]`, all of T: microseconds since midnight UTC. */
static bool time_of_day(struct text t, int64_t *microseconds)
{
	int hour = 0, minute = 0, second = 0, fraction = 0, zone_hour = 0, zone_minute = 0, digit, sign = 0;

	if (!take(&t, 2, &hour) ||
		(take_char(&t, ':') &&
			(!take(&t, 2, &minute) || (take_char(&t, ':') && !take(&t, 2, &second)))))
		return false;
	if (take_char(&t, '.'))
		for (int unit = 100000, n = 0; take(&t, 1, &digit) || n == 0; unit /= 10, n++) {
			if (n == 0 && t.at[-1] == '.')
				return false;
			fraction += digit * unit;
		}
	if (take_char(&t, '+'))
		sign = 1;
	else if (take_char(&t, '-'))
		sign = -1;
	else
		take_char(&t, 'Z');
	if (sign &&
		(!take(&t, 2, &zone_hour) || ((take_char(&t, ':') || t.len) && !take(&t, 2, &zone_minute))))
		return false;
	if (t.len || hour > 23 || minute > 59 || second > 59 || zone_hour > 23 || zone_minute > 59)
		return false;
	*microseconds =
		((hour * 60 + minute - sign * (zone_hour * 60 + zone_minute)) * 60 + second) * SECOND +
		fraction;
	return true;
}

/* `YYYY`, `YYYY-MM`, `YYYY-MM-DD`, with slashes, without anything, `YYYY-Www[-d]`, `YYYY-ddd`: takes it from
 * *T. */
static bool date(struct text *t, int64_t *microseconds)
{
	struct when_parts parts = { .month = 1, .day = 1 };
	struct text rest, ordinal;
	int number, weekday = 1;
	char separator;

	if (!take(t, 4, &parts.year))
		return false;
	separator = t->len ? t->at[0] : '\0';
	if (separator >= '0' && separator <= '9')
		return take(t, 2, &parts.month) && take(t, 2, &parts.day) &&
		       when_from_parts(&parts, microseconds);
	if (separator != '-' && separator != '/')
		return when_from_parts(&parts, microseconds);
	rest = text_from(*t, 1);
	ordinal = rest;
	if (take_char(&rest, 'W')) {
		parts.day = 4; /* always in week 1 */
		if (!take(&rest, 2, &number) || number < 1 || number > 53 ||
			(take_char(&rest, '-') &&
				(!take(&rest, 1, &weekday) || weekday < 1 || weekday > 7)) ||
			!when_from_parts(&parts, microseconds))
			return false;
		*t = rest;
		return when_shift(
			microseconds, ((number - 1) * 7 - when_weekday(*microseconds) + weekday - 1) * DAY);
	}
	if (take(&ordinal, 3, &number) && number >= 1 && number <= 366) {
		*t = ordinal;
		return when_from_parts(&parts, microseconds) && when_shift(microseconds, (number - 1) * DAY);
	}
	if (!take(&rest, 2, &parts.month) || (take_char(&rest, separator) && !take(&rest, 2, &parts.day)))
		return false;
	*t = rest;
	return when_from_parts(&parts, microseconds);
}

/* `PnYnMnWnDTnHnMnS` (ISO 8601), months of 30 days. */
static bool duration(struct text t, int64_t *microseconds)
{
	static const struct {
		char unit;
		bool time;
		int64_t seconds;
	} units[] = { { 'Y', false, 31536000 }, { 'M', false, 2592000 }, { 'W', false, 604800 },
		{ 'D', false, 86400 }, { 'H', true, 3600 }, { 'M', true, 60 }, { 'S', true, 1 } };
	bool time = false;

	*microseconds = 0;
	if (!take_char(&t, 'P') || t.len == 0)
		return false;
	while (t.len) {
		int64_t number = 0;
		int digit;
		size_t i, n = 0;

		if (!time && take_char(&t, 'T'))
			time = true;
		while (n < 7 && take(&t, 1, &digit)) {
			number = number * 10 + digit;
			n++;
		}
		for (i = 0; i < LENGTH(units); i++)
			if (units[i].time == time && t.len && t.at[0] == units[i].unit)
				break;
		if (n == 0 || i == LENGTH(units))
			return false;
		t = text_from(t, 1);
		*microseconds += number * units[i].seconds * SECOND;
	}
	return true;
}

/* `10 h`, `30 m`: short names of units, which IntelMQ does not know. */
static bool short_span(struct text t, long long *seconds)
{
	static const struct {
		const char *unit;
		long long seconds;
	} units[] = { { "s", 1 }, { "m", 60 }, { "h", 3600 }, { "d", 86400 }, { "w", 604800 } };
	size_t digits = 0;
	struct text unit;

	while (digits < t.len && t.at[digits] >= '0' && t.at[digits] <= '9')
		digits++;
	unit = text_trim(text_from(t, digits));
	if (digits > 9 || !text_integer((struct text){ t.at, digits }, seconds))
		return false;
	for (size_t i = 0; i < LENGTH(units); i++)
		if (text_is(unit, units[i].unit)) {
			*seconds *= units[i].seconds;
			return true;
		}
	return false;
}

static bool moment(struct text t, int64_t *microseconds)
{
	int64_t of_day;

	if (!date(&t, microseconds))
		return false;
	if (t.len == 0)
		return true;
	if (t.at[0] != 'T' && t.at[0] != ' ')
		return false;
	return time_of_day(text_from(t, 1), &of_day) && when_shift(microseconds, of_day);
}

bool limit_parse(struct text t, struct when_limit *limit)
{
	long long seconds;

	*limit = (struct when_limit){ 0 };
	if (text_is(t, "now")) {
		limit->relative = true;
		return true;
	}
	if (moment(t, &limit->time))
		return true;
	if (memchr(t.at, ':', t.len) && time_of_day(t, &limit->time)) {
		int64_t now = clock_now();

		limit->time += now - now % DAY;
		return true;
	}
	limit->relative = true;
	if (duration(t, &limit->time))
		return true;
	if (!span_parse(t, &seconds) && !short_span(t, &seconds))
		return false;
	return !__builtin_mul_overflow((int64_t)seconds, SECOND, &limit->time);
}
