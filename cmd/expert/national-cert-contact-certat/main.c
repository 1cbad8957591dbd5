/* imq-national-cert-contact-certat: the country of an address and the contact of its national CERT, from
 * CERT.at's service. */
#include "answer.h"
#include "event.h"
#include "filter.h"
#include "ip.h"

static struct {
	bool filter, overwrite_cc;
	const char *url;
	struct buf question, contacts;
	struct http http;
	struct lookup lookup;
} my;

/* clang-format off */
static const struct opt options[] = {
	OPT_BOOL(0, "filter", &my.filter, false, "have the service leave out what is not Austrian"),
	OPT_BOOL(0, "overwrite-cc", &my.overwrite_cc, false, "replace the country an event has"),
	OPT_TEXT(0, "url", &my.url, "https://contacts.cert.at/cgi-bin/abuse-nationalcert.pl", "the service"),
	LOOKUP_OPTIONS(&my.lookup, "20", "1d"),
	HTTP_OPTIONS_UP_TO(&my.http, "64K"),
	OPT_END
};

static const struct { enum field ip, cc, contact; } sides[] = {
	{ F_SOURCE_IP, F_SOURCE_GEOLOCATION_CC, F_SOURCE_ABUSE_CONTACT },
	{ F_DESTINATION_IP, F_DESTINATION_GEOLOCATION_CC, F_DESTINATION_ABUSE_CONTACT } };
/* clang-format on */

static enum verdict want(struct event *ev)
{
	struct ip ip;

	for (unsigned i = 0; i < LENGTH(sides); i++) {
		if (!ip_parse(event_text(ev, sides[i].ip), &ip))
			continue;
		buf_clear(&my.question);
		buf_printf(&my.question, "%s?ip=", my.url);
		ip_write(&my.question, &ip);
		buf_printf(&my.question, "&bFilter=%s&bShowNationalCERT=on&sep=semicolon",
			my.filter ? "on" : "off");
		lookup_want(&my.lookup, ev, i, buf_view(&my.question));
	}
	return PASS;
}

static void on_reply(void *context, const struct http_reply *reply)
{
	rest_settle(context, reply, certat_read, my.lookup.cache_ttl);
}

/* The URL is the question. */
static void ask(struct lookup_question *question, struct text key)
{
	struct buf url = BUF_INIT;

	buf_text(&url, key);
	http_send(&my.http, &(struct http_request){ .url = buf_cstr(&url),
				    .deadline = my.lookup.deadline,
				    .done = on_reply,
				    .context = question });
	buf_free(&url);
}

static void fill(struct event *ev, unsigned side, struct text answer)
{
	struct text country, old = event_text(ev, sides[side].contact);

	if (!text_split(&answer, ';', &country))
		return;
	if (country.len)
		event_offer(ev, sides[side].cc, country, my.overwrite_cc ? OVERWRITE_YES : OVERWRITE_NO);
	if (!answer.len)
		return;
	buf_clear(&my.contacts);
	if (old.len)
		buf_text(&my.contacts, old);
	if (old.len)
		buf_char(&my.contacts, ',');
	buf_text(&my.contacts, answer);
	event_set(ev, sides[side].contact, buf_view(&my.contacts));
}

/* Nothing is left to do, but so that the source's fields come first whatever is answered first. */
static void filled(struct event *ev, bool failed)
{
	(void)ev, (void)failed;
}

static bool start(struct problem *problem)
{
	return rest_check_url("--url", my.url, problem);
}

static void stop(void)
{
	buf_free(&my.question);
	buf_free(&my.contacts);
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv,
		&(struct filter){ .name = "imq-national-cert-contact-certat",
			.module = "intelmq.bots.experts.national_cert_contact_certat.expert",
			.compiled = "--on-failure=reject",
			.summary = "look up the country and the national CERT of addresses",
			.options = options,
			.start = start,
			.event = want,
			.ask = ask,
			.fill = fill,
			.filled = filled,
			.stop = stop });
}
