/* imq-do-portal: the contacts that a do-portal knows for an address, beside those an event has or instead of
 * them. */
#include "answer.h"
#include "event.h"
#include "filter.h"
#include "ip.h"

enum mode { APPEND, REPLACE };
static const char *const modes[] = { "append", "replace", NULL };

static struct {
	int mode; /* enum mode */
	const char *url, *key;
	struct buf question, authorization, contacts;
	bool known; /* the portal answered about this event */
	struct http http;
	struct lookup lookup;
} my;

/* clang-format off */
static const struct opt options[] = {
	OPT_CHOICE('m', "mode", &my.mode, modes, "append", "what to do with the contacts an event has"),
	OPT_TEXT(0, "portal-url", &my.url, NULL, "the portal, without a path"),
	OPT_SECRET("portal-api-key", &my.key, "the key for it"),
	LOOKUP_OPTIONS(&my.lookup, "20", "1h"),
	HTTP_OPTIONS_UP_TO(&my.http, "1M"),
	OPT_END
};
/* clang-format on */

static enum verdict want(struct event *ev)
{
	struct ip ip;

	if (!ip_parse(event_text(ev, F_SOURCE_IP), &ip))
		return PASS;
	buf_clear(&my.question);
	buf_printf(&my.question, "%s/api/1.0/ripe/contact?cidr=", my.url);
	ip_write(&my.question, &ip);
	lookup_want(&my.lookup, ev, 0, buf_view(&my.question));
	return PASS;
}

static void on_reply(void *context, const struct http_reply *reply)
{
	rest_settle(context, reply, do_portal_read, my.lookup.cache_ttl);
}

/* The URL is the question. */
static void ask(struct lookup_question *question, struct text key)
{
	const char *headers[] = { "Content-Type: application/json", "Accept: application/json",
		buf_cstr(&my.authorization), NULL };
	struct buf url = BUF_INIT;

	buf_text(&url, key);
	http_send(&my.http, &(struct http_request){ .url = buf_cstr(&url),
				    .headers = headers,
				    .deadline = my.lookup.deadline,
				    .done = on_reply,
				    .context = question });
	buf_free(&url);
}

static void fill(struct event *ev, unsigned tag, struct text contacts)
{
	struct text old = my.mode == APPEND ? event_text(ev, F_SOURCE_ABUSE_CONTACT) : NO_TEXT;

	(void)tag;
	my.known = true;
	buf_clear(&my.contacts);
	buf_text(&my.contacts, old);
	if (contacts.len) {
		buf_char(&my.contacts, ',');
		buf_text(&my.contacts, contacts);
	}
}

static void filled(struct event *ev, bool failed)
{
	struct text contacts = buf_view(&my.contacts);

	(void)failed;
	if (!my.known)
		return;
	my.known = false;
	while (contacts.len && contacts.at[0] == ',')
		contacts = text_from(contacts, 1);
	while (contacts.len && contacts.at[contacts.len - 1] == ',')
		contacts.len--;
	if (contacts.len)
		event_set(ev, F_SOURCE_ABUSE_CONTACT, contacts);
	else if (my.mode == REPLACE)
		event_delete(ev, F_SOURCE_ABUSE_CONTACT);
}

static bool start(struct problem *problem)
{
	buf_printf(&my.authorization, "API-Authorization: %s", my.key ? my.key : "");
	return rest_check_url("--portal-url", my.url, problem) &&
	       rest_check_secret("--portal-api-key", my.key, problem);
}

static void stop(void)
{
	buf_free(&my.question);
	buf_free(&my.authorization);
	buf_free(&my.contacts);
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv,
		&(struct filter){ .name = "imq-do-portal",
			.module = "intelmq.bots.experts.do_portal.expert",
			.compiled = "--on-failure=reject",
			.summary = "look up the contacts of addresses in a do-portal",
			.options = options,
			.start = start,
			.event = want,
			.ask = ask,
			.fill = fill,
			.filled = filled,
			.stop = stop });
}
