/* The fuzzy date reader of data-format.md 2.20: dateutil's parser, month first, with its rules in its order.
 * It finds dates in much that is none; feeds whose format is known say so instead. */
#include "clock.h"
#include "when.h"
#include "when_tokens.h"

enum { UNSET = -1 };

enum label { LABEL_NONE, LABEL_YEAR, LABEL_MONTH };

struct reading {
	struct tokens tokens;
	/* Parts of the date in the order they came in, and which of them are known to be the year and the
	 * month. */
	int parts[4], part_count, year_at, month_at;
	bool century_given;
	int year, month, day, weekday, hour, minute, second, microsecond;
	int half_day;      /* 0 am, 1 pm */
	struct token zone; /* len 0: none */
	bool has_offset;
	int64_t offset; /* seconds east of UTC */
};

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The number in N characters, UNSET if there is another character among them or it is beyond all use. */
static int number(const char *p, size_t n)
{
	int value = 0;

	for (size_t i = 0; i < n; i++) {
		if (!digit(p[i]) || value > 99999999)
			return UNSET;
		value = value * 10 + (p[i] - '0');
	}
	return n ? value : UNSET;
}

/* The digits of T before and after its dot; a token that is a number has at most one. */
static void halves(const struct token *t, struct token *whole, struct token *fraction)
{
	const char *dot = memchr(t->at, '.', t->len);

	*whole = (struct token){ t->at, dot ? (size_t)(dot - t->at) : t->len };
	*fraction = dot ? (struct token){ dot + 1, t->len - whole->len - 1 } : (struct token){ "", 0 };
}

/* 60 times the fraction of T, cut to an integer; UNSET if the fraction is zero. */
static int sixtieths(const struct token *t)
{
	struct token whole, fraction;
	uint64_t value = 0, unit = 1;
	bool zero = true;

	halves(t, &whole, &fraction);
	for (size_t i = 0; i < fraction.len; i++) {
		zero = zero && fraction.at[i] == '0';
		/* 17 digits decide the integer part, all further ones only whether there is anything. */
		if (i < 17) {
			value = value * 10 + (uint64_t)(fraction.at[i] - '0');
			unit *= 10;
		}
	}
	return zero ? UNSET : (int)(value * 60 / unit);
}

static bool set_second(struct reading *r, const struct token *t)
{
	struct token whole, fraction;

	halves(t, &whole, &fraction);
	r->second = number(whole.at, whole.len);
	r->microsecond = 0;
	for (size_t i = 0; i < 6; i++) {
		if (i < fraction.len && !digit(fraction.at[i]))
			return false;
		r->microsecond = r->microsecond * 10 + (i < fraction.len ? fraction.at[i] - '0' : 0);
	}
	return r->second != UNSET;
}

static bool set_hour(struct reading *r, const struct token *t)
{
	struct token whole, fraction;

	halves(t, &whole, &fraction);
	r->hour = number(whole.at, whole.len);
	return r->hour != UNSET;
}

/* A fraction of a minute becomes seconds. */
static bool set_minute(struct reading *r, const struct token *t)
{
	struct token whole, fraction;

	halves(t, &whole, &fraction);
	r->minute = number(whole.at, whole.len);
	r->second = sixtieths(t);
	return r->minute != UNSET;
}

static bool add_part(struct reading *r, int value, enum label label)
{
	int *at = label == LABEL_YEAR ? &r->year_at : &r->month_at;

	/* A fifth part, and so the reading, fails later anyway. */
	if (value == UNSET || r->part_count == 4 || (label && *at != UNSET))
		return false;
	if (label)
		*at = r->part_count;
	r->parts[r->part_count++] = value;
	return true;
}

/* Adds a part given in digits: more than two of them are a year. */
static bool add_digits(struct reading *r, const char *p, size_t n, enum label label)
{
	if (n > 2) {
		r->century_given = true;
		label = LABEL_YEAR;
	}
	return add_part(r, number(p, n), label);
}

/* Adds a part given as a number that may have a fraction. */
static bool add_number(struct reading *r, const struct token *t)
{
	struct token whole, fraction;
	bool year;
	int value;

	halves(t, &whole, &fraction);
	value = number(whole.at, whole.len);
	year = value > 100 || (value == 100 && sixtieths(t) != UNSET);
	if (year)
		r->century_given = true;
	return add_part(r, value, year ? LABEL_YEAR : LABEL_NONE);
}

static bool could_be_day(const struct reading *r, const struct token *t)
{
	struct token whole, fraction;
	int value, last = 31;

	halves(t, &whole, &fraction);
	value = number(whole.at, whole.len);
	if (r->month_at != UNSET)
		last = when_days_in_month(
			r->year_at == UNSET ? 2000 : r->parts[r->year_at], r->parts[r->month_at]);
	return value >= 1 && value + (sixtieths(t) != UNSET) <= last;
}

/* Rule 4: the index of the unit label that goes with number I, or -1. */
static int unit_index(struct reading *r, int i)
{
	if (token_unit(token_at(&r->tokens, i + 1)) >= 0)
		return i + 1;
	if (token_is(token_at(&r->tokens, i + 1), ' ') && token_unit(token_at(&r->tokens, i + 2)) >= 0)
		return i + 2;
	if (token_unit(token_at(&r->tokens, i - 1)) >= 0)
		return i - 1;
	if (i == r->tokens.count - 1 && token_is(token_at(&r->tokens, i - 1), ' ') &&
		token_unit(token_at(&r->tokens, i - 2)) >= 0)
		return i - 2;
	return -1;
}

static bool set_unit(struct reading *r, const struct token *t, int unit)
{
	int minute;

	switch (unit) {
	case 0:
		minute = sixtieths(t);
		if (minute != UNSET)
			r->minute = minute;
		return set_hour(r, t);
	case 1:
		return set_minute(r, t);
	case 2:
		return set_second(r, t);
	default:
		return true;
	}
}

static int twelve_hours(int hour, int half_day)
{
	if (hour < 12 && half_day == 1)
		return hour + 12;
	return hour == 12 && half_day == 0 ? 0 : hour;
}

/* Rule 6: a date with separators, from number *I on; *I moves to its last token. */
static bool read_separated(struct reading *r, int *i)
{
	struct token *t = token_at(&r->tokens, *i), *next, *third;
	char separator = *token_at(&r->tokens, *i + 1)->at;

	if (!add_digits(r, t->at, t->len, LABEL_NONE))
		return false;
	next = token_at(&r->tokens, *i + 2);
	if (next && !token_jumps(next)) {
		if (token_all_digits(next)
				? !add_digits(r, next->at, next->len, LABEL_NONE)
				: !token_month(next) || !add_part(r, token_month(next), LABEL_MONTH))
			return false;
		if (token_is(token_at(&r->tokens, *i + 3), separator)) {
			third = token_at(&r->tokens, *i + 4);
			if (!third)
				return false;
			if (token_month(third) ? !add_part(r, token_month(third), LABEL_MONTH)
					       : !add_digits(r, third->at, third->len, LABEL_NONE))
				return false;
			*i += 2;
		}
		(*i)++;
	}
	(*i)++;
	return true;
}

/* The numbers of fixed width: HHMM, YYMMDD, HHMMSS, YYYYMMDD[HHMM[SS]]. */
static bool read_compact(struct reading *r, const struct token *t)
{
	const char *p = t->at;

	if (t->len <= 4) {
		r->hour = number(p, 2);
		if (t->len == 4)
			r->minute = number(p + 2, 2);
		return r->hour != UNSET && (t->len == 2 || r->minute != UNSET);
	}
	if (t->len >= 8 && !(t->len > 6 && p[6] == '.' && !memchr(p, '.', 6))) {
		if (!add_digits(r, p, 4, LABEL_YEAR) || !add_digits(r, p + 4, 2, LABEL_NONE) ||
			!add_digits(r, p + 6, 2, LABEL_NONE))
			return false;
		if (t->len == 8)
			return true;
		r->hour = number(p + 8, 2);
		r->minute = number(p + 10, 2);
		if (t->len == 14)
			r->second = number(p + 12, 2);
		return r->hour != UNSET && r->minute != UNSET && (t->len == 12 || r->second != UNSET);
	}
	if (r->part_count == 0 && !memchr(p, '.', t->len))
		return add_digits(r, p, 2, LABEL_NONE) && add_digits(r, p + 2, 2, LABEL_NONE) &&
		       add_digits(r, p + 4, 2, LABEL_NONE);
	r->hour = number(p, 2);
	r->minute = number(p + 2, 2);
	return r->hour != UNSET && r->minute != UNSET && set_second(r, &(struct token){ p + 4, t->len - 4 });
}

/* Reads number *I by the rules of the specification, in its order; *I moves to the last token that was read.
 */
static bool read_number(struct reading *r, int *i)
{
	struct token *t = token_at(&r->tokens, *i), *next = token_at(&r->tokens, *i + 1);
	const char *dot = memchr(t->at, '.', t->len);
	int unit = unit_index(r, *i);

	if ((r->part_count == 3 && (t->len == 2 || t->len == 4) && r->hour == UNSET &&
		    (!next || (!token_is(next, ':') && token_unit(next) < 0))) ||
		t->len == 6 || (t->len > 6 && dot == t->at + 6) || t->len == 8 || t->len == 12 ||
		t->len == 14)
		return read_compact(r, t);
	if (unit >= 0) {
		int label = token_unit(token_at(&r->tokens, unit)) + (unit < *i);

		*i = unit > *i ? unit : *i;
		return set_unit(r, t, label);
	}
	if (token_is(next, ':') && token_at(&r->tokens, *i + 2)) {
		struct token *minute = token_at(&r->tokens, *i + 2);

		if (!set_hour(r, t) || !token_number(minute) || !set_minute(r, minute))
			return false;
		if (token_is(token_at(&r->tokens, *i + 3), ':') && token_at(&r->tokens, *i + 4)) {
			if (!set_second(r, token_at(&r->tokens, *i + 4)))
				return false;
			*i += 2;
		}
		*i += 2;
		return true;
	}
	if (token_is(next, '-') || token_is(next, '/') || token_is(next, '.'))
		return read_separated(r, i);
	if (!next || token_jumps(next)) {
		int half_day = token_half_day(token_at(&r->tokens, *i + 2));

		if (half_day < 0) {
			(*i)++;
			return add_number(r, t);
		}
		if (!set_hour(r, t))
			return false;
		r->hour = twelve_hours(r->hour, half_day);
		*i += 2;
		return true;
	}
	if (token_half_day(next) >= 0) {
		int hour = r->hour;

		if (set_hour(r, t) && r->hour < 24) {
			r->hour = twelve_hours(r->hour, token_half_day(next));
			(*i)++;
			return true;
		}
		r->hour = hour;
	}
	return !could_be_day(r, t) || add_number(r, t);
}

/* The year that two digits mean: the one nearest to today. */
static int near_year(int year)
{
	struct when_parts today;

	if (year < 0 || year >= 100)
		return year;
	when_to_parts(clock_now(), &today);
	year += today.year / 100 * 100;
	if (year >= today.year + 50)
		return year - 100;
	return year < today.year - 50 ? year + 100 : year;
}

/* Reads month name *I and what belongs to it; *I moves to the last token that was read. */
static bool read_month(struct reading *r, int *i)
{
	struct token *next = token_at(&r->tokens, *i + 1), *t;

	if (!add_part(r, token_month(token_at(&r->tokens, *i)), LABEL_MONTH))
		return false;
	if (token_is(next, '-') || token_is(next, '/')) {
		t = token_at(&r->tokens, *i + 2);
		if (!t || !add_digits(r, t->at, t->len, LABEL_NONE))
			return false;
		if (token_is(token_at(&r->tokens, *i + 3), *next->at)) {
			t = token_at(&r->tokens, *i + 4);
			if (!t || !add_digits(r, t->at, t->len, LABEL_NONE))
				return false;
			*i += 2;
		}
		*i += 2;
	} else if (token_at(&r->tokens, *i + 4) && token_is(next, ' ') &&
		   token_is(token_at(&r->tokens, *i + 3), ' ') &&
		   token_word(token_at(&r->tokens, *i + 2), "of") == 0) {
		t = token_at(&r->tokens, *i + 4);
		if (token_all_digits(t)) {
			r->century_given = true;
			if (!add_part(r, near_year(number(t->at, t->len)), LABEL_YEAR))
				return false;
		}
		*i += 4;
	}
	return true;
}

static bool could_be_zone(const struct reading *r, const struct token *t)
{
	bool capitals = t->len <= 5;

	if (r->hour == UNSET || r->zone.len)
		return false;
	for (size_t i = 0; capitals && i < t->len; i++)
		capitals = t->at[i] >= 'A' && t->at[i] <= 'Z';
	return capitals || token_is(t, 'z');
}

/* Reads the offset whose sign is token *I; *I moves to the last token that was read. */
static bool read_offset(struct reading *r, int *i)
{
	struct token *t = token_at(&r->tokens, *i + 1), *name;
	int hours, minutes = 0, sign = *token_at(&r->tokens, *i)->at == '+' ? 1 : -1;

	if (!t)
		return false;
	if (t->len == 4) {
		hours = number(t->at, 2);
		minutes = number(t->at + 2, 2);
	} else if (token_is(token_at(&r->tokens, *i + 2), ':')) {
		name = token_at(&r->tokens, *i + 3);
		hours = number(t->at, t->len);
		minutes = name ? number(name->at, name->len) : UNSET;
		*i += 2;
	} else if (t->len <= 2) {
		hours = number(t->at, t->len);
	} else {
		return false;
	}
	if (hours == UNSET || minutes == UNSET)
		return false;
	r->has_offset = true;
	r->offset = sign * ((int64_t)hours * 3600 + (int64_t)minutes * 60);
	name = token_at(&r->tokens, *i + 4);
	if (token_at(&r->tokens, *i + 5) && token_jumps(token_at(&r->tokens, *i + 2)) &&
		token_is(token_at(&r->tokens, *i + 3), '(') && token_is(token_at(&r->tokens, *i + 5), ')') &&
		name->len >= 3 && could_be_zone(r, name)) {
		r->zone = *name;
		*i += 4;
	}
	(*i)++;
	return true;
}

static void read_zone(struct reading *r, int i)
{
	struct token *next = token_at(&r->tokens, i + 1);

	r->zone = *token_at(&r->tokens, i);
	r->has_offset = token_is(&r->zone, 'z');
	r->offset = 0;
	if (token_is(next, '+') || token_is(next, '-')) {
		/* "GMT+3" is not "3 hours ahead of GMT" but "here, 3 more are GMT". */
		next->at = *next->at == '+' ? "-" : "+";
		r->has_offset = false;
		if (token_utc(&r->zone))
			r->zone.len = 0;
	}
}

static bool read_tokens(struct reading *r)
{
	for (int i = 0; i < r->tokens.count; i++) {
		struct token *t = token_at(&r->tokens, i);

		if (token_number(t)) {
			if (!read_number(r, &i))
				return false;
		} else if (token_word(t, "nan inf infinity") >= 0) {
			return false;
		} else if (token_weekday(t) >= 0) {
			r->weekday = token_weekday(t);
		} else if (token_month(t)) {
			if (!read_month(r, &i))
				return false;
		} else if (token_half_day(t) >= 0) {
			if (r->half_day == UNSET && r->hour >= 0 && r->hour <= 12) {
				r->half_day = token_half_day(t);
				r->hour = twelve_hours(r->hour, r->half_day);
			}
		} else if (!r->has_offset && could_be_zone(r, t)) {
			read_zone(r, i);
		} else if (r->hour != UNSET && (token_is(t, '+') || token_is(t, '-'))) {
			if (!read_offset(r, &i))
				return false;
		}
	}
	return true;
}

/* Tells which part of the date is what, by labels or by size. */
static bool resolve(struct reading *r)
{
	int *p = r->parts, labels = (r->year_at != UNSET) + (r->month_at != UNSET);
	/* Places of year, month and day among the parts. */
	int year = r->year_at, month = r->month_at, day = UNSET;

	if (r->part_count > 3)
		return false;
	if (r->part_count == 3 && labels == 2) {
		day = 3 - year - month;
	} else if (r->part_count == labels) {
		/* All of them are known, or there are none. */
	} else if (r->part_count == 1 || (month != UNSET && r->part_count == 2)) {
		int other = month == UNSET ? 0 : 1 - month;

		year = p[other] > 31 ? other : UNSET;
		day = p[other] > 31 ? UNSET : other;
	} else if (r->part_count == 2) {
		year = p[0] > 31 ? 0 : p[1] > 31 ? 1 : UNSET;
		month = year == 0 ? 1 : 0;
		day = year == UNSET ? 1 : UNSET;
	} else if (r->part_count == 3) {
		if (month == 0)
			year = p[1] > 31 ? 1 : 2;
		else if (month == 1)
			year = p[0] > 31 ? 0 : 2;
		else if (month == 2)
			year = p[1] > 31 ? 1 : 0;
		else if (p[0] > 31 || r->year_at == 0)
			year = 0;
		else
			year = 2;
		if (month == UNSET)
			month = year == 0 || p[0] > 12;
		day = 3 - year - month;
	}
	r->year = year == UNSET ? UNSET : p[year];
	r->month = month == UNSET ? UNSET : p[month];
	r->day = day == UNSET ? UNSET : p[day];
	return true;
}

/* Fills in from today what was not read, and applies weekday and zone. */
static bool complete(struct reading *r, int64_t *microseconds)
{
	struct when_parts parts;
	int64_t offset = r->has_offset ? r->offset : 0;

	if (r->part_count == 0 && r->weekday == UNSET && r->hour == UNSET && r->minute == UNSET &&
		r->second == UNSET)
		return false;
	when_to_parts(clock_now(), &parts);
	if (r->year != UNSET)
		parts.year = r->century_given ? r->year : near_year(r->year);
	if (r->month != UNSET)
		parts.month = r->month;
	if (parts.month < 1 || parts.month > 12)
		return false;
	if (r->day != UNSET)
		parts.day = r->day;
	else if (parts.day > when_days_in_month(parts.year, parts.month))
		parts.day = when_days_in_month(parts.year, parts.month);
	parts.hour = r->hour == UNSET ? 0 : r->hour;
	parts.minute = r->minute == UNSET ? 0 : r->minute;
	parts.second = r->second == UNSET ? 0 : r->second;
	parts.microsecond = r->microsecond == UNSET ? 0 : r->microsecond;
	if (!when_from_parts(&parts, microseconds))
		return false;
	if (r->weekday != UNSET && r->day == UNSET) {
		int64_t days = (r->weekday - when_weekday(*microseconds) + 7) % 7;

		if (!when_shift(microseconds, days * 86400 * 1000000))
			return false;
	}
	if (offset && r->zone.len && token_utc(&r->zone))
		offset = 0;
	return offset > -86400 && offset < 86400 && when_shift(microseconds, -offset * 1000000);
}

bool when_parse_fuzzy(struct text t, int64_t *microseconds)
{
	struct reading r;

	if (!tokens_read(&r.tokens, t))
		return false;
	r.part_count = 0;
	r.year_at = r.month_at = r.year = r.month = r.day = r.weekday = UNSET;
	r.hour = r.minute = r.second = r.microsecond = r.half_day = UNSET;
	r.century_given = r.has_offset = false;
	r.zone = (struct token){ "", 0 };
	r.offset = 0;
	return read_tokens(&r) && resolve(&r) && complete(&r, microseconds);
}
