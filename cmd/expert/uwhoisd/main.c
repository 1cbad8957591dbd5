/* imq-uwhoisd: what a whois server (such as uWhoisd, which asks the right one of the world's) says about the
 * domain, the address and the AS of an event's source, as text in `extra.whois`. */
#include "answer.h"
#include "event.h"
#include "filter.h"
#include "lookup.h"
#include "url.h"
#include "whois.h"

enum { DOMAIN, ADDRESS, AS, KINDS };

static struct {
	enum tristate overwrite;
	bool ranges;
	enum field fields[KINDS];
	struct buf key;
	size_t head; /* bytes of the key that say whom we ask */
	struct whois whois;
	struct lookup lookup;
} my;

/* clang-format off */
static const struct opt options[] = {
	OPT_TRISTATE('o', "overwrite", &my.overwrite, NULL, "replace what an event has (unset: reject it)"),
	OPT_BOOL(0, "ranges", &my.ranges, true, "take an answer for all addresses of the range that it names"),
	LOOKUP_OPTIONS(&my.lookup, "10", "1d"),
	WHOIS_OPTIONS(&my.whois, "4243"),
	OPT_END
};
/* clang-format on */

static enum overwrite overwriting(void)
{
	return my.overwrite == TRISTATE_YES  ? OVERWRITE_YES
	       : my.overwrite == TRISTATE_NO ? OVERWRITE_NO
					     : OVERWRITE_UNSET;
}

/* Whether the query at the end of the key is a name or a number, not an option of the server or another line. */
static bool harmless(void)
{
	struct text query = text_from(buf_view(&my.key), my.head);

	for (size_t i = 0; i < query.len; i++)
		if ((unsigned char)query.at[i] <= ' ' || query.at[i] == 0x7f)
			return false;
	return query.len && query.at[0] != '-';
}

static void want_text(struct event *ev, unsigned kind, const struct ip *number)
{
	if (!harmless() || (my.overwrite == TRISTATE_NO && event_has(ev, my.fields[kind])))
		return;
	if (number && my.ranges)
		lookup_want_in_range(&my.lookup, ev, kind, buf_view(&my.key),
			(struct text){ my.key.at, my.head }, number);
	else
		lookup_want(&my.lookup, ev, kind, buf_view(&my.key));
}

static enum verdict want(struct event *ev)
{
	struct text name = event_text(ev, F_SOURCE_FQDN), text = event_text(ev, F_SOURCE_URL);
	struct url url;
	struct ip ip;
	long long asn;

	if (!name.at && text.at) {
		url_split(url_clean(text, event_arena(ev)), &url);
		name = url.host;
	}
	my.key.len = my.head;
	for (size_t i = 0; i < name.len; i++)
		buf_char(&my.key, (char)(name.at[i] >= 'A' && name.at[i] <= 'Z' ? name.at[i] | 0x20 : name.at[i]));
	want_text(ev, DOMAIN, NULL);
	my.key.len = my.head;
	if (ip_parse(event_text(ev, F_SOURCE_IP), &ip)) {
		ip_write(&my.key, &ip);
		want_text(ev, ADDRESS, &ip);
	}
	my.key.len = my.head;
	if (event_integer(ev, F_SOURCE_ASN, &asn) && asn >= 0) {
		buf_printf(&my.key, "AS%lld", asn);
		want_text(ev, AS, NULL);
	}
	return PASS;
}

/* A range so wide that smaller ones with answers of their own are surely in it. */
static bool too_wide(const struct ip *from, const struct ip *to)
{
	return !ip_same_network(from, to, from->bits == 32 ? 12 : 24);
}

static void on_answer(void *context, struct text answer, const char *error)
{
	struct lookup_question *question = context;
	const struct ip *about = lookup_number(question);
	struct buf clean = BUF_INIT;
	struct ip from, to;

	if (error) {
		lookup_failed(question, error);
		return;
	}
	whois_clean(answer, &clean);
	if (!clean.len)
		lookup_nothing(question, my.lookup.cache_ttl);
	else if (about && whois_range(buf_view(&clean), about, &from, &to) && !too_wide(&from, &to))
		lookup_found_range(question, buf_view(&clean), my.lookup.cache_ttl, &from, &to);
	else
		lookup_found(question, buf_view(&clean), my.lookup.cache_ttl);
	buf_free(&clean);
}

static void ask(struct lookup_question *question, struct text key)
{
	whois_ask(&my.whois, text_from(key, my.head), my.lookup.deadline, on_answer, question);
}

static void fill(struct event *ev, unsigned kind, struct text answer)
{
	if (answer.at)
		event_add(ev, my.fields[kind], answer, overwriting());
}

/* Nothing is left to do, but so the fields come in one order, whatever is answered first. */
static void filled(struct event *ev, bool failed)
{
	(void)ev, (void)failed;
}

static bool start(struct problem *problem)
{
	(void)problem;
	my.fields[DOMAIN] = field_intern(TEXT("extra.whois.fqdn"));
	my.fields[ADDRESS] = field_intern(TEXT("extra.whois.ip"));
	my.fields[AS] = field_intern(TEXT("extra.whois.asn"));
	buf_printf(&my.key, "whois %s %lld ", my.whois.server, my.whois.port);
	my.head = my.key.len;
	return true;
}

static void stop(void)
{
	buf_free(&my.key);
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv,
		&(struct filter){ .name = "imq-uwhoisd",
			.module = "intelmq.bots.experts.uwhoisd.expert",
			.compiled = "--on-failure=reject",
			.summary = "add what a whois server says",
			.options = options,
			.start = start,
			.event = want,
			.ask = ask,
			.fill = fill,
			.filled = filled,
			.stop = stop });
}
