/* imq-tuency: whom to notify of an event, and how often, as a tuency instance has it. */
#include "answer.h"
#include "event.h"
#include "filter.h"

static struct {
	const char *url, *token;
	bool overwrite;
	struct buf base, question, authorization;
	enum field notify, ttl;
	struct http http;
	struct lookup lookup;
} my;

/* clang-format off */
static const struct opt options[] = {
	OPT_TEXT(0, "url", &my.url, NULL, "the instance"),
	OPT_SECRET("authentication-token", &my.token, "the token for it"),
	OPT_BOOL('o', "overwrite", &my.overwrite, true, "replace the contacts an event has"),
	LOOKUP_OPTIONS(&my.lookup, "20", "10m"),
	HTTP_OPTIONS_UP_TO(&my.http, "1M"),
	OPT_END
};

/* What tuency wants to know; without these there is no question. */
static const struct { enum field field; const char *name; } needed[] = {
	{ F_CLASSIFICATION_TAXONOMY, "classification_taxonomy" }, { F_CLASSIFICATION_TYPE, "classification_type" },
	{ F_FEED_PROVIDER, "feed_provider" }, { F_FEED_NAME, "feed_name" } };
/* clang-format on */

/* SEPARATOR and NAME stand before the VALUE. */
static void add_parameter(char separator, const char *name, struct text value)
{
	buf_char(&my.question, separator);
	buf_string(&my.question, name);
	buf_char(&my.question, '=');
	http_encode_form(&my.question, value);
}

static enum verdict want(struct event *ev)
{
	struct text ip = event_text(ev, F_SOURCE_IP), fqdn = event_text(ev, F_SOURCE_FQDN);

	if (!ip.at && !fqdn.at)
		return PASS;
	buf_clear(&my.question);
	buf_text(&my.question, buf_view(&my.base));
	buf_string(&my.question, "intelmq/lookup");
	for (size_t i = 0; i < LENGTH(needed); i++) {
		struct text value = event_text(ev, needed[i].field);

		if (!value.at)
			return PASS;
		add_parameter(i ? '&' : '?', needed[i].name, value);
	}
	add_parameter('&', "feed_status", TEXT("production"));
	if (ip.at)
		add_parameter('&', "ip", ip);
	if (fqdn.at)
		add_parameter('&', "domain", fqdn);
	lookup_want(&my.lookup, ev, 0, buf_view(&my.question));
	return PASS;
}

static void on_reply(void *context, const struct http_reply *reply)
{
	rest_settle(context, reply, tuency_read, my.lookup.cache_ttl);
}

/* The URL is the question. */
static void ask(struct lookup_question *question, struct text key)
{
	const char *headers[] = { "Accept: application/json", buf_cstr(&my.authorization), NULL };
	struct buf url = BUF_INIT;

	buf_text(&url, key);
	http_send(&my.http, &(struct http_request){ .url = buf_cstr(&url),
				    .headers = headers,
				    .deadline = my.lookup.deadline,
				    .done = on_reply,
				    .context = question });
	buf_free(&url);
}

static void fill(struct event *ev, unsigned tag, struct text answer)
{
	struct text line;
	long long seconds;

	(void)tag;
	if (!text_split(&answer, '\n', &line))
		return;
	if (text_is(line, "suppress"))
		event_set_boolean(ev, my.notify, false);
	else if (text_integer(line, &seconds))
		event_set_integer(ev, my.ttl, seconds);
	if (answer.len)
		event_add(ev, F_SOURCE_ABUSE_CONTACT, answer, my.overwrite ? OVERWRITE_YES : OVERWRITE_NO);
}

static bool start(struct problem *problem)
{
	my.notify = field_intern(TEXT("extra.notify"));
	my.ttl = field_intern(TEXT("extra.ttl"));
	buf_printf(&my.authorization, "Authorization: Bearer %s", my.token ? my.token : "");
	return rest_base("--url", my.url, &my.base, problem) &&
	       rest_check_secret("--authentication-token", my.token, problem);
}

static void stop(void)
{
	buf_free(&my.base);
	buf_free(&my.question);
	buf_free(&my.authorization);
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv,
		&(struct filter){ .name = "imq-tuency",
			.module = "intelmq.bots.experts.tuency.expert",
			.compiled = "--on-failure=reject",
			.summary = "look up contacts and how often to notify them in tuency",
			.options = options,
			.start = start,
			.event = want,
			.ask = ask,
			.fill = fill,
			.stop = stop });
}
