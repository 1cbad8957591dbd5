/* imq-asn-lookup: add the AS number and the announced network of addresses, from a routing table in pyasn's
 * text format or from a MaxMind ASN database. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"
#include "asn.h"
#include "database.h"
#include "event.h"
#include "filter.h"
#include "log.h"
#include "mmdb.h"
#include "watch.h"

static struct {
	const char *database;
	bool compile;
	struct netmap networks;
	struct mmdb mmdb; /* instead of networks */
	struct watch watch;
	struct buf network;
	struct database updates;
	struct buf dump_url;
} my;

static const struct opt options[] = {
	OPT_FILE('d', "database", &my.database,
		"the routing table, as pyasn has it, or a MaxMind ASN database"),
	OPT_BOOL(0, "compile", &my.compile, false,
		"keep a compiled form beside the table, FILE.compiled, which is mapped instead of read"),
	DATABASE_OPTIONS(&my.updates, "http://archive.routeviews.org/route-views4/bgpdata/"),
	OPT_END
};

static const struct {
	enum field ip, asn, network;
} sides[] = {
	{ F_SOURCE_IP, F_SOURCE_ASN, F_SOURCE_NETWORK },
	{ F_DESTINATION_IP, F_DESTINATION_ASN, F_DESTINATION_NETWORK },
};

static bool check_type(const struct mmdb *mmdb, struct problem *problem)
{
	struct text type = mmdb_type(mmdb);

	if (text_ends(type, TEXT("ASN")) || text_ends(type, TEXT("ISP")) ||
		text_ends(type, TEXT("Enterprise")))
		return true;
	return problem_at(problem, mmdb->path, 0, 0, "not an ASN database but a %.*s", TEXT_ARGS(type));
}

/* Replaces NETWORKS, just read, by its compiled form, which other processes share. A folder that cannot be written is no reason not
 * to work. */
static void compile(struct netmap *networks, const char *path, const struct netmap_stamp *stamp)
{
	struct netmap mapped = { .count = 0 };

	if (!netmap_save(networks, path, stamp)) {
		log_message("%s: %s", path, strerror(errno));
	} else if (netmap_map(&mapped, path, stamp)) {
		netmap_free(networks);
		*networks = mapped;
	}
}

/* Maps the compiled form, if it is that of the table as it is now, or else reads the table. A compiled form that is there is kept
 * up to date. */
static bool load_table(struct netmap *networks, bool want_compiled, struct problem *problem)
{
	struct netmap_stamp stamp;
	struct buf path = BUF_INIT;
	bool fine = true;

	buf_printf(&path, "%s.compiled", my.database);
	if (!netmap_stamp_of(my.database, &stamp)) {
		fine = problem_at(problem, my.database, 0, 0, "%s", strerror(errno));
	} else if (!netmap_map(networks, buf_cstr(&path), &stamp)) {
		fine = table_read(my.database, networks, problem);
		if (fine && (want_compiled || access(buf_cstr(&path), F_OK) == 0))
			compile(networks, buf_cstr(&path), &stamp);
	}
	buf_free(&path);
	return fine;
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
	} else if (!load_table(&networks, my.compile, problem)) {
		netmap_free(&networks);
		return false;
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

/* Finds the newest dump: that of one of the last two months, as the folder of the next month may already be there, empty. */
static bool find_dump(struct problem *problem)
{
	char months[2][LISTING_NAME] = { "", "" }, file[LISTING_NAME];
	struct http_reply reply;
	struct buf url = BUF_INIT;
	bool found = false, fine = database_page(&my.updates, my.updates.url, &reply, problem);

	if (fine && listing_newest(reply.body, "####.##/", NULL, months[0]))
		listing_newest(reply.body, "####.##/", months[0], months[1]);
	for (size_t i = 0; fine && !found && i < LENGTH(months) && months[i][0]; i++) {
		buf_clear(&url);
		buf_printf(&url, "%s%sRIBS/", my.updates.url, months[i]);
		fine = database_page(&my.updates, buf_cstr(&url), &reply, problem);
		found = fine && listing_newest(reply.body, "rib.########.####.bz2", NULL, file);
	}
	if (found) {
		buf_clear(&my.dump_url);
		buf_printf(&my.dump_url, "%s%s", buf_cstr(&url), file);
	} else if (fine) {
		fine = problem_set(problem, "%s: no dumps of routing tables there", my.updates.url);
	}
	buf_free(&url);
	return fine;
}

/* Makes the table of a dump. */
static bool make_table(int in, struct writer *out, struct problem *problem)
{
	struct routes routes = { .count = 0 };
	bool fine = mrt_read(&routes, in, problem);
	time_t seconds = routes.time;
	char date[32] = "";
	struct tm tm;

	if (fine && gmtime_r(&seconds, &tm))
		strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (fine)
		buf_printf(&out->buffer, "; networks and the AS numbers that announce them\n; source: %s\n; date: %s\n"
			"; IPv4 networks: %zu\n; IPv6 networks: %zu\n;\n", buf_cstr(&my.dump_url), date, routes.v4,
			routes.count - routes.v4);
	for (size_t i = 0; fine && i < routes.count; i++) {
		ip_write(&out->buffer, &routes.items[i].ip);
		buf_printf(&out->buffer, "/%u\t%u\n", routes.items[i].prefix, routes.items[i].asn);
		writer_added(out);
	}
	routes_free(&routes);
	return fine;
}

static bool check_table(const char *path, struct problem *problem)
{
	struct netmap networks = { .count = 0 };
	bool fine = table_read(path, &networks, problem);

	if (fine && networks.v4.count + networks.v6.count == 0)
		fine = problem_set(problem, "no networks in it");
	netmap_free(&networks);
	return fine;
}

static enum exit_status update(void)
{
	struct netmap networks = { .count = 0 };
	struct problem problem = { .line = 0 };
	enum exit_status status;

	if (!my.database || text_ends(text_of(my.database), TEXT(".mmdb"))) {
		log_message(my.database ? "%s: MaxMind's databases are updated by imq-maxmind-geoip"
					: "--database is needed", my.database);
		return EXIT_USAGE;
	}
	if (!find_dump(&problem)) {
		log_problem(&problem);
		return EXIT_REMOTE;
	}
	status = database_fetch(&my.updates, &(struct database_file){ .path = my.database,
						     .url = buf_cstr(&my.dump_url),
						     .convert = make_table,
						     .check = check_table });
	if (status == EXIT_FINE && !load_table(&networks, true, &problem)) {
		log_problem(&problem);
		status = EXIT_IO;
	}
	netmap_free(&networks);
	return status;
}

static void stop(void)
{
	buf_free(&my.dump_url);
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
			.stop = stop,
			.update = update });
}
