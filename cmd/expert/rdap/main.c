/* imq-rdap: add the abuse contact that a domain's, an address's or an AS's registration data names (RDAP: RFC
 * 7480, 9082, 9083). One question per event: for the domain if there is one, else for the address, else for
 * the AS.
 *
 * The cache keeps what an answer says, not what was chosen from it, so commands with other roles or fields
 * share it. */
#include <stdio.h>

#include "answer.h"
#include "bootstrap.h"
#include "event.h"
#include "filter.h"
#include "http.h"
#include "ip.h"
#include "lookup.h"

static struct {
	struct list order, fields, ask;
	enum tristate overwrite;
	bool ranges;
	double negative_ttl; /* seconds */
	struct bootstrap bootstrap;
	struct http http;
	struct lookup lookup;
} my;

/* clang-format off */
static const struct opt options[] = {
	OPT_LIST(0, "rdap-order", &my.order, "abuse,technical,administrative,registrant,registrar", "roles of contacts, best first"),
	OPT_JSON(0, "rdap-bootstrapped-servers", &my.bootstrap.own, NULL, "own servers, a map of domain suffixes"),
	OPT_TRISTATE('o', "overwrite", &my.overwrite, "true", "replace what the event has already"),
	OPT_LIST('f', "fields", &my.fields, "", "also set these: network, as_name, registry, geolocation.cc, allocated"),
	OPT_LIST(0, "ask", &my.ask, "domain,ip,asn", "what to ask for: the first of these that the event has"),
	OPT_TEXT(0, "bootstrap", &my.bootstrap.source, "https://data.iana.org/rdap/",
		"URL or folder of dns.json, ipv4.json, ipv6.json, asn.json"),
	OPT_SECONDS(0, "bootstrap-refresh", &my.bootstrap.refresh, "1d", "read them again after that long"),
	OPT_TEXT(0, "bootstrap-cache", &my.bootstrap.cache, NULL, "folder to keep them in once fetched"),
	OPT_BOOL(0, "offline", &my.bootstrap.offline, false, "use the copies of them that came with imq"),
	OPT_BOOL(0, "ranges", &my.ranges, true, "take an answer for all addresses of the range that it names"),
	OPT_SECONDS(0, "negative-ttl", &my.negative_ttl, "1h", "how long to remember that there is no contact"),
	LOOKUP_OPTIONS(&my.lookup, "20", "86400"),
	HTTP_OPTIONS_UP_TO(&my.http, "4M"),
	OPT_END
};
/* clang-format on */

/* What --fields may name, as answers call it. */
/* clang-format off */
static const struct { const char *name; enum field field; } extras[] = { { "network", F_SOURCE_NETWORK },
	{ "as_name", F_SOURCE_AS_NAME }, { "registry", F_SOURCE_REGISTRY }, { "geolocation.cc", F_SOURCE_GEOLOCATION_CC },
	{ "allocated", F_SOURCE_ALLOCATED } };
/* clang-format on */

static enum overwrite overwriting(void)
{
	return my.overwrite == TRISTATE_YES  ? OVERWRITE_YES
	       : my.overwrite == TRISTATE_NO ? OVERWRITE_NO
					     : OVERWRITE_UNSET;
}

/* The registered domain of FQDN by the suffix a server is responsible for, as the path of a question; false:
 * FQDN is nothing but a suffix, or nobody is responsible. */
static bool domain_path(struct text fqdn, struct buf *path)
{
	struct text suffix, label, next;

	if (!bootstrap_domain(&my.bootstrap, fqdn, &suffix) || suffix.len + 2 > fqdn.len)
		return false;
	label = (struct text){ fqdn.at, fqdn.len - suffix.len - 1 };
	for (next = label; text_split(&next, '.', &label);)
		;
	if (label.len == 0)
		return false;
	buf_string(path, "domain/");
	http_encode(path, label);
	buf_char(path, '.');
	http_encode(path, suffix);
	return true;
}

/* The number of AS as an address, as ranges are kept. */
static struct ip as_number(uint32_t n)
{
	return (struct ip){ .bits = 32,
		.bytes = { (unsigned char)(n >> 24), (unsigned char)(n >> 16), (unsigned char)(n >> 8),
			(unsigned char)n } };
}

static void want_contact(struct event *ev, struct text key, const char *space, const struct ip *number)
{
	if (number && my.ranges)
		lookup_want_in_range(&my.lookup, ev, 0, key, text_of(space), number);
	else
		lookup_want(&my.lookup, ev, 0, key);
}

/* Whether the event has WHAT to ask for; then it is asked for. */
static bool ask_for(struct event *ev, struct text what)
{
	static struct buf path;
	struct text value;
	struct ip ip;
	long long n;

	buf_clear(&path);
	if (text_is(what, "domain")) {
		value = event_text(ev, F_SOURCE_FQDN);
		if (!value.at)
			return false;
		if (domain_path(value, &path))
			want_contact(ev, buf_view(&path), NULL, NULL);
	} else if (text_is(what, "ip")) {
		if (!ip_parse(event_text(ev, F_SOURCE_IP), &ip))
			return false;
		buf_string(&path, "ip/");
		ip_write(&path, &ip);
		want_contact(ev, buf_view(&path), "rdap ip", &ip);
	} else {
		if (!event_integer(ev, F_SOURCE_ASN, &n) || n < 0 || n > UINT32_MAX)
			return false;
		buf_printf(&path, "autnum/%lld", n);
		ip = as_number((uint32_t)n);
		want_contact(ev, buf_view(&path), "rdap as", &ip);
	}
	return true;
}

static enum verdict want(struct event *ev)
{
	/* Nothing that could be said would be taken. */
	if (my.overwrite == TRISTATE_NO && !my.fields.count && event_has(ev, F_SOURCE_ABUSE_CONTACT))
		return PASS;
	for (size_t i = 0; i < my.ask.count; i++)
		if (ask_for(ev, my.ask.items[i]))
			break;
	return PASS;
}

static const struct server *server_for(struct text key)
{
	struct text path = key, kind, suffix;
	struct ip ip;
	long long n;

	text_split(&path, '/', &kind);
	if (text_is(kind, "domain"))
		return bootstrap_domain(&my.bootstrap, path, &suffix);
	if (text_is(kind, "ip"))
		return ip_parse(path, &ip) ? bootstrap_ip(&my.bootstrap, &ip) : NULL;
	return text_integer(path, &n) ? bootstrap_as(&my.bootstrap, (uint32_t)n) : NULL;
}

/* A range so wide that smaller ones with contacts of their own are surely in it. */
static bool too_wide(const struct range *range, bool autnum)
{
	unsigned prefix = autnum ? 22 : range->from.bits == 32 ? 12 : 24;

	return !ip_same_network(&range->from, &range->to, prefix);
}

static void take_answer(struct lookup_question *question, const struct http_reply *reply)
{
	struct text key = lookup_key(question), address;
	bool autnum = text_starts(key, TEXT("autnum/"));
	struct buf answer = BUF_INIT;
	struct range range;
	const char *reason;
	struct ip about;
	bool numbered = !text_starts(key, TEXT("domain/"));
	long long n;

	address = text_from(key, autnum ? 7 : 3);
	if (autnum && text_integer(address, &n))
		about = as_number((uint32_t)n);
	else if (numbered)
		ip_parse(address, &about);
	if (!answer_read(reply->body, numbered ? &about : NULL, autnum, reply->url, &answer, &range, &reason))
		lookup_failed(question, reason);
	else if (!answer.len)
		lookup_nothing(question, my.negative_ttl);
	else if (range.known && !too_wide(&range, autnum))
		lookup_found_range(question, buf_view(&answer), my.lookup.cache_ttl, &range.from, &range.to);
	else
		lookup_found(question, buf_view(&answer), my.lookup.cache_ttl);
	buf_free(&answer);
}

static void on_reply(void *context, const struct http_reply *reply)
{
	struct lookup_question *question = context;
	char reason[64];

	if (reply->error) {
		lookup_failed(question, reply->error);
	} else if (reply->status == 404) {
		lookup_nothing(question, my.negative_ttl);
	} else if (reply->status < 200 || reply->status > 299) {
		snprintf(reason, sizeof reason, "HTTP status %ld", reply->status);
		lookup_failed(question, reason);
	} else {
		take_answer(question, reply);
	}
}

static void ask(struct lookup_question *question, struct text key)
{
	const struct server *server = server_for(key);
	const char *headers[] = { "Accept: application/rdap+json, application/json;q=0.9, */*;q=0.1", NULL,
		NULL };
	struct buf url = BUF_INIT;

	if (!server) {
		lookup_nothing(question, my.negative_ttl);
		return;
	}
	buf_string(&url, server->url);
	buf_text(&url, key);
	headers[1] = server->authorization;
	http_send(&my.http, &(struct http_request){ .url = buf_cstr(&url),
				    .headers = headers,
				    .deadline = my.lookup.deadline,
				    .done = on_reply,
				    .context = question });
	buf_free(&url);
}

/* The member called SIGIL and NAME of an answer, NO_TEXT if there is none. */
static struct text member(struct event *ev, struct value answer, const char *sigil, struct text name)
{
	struct value_walk walk = value_walk(answer);
	struct value key, v;

	while (value_next_member(&walk, &key, &v)) {
		struct text k = value_text(key, event_arena(ev));

		if (text_starts(k, text_of(sigil)) && text_eq(text_from(k, strlen(sigil)), name))
			return value_text(v, event_arena(ev));
	}
	return NO_TEXT;
}

static void fill(struct event *ev, unsigned tag, struct text text)
{
	struct value_error unused;
	struct value answer;

	(void)tag;
	if (!value_parse(text, &answer, &unused) || answer.kind != VALUE_OBJECT)
		return;
	for (size_t i = 0; i < my.order.count; i++) {
		struct text address = member(ev, answer, "@", my.order.items[i]);

		if (address.at) {
			event_add(ev, F_SOURCE_ABUSE_CONTACT, address, overwriting());
			break;
		}
	}
	for (size_t i = 0; i < LENGTH(extras); i++) {
		struct text value;

		if (!list_has(&my.fields, text_of(extras[i].name)))
			continue;
		value = member(ev, answer, "", text_of(extras[i].name));
		/* A registry's odd value is no reason to reject the event. */
		if (value.len && (overwriting() == OVERWRITE_YES || !event_has(ev, extras[i].field)))
			event_try(ev, extras[i].field, value);
	}
}

static bool check_words(const struct list *words, const char *option, const char *const *known, size_t count,
	struct problem *problem)
{
	for (size_t i = 0; i < words->count; i++) {
		bool found = false;

		for (size_t k = 0; k < count; k++)
			found |= text_is(words->items[i], known[k]);
		if (!found)
			return problem_set(
				problem, "--%s: unknown word \"%.*s\"", option, TEXT_ARGS(words->items[i]));
	}
	return true;
}

static bool start(struct problem *problem)
{
	static const char *const kinds[] = { "domain", "ip", "asn" };
	const char *names[LENGTH(extras)];

	for (size_t i = 0; i < LENGTH(extras); i++)
		names[i] = extras[i].name;
	my.bootstrap.http = &my.http;
	return check_words(&my.fields, "fields", names, LENGTH(names), problem) &&
	       check_words(&my.ask, "ask", kinds, LENGTH(kinds), problem) &&
	       bootstrap_start(&my.bootstrap, problem);
}

static bool reload(struct problem *problem)
{
	(void)problem;
	bootstrap_forget(&my.bootstrap);
	return true;
}

static void stop(void)
{
	bootstrap_stop(&my.bootstrap);
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv,
		&(struct filter){ .name = "imq-rdap",
			.module = "intelmq.bots.experts.rdap.expert",
			.summary = "look up the abuse contacts of domains, addresses and AS",
			.options = options,
			.start = start,
			.event = want,
			.ask = ask,
			.fill = fill, .reload = reload,
			.stop = stop });
}
