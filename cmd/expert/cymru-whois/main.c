/* imq-cymru-whois: add what Team Cymru knows of an address: AS, network, country, registry, when it was allocated, and
 * the name of the AS. By the DNS: a question for the address and one for its AS, which many addresses share and is
 * asked once; or with --bulk many at a time by whois (bulk.c). */
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "bulk.h"
#include "dns.h"
#include "event.h"
#include "filter.h"
#include "ip.h"
#include "lookup.h"
#include "rows.h"

enum { AS_BUCKETS = 1024, COLUMN_NAME = 4 };

/* What is known so far about an address. */
struct asking {
	struct asking *next, *all; /* waiting for the same AS or spare; all there are */
	struct lookup_question *question;
	struct cymru_row row;
	struct ip ip;
	double ttl;
};

struct as_question {
	struct as_question *next;
	long long asn;
	struct asking *waiting;
};

static struct {
	bool overwrite;
	double failure_ttl; /* seconds */
	struct dns dns;
	struct bulk bulk;
	struct lookup lookup;
	struct asking *all, *spare;
	struct as_question *asked[AS_BUCKETS];
	struct buf name, bytes;
} my;

/* clang-format off */
static const struct opt options[] = {
	OPT_BOOL('o', "overwrite", &my.overwrite, false, "replace what the event has already"),
	OPT_SECONDS(0, "negative-ttl", &my.failure_ttl, "60", "how long to remember that nothing is known, unless the zone says"),
	OPT_BOOL('b', "bulk", &my.bulk.on, false, "ask by whois, many at a time, instead of the DNS"),
	OPT_TEXT(0, "bulk-server", &my.bulk.server, "whois.cymru.com#43", "HOST or HOST#PORT to ask with --bulk"),
	OPT_SECONDS(0, "bulk-timeout", &my.bulk.timeout, "30", "how long one connection for --bulk may take"),
	DNS_OPTIONS(&my.dns),
	OPT_MIXIN(&bulk_mixin, &my.bulk),
	LOOKUP_OPTIONS_WITH(&my.lookup, "1000", "86400", "10", "pass"),
	OPT_END
};
/* clang-format on */

static const enum field ips[] = { F_SOURCE_IP, F_DESTINATION_IP };
static const struct { const char *name; enum field fields[2]; } members[] = {
	{ "asn", { F_SOURCE_ASN, F_DESTINATION_ASN } },
	{ "network", { F_SOURCE_NETWORK, F_DESTINATION_NETWORK } },
	{ "geolocation.cc", { F_SOURCE_GEOLOCATION_CC, F_DESTINATION_GEOLOCATION_CC } },
	{ "registry", { F_SOURCE_REGISTRY, F_DESTINATION_REGISTRY } },
	{ "allocated", { F_SOURCE_ALLOCATED, F_DESTINATION_ALLOCATED } },
	{ "as_name", { F_SOURCE_AS_NAME, F_DESTINATION_AS_NAME } },
};

static enum verdict want(struct event *ev)
{
	char key[6 + IP_SIZE] = "cymru ";
	struct ip ip;

	for (unsigned side = 0; side < LENGTH(ips); side++)
		if (event_has(ev, ips[side]) && ip_parse(event_text(ev, ips[side]), &ip))
			lookup_want(&my.lookup, ev, side, (struct text){ key, 6 + ip_format(&ip, key + 6) });
	return PASS;
}

static void fill(struct event *ev, unsigned side, struct text answer)
{
	struct text line, name;

	while (text_split(&answer, '\n', &line)) {
		text_split(&line, ' ', &name);
		/* A country or registry that the field does not take is no reason to reject the event. */
		for (size_t i = 0; i < LENGTH(members) && line.at; i++)
			if (text_is(name, members[i].name))
				event_offer(ev, members[i].fields[side], line, my.overwrite ? OVERWRITE_YES : OVERWRITE_NO);
	}
}

static void finish(struct asking *a)
{
	if (a->row.answer.len)
		lookup_found(a->question, buf_view(&a->row.answer), a->ttl);
	else
		lookup_nothing(a->question, a->ttl);
	a->next = my.spare;
	my.spare = a;
}

static void fail(struct asking *a, const char *reason)
{
	lookup_failed(a->question, reason);
	a->next = my.spare;
	my.spare = a;
}

/* The name of an AS */

static struct as_question **place_of(long long asn)
{
	struct as_question **place = &my.asked[asn % AS_BUCKETS];

	while (*place && (*place)->asn != asn)
		place = &(*place)->next;
	return place;
}

static struct text as_key(long long asn)
{
	static char key[32];

	return (struct text){ key, (size_t)snprintf(key, sizeof key, "cymru AS%lld", asn) };
}

static void on_name(void *context, struct dns_reply *reply)
{
	struct as_question *asked = context;
	struct text columns[CYMRU_COLUMNS], record;
	struct asking *a, *next;
	const char *reason;
	double ttl;

	buf_clear(&my.name);
	if (dns_failed(reply, &reason)) {
		ttl = my.failure_ttl;
	} else if (dns_next(reply, &record, &ttl)) {
		if (cymru_split(record, &my.bytes, columns) > COLUMN_NAME)
			cymru_name(&my.name, columns[COLUMN_NAME]);
		ttl = ttl < my.lookup.cache_ttl ? ttl : my.lookup.cache_ttl;
	} else {
		ttl = reply->ttl < 0 ? my.failure_ttl : reply->ttl;
	}
	cache_set(&my.lookup.cache, as_key(asked->asn), my.name.len ? buf_view(&my.name) : NO_TEXT, ttl);
	*place_of(asked->asn) = asked->next;
	a = asked->waiting;
	free(asked);
	for (; a; a = next) {
		next = a->next;
		a->ttl = ttl < a->ttl ? ttl : a->ttl;
		cymru_put(&a->row.answer, "as_name", buf_view(&my.name));
		finish(a);
	}
}

static void ask_name(struct asking *a)
{
	struct as_question **place = place_of(a->row.asn);
	struct text name;
	char query[64];

	switch (cache_get(&my.lookup.cache, as_key(a->row.asn), &name)) {
	case CACHE_FOUND:
		cymru_put(&a->row.answer, "as_name", name);
		finish(a);
		return;
	case CACHE_NOTHING:
		finish(a);
		return;
	case CACHE_MISS:
		break;
	}
	if (!*place) {
		*place = alloc_zero(1, sizeof **place);
		(*place)->asn = a->row.asn;
		snprintf(query, sizeof query, "AS%lld.asn.cymru.com", a->row.asn);
		dns_ask(&my.dns, text_of(query), DNS_TXT, my.lookup.deadline, on_name, *place);
	}
	a->next = (*place)->waiting;
	(*place)->waiting = a;
}

/* The network of an address */

static void on_origin(void *context, struct dns_reply *reply)
{
	struct asking *a = context;
	const char *reason;
	struct text record;
	double ttl;

	if (dns_failed(reply, &reason)) {
		fail(a, reason);
		return;
	}
	a->ttl = my.lookup.cache_ttl;
	while (dns_next(reply, &record, &ttl)) {
		cymru_origin(&a->row, record, &a->ip);
		a->ttl = ttl < a->ttl ? ttl : a->ttl;
	}
	if (!a->row.any && a->row.bad) {
		fail(a, "the answer has too few columns");
	} else if (a->row.asn >= 0) {
		ask_name(a);
	} else {
		if (!a->row.any)
			a->ttl = reply->ttl < 0 ? my.failure_ttl : reply->ttl;
		finish(a);
	}
}

static void ask_origin(struct asking *a)
{
	struct buf query = BUF_INIT;

	ip_reverse_name(&query, &a->ip);
	query.len -= a->ip.bits == 32 ? strlen("in-addr.arpa.") : strlen("ip6.arpa.");
	buf_string(&query, a->ip.bits == 32 ? "origin.asn.cymru.com" : "origin6.asn.cymru.com");
	dns_ask(&my.dns, buf_view(&query), DNS_TXT, my.lookup.deadline, on_origin, a);
	buf_free(&query);
}

/* By whois all comes in one row, and an address may have several. */
static void on_row(void *context, struct text columns[CYMRU_COLUMNS], size_t count)
{
	struct asking *a = context;
	struct buf row = BUF_INIT, name = BUF_INIT;
	unsigned before = a->row.prefix;
	bool first = !a->row.any;

	for (unsigned i = BULK_AS; i <= BULK_ALLOCATED; i++)
		if (i != BULK_IP) {
			buf_text(&row, columns[i]);
			buf_char(&row, '|');
		}
	cymru_origin(&a->row, buf_view(&row), &a->ip);
	if ((first || a->row.prefix > before) && a->row.asn >= 0 && count > BULK_NAME) {
		cymru_name(&name, columns[BULK_NAME]);
		cymru_put(&a->row.answer, "as_name", buf_view(&name));
	}
	buf_free(&row);
	buf_free(&name);
}

static void on_end(void *context, const char *error)
{
	struct asking *a = context;

	a->ttl = a->row.answer.len ? my.lookup.cache_ttl : my.failure_ttl;
	if (error)
		fail(a, error);
	else
		finish(a);
}

static void ask(struct lookup_question *question, struct text key)
{
	struct asking *a = my.spare;

	if (a) {
		my.spare = a->next;
	} else {
		a = alloc_zero(1, sizeof *a);
		a->all = my.all;
		my.all = a;
	}
	a->question = question;
	cymru_clear(&a->row);
	ip_parse(text_from(key, 6), &a->ip);
	if (my.bulk.on)
		bulk_ask(&my.bulk, &a->ip, a);
	else
		ask_origin(a);
}

static bool start(struct problem *problem)
{
	(void)problem;
	my.bulk.dns = &my.dns;
	my.bulk.row = on_row;
	my.bulk.end = on_end;
	return true;
}

static void stop(void)
{
	struct as_question *after;
	struct asking *next;

	for (struct asking *a = my.all; a; a = next) {
		next = a->all;
		buf_free(&a->row.answer);
		free(a);
	}
	for (size_t i = 0; i < AS_BUCKETS; i++)
		for (struct as_question *q = my.asked[i]; q; q = after) {
			after = q->next;
			free(q);
		}
	buf_free(&my.name);
	buf_free(&my.bytes);
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv,
		&(struct filter){ .name = "imq-cymru-whois",
			.module = "intelmq.bots.experts.cymru_whois.expert",
			.summary = "look up AS, network and registry of addresses with Team Cymru",
			.options = options,
			.start = start,
			.event = want,
			.ask = ask,
			.fill = fill,
			.stop = stop });
}
