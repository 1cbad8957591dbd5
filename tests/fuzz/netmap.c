/* Fuzz target: any bytes as a compiled table of networks; then every address has an answer within bounds. The first byte says
 * where in a good table the rest goes. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "files.h"
#include "netmap.h"

static const struct netmap_stamp stamp = { 1, 2, 3 };
static struct buf good;

static void make_good(void)
{
	static const char *const networks[] = { "10.0.0.0/8", "10.1.0.0/16", "255.0.0.0/8", "2001:db8::/32", "2001:db8:1::/48" };
	char path[] = "/tmp/imq-fuzz-XXXXXX";
	struct netmap m = { .count = 0 };
	struct problem problem = { .line = 0 };
	int fd = mkstemp(path);

	for (size_t i = 0; i < LENGTH(networks); i++) {
		struct ip ip;
		unsigned prefix;

		ip_parse_network(text_of(networks[i]), &ip, &prefix);
		netmap_add(&m, &ip, prefix, (uint32_t)i + 1);
	}
	netmap_finish(&m);
	if (fd < 0 || !netmap_save(&m, path, &stamp) || !file_read(path, 16 << 20, &good, &problem))
		abort();
	close(fd);
	unlink(path);
	netmap_free(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct netmap m = { .count = 0 };
	struct ip ip = { .bits = 32 };
	size_t at, n;
	char *bytes;
	unsigned prefix;
	uint32_t value;

	if (!good.len)
		make_good();
	if (size < 4)
		return 0;
	at = (size_t)(data[0] | data[1] << 8 | data[2] << 16) % good.len;
	n = size - 4 < good.len - at ? size - 4 : good.len - at;
	bytes = aligned_alloc(8, (good.len + 7) & ~(size_t)7);
	memcpy(bytes, good.at, good.len);
	memcpy(bytes + at, data + 4, n);
	if (netmap_view(&m, bytes, data[3] & 1 ? at : good.len, &stamp))
		for (unsigned i = 0; i < 512; i++) {
			ip.bits = i & 1 ? 128 : 32;
			memset(ip.bytes, 0, sizeof ip.bytes);
			ip.bytes[0] = (unsigned char)(i >> 1);
			ip.bytes[1] = (unsigned char)i;
			if (netmap_find(&m, &ip, &prefix, &value) && prefix > ip.bits)
				abort();
		}
	free(bytes);
	return 0;
}
