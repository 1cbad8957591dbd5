/* imq-gethostbyname: add the address of a host name, that of fqdn or else that in url (RFC 1035, RFC 3596).
 * It asks the DNS and nothing else: no hosts file, no search list.
 *
 * A name that does not resolve is a result; one that nobody could look up is a failure, unless
 * --gaierrors-to-ignore has the code by which getaddrinfo() would tell. */
#include <netdb.h>

#include "dns.h"
#include "dns_gather.h"
#include "event.h"
#include "filter.h"
#include "ip.h"
#include "lookup.h"
#include "url.h"

enum family { ANY, IPV4, IPV6 };
static const char *const families[] = { "any", "ipv4", "ipv6", NULL };

static struct {
	bool fallback_to_url, overwrite, multiple;
	int family; /* enum family */
	struct list ignored;
	struct dns_gatherer gatherer;
	struct dns dns;
	struct lookup lookup;
} my;

/* clang-format off */
static const struct opt options[] = {
	OPT_BOOL(0, "fallback-to-url", &my.fallback_to_url, true, "use the host of the URL where there is no fqdn"),
	OPT_LIST(0, "gaierrors-to-ignore", &my.ignored, "", "codes of getaddrinfo() that are no failure, besides -2, -4, -5, -8, -11"),
	OPT_BOOL('o', "overwrite", &my.overwrite, false, "replace an address that is already there"),
	OPT_BOOL('m', "multiple", &my.multiple, false, "look up all names, add all addresses"),
	OPT_CHOICE(0, "family", &my.family, families, "any", "addresses to look for; any: IPv4, and IPv6 where there is none"),
	OPT_SECONDS(0, "negative-ttl", &my.gatherer.negative_ttl, "60", "how long to remember that there is no address, unless the zone says"),
	DNS_OPTIONS(&my.dns),
	LOOKUP_OPTIONS_WITH(&my.lookup, "1000", "86400", "10", "reject"),
	OPT_END
};
/* clang-format on */

static const struct { enum field name, url, ip; } sides[] = {
	{ F_SOURCE_FQDN, F_SOURCE_URL, F_SOURCE_IP }, { F_DESTINATION_FQDN, F_DESTINATION_URL, F_DESTINATION_IP } };

/* Appends NAME to the names of KEY, in lower case: the DNS does not tell cases apart (RFC 4343). */
static void add_name(struct buf *key, struct text name)
{
	struct ip ip;

	for (size_t i = 0; i < name.len; i++)
		if ((unsigned char)name.at[i] <= ' ')
			return; /* no host is called so, and blanks stand between names */
	if (!name.len || ip_parse(name, &ip))
		return;
	buf_char(key, ' ');
	for (size_t i = 0; i < name.len; i++)
		buf_char(key, name.at[i] >= 'A' && name.at[i] <= 'Z' ? (char)(name.at[i] + 32) : name.at[i]);
}

static void add_host(struct buf *key, struct event *ev, struct text text)
{
	struct url url;

	url_split(url_clean(text, event_arena(ev)), &url);
	add_name(key, url.host);
}

static void want_addresses(struct event *ev, unsigned side)
{
	static struct buf key;
	bool by_name = event_has(ev, sides[side].name);
	struct event_values values = event_values(ev, by_name ? sides[side].name : sides[side].url);
	size_t head;
	struct value v;

	if (!by_name && !my.fallback_to_url)
		return;
	buf_clear(&key);
	buf_string(&key, my.multiple && my.family == ANY ? "all" : families[my.family]);
	head = key.len;
	while (event_next_value(&values, &v) && (key.len == head || my.multiple)) {
		if (v.kind != VALUE_STRING)
			continue;
		if (by_name)
			add_name(&key, event_value_form(ev, v));
		else
			add_host(&key, ev, event_value_form(ev, v));
	}
	if (key.len > head)
		lookup_want(&my.lookup, ev, side, buf_view(&key));
}

static enum verdict want(struct event *ev)
{
	for (unsigned side = 0; side < LENGTH(sides); side++)
		if (my.overwrite || !event_has(ev, sides[side].ip))
			want_addresses(ev, side);
	return PASS;
}

static void ask(struct lookup_question *question, struct text key)
{
	struct dns_gather *g = dns_gather(&my.gatherer, question);
	struct text name;

	text_split(&key, ' ', &name);
	while (text_split(&key, ' ', &name)) {
		if (my.family != IPV6)
			dns_gather_ask(g, name, DNS_A);
		if (my.family == IPV6 || (my.family == ANY && my.multiple))
			dns_gather_ask(g, name, DNS_AAAA);
	}
	dns_gather_end(g);
}

/* Where there is no IPv4 address, there may be an IPv6 one. */
static void next(struct dns_gather *g, struct text name, enum dns_type type, enum dns_status status, bool found)
{
	(void)found;
	if (type == DNS_A && status == DNS_NODATA && my.family == ANY && !my.multiple)
		dns_gather_ask(g, name, DNS_AAAA);
}

static bool is_address(struct text value)
{
	static struct buf unused;

	buf_clear(&unused);
	return field_sanitise(F_SOURCE_IP, VALUE_STRING, value, &unused) == FIELD_FINE;
}

static bool is_ignored(long long code)
{
	long long n;

	if (code == EAI_FAIL)
		return true;
	for (size_t i = 0; i < my.ignored.count; i++)
		if (text_integer(my.ignored.items[i], &n) && n == code)
			return true;
	return false;
}

/* glibc: a server that refuses is EAI_FAIL, one that fails or does not answer EAI_AGAIN. */
static bool failed(struct lookup_question *question, enum dns_status status, unsigned answered)
{
	(void)answered;
	if (!is_ignored(status == DNS_REFUSED ? EAI_FAIL : EAI_AGAIN))
		return false;
	lookup_nothing(question, my.gatherer.negative_ttl);
	return true;
}

static void fill(struct event *ev, unsigned side, struct text addresses)
{
	dns_gather_fill(&my.gatherer, ev, sides[side].ip, addresses, my.multiple);
}

static bool start(struct problem *problem)
{
	long long n;

	for (size_t i = 0; i < my.ignored.count; i++)
		if (!text_integer(my.ignored.items[i], &n))
			return problem_set(problem, "--gaierrors-to-ignore: not a number: \"%.*s\"",
				TEXT_ARGS(my.ignored.items[i]));
	my.gatherer.dns = &my.dns;
	my.gatherer.lookup = &my.lookup;
	my.gatherer.useful = is_address;
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
		&(struct filter){ .name = "imq-gethostbyname",
			.module = "intelmq.bots.experts.gethostbyname.expert",
			.summary = "look up the addresses of host names",
			.options = options,
			.start = start,
			.event = want,
			.ask = ask,
			.fill = fill,
			.stop = stop });
}
