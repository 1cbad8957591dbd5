/* The innermost loop of whatever reads JSON strings. Strings are most of the input, so they are read sixteen bytes at a
 * time where the machine can; nothing behind END is ever touched. */
#ifndef IMQ_SCAN_H
#define IMQ_SCAN_H

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#ifdef __SSE2__
/* A bit for each of the sixteen bytes at P that scan_plain() does not stop at. */
static inline unsigned scan_even(const char *p)
{
	__m128i block = _mm_loadu_si128((const __m128i *)(const void *)p);
	/* XOR 2 moves the quote to where the blank was: then, as signed bytes, it, the controls and everything from 0x80 up
	 * are at most 0x20, and the other characters are above. */
	__m128i above = _mm_cmpgt_epi8(_mm_xor_si128(block, _mm_set1_epi8(2)), _mm_set1_epi8(0x20));

	return (unsigned)_mm_movemask_epi8(_mm_andnot_si128(_mm_cmpeq_epi8(block, _mm_set1_epi8('\\')), above));
}
#endif

/* The first byte from P on that needs a closer look: quote, backslash, control or not ASCII. END, if there is none. */
static inline const char *scan_plain(const char *p, const char *end)
{
#ifdef __SSE2__
	/* Two blocks a step: most strings end within the first, so that the processor guesses right. */
	for (; end - p >= 32; p += 32) {
		unsigned odd = ~(scan_even(p) | scan_even(p + 16) << 16);

		if (odd)
			return p + __builtin_ctz(odd);
	}
	if (end - p >= 16) {
		unsigned odd = ~scan_even(p) & 0xffff;

		if (odd)
			return p + __builtin_ctz(odd);
		p += 16;
	}
#endif
	while (p < end && (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x80 && *p != '"' && *p != '\\')
		p++;
	return p;
}

#endif
