/* The fuzzy date reader of data-format.md 2.20: dateutil's parser, month first, with its rules in its order. It finds dates in
 * much that is none; feeds whose format is known say so instead. */
#include <stdlib.h>

#include "clock.h"
#include "unicode.h"
#include "when.h"

enum { LENGTH_MAX = 512, UNSET = -1 };

/* Characters outside ASCII matter by their kind only and become one of these, controls of the input the last. */
enum { ODD_DIGIT = 1, ODD_LETTER = 2, ODD_OTHER = 3 };

struct token {
	const char *at;
	size_t len; /* characters */
};

enum label { LABEL_NONE, LABEL_YEAR, LABEL_MONTH };

struct reading {
	char text[LENGTH_MAX];
	struct token tokens[LENGTH_MAX];
	int count;
	/* Parts of the date in the order they came in, and which of them are known to be the year and the month. */
	int parts[4], part_count, year_at, month_at;
	bool century_given;
	int year, month, day, weekday, hour, minute, second, microsecond;
	int half_day;           /* 0 am, 1 pm */
	struct token zone;      /* len 0: none */
	bool has_offset;
	int64_t offset;         /* seconds east of UTC */
};

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool number_char(char c)
{
	return digit(c) || c == ODD_DIGIT;
}

static bool word_char(char c)
{
	return ((c | 32) >= 'a' && (c | 32) <= 'z') || c == ODD_LETTER;
}

/* Puts T into R->text, one byte a character. Returns the number of characters, -1 if they are too many. */
static int simplify(struct text t, char *out)
{
	uint32_t rune;
	int n = 0;

	while (t.len) {
		if (n == LENGTH_MAX || !unicode_next(&t, &rune))
			return -1;
		if (rune == 0)
			continue;
		if (unicode_space(rune))
			out[n++] = ' ';
		else if (unicode_decimal(rune) >= 0)
			out[n++] = (char)('0' + unicode_decimal(rune));
		else if (rune < 0x80)
			out[n++] = rune < 0x20 ? ODD_OTHER : (char)rune;
		else
			out[n++] = unicode_digit(rune) ? ODD_DIGIT : unicode_letter(rune) ? ODD_LETTER : ODD_OTHER;
	}
	return n;
}

static void add_token(struct reading *r, const char *at, size_t len)
{
	r->tokens[r->count++] = (struct token){ at, len };
}

/* Ends a token with dots in it: one number, or pieces and the dots and commas between them. */
static void add_dotted(struct reading *r, char *start, char *end, bool letters, bool number)
{
	int dots = 0;

	for (char *p = start; p < end; p++)
		dots += *p == '.';
	if (!letters && dots <= 1 && end[-1] != '.' && end[-1] != ',') {
		for (char *p = start; p < end && number && dots == 0; p++)
			if (*p == ',')
				*p = '.';
		add_token(r, start, (size_t)(end - start));
		return;
	}
	for (char *p = start; start < end; start = p) {
		while (p < end && *p != '.' && *p != ',')
			p++;
		if (p == start)
			p++;
		add_token(r, start, (size_t)(p - start));
	}
}

/* Reads one token at P and returns its end. */
static char *take_token(struct reading *r, char *p, char *end)
{
	char *start = p++;
	bool word = word_char(*start), dotted = false, letters = false;

	if (!word && !number_char(*start)) {
		add_token(r, start, 1);
		return p;
	}
	for (; p < end; p++) {
		letters = letters || word;
		if (word_char(*p)) {
			if (word)
				continue;
			if (!dotted || p[-1] != '.')
				break;
			word = true;
		} else if (number_char(*p)) {
			if (!word)
				continue;
			if (!dotted || p[-1] != '.')
				break;
			word = false;
		} else if (*p == '.' || (*p == ',' && !word && !dotted && p - start >= 2)) {
			dotted = true;
		} else {
			break;
		}
	}
	if (dotted)
		add_dotted(r, start, p, letters, !word);
	else
		add_token(r, start, (size_t)(p - start));
	return p;
}

static struct token *token(struct reading *r, int i)
{
	return i >= 0 && i < r->count ? &r->tokens[i] : NULL;
}

static bool token_is(const struct token *t, char c)
{
	return t && t->len == 1 && *t->at == c;
}

/* The index of the token in WORDS, in any case, or -1; WORDS are separated by blanks, alternatives of one index by |. */
static int find_word(const struct token *t, const char *words)
{
	struct text rest = text_of(words), group, word;

	for (int i = 0; t && text_split(&rest, ' ', &group); i++)
		while (text_split(&group, '|', &word))
			if (text_eq_nocase((struct text){ t->at, t->len }, word))
				return i;
	return -1;
}

static int weekday_of(const struct token *t)
{
	return find_word(t, "mon|monday tue|tuesday wed|wednesday thu|thursday fri|friday sat|saturday sun|sunday");
}

static int month_of(const struct token *t)
{
	return 1 + find_word(t, "jan|january feb|february mar|march apr|april may jun|june jul|july aug|august "
	                        "sep|sept|september oct|october nov|november dec|december");
}

static int unit_of(const struct token *t)
{
	return find_word(t, "h|hour|hours m|minute|minutes s|second|seconds");
}

static int half_day_of(const struct token *t)
{
	return find_word(t, "am|a pm|p");
}

static bool is_jump(const struct token *t)
{
	return (t && t->len == 1 && strchr(" .,;-/'", *t->at)) || find_word(t, "at on and ad m t of st nd rd th") >= 0;
}

static bool is_utc(const struct token *t)
{
	return find_word(t, "utc gmt z") >= 0;
}

static bool all_digits(const struct token *t)
{
	for (size_t i = 0; i < t->len; i++)
		if (!digit(t->at[i]))
			return false;
	return t->len > 0;
}

static bool is_number(const struct token *t)
{
	int dots = 0;

	for (size_t i = 0; i < t->len; i++) {
		if (t->at[i] != '.' && !digit(t->at[i]))
			return false;
		dots += t->at[i] == '.';
	}
	return digit(t->at[0]) && dots <= 1;
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
		last = when_days_in_month(r->year_at == UNSET ? 2000 : r->parts[r->year_at], r->parts[r->month_at]);
	return value >= 1 && value + (sixtieths(t) != UNSET) <= last;
}

/* Rule 4: the index of the unit label that goes with number I, or -1. */
static int unit_index(struct reading *r, int i)
{
	if (unit_of(token(r, i + 1)) >= 0)
		return i + 1;
	if (token_is(token(r, i + 1), ' ') && unit_of(token(r, i + 2)) >= 0)
		return i + 2;
	if (unit_of(token(r, i - 1)) >= 0)
		return i - 1;
	if (i == r->count - 1 && token_is(token(r, i - 1), ' ') && unit_of(token(r, i - 2)) >= 0)
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
	struct token *t = token(r, *i), *next, *third;
	char separator = *token(r, *i + 1)->at;

	if (!add_digits(r, t->at, t->len, LABEL_NONE))
		return false;
	next = token(r, *i + 2);
	if (next && !is_jump(next)) {
		if (all_digits(next) ? !add_digits(r, next->at, next->len, LABEL_NONE)
		                     : !month_of(next) || !add_part(r, month_of(next), LABEL_MONTH))
			return false;
		if (token_is(token(r, *i + 3), separator)) {
			third = token(r, *i + 4);
			if (!third)
				return false;
			if (month_of(third) ? !add_part(r, month_of(third), LABEL_MONTH)
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

/* Reads number *I by the rules of the specification, in its order; *I moves to the last token that was read. */
static bool read_number(struct reading *r, int *i)
{
	struct token *t = token(r, *i), *next = token(r, *i + 1);
	const char *dot = memchr(t->at, '.', t->len);
	int unit = unit_index(r, *i);

	if ((r->part_count == 3 && (t->len == 2 || t->len == 4) && r->hour == UNSET &&
	     (!next || (!token_is(next, ':') && unit_of(next) < 0))) ||
	    t->len == 6 || (t->len > 6 && dot == t->at + 6) || t->len == 8 || t->len == 12 || t->len == 14)
		return read_compact(r, t);
	if (unit >= 0) {
		int label = unit_of(token(r, unit)) + (unit < *i);

		*i = unit > *i ? unit : *i;
		return set_unit(r, t, label);
	}
	if (token_is(next, ':') && token(r, *i + 2)) {
		struct token *minute = token(r, *i + 2);

		if (!set_hour(r, t) || !is_number(minute) || !set_minute(r, minute))
			return false;
		if (token_is(token(r, *i + 3), ':') && token(r, *i + 4)) {
			if (!set_second(r, token(r, *i + 4)))
				return false;
			*i += 2;
		}
		*i += 2;
		return true;
	}
	if (token_is(next, '-') || token_is(next, '/') || token_is(next, '.'))
		return read_separated(r, i);
	if (!next || is_jump(next)) {
		int half_day = half_day_of(token(r, *i + 2));

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
	if (half_day_of(next) >= 0) {
		int hour = r->hour;

		if (set_hour(r, t) && r->hour < 24) {
			r->hour = twelve_hours(r->hour, half_day_of(next));
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
	struct token *next = token(r, *i + 1), *t;

	if (!add_part(r, month_of(token(r, *i)), LABEL_MONTH))
		return false;
	if (token_is(next, '-') || token_is(next, '/')) {
		t = token(r, *i + 2);
		if (!t || !add_digits(r, t->at, t->len, LABEL_NONE))
			return false;
		if (token_is(token(r, *i + 3), *next->at)) {
			t = token(r, *i + 4);
			if (!t || !add_digits(r, t->at, t->len, LABEL_NONE))
				return false;
			*i += 2;
		}
		*i += 2;
	} else if (token(r, *i + 4) && token_is(next, ' ') && token_is(token(r, *i + 3), ' ') &&
	           find_word(token(r, *i + 2), "of") == 0) {
		t = token(r, *i + 4);
		if (all_digits(t)) {
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
	struct token *t = token(r, *i + 1), *name;
	int hours, minutes = 0, sign = *token(r, *i)->at == '+' ? 1 : -1;

	if (!t)
		return false;
	if (t->len == 4) {
		hours = number(t->at, 2);
		minutes = number(t->at + 2, 2);
	} else if (token_is(token(r, *i + 2), ':')) {
		name = token(r, *i + 3);
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
	name = token(r, *i + 4);
	if (token(r, *i + 5) && is_jump(token(r, *i + 2)) && token_is(token(r, *i + 3), '(') &&
	    token_is(token(r, *i + 5), ')') && name->len >= 3 && could_be_zone(r, name)) {
		r->zone = *name;
		*i += 4;
	}
	(*i)++;
	return true;
}

static void read_zone(struct reading *r, int i)
{
	struct token *next = token(r, i + 1);

	r->zone = *token(r, i);
	r->has_offset = token_is(&r->zone, 'z');
	r->offset = 0;
	if (token_is(next, '+') || token_is(next, '-')) {
		/* "GMT+3" is not "3 hours ahead of GMT" but "here, 3 more are GMT". */
		next->at = *next->at == '+' ? "-" : "+";
		r->has_offset = false;
		if (is_utc(&r->zone))
			r->zone.len = 0;
	}
}

static bool read_tokens(struct reading *r)
{
	for (int i = 0; i < r->count; i++) {
		struct token *t = token(r, i);

		if (is_number(t)) {
			if (!read_number(r, &i))
				return false;
		} else if (find_word(t, "nan inf infinity") >= 0) {
			return false;
		} else if (weekday_of(t) >= 0) {
			r->weekday = weekday_of(t);
		} else if (month_of(t)) {
			if (!read_month(r, &i))
				return false;
		} else if (half_day_of(t) >= 0) {
			if (r->half_day == UNSET && r->hour >= 0 && r->hour <= 12) {
				r->half_day = half_day_of(t);
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

	if (r->part_count == 0 && r->weekday == UNSET && r->hour == UNSET && r->minute == UNSET && r->second == UNSET)
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
	if (offset && r->zone.len && is_utc(&r->zone))
		offset = 0;
	return offset > -86400 && offset < 86400 && when_shift(microseconds, -offset * 1000000);
}

bool when_parse_fuzzy(struct text t, int64_t *microseconds)
{
	struct reading r;
	int n;

	n = t.len ? simplify(t, r.text) : 0;
	if (n <= 0)
		return false;
	r.count = r.part_count = 0;
	r.year_at = r.month_at = r.year = r.month = r.day = r.weekday = UNSET;
	r.hour = r.minute = r.second = r.microsecond = r.half_day = UNSET;
	r.century_given = r.has_offset = false;
	r.zone = (struct token){ "", 0 };
	r.offset = 0;
	for (char *p = r.text; p < r.text + n;)
		p = take_token(&r, p, r.text + n);
	return read_tokens(&r) && resolve(&r) && complete(&r, microseconds);
}
