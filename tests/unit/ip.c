/* Addresses: there and back, reverse names, prefixes. */
#include "check.h"
#include "ip.h"

static struct buf out;

static const char *reverse(const char *text)
{
	struct ip ip;

	buf_clear(&out);
	if (ip_parse(text_of(text), &ip))
		ip_reverse_name(&out, &ip);
	return buf_cstr(&out);
}

static void round_trips(void)
{
	uint64_t random = 88172645463325252;
	char text[IP_SIZE];

	for (int i = 0; i < 100000; i++) {
		struct ip ip = { .bits = i % 2 ? 128 : 32 }, back;

		for (unsigned k = 0; k < ip.bits / 8; k++) {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			/* Many zeros, so that all kinds of runs occur. */
			ip.bytes[k] = random & 0x300 ? 0 : (unsigned char)random;
		}
		if (!ip_parse((struct text){ text, ip_format(&ip, text) }, &back) ||
			ip_cmp(&ip, &back) != 0) {
			CHECK_SAME(text, "read back as it was");
			return;
		}
	}
}

int main(void)
{
	struct ip ip, other;
	unsigned prefix;

	round_trips();
	CHECK_SAME(reverse("192.0.2.1"), "1.2.0.192.in-addr.arpa.");
	CHECK_SAME(reverse("2001:db8::567:89ab"),
		"b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.");
	CHECK(ip_parse_network(TEXT("10.1.2.3/255.255.0.0"), &ip, &prefix) && prefix == 16);
	CHECK(ip_parse(TEXT("10.1.255.255"), &other) && ip_same_network(&ip, &other, 16));
	CHECK(!ip_same_network(&ip, &other, 17));
	CHECK(ip_parse(TEXT("::"), &other) && ip_cmp(&ip, &other) < 0 && !ip_same_network(&ip, &other, 0));
	CHECK(ip_parse_network(TEXT("::/0"), &ip, &prefix) && prefix == 0);
	CHECK(!ip_parse_network(TEXT("::/0/0"), &ip, &prefix));
	CHECK(!ip_parse_network(TEXT("1.2.3.4/"), &ip, &prefix));
	CHECK(!ip_parse((struct text){ "1.2.3.4\0", 8 }, &ip));
	CHECK(!ip_parse(NO_TEXT, &ip));
	CHECK(ip_of_number(TEXT("4294967296"), &ip) && ip.bits == 128 && ip.bytes[11] == 1);
	buf_free(&out);
	return check_end();
}
