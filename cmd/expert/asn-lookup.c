/* imq-asn-lookup: add the AS number and the announced network of addresses, from a routing table in pyasn's
 * text format or from a MaxMind ASN database. */
#include "event.h"
#include "filter.h"
#include "log.h"
#include "mmdb.h"
#include "netmap.h"
#include "stream.h"
#include "watch.h"

enum { LONGEST_LINE = 511 };

static struct {
	const char *database;
	bool autoupdate;
	struct netmap networks;
	struct mmdb mmdb; /* instead of networks */
	struct watch watch;
	struct buf network;
} my;

static const struct opt options[] = {
	OPT_FILE('d', "database", &my.database,
		"the routing table, as pyasn has it, or a MaxMind ASN database"),
	OPT_BOOL(0, "autoupdate-cached-database", &my.autoupdate, true,
		"without effect: imq fetches no databases by itself"),
	OPT_END
};

static const struct {
	enum field ip, asn, network;
} sides[] = {
	{ F_SOURCE_IP, F_SOURCE_ASN, F_SOURCE_NETWORK },
	{ F_DESTINATION_IP, F_DESTINATION_ASN, F_DESTINATION_NETWORK },
};

/* One line `network/length TAB asn`; what follows the digits does not matter. NULL, or what is wrong with it.
 */
static const char *read_line(struct text line, struct netmap *networks)
{
	struct text asn = line, network;
	unsigned long long number = 0;
	struct ip ip;
	unsigned prefix;

	text_split(&asn, '\t', &network);
	if (!asn.at)
		return "no TAB";
	if (!memchr(network.at, '/', network.len) || !ip_parse_network(network, &ip, &prefix))
		return "not a network";
	if (prefix == 0)
		return "a network of length 0";
	for (size_t i = 0; i < asn.len && asn.at[i] >= '0' && asn.at[i] <= '9' && number <= UINT32_MAX; i++)
		number = number * 10 + (unsigned long long)(asn.at[i] - '0');
	if (number == 0 || number > UINT32_MAX)
		return "not an AS number";
	netmap_add(networks, &ip, prefix, (uint32_t)number);
	return NULL;
}

/* Reads the text format, packed or not. */
static bool read_text(struct netmap *networks, struct problem *problem)
{
	char *files[] = { (char *)(uintptr_t)my.database, NULL };
	enum reader_state state;
	const char *wrong = NULL;
	struct reader reader;
	struct text line;

	reader_init(&reader, files, LONGEST_LINE);
	while (!wrong && (state = reader_next(&reader, &line)) != READER_END) {
		if (state == READER_WAIT)
			reader_wait(&reader, -1);
		else if (state == READER_LONG)
			wrong = "longer than 511 bytes";
		else if (state == READER_FAILED)
			wrong = reader.problem.text;
		else if (state == READER_RECORD && line.at[0] != ';' && line.at[0] != '#')
			wrong = read_line(line, networks);
	}
	if (wrong)
		problem_at(
			problem, my.database, wrong == reader.problem.text ? 0 : reader.line, 0, "%s", wrong);
	reader_free(&reader);
	return !wrong;
}

static bool check_type(const struct mmdb *mmdb, struct problem *problem)
{
	struct text type = mmdb_type(mmdb);

	if (text_ends(type, TEXT("ASN")) || text_ends(type, TEXT("ISP")) ||
		text_ends(type, TEXT("Enterprise")))
		return true;
	return problem_at(problem, mmdb->path, 0, 0, "not an ASN database but a %.*s", TEXT_ARGS(type));
}

static bool load(struct problem *problem)
{
	struct netmap networks = { .count = 0 };
	struct mmdb mmdb = { .open = false };
	bool foreign = false;

	if (!my.database)
		return problem_set(problem, "--database is needed");
	watch_note(&my.watch, my.database);
	if (mmdb_open(&mmdb, my.database, &foreign, problem)) {
		if (!check_type(&mmdb, problem)) {
			mmdb_close(&mmdb);
			return false;
		}
	} else if (!foreign) {
		return false;
	} else if (!read_text(&networks, problem)) {
		netmap_free(&networks);
		return false;
	} else {
		netmap_finish(&networks);
	}
	mmdb_close(&my.mmdb);
	netmap_free(&my.networks);
	my.mmdb = mmdb;
	my.networks = networks;
	return true;
}

static bool find_in_mmdb(const struct ip *ip, unsigned *prefix, uint32_t *asn)
{
	static const char *const path[] = { "autonomous_system_number", NULL };
	struct problem problem = { .line = 0 };
	MMDB_entry_data_s value;
	MMDB_entry_s record;

	if (!mmdb_find(&my.mmdb, ip, &record, prefix, &problem)) {
		if (problem.text[0])
			log_message("%s", problem.text);
		return false;
	}
	if (!mmdb_value(&record, path, &value) || value.type != MMDB_DATA_TYPE_UINT32)
		return false;
	*asn = value.uint32;
	return true;
}

static enum verdict add_routes(struct event *ev)
{
	for (size_t i = 0; i < LENGTH(sides); i++) {
		struct text text = event_form(ev, sides[i].ip);
		unsigned prefix;
		struct ip ip;
		uint32_t asn;

		if (!text.at || !ip_parse(text, &ip))
			continue;
		if (!(my.mmdb.open ? find_in_mmdb(&ip, &prefix, &asn)
				   : netmap_find(&my.networks, &ip, &prefix, &asn)))
			continue;
		ip_mask(&ip, prefix);
		buf_clear(&my.network);
		ip_write(&my.network, &ip);
		buf_char(&my.network, '/');
		buf_integer(&my.network, prefix);
		event_set_integer(ev, sides[i].asn, asn);
		event_set(ev, sides[i].network, buf_view(&my.network));
	}
	return PASS;
}

static int64_t look_again(const struct batch *batch)
{
	(void)batch;
	return watch_again(&my.watch, load);
}

static void stop(void)
{
	mmdb_close(&my.mmdb);
	netmap_free(&my.networks);
	buf_free(&my.network);
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv,
		&(struct filter){ .name = "imq-asn-lookup",
			.module = "intelmq.bots.experts.asn_lookup.expert",
			.summary = "add AS numbers and networks of addresses",
			.options = options,
			.start = load,
			.event = add_routes,
			.timer = look_again,
			.reload = load,
			.stop = stop });
}
