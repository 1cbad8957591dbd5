/* Named ways to read times, strptime formats among them as Python understands them: case does not matter,
 * blanks in a format are any run of blanks, and numbers take as many digits as leave the rest of the format a
 * match. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "unicode.h"
#include "when.h"

enum method { TIMESTAMP, EPOCH_MILLIS, WINDOWS_NT, UTC_ISOFORMAT, FUZZY, FROM_FORMAT, FROM_FORMAT_MIDNIGHT };

static const char *const methods[] = { "timestamp", "epoch_millis", "windows_nt", "utc_isoformat", "fuzzy",
	"from_format", "from_format_midnight" };

struct when_format {
	enum method method;
	struct text pattern; /* of from_format, composite directives spelt out */
	struct buf own;
};

/* What a format leaves open is the start of 1900. */
struct found {
	int year, month, day, hour, minute, second, microsecond;
	int half_day;    /* -1: none, 0 am, 1 pm */
	int hour12;      /* -1: none */
	int day_of_year; /* 0: none */
	int weekday;     /* from Monday, 0; -1: none */
	char week_of;    /* the directive that gave the week: U from Sunday, W from Monday, V of ISO 8601; 0:
			    none */
	int week, iso_year;
	int64_t offset; /* seconds east of UTC */
};

static const char *const weekdays[] = { "monday", "tuesday", "wednesday", "thursday", "friday", "saturday",
	"sunday" };
static const char *const months[] = { "january", "february", "march", "april", "may", "june", "july",
	"august", "september", "october", "november", "december" };

/* Directives that stand for others in the C locale. */
static const char *composite(char directive)
{
	switch (directive) {
	case 'c':
		return "%a %b %d %H:%M:%S %Y";
	case 'x':
		return "%m/%d/%y";
	case 'X':
		return "%H:%M:%S";
	default:
		return NULL;
	}
}

static bool prepare_pattern(struct when_format *format, struct text pattern, struct problem *problem)
{
	for (size_t i = 0; i < pattern.len; i++) {
		char c = pattern.at[i], d;

		if (c != '%') {
			buf_char(&format->own, c);
			continue;
		}
		d = ++i < pattern.len ? pattern.at[i] : '\0';
		if (composite(d)) {
			buf_string(&format->own, composite(d));
			continue;
		}
		if (!d || !strchr("aAwudbBmyYHIpMSfzZjUWGV%", d))
			return problem_set(problem, "time format: %%%c is not supported", d ? d : ' ');
		buf_char(&format->own, '%');
		buf_char(&format->own, d);
	}
	format->pattern = buf_view(&format->own);
	return true;
}

struct when_format *when_format_new(struct text name, struct problem *problem)
{
	struct when_format *format = alloc_zero(1, sizeof *format);
	struct text rest = name, method;
	size_t i = 0;

	if (!text_split(&rest, '|', &method) || method.len == 0)
		method = TEXT("fuzzy");
	while (i < LENGTH(methods) && !text_is(method, methods[i]))
		i++;
	format->method = (enum method)i;
	if (i == LENGTH(methods)) {
		problem_set(problem, "no such time format: \"%.*s\"", TEXT_ARGS(name));
	} else if (i < FROM_FORMAT && rest.len) {
		problem_set(problem, "time format \"%s\" takes no pattern", methods[i]);
	} else if (i >= FROM_FORMAT && rest.len == 0) {
		problem_set(problem, "time format \"%s\" needs a pattern behind a |", methods[i]);
	} else if (i < FROM_FORMAT || prepare_pattern(format, rest, problem)) {
		return format;
	}
	when_format_free(format);
	return NULL;
}

void when_format_free(struct when_format *format)
{
	if (format)
		buf_free(&format->own);
	free(format);
}

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

/* How a directive's number may be written: how many digits, and in which range. */
struct numeric {
	char directive;
	int digits, least, most;
	bool fixed; /* no fewer digits */
};

static const struct numeric *numeric_of(char directive)
{
	static const struct numeric list[] = {
		{ 'Y', 4, 0, 9999, true },
		{ 'y', 2, 0, 99, true },
		{ 'm', 2, 1, 12, false },
		{ 'd', 2, 1, 31, false },
		{ 'H', 2, 0, 23, false },
		{ 'I', 2, 1, 12, false },
		{ 'M', 2, 0, 59, false },
		{ 'S', 2, 0, 61, false },
		{ 'j', 3, 1, 366, false },
		{ 'f', 6, 0, 999999, false },
		{ 'w', 1, 0, 6, true },
		{ 'u', 1, 1, 7, true },
		{ 'U', 2, 0, 53, false },
		{ 'W', 2, 0, 53, false },
		{ 'V', 2, 1, 53, false },
		{ 'G', 4, 0, 9999, true },
	};

	for (size_t i = 0; i < LENGTH(list); i++)
		if (list[i].directive == directive)
			return &list[i];
	return NULL;
}

static void set_number(struct found *found, char directive, int value, size_t digits)
{
	switch (directive) {
	case 'Y':
		found->year = value;
		break;
	case 'y':
		found->year = value + (value < 69 ? 2000 : 1900); /* POSIX */
		break;
	case 'm':
		found->month = value;
		break;
	case 'd':
		found->day = value;
		break;
	case 'H':
		found->hour = value;
		break;
	case 'I':
		found->hour12 = value;
		break;
	case 'M':
		found->minute = value;
		break;
	case 'S':
		found->second = value;
		break;
	case 'j':
		found->day_of_year = value;
		break;
	case 'f':
		for (; digits < 6; digits++)
			value *= 10;
		found->microsecond = value;
		break;
	case 'w':
		found->weekday = (value + 6) % 7;
		break;
	case 'u':
		found->weekday = value - 1;
		break;
	case 'G':
		found->iso_year = value;
		break;
	default:
		found->week_of = directive;
		found->week = value;
	}
}

/* The length of the longest of COUNT names that T starts with, in full or by its first three letters; 0:
 * none. */
static size_t take_name(struct text t, const char *const *names, size_t count, bool full, int *index)
{
	for (size_t i = 0; i < count; i++) {
		size_t n = full ? strlen(names[i]) : 3;

		if (t.len >= n && text_eq_nocase((struct text){ t.at, n }, (struct text){ names[i], n })) {
			*index = (int)i;
			return n;
		}
	}
	return 0;
}

/* `Z` or ±HH[:]MM[[:]SS[.ffffff]], of which seconds count and their fraction does not. */
static size_t take_offset(struct text t, struct found *found)
{
	int part[3] = { 0 }, parts = 0;
	size_t i = 1;

	found->offset = 0;
	if (t.len && t.at[0] == 'Z')
		return 1;
	if (t.len < 5 || (t.at[0] != '+' && t.at[0] != '-'))
		return 0;
	while (parts < 3) {
		size_t at = i + (parts > 0 && i < t.len && t.at[i] == ':');

		if (at + 2 > t.len || !digit(t.at[at]) || !digit(t.at[at + 1]) || (parts && t.at[at] > '5'))
			break;
		part[parts++] = (t.at[at] - '0') * 10 + (t.at[at + 1] - '0');
		i = at + 2;
	}
	found->offset = (part[0] * 3600 + part[1] * 60 + part[2]) * (t.at[0] == '-' ? -1 : 1);
	return parts >= 2 ? i : 0;
}

static size_t take_zone_name(struct text t)
{
	return t.len >= 3 && (text_eq_nocase((struct text){ t.at, 3 }, TEXT("utc")) ||
				     text_eq_nocase((struct text){ t.at, 3 }, TEXT("gmt")))
		       ? 3
		       : 0;
}

static bool match(struct text pattern, struct text t, struct found *found);

/* Tries the number with all the digits there are, then with fewer, until the rest of the pattern matches too.
 */
static bool match_number(const struct numeric *n, struct text pattern, struct text t, struct found *found)
{
	size_t digits = 0, blank = n->directive == 'd' && t.len > 1 && t.at[0] == ' ';

	if (blank && digit(t.at[1]) && t.at[1] != '0') {
		found->day = t.at[1] - '0';
		return match(pattern, text_from(t, 2), found);
	}
	while (digits < t.len && digits < (size_t)n->digits && digit(t.at[digits]))
		digits++;
	for (; digits > 0 && !(n->fixed && digits < (size_t)n->digits); digits--) {
		int value = 0;

		for (size_t i = 0; i < digits; i++)
			value = value * 10 + (t.at[i] - '0');
		if (value < n->least || value > n->most)
			continue;
		set_number(found, n->directive, value, digits);
		if (match(pattern, text_from(t, digits), found))
			return true;
	}
	return false;
}

static size_t take_word(char directive, struct text t, struct found *found)
{
	static const char *const halves[] = { "am", "pm" };
	int index = 0;
	size_t n;

	switch (directive) {
	case 'a':
	case 'A':
		n = take_name(t, weekdays, LENGTH(weekdays), directive == 'A', &index);
		found->weekday = index;
		return n;
	case 'b':
	case 'B':
		n = take_name(t, months, LENGTH(months), directive == 'B', &index);
		found->month = index + 1;
		return n;
	case 'p':
		n = take_name(t, halves, LENGTH(halves), true, &index);
		found->half_day = index;
		return n;
	case 'z':
		return take_offset(t, found);
	case 'Z':
		return take_zone_name(t);
	default:
		return t.len && t.at[0] == '%';
	}
}

static size_t blanks(struct text t)
{
	size_t n = 0;

	while (n < t.len && unicode_space((unsigned char)t.at[n]) && (unsigned char)t.at[n] < 0x80)
		n++;
	return n;
}

/* Whether PATTERN matches all of T. */
static bool match(struct text pattern, struct text t, struct found *found)
{
	size_t n;

	while (pattern.len) {
		if (blanks(pattern)) {
			n = blanks(t);
			if (n == 0)
				return false;
			pattern = text_from(pattern, blanks(pattern));
		} else if (pattern.at[0] != '%') {
			n = 1;
			if (!t.len ||
				!text_eq_nocase((struct text){ t.at, 1 }, (struct text){ pattern.at, 1 }))
				return false;
			pattern = text_from(pattern, 1);
		} else {
			char directive = pattern.at[1];
			const struct numeric *number = numeric_of(directive);

			pattern = text_from(pattern, 2);
			if (number)
				return match_number(number, pattern, t, found);
			n = take_word(directive, t, found);
			if (n == 0)
				return false;
		}
		t = text_from(t, n);
	}
	return t.len == 0;
}

/* The days from 1 January to the date that week and weekday give. */
static int days_of_week(const struct found *found, int64_t january)
{
	int first = when_weekday(january), weekday = found->weekday;

	if (found->week_of == 'V') {
		/* The first week is that of 4 January. */
		return (first > 3 ? 7 : 0) - first + (found->week - 1) * 7 + weekday;
	}
	if (found->week_of == 'U') {
		first = (first + 1) % 7;
		weekday = (weekday + 1) % 7;
	}
	/* Week 0 is what stands before the first whole one. */
	return found->week ? (7 - first) % 7 + (found->week - 1) * 7 + weekday : weekday - first;
}

static bool from_format(const struct when_format *format, struct text in, int64_t *microseconds)
{
	struct found found = {
		.year = 1900, .month = 1, .day = 1, .half_day = -1, .hour12 = -1, .weekday = -1
	};
	struct when_parts parts;
	int64_t january;
	int days = 0;

	if (!match(format->pattern, in, &found))
		return false;
	parts = (struct when_parts){ found.year, found.month, found.day, found.hour, found.minute,
		found.second, found.microsecond };
	if (found.hour12 >= 0)
		parts.hour = found.hour12 % 12 + (found.half_day == 1 ? 12 : 0);
	/* ISO weeks belong to a year of their own, and none of the three is anything without the others. */
	if ((found.week_of == 'V') != (found.iso_year != 0) || (found.week_of == 'V' && found.weekday < 0))
		return false;
	if (found.iso_year)
		parts.year = found.iso_year;
	if (found.day_of_year || (found.week_of && found.weekday >= 0)) {
		if (!when_from_parts(&(struct when_parts){ parts.year, 1, 1, 0, 0, 0, 0 }, &january))
			return false;
		days = found.day_of_year ? found.day_of_year - 1 : days_of_week(&found, january);
		parts.month = parts.day = 1;
	}
	if (format->method == FROM_FORMAT_MIDNIGHT) {
		found.offset = 0;
		/* A second 60 is refused even though it would not be kept. */
		if (parts.second > 59)
			return false;
		parts.hour = parts.minute = parts.second = parts.microsecond = 0;
	}
	if (!when_from_parts(&parts, microseconds))
		return false;
	return when_shift(microseconds, days * (86400 * (int64_t)1000000)) &&
	       when_shift(microseconds, -found.offset * 1000000);
}

/* SECONDS after ORIGIN, rounded half to even. */
static bool after(int64_t origin, double seconds, int64_t *microseconds)
{
	double whole, fraction = modf(seconds, &whole);

	*microseconds = origin;
	return fabs(whole) < 1e12 &&
	       when_shift(microseconds, (int64_t)whole * 1000000 + (int64_t)rint(fraction * 1e6));
}

static bool from_timestamp(struct text in, int64_t *microseconds)
{
	char copy[64], *end;
	long long seconds;
	double d;

	in = unicode_strip(in);
	if (text_integer(in, &seconds)) {
		*microseconds = 0;
		return seconds > -1000000000000 && seconds < 1000000000000 &&
		       when_shift(microseconds, seconds * 1000000);
	}
	/* What strtod() reads beyond decimal numbers has letters other than e. */
	if (in.len == 0 || in.len >= sizeof copy)
		return false;
	for (size_t i = 0; i < in.len; i++)
		if (!digit(in.at[i]) && (in.at[i] == '\0' || !strchr("+-.eE", in.at[i])))
			return false;
	memcpy(copy, in.at, in.len);
	copy[in.len] = '\0';
	d = strtod(copy, &end);
	return *end == '\0' && end != copy && after(0, d, microseconds);
}

/* The number of characters tells the unit. */
static bool from_epoch_millis(struct text in, int64_t *microseconds)
{
	long long value;

	if (!text_integer(in, &value) || in.at[0] == '+')
		return false;
	if (in.len == 12 || in.len == 13) {
		long long unit = in.len == 12 ? 100 : 1000;

		value = value / unit - (value % unit < 0);
	} else if (in.len != 10) {
		return false;
	}
	*microseconds = 0;
	return when_shift(microseconds, value * 1000000);
}

static bool from_windows_nt(struct text in, int64_t *microseconds)
{
	static const int64_t ORIGIN = -11644473600 * 1000000; /* 1601-01-01 */
	long long ticks;

	return text_integer(unicode_strip(in), &ticks) && after(ORIGIN, (double)ticks * 1e-7, microseconds);
}

bool when_convert_to(const struct when_format *format, struct text in, int64_t *microseconds)
{
	switch (format->method) {
	case TIMESTAMP:
		return from_timestamp(in, microseconds);
	case EPOCH_MILLIS:
		return from_epoch_millis(in, microseconds);
	case WINDOWS_NT:
		return from_windows_nt(in, microseconds);
	case UTC_ISOFORMAT:
		return when_is_canonical(in) && when_parse(in, microseconds);
	case FUZZY:
		return when_parse(in, microseconds);
	default:
		return from_format(format, in, microseconds);
	}
}

bool when_convert(const struct when_format *format, struct text in, struct buf *out)
{
	int64_t microseconds;

	if (format->method == UTC_ISOFORMAT) {
		if (!when_is_canonical(in))
			return false;
		buf_text(out, in);
		return true;
	}
	if (!when_convert_to(format, in, &microseconds))
		return false;
	when_write(out, microseconds);
	return true;
}
