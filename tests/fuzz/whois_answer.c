/* Fuzz target: a whois server's answer. What is kept is UTF-8 without control characters but white space, and a
 * range that it names holds the address asked for. */
#include <stdint.h>
#include <stdlib.h>

#include "../../cmd/expert/uwhoisd/answer.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct ip abouts[] = { { .bits = 32, .bytes = { 192, 0, 2, 1 } },
		{ .bits = 128, .bytes = { 0x20, 0x01, 0x0d, 0xb8 } } };
	struct buf clean = BUF_INIT;
	struct ip from, to;

	whois_clean((struct text){ (const char *)data, size }, &clean);
	if (!unicode_valid(buf_view(&clean)))
		abort();
	for (size_t i = 0; i < clean.len; i++)
		if ((unsigned char)clean.at[i] < ' ' && !strchr("\t\r\n", clean.at[i]))
			abort();
	for (size_t i = 0; i < LENGTH(abouts); i++)
		if (whois_range(buf_view(&clean), &abouts[i], &from, &to) &&
			(ip_cmp(&from, &abouts[i]) > 0 || ip_cmp(&abouts[i], &to) > 0))
			abort();
	buf_free(&clean);
	return 0;
}
