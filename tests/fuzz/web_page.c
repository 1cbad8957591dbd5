/* Fuzz target: a page (behind the first zero byte) in the character set that a Content-Type (before it) names.
 * What comes out is UTF-8. */
#include <stdint.h>
#include <stdlib.h>

#include "../../cmd/expert/http-content/decode.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *zero = size ? memchr(data, 0, size) : NULL;
	size_t head = zero ? (size_t)(zero - data) + 1 : 0;
	struct buf out = BUF_INIT;

	decode_page((struct text){ (const char *)data + head, size - head }, head ? (const char *)data : NULL, &out);
	if (!unicode_valid(buf_view(&out)))
		abort();
	buf_free(&out);
	return 0;
}
