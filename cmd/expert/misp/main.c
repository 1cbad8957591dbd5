/* imq-misp: the attribute of a MISP instance that has the address of an event, and the MISP event that it is
 * in. */
#include "answer.h"
#include "event.h"
#include "filter.h"
#include "ip.h"

static struct {
	const char *url, *key;
	enum tristate overwrite;
	struct buf base, question, authorization;
	struct http http;
	struct lookup lookup;
} my;

/* clang-format off */
static const struct opt options[] = {
	OPT_TEXT(0, "misp-url", &my.url, NULL, "the instance"),
	OPT_SECRET("misp-key", &my.key, "the key for it"),
	OPT_TRISTATE('o', "overwrite", &my.overwrite, NULL, "replace the UUIDs an event has (unset: reject it)"),
	LOOKUP_OPTIONS(&my.lookup, "20", "10m"),
	HTTP_OPTIONS_UP_TO(&my.http, "4M"),
	OPT_END
};
/* clang-format on */

static enum overwrite overwriting(void)
{
	return my.overwrite == TRISTATE_YES  ? OVERWRITE_YES
	       : my.overwrite == TRISTATE_NO ? OVERWRITE_NO
					     : OVERWRITE_UNSET;
}

static enum verdict want(struct event *ev)
{
	struct ip ip;

	if (!ip_parse(event_text(ev, F_SOURCE_IP), &ip))
		return PASS;
	buf_clear(&my.question);
	buf_text(&my.question, buf_view(&my.base));
	buf_string(&my.question, "attributes/restSearch ");
	ip_write(&my.question, &ip);
	lookup_want(&my.lookup, ev, 0, buf_view(&my.question));
	return PASS;
}

static void on_reply(void *context, const struct http_reply *reply)
{
	rest_settle(context, reply, misp_read, my.lookup.cache_ttl);
}

static void ask(struct lookup_question *question, struct text key)
{
	const char *headers[] = { "Content-Type: application/json", "Accept: application/json",
		buf_cstr(&my.authorization), NULL };
	struct buf url = BUF_INIT, body = BUF_INIT;
	struct text address = key, base;

	text_split(&address, ' ', &base);
	buf_text(&url, base);
	buf_string(&body, "{\"returnFormat\":\"json\",\"page\":1,\"limit\":1,\"value\":");
	buf_json(&body, address);
	buf_char(&body, '}');
	http_send(&my.http, &(struct http_request){ .url = buf_cstr(&url),
				    .headers = headers,
				    .body = buf_view(&body),
				    .deadline = my.lookup.deadline,
				    .done = on_reply,
				    .context = question });
	buf_free(&url);
	buf_free(&body);
}

static void fill(struct event *ev, unsigned tag, struct text answer)
{
	struct text attribute;

	(void)tag;
	if (!text_split(&answer, ' ', &attribute))
		return;
	event_add(ev, F_MISP_ATTRIBUTE_UUID, attribute, overwriting());
	event_add(ev, F_MISP_EVENT_UUID, answer, overwriting());
}

static bool start(struct problem *problem)
{
	if (!rest_base("--misp-url", my.url, &my.base, problem) ||
		!rest_check_secret("--misp-key", my.key, problem))
		return false;
	buf_printf(&my.authorization, "Authorization: %s", my.key);
	return true;
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
		&(struct filter){ .name = "imq-misp",
			.module = "intelmq.bots.experts.misp.expert",
			.compiled = "--on-failure=reject",
			.summary = "look up addresses in MISP",
			.options = options,
			.start = start,
			.event = want,
			.ask = ask,
			.fill = fill,
			.stop = stop });
}
