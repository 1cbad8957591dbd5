/* What accepting a value costs, in nanoseconds a call, for values as feeds bring them. */
#include <stdio.h>
#include <time.h>

#include "type.h"

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(void)
{
	static const char *const rows[][2] = {
		{ "IPAddress", "192.0.2.123" },
		{ "IPAddress", "2001:db8::567:89ab" },
		{ "IPNetwork", "192.0.2.0/24" },
		{ "FQDN", "www.mail-01.example.com" },
		{ "FQDN", "WWW.Example.com" },
		{ "URL", "http://www.example.com/some/path/index.php?id=12" },
		{ "DateTime", "2015-08-31T08:16:10+00:00" },
		{ "DateTime", "2015-08-31 08:16:10" },
		{ "DateTime", "Mon, 31 Aug 2015 08:16:10 +0200" },
		{ "Integer", "65535" },
		{ "ASN", "AS64496" },
		{ "Float", "48.2082" },
		{ "Float", "48.20820001234567891" },
		{ "String", "Some text of an ordinary length" },
		{ "LowercaseString", "abuse@example.com" },
		{ "UppercaseString", "at" },
		{ "ClassificationType", "vulnerable-system" },
		{ "Base64", "a line of a feed, a hundred bytes long or so, as it is kept in the field raw of "
			    "events, for later use" },
	};
	enum { CALLS = 2000000 };
	struct buf out = BUF_INIT;

	for (size_t i = 0; i < LENGTH(rows); i++) {
		const struct type *type = type_named(text_of(rows[i][0]));
		struct text in = text_of(rows[i][1]);
		double start = seconds();

		for (int k = 0; k < CALLS; k++) {
			buf_clear(&out);
			type->accept(VALUE_STRING, in, &out);
		}
		printf("%-20s %6.1f ns  %s\n", type->name, (seconds() - start) / CALLS * 1e9, in.at);
	}
	buf_free(&out);
	return 0;
}
