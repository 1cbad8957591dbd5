/* The calendar (proleptic Gregorian), and the strict forms of times. */
#include "when.h"

static const int64_t SECOND = 1000000, DAY = 86400 * (int64_t)1000000;
/* 0001-01-01 and 10000-01-01. */
static const int64_t FIRST = -719162 * (86400 * (int64_t)1000000),
		     PAST_LAST = 2932897 * (86400 * (int64_t)1000000);

int when_days_in_month(int year, int month)
{
	static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return month == 2 && leap ? 29 : days[month - 1];
}

/* Days since 1970-01-01. Years are counted from March, so that a leap day is a year's last; 146097 days are
 * 400 years. */
static int64_t days_of_date(int year, int month, int day)
{
	int y = month > 2 ? year : year - 1, m = month > 2 ? month - 3 : month + 9;

	return (int64_t)y * 365 + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

bool when_from_parts(const struct when_parts *p, int64_t *microseconds)
{
	if (p->year < 1 || p->year > 9999 || p->month < 1 || p->month > 12 || p->day < 1 || p->day > 31 ||
		(p->day > 28 && p->day > when_days_in_month(p->year, p->month)) || p->hour < 0 ||
		p->hour > 23 || p->minute < 0 || p->minute > 59 || p->second < 0 || p->second > 59 ||
		p->microsecond < 0 || p->microsecond > 999999)
		return false;
	*microseconds = days_of_date(p->year, p->month, p->day) * DAY +
			((p->hour * 60 + p->minute) * 60 + p->second) * SECOND + p->microsecond;
	return true;
}

void when_to_parts(int64_t microseconds, struct when_parts *p)
{
	int64_t days = microseconds / DAY, rest = microseconds % DAY;
	int seconds, era, of_era, year_of_era, of_year, month;

	if (rest < 0) {
		rest += DAY;
		days--;
	}
	seconds = (int)(rest / SECOND);
	days += 719468; /* since 0000-03-01 */
	era = (int)(days / 146097);
	of_era = (int)(days % 146097);
	year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	month = (5 * of_year + 2) / 153;
	*p = (struct when_parts){
		.year = year_of_era + era * 400 + (month >= 10),
		.month = month < 10 ? month + 3 : month - 9,
		.day = of_year - (153 * month + 2) / 5 + 1,
		.hour = seconds / 3600,
		.minute = seconds / 60 % 60,
		.second = seconds % 60,
		.microsecond = (int)(rest % SECOND),
	};
}

int when_weekday(int64_t microseconds)
{
	int64_t days = microseconds / DAY - (microseconds % DAY < 0);

	return (int)(((days + 3) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
}

bool when_shift(int64_t *microseconds, int64_t delta)
{
	int64_t sum;

	if (__builtin_add_overflow(*microseconds, delta, &sum) || sum < FIRST || sum >= PAST_LAST)
		return false;
	*microseconds = sum;
	return true;
}

/* The number that the N bytes at P are, or -1. */
static int number(const char *p, int n)
{
	int value = 0;

	for (int i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return -1;
		value = value * 10 + (p[i] - '0');
	}
	return value;
}

/* Reads a zone: nothing, Z, ±HH:MM or ±HHMM. */
static bool parse_zone(const char *p, const char *end, int64_t *offset)
{
	int hours, minutes;

	*offset = 0;
	if (p == end || (end - p == 1 && *p == 'Z'))
		return true;
	if ((*p != '+' && *p != '-') || (end - p != 5 && !(end - p == 6 && p[3] == ':')))
		return false;
	hours = number(p + 1, 2);
	minutes = number(end - 2, 2);
	if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
		return false;
	*offset = (hours * 60 + minutes) * 60 * SECOND * (*p == '-' ? -1 : 1);
	return true;
}

bool when_parse_iso(struct text t, int64_t *microseconds)
{
	const char *p = t.at, *end = t.at + t.len;
	struct when_parts parts = { 0 };
	int64_t offset, local;

	if (t.len < 19 || p[4] != '-' || p[7] != '-' || (p[10] != 'T' && p[10] != ' ') || p[13] != ':' ||
		p[16] != ':')
		return false;
	parts = (struct when_parts){ number(p, 4), number(p + 5, 2), number(p + 8, 2), number(p + 11, 2),
		number(p + 14, 2), number(p + 17, 2), 0 };
	p += 19;
	if (p < end && *p == '.') {
		int unit = 100000;

		if (++p == end || number(p, 1) < 0)
			return false;
		for (; p < end && number(p, 1) >= 0; p++, unit /= 10)
			parts.microsecond += unit * number(p, 1);
	}
	if (!parse_zone(p, end, &offset) || !when_from_parts(&parts, &local) || !when_shift(&local, -offset))
		return false;
	*microseconds = local;
	return true;
}

/* Reads a number of one digit or two at *P, which moves behind it and behind the SEPARATOR that must follow.
 */
static int take_number(const char **p, const char *end, char separator)
{
	int digits = end - *p >= 2 && number(*p, 2) >= 0 ? 2 : 1, value;

	value = *p < end ? number(*p, digits) : -1;
	*p += digits;
	if (value < 0 || *p >= end || (separator && **p != separator))
		return -1;
	*p += separator != 0;
	return value;
}

bool when_is_canonical(struct text t)
{
	const char *p = t.at, *end = t.at + t.len;
	struct when_parts parts = { 0 };
	int64_t unused;

	if (t.len < 20 || p[4] != '-')
		return false;
	parts.year = number(p, 4);
	p += 5;
	parts.month = take_number(&p, end, '-');
	if (parts.month < 0)
		return false;
	parts.day = take_number(&p, end, '\0');
	if (parts.day < 0 || (*p != 'T' && *p != 't'))
		return false;
	p++;
	parts.hour = take_number(&p, end, ':');
	parts.minute = parts.hour < 0 ? -1 : take_number(&p, end, ':');
	parts.second = parts.minute < 0 ? -1 : take_number(&p, end, '\0');
	if (parts.second < 0)
		return false;
	if (*p == '.') {
		const char *fraction = ++p;

		while (p < end && number(p, 1) >= 0)
			p++;
		if (p == fraction || p - fraction > 6)
			return false;
	}
	return text_eq((struct text){ p, (size_t)(end - p) }, TEXT("+00:00")) &&
	       when_from_parts(&parts, &unused);
}

bool when_parse(struct text t, int64_t *microseconds)
{
	return when_parse_iso(t, microseconds) || when_parse_fuzzy(t, microseconds);
}

static char *put(char *p, int value, int digits)
{
	for (int i = digits; i-- > 0; value /= 10)
		p[i] = (char)('0' + value % 10);
	return p + digits;
}

void when_write(struct buf *out, int64_t microseconds)
{
	static const char separators[] = "--T::";
	struct when_parts parts;
	char *p = buf_room(out, 32), *start = p;

	when_to_parts(microseconds, &parts);
	p = put(p, parts.year, 4);
	for (int i = 0; separators[i]; i++) {
		const int values[] = { parts.month, parts.day, parts.hour, parts.minute, parts.second };

		*p++ = separators[i];
		p = put(p, values[i], 2);
	}
	if (parts.microsecond) {
		*p++ = '.';
		p = put(p, parts.microsecond, 6);
	}
	memcpy(p, "+00:00", 6);
	out->len += (size_t)(p + 6 - start);
}
