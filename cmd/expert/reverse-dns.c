/* imq-reverse-dns: add the host name that an address's PTR record gives (RFC 1035 3.5, RFC 3596 2.5).
 * Finding no name is a result, not an error: the event goes on unchanged, and that is remembered too.
 *
 * The cache keeps all names of an answer, so runs with and without --multiple share it. */
#include "dns.h"
#include "dns_gather.h"
#include "event.h"
#include "filter.h"
#include "ip.h"
#include "lookup.h"

static struct {
	bool overwrite, multiple;
	struct dns_gatherer gatherer;
	struct dns dns;
	struct lookup lookup;
} my;

/* clang-format off */
static const struct opt options[] = {
	OPT_BOOL('o', "overwrite", &my.overwrite, false, "replace a reverse_dns that is already there"),
	OPT_BOOL('m', "multiple", &my.multiple, false, "look up all addresses, add all names"),
	OPT_SECONDS(0, "cache-ttl-invalid-response", &my.gatherer.negative_ttl, "60", "how long to remember that a lookup failed"),
	DNS_OPTIONS(&my.dns),
	LOOKUP_OPTIONS_WITH(&my.lookup, "1000", "86400", "10", "pass"),
	OPT_END
};
/* clang-format on */

static const struct { enum field ip, name; } sides[] = {
	{ F_SOURCE_IP, F_SOURCE_REVERSE_DNS }, { F_DESTINATION_IP, F_DESTINATION_REVERSE_DNS } };

/* A key is the addresses as they are written canonically: exact, not by network. */
static void want_names(struct event *ev, unsigned side)
{
	static struct buf key;
	struct event_values values = event_values(ev, sides[side].ip);
	unsigned count = 0;
	struct value v;
	struct ip ip;

	buf_clear(&key);
	buf_string(&key, "ptr");
	while (event_next_value(&values, &v) && (count == 0 || my.multiple))
		if (ip_parse(event_value_form(ev, v), &ip) && count++ < DNS_GATHER_MAX) {
			buf_char(&key, ' ');
			ip_write(&key, &ip);
		}
	if (count)
		lookup_want(&my.lookup, ev, side, buf_view(&key));
}

static enum verdict want(struct event *ev)
{
	for (unsigned side = 0; side < LENGTH(sides); side++)
		if (event_has(ev, sides[side].ip) && (my.overwrite || !event_has(ev, sides[side].name)))
			want_names(ev, side);
	return PASS;
}

/* Useless names (an address, the root) are passed over, and those that no host has: with bytes that had to be
 * escaped. */
static bool is_host_name(struct text name)
{
	static struct buf unused;

	buf_clear(&unused);
	return !memchr(name.at, '\\', name.len) &&
	       field_sanitise(F_SOURCE_REVERSE_DNS, VALUE_STRING, name, &unused) == FIELD_FINE;
}

/* A timeout must not hide a name for a day, as a real "no such name" may. */
static bool failed(struct lookup_question *question, enum dns_status status, unsigned answered)
{
	(void)status, (void)answered;
	if (my.lookup.on_failure == LOOKUP_PASS)
		cache_set(&my.lookup.cache, lookup_key(question), NO_TEXT, my.gatherer.negative_ttl);
	return false;
}

/* The address inside an IPv4-mapped one (RFC 4291, 2.5.5.2) has the name. */
static struct ip unmapped(struct ip ip)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct ip v4 = { .bits = 32 };

	if (ip.bits == 32 || memcmp(ip.bytes, mapped, sizeof mapped) != 0)
		return ip;
	memcpy(v4.bytes, ip.bytes + 12, 4);
	return v4;
}

/* Called once for each distinct key that is neither cached nor already on its way. */
static void ask(struct lookup_question *question, struct text key)
{
	static struct buf name;
	struct dns_gather *g = dns_gather(&my.gatherer, question);
	struct text address;
	struct ip ip;

	text_split(&key, ' ', &address);
	while (text_split(&key, ' ', &address))
		if (ip_parse(address, &ip)) {
			ip = unmapped(ip);
			buf_clear(&name);
			ip_reverse_name(&name, &ip);
			dns_gather_ask(g, buf_view(&name), DNS_PTR);
		}
	dns_gather_end(g);
}

static void fill(struct event *ev, unsigned side, struct text names)
{
	dns_gather_fill(&my.gatherer, ev, sides[side].name, names, my.multiple);
}

static bool start(struct problem *problem)
{
	(void)problem;
	my.gatherer.dns = &my.dns;
	my.gatherer.lookup = &my.lookup;
	my.gatherer.useful = is_host_name;
	my.gatherer.failed = failed;
	return true;
}

static void stop(void)
{
	dns_gather_stop(&my.gatherer);
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv,
		&(struct filter){ .name = "imq-reverse-dns",
			.module = "intelmq.bots.experts.reverse_dns.expert",
			.summary = "look up the host names of addresses",
			.options = options,
			.start = start,
			.event = want,
			.ask = ask,
			.fill = fill,
			.stop = stop });
}
