/* Lengths of time. */
#include "span.h"

#include "unicode.h"

static const struct {
	struct text name;
	long long seconds;
} units[] = {
	{ { "second", 6 }, 1 },
	{ { "minute", 6 }, 60 },
	{ { "hour", 4 }, 3600 },
	{ { "day", 3 }, 86400 },
	{ { "week", 4 }, 604800 },
	{ { "month", 5 }, 2592000 },
	{ { "year", 4 }, 31536000 },
};

bool span_parse(struct text t, long long *seconds)
{
	struct text unit;
	long long count;
	size_t digits = 0;

	t = unicode_strip(t);
	while (digits < t.len && t.at[digits] >= '0' && t.at[digits] <= '9')
		digits++;
	unit = unicode_strip(text_from(t, digits));
	if (unit.len == t.len - digits || !text_integer((struct text){ t.at, digits }, &count))
		return false;
	if (unit.len && unit.at[unit.len - 1] == 's')
		unit.len--;
	for (size_t i = 0; i < LENGTH(units); i++)
		if (text_eq(unit, units[i].name))
			return !__builtin_mul_overflow(count, units[i].seconds, seconds);
	return false;
}

void span_write(struct buf *out, long long seconds)
{
	static const struct {
		char letter;
		long long seconds;
	} parts[] = { { 'd', 86400 }, { 'h', 3600 }, { 'm', 60 }, { 's', 1 } };
	size_t before = out->len;

	for (size_t i = 0; i < LENGTH(parts); i++) {
		long long count = seconds / parts[i].seconds;

		seconds %= parts[i].seconds;
		if (count == 0)
			continue;
		if (out->len > before)
			buf_char(out, ' ');
		buf_integer(out, count);
		buf_char(out, parts[i].letter);
	}
}
