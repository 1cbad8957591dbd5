/* The innermost loop of whatever reads JSON strings. Strings are most of the input, so they are read sixteen bytes at a
 * time where the machine can; nothing behind END is ever touched. */
#ifndef IMQ_SCAN_H
#define IMQ_SCAN_H

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* The first byte from P on that needs a closer look: quote, backslash, control or not ASCII. END, if there is none. */
static inline const char *scan_plain(const char *p, const char *end)
{
#ifdef __SSE2__
	const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), space = _mm_set1_epi8(0x20);

	for (; end - p >= 16; p += 16) {
		__m128i block = _mm_loadu_si128((const __m128i *)(const void *)p);
		/* As signed bytes, controls and everything from 0x80 up are below the blank. */
		__m128i odd = _mm_or_si128(_mm_cmplt_epi8(block, space),
			_mm_or_si128(_mm_cmpeq_epi8(block, quote), _mm_cmpeq_epi8(block, backslash)));
		unsigned mask = (unsigned)_mm_movemask_epi8(odd);

		if (mask)
			return p + __builtin_ctz(mask);
	}
#endif
	while (p < end && (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x80 && *p != '"' && *p != '\\')
		p++;
	return p;
}

#endif
