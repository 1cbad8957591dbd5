/* Sets of texts and networks. */
#include <stdlib.h>

#include "check.h"
#include "sets.h"
#include "value.h"

static bool has(const struct net_set *set, const char *address)
{
	struct ip ip;

	return ip_parse(text_of(address), &ip) && net_set_has(set, &ip);
}

static void networks(void)
{
	struct net_set set = { 0 };

	CHECK(net_set_add(&set, TEXT("10.0.0.0/8")) && net_set_add(&set, TEXT("10.1.0.0/16")));
	CHECK(net_set_add(&set, TEXT("192.0.2.5")) && net_set_add(&set, TEXT("2001:db8::1/32")));
	CHECK(net_set_add(&set, TEXT("255.255.255.255")) &&
		net_set_add(&set, TEXT("198.51.100.0/255.255.255.0")));
	CHECK(!net_set_add(&set, TEXT("10.0.0.0/33")) && !net_set_add(&set, TEXT("x")));
	net_set_finish(&set);
	CHECK(set.count == 5);
	CHECK(has(&set, "10.255.255.255") && has(&set, "10.0.0.0") && !has(&set, "11.0.0.0") &&
		!has(&set, "9.255.255.255"));
	CHECK(has(&set, "192.0.2.5") && !has(&set, "192.0.2.4") && !has(&set, "192.0.2.6"));
	CHECK(has(&set, "2001:db8:ffff::") && !has(&set, "2001:db9::") && !has(&set, "::a00:1"));
	CHECK(has(&set, "255.255.255.255") && has(&set, "198.51.100.77"));
	net_set_free(&set);
	net_set_finish(&set);
	CHECK(!has(&set, "10.0.0.1"));
}

static void texts(void)
{
	struct text_set set = { 0 };
	char names[1000][8];

	CHECK(!text_set_has(&set, TEXT("a"), value_hash(TEXT("a"))));
	for (int i = 0; i < 1000; i++) {
		snprintf(names[i], sizeof names[i], "n%d", i);
		text_set_add(&set, text_of(names[i]));
		text_set_add(&set, text_of(names[i]));
	}
	text_set_add(&set, TEXT(""));
	CHECK(set.count == 1001);
	for (int i = 0; i < 1000; i++)
		CHECK(text_set_has(&set, text_of(names[i]), value_hash(text_of(names[i]))));
	CHECK(text_set_has(&set, TEXT(""), value_hash(TEXT(""))));
	CHECK(!text_set_has(&set, TEXT("n1000"), value_hash(TEXT("n1000"))));
	text_set_free(&set);
}

int main(void)
{
	networks();
	texts();
	return check_end();
}
