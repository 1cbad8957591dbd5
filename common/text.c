/* Small operations on texts. */
#include "text.h"

static bool blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

struct text text_trim(struct text t)
{
	while (t.len && blank(t.at[0])) {
		t.at++;
		t.len--;
	}
	while (t.len && blank(t.at[t.len - 1]))
		t.len--;
	return t;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool text_eq_nocase(struct text a, struct text b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (lower(a.at[i]) != lower(b.at[i]))
			return false;
	return true;
}

bool text_split(struct text *rest, char separator, struct text *part)
{
	const char *found;

	if (!rest->at)
		return false;
	found = rest->len ? memchr(rest->at, separator, rest->len) : NULL;
	if (!found) {
		*part = *rest;
		*rest = NO_TEXT;
		return true;
	}
	*part = (struct text){ rest->at, (size_t)(found - rest->at) };
	*rest = text_from(*rest, part->len + 1);
	return true;
}

bool text_integer(struct text t, long long *number)
{
	bool negative = t.len && t.at[0] == '-';
	long long sum = 0;

	if (t.len && (t.at[0] == '-' || t.at[0] == '+'))
		t = text_from(t, 1);
	if (t.len == 0)
		return false;
	for (size_t i = 0; i < t.len; i++) {
		if (t.at[i] < '0' || t.at[i] > '9')
			return false;
		if (__builtin_mul_overflow(sum, 10LL, &sum))
			return false;
		if (negative ? __builtin_sub_overflow(sum, (long long)(t.at[i] - '0'), &sum)
		             : __builtin_add_overflow(sum, (long long)(t.at[i] - '0'), &sum))
			return false;
	}
	*number = sum;
	return true;
}

struct text text_of_integer(long long n, char *digits)
{
	char *end = digits + TEXT_INTEGER, *p = end;
	unsigned long long rest = n < 0 ? 0ULL - (unsigned long long)n : (unsigned long long)n;

	do
		*--p = (char)('0' + rest % 10);
	while (rest /= 10);
	if (n < 0)
		*--p = '-';
	return (struct text){ p, (size_t)(end - p) };
}
