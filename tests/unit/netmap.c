/* The longest network of an address, against trying them all. */
#include "check.h"
#include "netmap.h"
#include "text.h"

enum { NETWORKS = 400, TRIES = 20000 };

static uint64_t state = 88172645463325252;

static unsigned random_below(unsigned limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 16) % limit;
}

/* Few values for each byte, so that networks lie in networks. */
static struct ip random_ip(unsigned bits)
{
	static const unsigned char bytes[] = { 0, 1, 127, 128, 192, 254, 255 };
	struct ip ip = { .bits = bits };

	for (unsigned i = 0; i < bits / 8; i++)
		ip.bytes[i] = bytes[random_below(LENGTH(bytes))];
	return ip;
}

static void against_all(unsigned bits)
{
	static struct netmap_entry all[NETWORKS];
	struct netmap map = { .count = 0 };
	unsigned prefix;
	uint32_t value;
	int wrong = 0;

	for (unsigned i = 0; i < NETWORKS; i++) {
		all[i] = (struct netmap_entry){ random_ip(bits), 1 + random_below(bits), i, i + 1 };
		netmap_add(&map, &all[i].ip, all[i].prefix, all[i].value);
	}
	netmap_finish(&map);
	for (unsigned t = 0; t < TRIES; t++) {
		struct ip ip = random_ip(bits);
		const struct netmap_entry *best = NULL;
		bool found = netmap_find(&map, &ip, &prefix, &value);

		for (unsigned i = 0; i < NETWORKS; i++)
			if (ip_same_network(&ip, &all[i].ip, all[i].prefix) &&
				(!best || all[i].prefix >= best->prefix))
				best = &all[i];
		wrong += found != (best != NULL) ||
			 (found && (prefix != best->prefix || value != best->value));
	}
	CHECK(wrong == 0);
	netmap_free(&map);
}

int main(void)
{
	struct netmap map = { .count = 0 };
	struct ip ip;
	unsigned prefix;
	uint32_t value;

	ip_parse(TEXT("192.0.2.1"), &ip);
	CHECK(!netmap_find(&map, &ip, &prefix, &value));
	netmap_finish(&map);
	CHECK(!netmap_find(&map, &ip, &prefix, &value));
	netmap_free(&map);
	ip_parse(TEXT("0.0.0.0"), &ip);
	netmap_add(&map, &ip, 0, 7);
	netmap_finish(&map);
	ip_parse(TEXT("255.255.255.255"), &ip);
	CHECK(netmap_find(&map, &ip, &prefix, &value) && prefix == 0 && value == 7);
	netmap_free(&map);
	against_all(32);
	against_all(128);
	return check_end();
}
