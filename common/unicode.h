/* What the field types need of Unicode. ASCII is answered here; only other text enters libunistring. */
#ifndef IMQ_UNICODE_H
#define IMQ_UNICODE_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "text.h"

/* Whether all bytes of T are below 0x80. */
bool unicode_ascii(struct text t);
/* Whether T is UTF-8 (RFC 3629). */
bool unicode_valid(struct text t);
/* Appends T with U+FFFD in place of each byte that is no UTF-8. */
void unicode_repair(struct text t, struct buf *out);
/* T without white space at either end: U+0009-000D, 001C-0020, 0085, 00A0, 1680, 2000-200A, 2028, 2029, 202F,
 * 205F, 3000. */
struct text unicode_strip(struct text t);
/* Whether RUNE is one of those. */
bool unicode_space(uint32_t rune);
/* Append T in lower or upper case, by the full mapping of the Unicode Standard (SpecialCasing, no language),
 * final sigma included. False, with nothing appended: T is no UTF-8. */
bool unicode_lower(struct text t, struct buf *out);
bool unicode_upper(struct text t, struct buf *out);
/* Appends T in normalisation form KC (UAX 15). False, with nothing appended: T is no UTF-8. */
bool unicode_nfkc(struct text t, struct buf *out);
/* The next character of *T, which moves behind it. False: no more, or no UTF-8. */
bool unicode_next(struct text *t, uint32_t *rune);
/* The value of a decimal digit of any script (category Nd), or -1. */
int unicode_decimal(uint32_t rune);
/* Whether RUNE is any digit, such as a superscript; a letter (category L); fit to be shown (neither C nor Z
 * but the space). */
bool unicode_digit(uint32_t rune);
bool unicode_letter(uint32_t rune);
bool unicode_printable(uint32_t rune);

#endif
