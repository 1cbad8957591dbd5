/* imq-rfc1918: drop events, or delete fields, with addresses, names and AS numbers that are reserved for
 * private use, for documentation or for tests. */
#include <stdlib.h>

#include "alloc.h"
#include "event.h"
#include "filter.h"
#include "ip.h"
#include "log.h"
#include "netmap.h"
#include "url.h"

enum policy { POLICY_NONE, POLICY_DELETE, POLICY_DROP };

struct check {
	enum field field;
	enum policy policy;
	bool (*reserved)(struct event *ev, const struct check *check, struct value v);
};

static struct {
	struct list fields, policy;
	struct check *checks; /* one per field */
	struct netmap networks; /* those that are reserved */
	struct buf kept;
} my;

static const struct opt options[] = {
	OPT_LIST('f', "fields", &my.fields, "destination.ip,source.ip,source.url", "fields to look at"),
	OPT_LIST('p', "policy", &my.policy, "del,drop,drop",
		"what to do for each: del deletes the field, drop drops the event"),
	OPT_END
};

/* RFC 1918, 6598, 1122, 3927, 6890, 5737, 7526, 2544, 5771, 4291, 3849. */
static const char *const networks[] = {
	"10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
	"192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24",
	"203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "fe80::/64", "2001:db8::/32",
};

static bool is_reserved_ip(const struct ip *ip)
{
	unsigned prefix;
	uint32_t value;

	return netmap_find(&my.networks, ip, &prefix, &value);
}

/* RFC 2606 and 6761. */
static bool is_reserved_name(struct text name)
{
	static const char *const suffixes[] = { ".example.com", ".example.net", ".example.org", ".test",
		".example", ".invalid", ".localhost" };

	for (size_t i = 0; i < LENGTH(suffixes); i++) {
		struct text suffix = text_of(suffixes[i]), bare = text_from(suffix, 1);

		if (name.len > suffix.len && text_eq_nocase(text_from(name, name.len - suffix.len), suffix))
			return true;
		if (memchr(bare.at, '.', bare.len) && text_eq_nocase(name, bare))
			return true;
	}
	return false;
}

static bool ip_reserved(struct event *ev, const struct check *check, struct value v)
{
	struct text text = event_value_form(ev, v);
	struct ip ip;

	if (ip_parse(text, &ip))
		return is_reserved_ip(&ip);
	event_mark(ev, "%.*s: not an IP address", TEXT_ARGS(field_name(check->field)));
	return false;
}

static bool fqdn_reserved(struct event *ev, const struct check *check, struct value v)
{
	(void)check;
	return is_reserved_name(event_value_form(ev, v));
}

static bool url_reserved(struct event *ev, const struct check *check, struct value v)
{
	struct text scope, host;
	struct url url;
	struct ip ip;

	(void)check;
	url_split(url_clean(event_value_form(ev, v), event_arena(ev)), &url);
	scope = url.host;
	text_split(&scope, '%', &host);
	if (ip_parse(host, &ip) || ip_of_number(host, &ip))
		return is_reserved_ip(&ip);
	return is_reserved_name(url.host);
}

/* RFC 5398. */
static bool asn_reserved(struct event *ev, const struct check *check, struct value v)
{
	long long asn;

	(void)ev;
	(void)check;
	return value_integer(v, &asn) && ((asn >= 64496 && asn <= 64511) || (asn >= 65536 && asn <= 65551));
}

static bool prepare(struct check *check, struct text name, struct text policy, struct problem *problem)
{
	char *lower = alloc_string(name);

	for (size_t i = 0; i < name.len; i++)
		if (lower[i] >= 'A' && lower[i] <= 'Z')
			lower[i] = (char)(lower[i] | 32);
	check->field = field_intern(text_of(lower));
	free(lower);
	name = field_name(check->field);
	check->policy = text_is(policy, "del")    ? POLICY_DELETE
			: text_is(policy, "drop") ? POLICY_DROP
						  : POLICY_NONE;
	check->reserved = text_ends(name, TEXT(".ip"))     ? ip_reserved
			  : text_ends(name, TEXT(".fqdn")) ? fqdn_reserved
			  : text_ends(name, TEXT(".url"))  ? url_reserved
			  : text_ends(name, TEXT(".asn"))  ? asn_reserved
							   : NULL;
	if (check->policy == POLICY_NONE)
		log_message("--policy: neither del nor drop: \"%.*s\": nothing is done for %.*s",
			TEXT_ARGS(policy), TEXT_ARGS(name));
	else if (!check->reserved)
		log_message("--fields: neither an ip, fqdn, url nor asn: \"%.*s\": never reserved",
			TEXT_ARGS(name));
	return field_check(check->field, problem);
}

static bool start(struct problem *problem)
{
	unsigned prefix;
	struct ip ip;

	if (my.fields.count != my.policy.count)
		return problem_set(
			problem, "--fields has %zu items and --policy %zu", my.fields.count, my.policy.count);
	for (size_t i = 0; i < LENGTH(networks); i++)
		if (ip_parse_network(text_of(networks[i]), &ip, &prefix))
			netmap_add(&my.networks, &ip, prefix, 1);
	netmap_finish(&my.networks);
	my.checks = alloc_zero(my.fields.count + 1, sizeof *my.checks);
	for (size_t i = 0; i < my.fields.count; i++)
		if (!prepare(&my.checks[i], my.fields.items[i], my.policy.items[i], problem))
			return false;
	return true;
}

/* Whether a value of the field is reserved. Those that are not are in my.kept. */
static bool any_reserved(struct event *ev, const struct check *check, size_t *kept)
{
	struct event_values values = event_values(ev, check->field);
	struct value v;
	bool any = false;

	buf_clear(&my.kept);
	*kept = 0;
	while (event_next_value(&values, &v)) {
		if (check->reserved(ev, check, v)) {
			any = true;
			continue;
		}
		buf_char(&my.kept, (*kept)++ ? ',' : '[');
		buf_text(&my.kept, v.raw);
	}
	buf_char(&my.kept, ']');
	return any;
}

static enum verdict clean(struct event *ev)
{
	for (size_t i = 0; i < my.fields.count; i++) {
		const struct check *check = &my.checks[i];
		size_t kept;

		if (check->policy == POLICY_NONE || !check->reserved || !any_reserved(ev, check, &kept))
			continue;
		if (check->policy == POLICY_DROP)
			return DROP;
		if (kept == 0)
			event_delete(ev, check->field);
		else if (kept == 1)
			event_set_raw(ev, check->field, (struct text){ my.kept.at + 1, my.kept.len - 2 });
		else
			event_set_raw(ev, check->field, buf_view(&my.kept));
	}
	return PASS;
}

static void stop(void)
{
	free(my.checks);
	buf_free(&my.kept);
	netmap_free(&my.networks);
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv,
		&(struct filter){ .name = "imq-rfc1918",
			.module = "intelmq.bots.experts.rfc1918.expert",
			.summary = "drop or clean events with reserved addresses, names and AS numbers",
			.options = options,
			.start = start,
			.event = clean,
			.stop = stop });
}
