/* Unicode by libunistring, behind short cuts for ASCII. */
#include "unicode.h"

#include <stdlib.h>
#include <unicase.h>
#include <uninorm.h>
#include <unistr.h>
#include <unictype.h>

bool unicode_ascii(struct text t)
{
	uint64_t word, seen = 0;
	size_t i = 0;

	for (; i + 8 <= t.len; i += 8) {
		memcpy(&word, t.at + i, 8);
		seen |= word;
	}
	for (; i < t.len; i++)
		seen |= (unsigned char)t.at[i];
	return !(seen & 0x8080808080808080);
}

bool unicode_valid(struct text t)
{
	return unicode_ascii(t) || !u8_check((const uint8_t *)t.at, t.len);
}

void unicode_repair(struct text t, struct buf *out)
{
	while (t.len) {
		const uint8_t *bad = u8_check((const uint8_t *)t.at, t.len);
		size_t good = bad ? (size_t)(bad - (const uint8_t *)t.at) : t.len;

		buf_add(out, t.at, good);
		t = text_from(t, good);
		if (t.len) {
			buf_string(out, "\xef\xbf\xbd");
			t = text_from(t, 1);
		}
	}
}

bool unicode_space(uint32_t rune)
{
	return (rune >= 0x9 && rune <= 0xd) || (rune >= 0x1c && rune <= 0x20) || rune == 0x85 ||
	       rune == 0xa0 || rune == 0x1680 || (rune >= 0x2000 && rune <= 0x200a) || rune == 0x2028 ||
	       rune == 0x2029 || rune == 0x202f || rune == 0x205f || rune == 0x3000;
}

/* Whether the N bytes at P, and no fewer, are one white space character. */
static bool space_of(const char *p, size_t n)
{
	ucs4_t rune;

	return u8_mbtouc(&rune, (const uint8_t *)p, n) == (int)n && unicode_space(rune);
}

static bool visible(char c)
{
	return c > ' ' && c < 0x7f;
}

struct text unicode_strip(struct text t)
{
	size_t n;

	if (t.len && visible(t.at[0]) && visible(t.at[t.len - 1]))
		return t;
	do {
		for (n = t.len && (unsigned char)t.at[0] < 0x80 ? 1 : 3; n > 0; n--)
			if (n <= t.len && space_of(t.at, n))
				break;
		t = text_from(t, n);
	} while (n);
	do {
		for (n = t.len && (unsigned char)t.at[t.len - 1] < 0x80 ? 1 : 3; n > 0; n--)
			if (n <= t.len && space_of(t.at + t.len - n, n))
				break;
		t.len -= n;
	} while (n);
	return t;
}

/* Appends the N bytes that libunistring allocated; a NULL is its refusal. */
static bool take(uint8_t *result, size_t n, struct buf *out)
{
	if (!result)
		return false;
	buf_add(out, (const char *)result, n);
	free(result);
	return true;
}

bool unicode_lower(struct text t, struct buf *out)
{
	if (!unicode_ascii(t)) {
		size_t n = 0;
		uint8_t *mapped = u8_tolower((const uint8_t *)t.at, t.len, NULL, NULL, NULL, &n);

		return take(mapped, n, out);
	}
	buf_room(out, t.len);
	for (size_t i = 0; i < t.len; i++)
		out->at[out->len++] = (char)(t.at[i] >= 'A' && t.at[i] <= 'Z' ? t.at[i] + 32 : t.at[i]);
	return true;
}

bool unicode_upper(struct text t, struct buf *out)
{
	if (!unicode_ascii(t)) {
		size_t n = 0;
		uint8_t *mapped = u8_toupper((const uint8_t *)t.at, t.len, NULL, NULL, NULL, &n);

		return take(mapped, n, out);
	}
	buf_room(out, t.len);
	for (size_t i = 0; i < t.len; i++)
		out->at[out->len++] = (char)(t.at[i] >= 'a' && t.at[i] <= 'z' ? t.at[i] - 32 : t.at[i]);
	return true;
}

bool unicode_nfkc(struct text t, struct buf *out)
{
	if (!unicode_ascii(t)) {
		size_t n = 0;
		uint8_t *mapped = u8_normalize(UNINORM_NFKC, (const uint8_t *)t.at, t.len, NULL, &n);

		return take(mapped, n, out);
	}
	buf_text(out, t);
	return true;
}

bool unicode_next(struct text *t, uint32_t *rune)
{
	ucs4_t read;
	int n = t->len ? u8_mbtoucr(&read, (const uint8_t *)t->at, t->len) : -1;

	if (n < 0)
		return false;
	*rune = read;
	*t = text_from(*t, (size_t)n);
	return true;
}

int unicode_decimal(uint32_t rune)
{
	return rune < 0x80 ? (rune >= '0' && rune <= '9' ? (int)(rune - '0') : -1) : uc_decimal_value(rune);
}

bool unicode_digit(uint32_t rune)
{
	return uc_digit_value(rune) >= 0;
}

bool unicode_letter(uint32_t rune)
{
	return uc_is_general_category_withtable(rune, UC_CATEGORY_MASK_L);
}

bool unicode_printable(uint32_t rune)
{
	return (rune >= ' ' && rune < 0x7f) ||
	       !uc_is_general_category_withtable(rune, UC_CATEGORY_MASK_C | UC_CATEGORY_MASK_Z);
}
