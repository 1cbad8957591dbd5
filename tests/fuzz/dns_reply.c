/* Fuzz target: a name server's reply, read as the one to a question: the input as it is, and as what follows a good
 * header and question. Texts of addresses are addresses, names are no longer than names can be. */
#include <stdint.h>
#include <stdlib.h>

#include "dns_wire.h"
#include "ip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(const unsigned char *packet, size_t len, uint16_t id, const struct dns_name *name, enum dns_type type)
{
	struct buf text = BUF_INIT;
	struct dns_reply reply = { .alias_ttl = UINT32_MAX, .text = &text };
	struct dns_name alias;
	unsigned aliases = 0;
	enum dns_reading reading = dns_read(packet, len, id, name, type, &reply, &alias, &aliases);
	struct text value;
	struct ip ip;
	double ttl;

	if (reading == DNS_ALIAS && (alias.len < 1 || alias.len > DNS_NAME_SIZE || alias.bytes[alias.len - 1]))
		abort();
	if (reading == DNS_READ && (reply.ttl < -1 || reply.ttl > 10800))
		abort();
	while (reading == DNS_READ && dns_next(&reply, &value, &ttl)) {
		if ((type == DNS_A || type == DNS_AAAA) && (!ip_parse(value, &ip) || ip.bits != (type == DNS_A ? 32U : 128U)))
			abort();
		if (type == DNS_PTR && (value.len == 0 || value.len > 4 * DNS_NAME_SIZE))
			abort();
		if (value.len > len * 4 || ttl < 0 || ttl > INT32_MAX)
			abort();
	}
	buf_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum dns_type types[] = { DNS_A, DNS_AAAA, DNS_PTR, DNS_TXT };
	struct dns_name name;
	unsigned char *packet;
	enum dns_type type;
	size_t len;

	if (size < 7)
		return 0;
	type = types[data[0] % 4];
	dns_name_read(TEXT("www.example.com"), &name);
	packet = malloc(DNS_QUERY_SIZE + size);
	len = dns_query(packet, 7, &name, type, false);
	memcpy(packet + 2, data + 1, 2); /* flags */
	packet[2] |= 0x80;
	packet[7] = data[3];
	packet[9] = data[4];
	memcpy(packet + len, data + 7, size - 7);
	/* Of the size it has, so that reading beyond it is seen. */
	packet = realloc(packet, len + size - 7);
	read_all(packet, len + size - 7, 7, &name, type);
	free(packet);
	packet = malloc(size - 1);
	memcpy(packet, data + 1, size - 1);
	read_all(packet, size - 1, (uint16_t)(packet[0] << 8 | packet[1]), &name, type);
	free(packet);
	return 0;
}
