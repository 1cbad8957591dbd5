/* imq-maxmind-geoip: add country, place and AS number of addresses from MaxMind's databases.
 * Most addresses share few records, so what a record says is kept, ready to be written, by its place in the
 * database. */
#include <stdlib.h>

#include "alloc.h"
#include "database.h"
#include "event.h"
#include "filter.h"
#include "log.h"
#include "mmdb.h"
#include "unicode.h"
#include "watch.h"

enum { ITEMS = 6, SLOTS = 16384, MOST_DATABASES = 8 };

/* What a record said about one side: for each item canonical JSON text, one behind the other. */
struct slot {
	bool used;
	bool first_is_latest;    /* of a pair of slots, the first tells */
	uint32_t offset;         /* of the record, 0 is one too */
	size_t side;             /* 0: source, 1: destination */
	uint32_t lengths[ITEMS]; /* 0: nothing */
	struct buf text;
};

struct source {
	struct mmdb mmdb;
	struct slot *slots; /* SLOTS of them, two by two */
	struct watch watch;
};

static struct {
	struct list paths;
	const char *license_key;
	bool overwrite, use_registered;
	struct source databases[MOST_DATABASES];
	struct database updates;
} my;

static const struct opt options[] = {
	OPT_LIST('d', "database", &my.paths, "/opt/intelmq/var/lib/bots/maxmind_geoip/GeoLite2-City.mmdb",
		"the databases: City or Country, ASN"),
	OPT_BOOL('o', "overwrite", &my.overwrite, false, "replace fields that are already there"),
	OPT_BOOL('r', "use-registered", &my.use_registered, false,
		"the country of registration instead of that of the place"),
	OPT_SECRET("license-key", &my.license_key, "the key to MaxMind's downloads, for --update-database"),
	DATABASE_OPTIONS(&my.updates, "https://download.maxmind.com/app/geoip_download"),
	OPT_END
};

static const enum field addresses[2] = { F_SOURCE_IP, F_DESTINATION_IP };

static const struct {
	enum field field[2];
	const char *path[4],
		*registered[4]; /* in the record; REGISTERED with --use-registered, if there is one */
} items[ITEMS] = {
	{ { F_SOURCE_GEOLOCATION_CC, F_DESTINATION_GEOLOCATION_CC }, { "country", "iso_code" },
		{ "registered_country", "iso_code" } },
	{ { F_SOURCE_GEOLOCATION_LATITUDE, F_DESTINATION_GEOLOCATION_LATITUDE }, { "location", "latitude" },
		{ NULL } },
	{ { F_SOURCE_GEOLOCATION_LONGITUDE, F_DESTINATION_GEOLOCATION_LONGITUDE },
		{ "location", "longitude" }, { NULL } },
	{ { F_SOURCE_GEOLOCATION_CITY, F_DESTINATION_GEOLOCATION_CITY }, { "city", "names", "en" },
		{ NULL } },
	{ { F_SOURCE_ASN, F_DESTINATION_ASN }, { "autonomous_system_number" }, { NULL } },
	{ { F_SOURCE_AS_NAME, F_DESTINATION_AS_NAME }, { "autonomous_system_organization" }, { NULL } },
};

static bool has_known_type(const struct mmdb *mmdb, struct problem *problem)
{
	static const char *const kinds[] = { "City", "Country", "ASN", "ISP", "Enterprise" };
	struct text type = mmdb_type(mmdb);

	for (size_t i = 0; i < LENGTH(kinds); i++)
		if (memmem(type.at, type.len, kinds[i], strlen(kinds[i])))
			return true;
	return problem_at(problem, mmdb->path, 0, 0,
		"a database of places or AS numbers is needed, not a %.*s", TEXT_ARGS(type));
}

static void free_slots(struct source *d)
{
	for (size_t i = 0; d->slots && i < SLOTS; i++)
		buf_free(&d->slots[i].text);
	free(d->slots);
	d->slots = NULL;
}

static bool load_one(struct source *d, const char *path, struct problem *problem)
{
	struct mmdb mmdb = { .open = false };

	watch_note(&d->watch, path);
	if (!mmdb_open(&mmdb, path, NULL, problem))
		return false;
	if (!has_known_type(&mmdb, problem)) {
		mmdb_close(&mmdb);
		return false;
	}
	mmdb_close(&d->mmdb);
	free_slots(d);
	d->mmdb = mmdb;
	d->slots = alloc_zero(SLOTS, sizeof *d->slots);
	return true;
}

static bool load(struct problem *problem)
{
	if (my.paths.count == 0 || my.paths.count > MOST_DATABASES)
		return problem_set(problem, "--database: from 1 to %d files", MOST_DATABASES);
	for (size_t i = 0; i < my.paths.count; i++)
		if (!load_one(&my.databases[i], my.paths.items[i].at, problem))
			return false;
	return true;
}

/* VALUE as F writes it, appended to OUT; nothing if it is empty or F refuses it. */
static void put_value(enum field f, const MMDB_entry_data_s *value, struct buf *out)
{
	struct text text = { value->utf8_string, value->data_size };
	struct buf digits = BUF_INIT;

	if (value->type == MMDB_DATA_TYPE_UTF8_STRING) {
		if (text.len && unicode_valid(text))
			field_sanitise(f, VALUE_STRING, text, out);
		return;
	}
	if (value->type == MMDB_DATA_TYPE_DOUBLE && value->double_value >= -360 && value->double_value <= 360)
		buf_double(&digits, value->double_value);
	else if (value->type == MMDB_DATA_TYPE_UINT32 && value->uint32)
		buf_integer(&digits, value->uint32);
	if (digits.len)
		field_sanitise(f, VALUE_NUMBER, buf_view(&digits), out);
	buf_free(&digits);
}

static bool holds(const struct slot *slot, uint32_t offset, size_t side)
{
	return slot->used && slot->offset == offset && slot->side == side;
}

/* The slot of a record for one side: one of two neighbours; what was asked for longer ago goes. */
static struct slot *slot_of(struct source *d, uint32_t offset, size_t side)
{
	uint64_t mixed = (offset * UINT64_C(2) + side) * UINT64_C(0x9e3779b97f4a7c15);
	struct slot *pair = &d->slots[(mixed >> 32) % (SLOTS / 2) * 2];
	bool second = holds(&pair[1], offset, side) || (!holds(&pair[0], offset, side) && pair->first_is_latest);

	pair->first_is_latest = !second;
	return &pair[second];
}

static const struct slot *render(struct source *d, MMDB_entry_s *record, size_t side)
{
	struct slot *slot = slot_of(d, record->offset, side);

	if (holds(slot, record->offset, side))
		return slot;
	slot->used = true;
	slot->offset = record->offset;
	slot->side = side;
	buf_clear(&slot->text);
	for (size_t i = 0; i < ITEMS; i++) {
		const char *const *path = my.use_registered && items[i].registered[0] ? items[i].registered
										      : items[i].path;
		size_t before = slot->text.len;
		MMDB_entry_data_s value;

		if (mmdb_value(record, path, &value))
			put_value(items[i].field[side], &value, &slot->text);
		slot->lengths[i] = (uint32_t)(slot->text.len - before);
	}
	return slot;
}

static void add_items(struct event *ev, const struct slot *slot)
{
	struct text rest = buf_view(&slot->text);

	for (size_t i = 0; i < ITEMS; i++) {
		uint32_t length = slot->lengths[i];

		if (length)
			event_add_raw(ev, items[i].field[slot->side], (struct text){ rest.at, length },
				my.overwrite ? OVERWRITE_YES : OVERWRITE_NO);
		rest = text_from(rest, length);
	}
}

static enum verdict locate(struct event *ev)
{
	for (size_t side = 0; side < 2; side++) {
		struct text text = event_form(ev, addresses[side]);
		struct ip ip;

		if (!text.at || !ip_parse(text, &ip))
			continue;
		for (size_t i = 0; i < my.paths.count; i++) {
			struct problem problem = { .line = 0 };
			MMDB_entry_s record;
			unsigned prefix;

			if (mmdb_find(&my.databases[i].mmdb, &ip, &record, &prefix, &problem))
				add_items(ev, render(&my.databases[i], &record, side));
			else if (problem.text[0])
				log_message("%s", problem.text);
		}
	}
	return PASS;
}

static struct source *watched; /* the one that reload_one() is about */

static bool reload_one(struct problem *problem)
{
	return load_one(watched, watched->watch.path, problem);
}

static int64_t look_again(const struct batch *batch)
{
	int64_t next = -1;

	(void)batch;
	for (size_t i = 0; i < my.paths.count; i++) {
		watched = &my.databases[i];
		next = watch_again(&watched->watch, reload_one);
	}
	return next;
}

static bool check_file(const char *path, struct problem *problem)
{
	struct mmdb mmdb = { .open = false };
	bool fine = mmdb_open(&mmdb, path, NULL, problem) && has_known_type(&mmdb, problem);

	mmdb_close(&mmdb);
	return fine;
}

/* MaxMind's name of the database that belongs at PATH: that of the file, where it looks like one. */
static void put_edition(struct buf *out, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct text name = text_of(slash ? slash + 1 : path);

	if ((text_starts(name, TEXT("GeoLite2-")) || text_starts(name, TEXT("GeoIP2-"))) &&
		text_ends(name, TEXT(".mmdb")))
		http_encode(out, (struct text){ name.at, name.len - strlen(".mmdb") });
	else
		buf_string(out, "GeoLite2-City");
}

static enum exit_status update_one(const char *path)
{
	struct buf url = BUF_INIT, edition = BUF_INIT;
	enum exit_status status;

	put_edition(&edition, path);
	buf_printf(&url, "%s?license_key=", my.updates.url);
	http_encode(&url, text_of(my.license_key));
	buf_printf(&url, "&edition_id=%s&suffix=tar.gz", buf_cstr(&edition));
	buf_string(&edition, ".mmdb");
	status = database_fetch(&my.updates, &(struct database_file){ .path = path,
						     .url = buf_cstr(&url),
						     .member = buf_cstr(&edition),
						     .refused = "the license key is not valid",
						     .check = check_file });
	buf_free(&url);
	buf_free(&edition);
	return status;
}

static enum exit_status update(void)
{
	enum exit_status worst = EXIT_FINE;

	if (!my.license_key || !my.license_key[0]) {
		log_message("--license-key (or license_key in --config) is needed");
		return EXIT_USAGE;
	}
	for (size_t i = 0; i < my.paths.count; i++) {
		enum exit_status status = update_one(my.paths.items[i].at);

		worst = status > worst ? status : worst;
	}
	return worst;
}

static void stop(void)
{
	for (size_t i = 0; i < MOST_DATABASES; i++) {
		mmdb_close(&my.databases[i].mmdb);
		free_slots(&my.databases[i]);
	}
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv,
		&(struct filter){ .name = "imq-maxmind-geoip",
			.module = "intelmq.bots.experts.maxmind_geoip.expert",
			.summary = "add country, place and AS of addresses",
			.options = options,
			.start = load,
			.event = locate,
			.timer = look_again,
			.reload = load,
			.stop = stop,
			.update = update });
}
