/* Prints N events of about 900 bytes with 22 fields, the same for the same N: the data of the benchmarks. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	static const char *const types[] = { "infected-system", "scanner", "phishing", "brute-force", "c2-server" };
	long count = argc > 1 ? strtol(argv[1], NULL, 10) : 1000;
	uint64_t state = 88172645463325252u;

	for (long i = 0; i < count; i++) {
		unsigned a, b;

		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17; /* xorshift64 */
		a = (unsigned)state;
		b = (unsigned)(state >> 32);
		printf("{\"feed.accuracy\": 100.0, \"feed.name\": \"Example Feed\", \"feed.provider\": \"Example\", "
			"\"feed.url\": \"https://feeds.example.net/list.csv\", \"time.observation\": \"2026-11-25T01:02:03+00:00\", "
			"\"time.source\": \"2026-11-%02uT%02u:%02u:%02u+00:00\", \"source.ip\": \"%u.%u.%u.%u\", \"source.port\": %u, "
			"\"source.asn\": %u, \"source.as_name\": \"EXAMPLE-AS Example Networks Ltd., XX\", \"source.fqdn\": \"host-%u.example.com\", "
			"\"source.url\": \"http://host-%u.example.com/path/%u/index.html\", \"source.geolocation.cc\": \"%s\", "
			"\"source.geolocation.city\": \"Wien\", \"destination.ip\": \"192.0.2.%u\", \"destination.port\": 443, "
			"\"protocol.application\": \"http\", \"protocol.transport\": \"tcp\", \"classification.type\": \"%s\", "
			"\"classification.identifier\": \"zeus\", \"malware.name\": \"family-%u\", \"raw\": \"",
			1 + a % 24, a % 24, b % 60, a % 60, 1 + a % 220, b & 255, a >> 8 & 255, b >> 8 & 255, a % 65536, 64500 + b % 1000, b, b,
			a % 1000, a % 7 ? "DE" : "AT", a % 256, types[b % 5], a % 100000);
		for (int k = 0; k < 60; k++)
			fputs("ZXhh", stdout);
		puts("\", \"__type\": \"Event\"}");
	}
	return 0;
}
