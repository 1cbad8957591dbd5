/* imq-ripe: abuse contacts and geolocation of addresses and AS, from RIPEstat and the RIPE Database. Each of
 * the five questions has its own place in the cache; what an answer says of a range is remembered for all of
 * it. */
#include "answer.h"
#include "event.h"
#include "filter.h"

enum mode { APPEND, REPLACE };
static const char *const modes[] = { "append", "replace", NULL };

enum { STAT_ASN, DB_ASN, STAT_IP, DB_IP, GEOLOCATION, QUERIES };

static struct {
	int mode; /* enum mode */
	bool query[QUERIES], ranges;
	const char *stat_url, *db_url;
	struct buf stat, db, key, contacts;
	/* Of the event whose answers are being filled in, for source and destination. */
	struct {
		bool known;
		struct buf found;
	} sides[2];
	struct http http;
	struct lookup lookup;
} my;

/* clang-format off */
static const struct opt options[] = {
	OPT_CHOICE('m', "mode", &my.mode, modes, "append", "what to do with the contacts an event has"),
	OPT_BOOL(0, "query-ripe-db-asn", &my.query[DB_ASN], true, "ask the database for the AS"),
	OPT_BOOL(0, "query-ripe-db-ip", &my.query[DB_IP], true, "ask the database for the address"),
	OPT_BOOL(0, "query-ripe-stat-asn", &my.query[STAT_ASN], true, "ask RIPEstat for the AS"),
	OPT_BOOL(0, "query-ripe-stat-ip", &my.query[STAT_IP], true, "ask RIPEstat for the address"),
	OPT_BOOL(0, "query-ripe-stat-geolocation", &my.query[GEOLOCATION], true, "ask RIPEstat where the address is"),
	OPT_BOOL(0, "ranges", &my.ranges, true, "take an answer for all addresses of the range that it names"),
	OPT_TEXT(0, "stat-url", &my.stat_url, "https://stat.ripe.net/data/", "RIPEstat"),
	OPT_TEXT(0, "db-url", &my.db_url, "https://rest.db.ripe.net/abuse-contact/", "the database"),
	LOOKUP_OPTIONS(&my.lookup, "8", "86400"),
	HTTP_OPTIONS_UP_TO(&my.http, "1M"),
	OPT_END
};

/* The questions in the order in which their answers count. KIND begins the key, as IntelMQ's keys do. */
static const struct { const char *kind; enum ripe_service service; bool asn; } queries[QUERIES] = {
	[STAT_ASN] = { "stat:", RIPE_STAT, true }, [DB_ASN] = { "db_asn:", RIPE_DB, true },
	[STAT_IP] = { "stat:", RIPE_STAT, false }, [DB_IP] = { "db_ip:", RIPE_DB, false },
	[GEOLOCATION] = { "stat_geolocation:", RIPE_GEOLOCATION, false } };

static const struct { enum field ip, asn, contact, cc, latitude, longitude, city; } spaces[] = {
	{ F_SOURCE_IP, F_SOURCE_ASN, F_SOURCE_ABUSE_CONTACT, F_SOURCE_GEOLOCATION_CC, F_SOURCE_GEOLOCATION_LATITUDE,
		F_SOURCE_GEOLOCATION_LONGITUDE, F_SOURCE_GEOLOCATION_CITY },
	{ F_DESTINATION_IP, F_DESTINATION_ASN, F_DESTINATION_ABUSE_CONTACT, F_DESTINATION_GEOLOCATION_CC,
		F_DESTINATION_GEOLOCATION_LATITUDE, F_DESTINATION_GEOLOCATION_LONGITUDE,
		F_DESTINATION_GEOLOCATION_CITY } };
/* clang-format on */

static void want_about(struct event *ev, unsigned space)
{
	struct ip ip;
	long long asn;
	bool has_ip = ip_parse(event_text(ev, spaces[space].ip), &ip),
	     has_asn = event_integer(ev, spaces[space].asn, &asn) && asn >= 0;

	for (unsigned q = 0; q < QUERIES; q++) {
		unsigned tag = space * QUERIES + q;

		if (!my.query[q] || !(queries[q].asn ? has_asn : has_ip))
			continue;
		buf_clear(&my.key);
		buf_string(&my.key, queries[q].kind);
		if (queries[q].asn)
			buf_integer(&my.key, asn);
		else
			ip_write(&my.key, &ip);
		if (!queries[q].asn && my.ranges && queries[q].service != RIPE_STAT)
			lookup_want_in_range(
				&my.lookup, ev, tag, buf_view(&my.key), text_of(queries[q].kind), &ip);
		else
			lookup_want(&my.lookup, ev, tag, buf_view(&my.key));
	}
}

static enum verdict want(struct event *ev)
{
	for (unsigned space = 0; space < LENGTH(spaces); space++)
		want_about(ev, space);
	return PASS;
}

/* Which of the queries KEY is; ABOUT is its address. False: about an AS. */
static bool query_of(struct text key, enum ripe_service *service, struct text *resource, struct ip *about)
{
	for (unsigned q = 0; q < QUERIES; q++)
		if (text_starts(key, text_of(queries[q].kind))) {
			*service = queries[q].service;
			*resource = text_from(key, strlen(queries[q].kind));
			break;
		}
	return ip_parse(*resource, about);
}

/* A range so wide that smaller ones with contacts of their own are surely in it. */
static bool too_wide(const struct ripe_range *range)
{
	return !ip_same_network(&range->from, &range->to, range->from.bits == 32 ? 12 : 24);
}

static void on_reply(void *context, const struct http_reply *reply)
{
	struct lookup_question *question = context;
	struct problem problem = { .line = 0 };
	enum rest_verdict verdict = REST_BROKEN;
	struct ripe_range range = { .known = false };
	enum ripe_service service = RIPE_STAT;
	struct buf answer = BUF_INIT;
	struct text resource;
	struct ip about;
	bool is_ip = query_of(lookup_key(question), &service, &resource, &about);

	if (reply->error)
		problem_set(&problem, "%s", reply->error);
	else
		verdict = ripe_read(service, reply, is_ip ? &about : NULL, &answer, &range, &problem);
	if (verdict == REST_BROKEN)
		lookup_failed(question, problem.text);
	else if (verdict == REST_NOTHING)
		lookup_nothing(question, my.lookup.cache_ttl);
	else if (range.known && !too_wide(&range))
		lookup_found_range(question, buf_view(&answer), my.lookup.cache_ttl, &range.from, &range.to);
	else
		lookup_found(question, buf_view(&answer), my.lookup.cache_ttl);
	buf_free(&answer);
}

static void ask(struct lookup_question *question, struct text key)
{
	static const char *const headers[] = { "Accept: application/json", NULL };
	enum ripe_service service = RIPE_STAT;
	struct buf url = BUF_INIT;
	struct text resource;
	struct ip about;
	bool is_ip = query_of(key, &service, &resource, &about);

	buf_text(&url, buf_view(service == RIPE_DB ? &my.db : &my.stat));
	buf_string(&url, service == RIPE_STAT	       ? "abuse-contact-finder/data.json?resource="
			 : service == RIPE_GEOLOCATION ? "maxmind-geo-lite/data.json?resource="
			 : is_ip		       ? ""
						       : "as");
	buf_text(&url, resource);
	if (service == RIPE_DB)
		buf_string(&url, ".json");
	http_send(&my.http, &(struct http_request){ .url = buf_cstr(&url),
				    .headers = headers,
				    .deadline = my.lookup.deadline,
				    .done = on_reply,
				    .context = question });
	buf_free(&url);
}

/* Values that a field does not take are left out: they are the service's, not the event's. */
static void put_place(struct event *ev, unsigned space, struct text answer)
{
	const struct {
		const char *name;
		enum field field;
	} members[] = { { "country", spaces[space].cc }, { "latitude", spaces[space].latitude },
		{ "longitude", spaces[space].longitude }, { "city", spaces[space].city } };
	struct value_error unused;
	struct value_walk walk;
	struct value place, name, v;

	if (!value_parse(answer, &place, &unused) || place.kind != VALUE_OBJECT)
		return;
	walk = value_walk(place);
	while (value_next_member(&walk, &name, &v))
		for (size_t i = 0; i < LENGTH(members); i++)
			if (text_is(value_text(name, event_arena(ev)), members[i].name) && !value_ignored(v) &&
				(my.mode == REPLACE || !event_has(ev, members[i].field)))
				event_try_value(ev, members[i].field, v);
}

/* Called for all answers about an event, one after the other. */
static void fill(struct event *ev, unsigned tag, struct text answer)
{
	unsigned space = tag / QUERIES;

	if (tag % QUERIES == GEOLOCATION) {
		if (answer.at)
			put_place(ev, space, answer);
		return;
	}
	my.sides[space].known = true;
	if (answer.len && my.sides[space].found.len)
		buf_char(&my.sides[space].found, ',');
	buf_text(&my.sides[space].found, answer);
}

/* Adds those of LIST that are not there yet. Case makes no difference, and order stays. */
static void add_contacts(struct text list)
{
	struct text contact, seen, rest;

	while (text_split(&list, ',', &contact)) {
		bool known = contact.len == 0;

		for (rest = buf_view(&my.contacts); !known && text_split(&rest, ',', &seen);)
			known = text_eq_nocase(seen, contact);
		if (known)
			continue;
		if (my.contacts.len)
			buf_char(&my.contacts, ',');
		buf_text(&my.contacts, contact);
	}
}

static void filled(struct event *ev, bool failed)
{
	for (unsigned space = 0; space < LENGTH(spaces); space++) {
		enum field contact = spaces[space].contact;
		struct text found = buf_view(&my.sides[space].found), old = event_text(ev, contact);

		buf_clear(&my.contacts);
		if (found.len && my.mode == APPEND && old.at)
			add_contacts(old);
		if (found.len)
			add_contacts(found);
		if (my.contacts.len)
			event_set(ev, contact, buf_view(&my.contacts));
		else if (my.sides[space].known && my.mode == REPLACE && !failed)
			event_delete(ev, contact);
		my.sides[space].known = false;
		buf_clear(&my.sides[space].found);
	}
}

static bool start(struct problem *problem)
{
	return rest_base("--stat-url", my.stat_url, &my.stat, problem) &&
	       rest_base("--db-url", my.db_url, &my.db, problem);
}

static void stop(void)
{
	buf_free(&my.stat);
	buf_free(&my.db);
	buf_free(&my.key);
	buf_free(&my.contacts);
	buf_free(&my.sides[0].found);
	buf_free(&my.sides[1].found);
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv,
		&(struct filter){ .name = "imq-ripe",
			.module = "intelmq.bots.experts.ripe.expert",
			.compiled = "--on-failure=reject",
			.summary = "look up contacts and geolocation with the RIPE NCC",
			.options = options,
			.start = start,
			.event = want,
			.ask = ask,
			.fill = fill,
			.filled = filled,
			.stop = stop });
}
