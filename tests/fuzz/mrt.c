/* Fuzz target: any bytes as records of a routing table's dump, as a table in pyasn's format, and as a web server's listing. */
#include <stdint.h>

#include "../../cmd/expert/asn-lookup/listing.c"
#include "../../cmd/expert/asn-lookup/mrt.c"
#include "../../cmd/expert/asn-lookup/table.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text rest = { (const char *)data, size }, line;
	struct netmap networks = { .count = 0 };
	struct routes routes = { .count = 0 };
	struct problem problem = { .line = 0 };
	char name[LISTING_NAME];
	unsigned prefix;
	uint32_t asn;

	listing_newest(rest, "####.##/", NULL, name);
	while (text_split(&rest, '\n', &line))
		table_line(line, &networks);
	netmap_finish(&networks);
	rest = (struct text){ (const char *)data, size };
	while (rest.len > 3) {
		unsigned type = number(&rest, 1), subtype = number(&rest, 1);
		struct text body = bytes_of(&rest, number(&rest, 1));

		if (!body.at || !mrt_record(&routes, type, subtype, body, &problem))
			break;
	}
	for (size_t i = 0; i < routes.count; i++) {
		if (!routes.items[i].asn || !routes.items[i].prefix || routes.items[i].prefix > routes.items[i].ip.bits)
			__builtin_trap();
		netmap_find(&networks, &routes.items[i].ip, &prefix, &asn);
	}
	netmap_free(&networks);
	routes_free(&routes);
	return 0;
}
