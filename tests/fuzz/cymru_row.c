/* Fuzz target: a row of what Team Cymru says of an address (the first byte tells which). What is kept of it is
 * lines of a name and a value, in UTF-8 without controls. */
#include <stdint.h>
#include <stdlib.h>

#include "../../cmd/expert/cymru-whois/rows.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ip ip = { .bits = 32, .bytes = { 1, 2, 3, 4 } };
	struct cymru_row best = { .asn = -1 };
	struct text rest, line, name;
	struct buf as = BUF_INIT;

	if (size == 0)
		return 0;
	if (data[0] & 1)
		ip = (struct ip){ .bits = 128, .bytes = { 0x20, 0x01, 0x0d, 0xb8 } };
	rest = (struct text){ (const char *)data + 1, size - 1 };
	cymru_name(&as, rest);
	if (!unicode_valid(buf_view(&as)))
		abort();
	while (text_split(&rest, '\n', &line))
		cymru_origin(&best, line, &ip);
	rest = buf_view(&best.answer);
	while (text_split(&rest, '\n', &line)) {
		if (!line.len && !rest.len)
			break;
		if (!text_split(&line, ' ', &name) || !name.len || !line.len || !unicode_valid(line))
			abort();
		for (size_t i = 0; i < line.len; i++)
			if ((unsigned char)line.at[i] < ' ')
				abort();
	}
	buf_free(&best.answer);
	buf_free(&as);
	return 0;
}
