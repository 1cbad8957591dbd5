/* imq-abusix: add the abuse contact of an address from the Abusix contact database, by the DNS (TXT records below
 * zones made of the reversed address, as for blocklists: RFC 5782, 2.1). */
#include "dns.h"
#include "dns_gather.h"
#include "event.h"
#include "filter.h"
#include "ip.h"
#include "lookup.h"
#include "unicode.h"

static struct {
	bool overwrite;
	struct list zones;
	struct dns_gatherer gatherer;
	struct dns dns;
	struct lookup lookup;
} my;

/* clang-format off */
static const struct opt options[] = {
	OPT_BOOL('o', "overwrite", &my.overwrite, false, "replace a contact that is already there"),
	OPT_LIST(0, "zones", &my.zones, "abuse-contacts.abusix.zone,abuse-contacts.abusix.org", "where to look, one after the other"),
	OPT_SECONDS(0, "negative-ttl", &my.gatherer.negative_ttl, "1h", "how long to remember that there is no contact, unless the zone says"),
	DNS_OPTIONS(&my.dns),
	LOOKUP_OPTIONS_WITH(&my.lookup, "1000", "86400", "10", "reject"),
	OPT_END
};
/* clang-format on */

static const struct { enum field ip, contact; } sides[] = { { F_SOURCE_IP, F_SOURCE_ABUSE_CONTACT },
	{ F_DESTINATION_IP, F_DESTINATION_ABUSE_CONTACT } };

static enum verdict want(struct event *ev)
{
	char key[7 + IP_SIZE] = "abusix ";
	struct ip ip;

	for (unsigned side = 0; side < LENGTH(sides); side++)
		if ((my.overwrite || !event_has(ev, sides[side].contact)) && event_has(ev, sides[side].ip) &&
			ip_parse(event_text(ev, sides[side].ip), &ip))
			lookup_want(&my.lookup, ev, side, (struct text){ key, 7 + ip_format(&ip, key + 7) });
	return PASS;
}

static void ask_zone(struct dns_gather *g, struct text address, struct text zone)
{
	static struct buf name;

	buf_clear(&name);
	buf_text(&name, address);
	buf_text(&name, zone);
	dns_gather_ask(g, buf_view(&name), DNS_TXT);
}

static void ask(struct lookup_question *question, struct text key)
{
	struct dns_gather *g = dns_gather(&my.gatherer, question);
	struct buf name = BUF_INIT;
	struct text address;
	struct ip ip;

	ip_parse(text_from(key, 7), &ip);
	ip_reverse_name(&name, &ip);
	address = buf_view(&name);
	address.len -= ip.bits == 32 ? strlen("in-addr.arpa.") : strlen("ip6.arpa.");
	ask_zone(g, address, my.zones.items[0]);
	dns_gather_end(g);
	buf_free(&name);
}

/* Where one zone has no contact, the next is asked. */
static void next(struct dns_gather *g, struct text name, enum dns_type type, enum dns_status status, bool found)
{
	(void)type;
	if (found || (status != DNS_ANSWER && status != DNS_NODATA && status != DNS_NXDOMAIN))
		return;
	for (size_t i = 0; i + 1 < my.zones.count; i++)
		if (text_ends(name, my.zones.items[i])) {
			struct text address = { name.at, name.len - my.zones.items[i].len };

			ask_zone(g, address, my.zones.items[i + 1]);
			return;
		}
}

/* Whether VALUE begins like x@y.z, and is text on one line. */
static bool is_contact(struct text value)
{
	const char *at = memchr(value.at, '@', value.len), *dot;
	struct text domain;

	if (!at || at == value.at || !unicode_valid(value))
		return false;
	for (size_t i = 0; i < value.len; i++)
		if ((unsigned char)value.at[i] < ' ' || value.at[i] == 0x7f)
			return false;
	domain = text_from(value, (size_t)(at - value.at) + 1);
	at = memchr(domain.at, '@', domain.len);
	if (at) /* another contact follows */
		domain.len = (size_t)(at - domain.at);
	dot = memchr(domain.at, '.', domain.len);
	return dot && dot > domain.at && dot + 1 < domain.at + domain.len;
}

/* Where one zone knows no contact, another that is out of order is no failure. */
static bool failed(struct lookup_question *question, enum dns_status status, unsigned answered)
{
	(void)status;
	if (!answered)
		return false;
	lookup_nothing(question, 0);
	return true;
}

/* Quotes that stand in a record are no part of an address. */
static void fill(struct event *ev, unsigned side, struct text contacts)
{
	char *bare = arena_bytes(event_arena(ev), contacts.len);
	size_t n = 0;

	for (size_t i = 0; i < contacts.len; i++)
		if (contacts.at[i] != '"')
			bare[n++] = contacts.at[i];
	contacts = (struct text){ bare, n };
	dns_gather_fill(&my.gatherer, ev, sides[side].contact, contacts, false);
}

static bool start(struct problem *problem)
{
	if (!my.zones.count)
		return problem_set(problem, "--zones: none given");
	my.gatherer.dns = &my.dns;
	my.gatherer.lookup = &my.lookup;
	my.gatherer.useful = is_contact;
	my.gatherer.failed = failed;
	my.gatherer.next = next;
	return true;
}

static void stop(void)
{
	dns_gather_stop(&my.gatherer);
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv,
		&(struct filter){ .name = "imq-abusix",
			.module = "intelmq.bots.experts.abusix.expert",
			.summary = "look up the abuse contacts of addresses with Abusix",
			.options = options,
			.start = start,
			.event = want,
			.ask = ask,
			.fill = fill,
			.stop = stop });
}
