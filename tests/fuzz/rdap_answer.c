/* Fuzz target: an RDAP server's answer to a question about an address, an AS or a domain (the first byte).
 * What is taken from it is good JSON, and a range that is said to be known holds what was asked for. */
#include <stdint.h>
#include <stdlib.h>

#include "../../cmd/expert/rdap/answer.c"
#include "value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text body = { (const char *)data + 1, size - 1 };
	struct buf out = BUF_INIT;
	struct value_error error;
	struct value v;
	struct range range;
	struct ip about = { .bits = 32, .bytes = { 192, 0, 2, 1 } };
	const char *reason;

	if (size == 0)
		return 0;
	if (data[0] & 4)
		about = (struct ip){ .bits = 128, .bytes = { 0x20, 0x01, 0x0d, 0xb8 } };
	if (answer_read(body, data[0] & 1 ? &about : NULL, (data[0] & 6) == 2, "https://rdap.example/", &out,
		    &range, &reason)) {
		if (out.len && !value_parse(buf_view(&out), &v, &error))
			abort();
		if (range.known && (ip_cmp(&range.from, &about) > 0 || ip_cmp(&about, &range.to) > 0))
			abort();
	}
	buf_free(&out);
	return 0;
}
