/* imq-lookyloo: order a screenshot of a URL from a Lookyloo instance; `screenshot_url` is where it will be. */
#include "answer.h"
#include "event.h"
#include "filter.h"

static struct {
	const char *url;
	bool overwrite;
	struct buf base, question;
	struct http http;
	struct lookup lookup;
} my;

/* clang-format off */
static const struct opt options[] = {
	OPT_TEXT(0, "instance-url", &my.url, "http://localhost:5100/", "the Lookyloo instance"),
	OPT_BOOL('o', "overwrite", &my.overwrite, false, "order anew for events that have a screenshot_url"),
	LOOKUP_OPTIONS(&my.lookup, "10", "1h"),
	HTTP_OPTIONS_UP_TO(&my.http, "64K"),
	OPT_END
};
/* clang-format on */

static enum verdict want(struct event *ev)
{
	struct text url = event_text(ev, F_SOURCE_URL);

	if (!url.at || (!my.overwrite && event_has(ev, F_SCREENSHOT_URL)))
		return PASS;
	buf_clear(&my.question);
	buf_text(&my.question, buf_view(&my.base));
	buf_char(&my.question, ' ');
	buf_text(&my.question, url);
	lookup_want(&my.lookup, ev, 0, buf_view(&my.question));
	return PASS;
}

static void on_reply(void *context, const struct http_reply *reply)
{
	rest_settle(context, reply, lookyloo_read, my.lookup.cache_ttl);
}

static void ask(struct lookup_question *question, struct text key)
{
	static const char *const headers[] = { "Content-Type: application/json", NULL };
	struct buf submit = BUF_INIT, body = BUF_INIT;
	struct text url = key, base;

	text_split(&url, ' ', &base);
	buf_text(&submit, base);
	buf_string(&submit, "submit");
	buf_string(&body, "{\"url\":");
	buf_json(&body, url);
	buf_string(&body, ",\"user_agent\":");
	buf_json(&body, text_of(my.http.user_agent));
	buf_char(&body, '}');
	http_send(&my.http, &(struct http_request){ .url = buf_cstr(&submit),
				    .headers = headers,
				    .body = buf_view(&body),
				    .deadline = my.lookup.deadline,
				    .done = on_reply,
				    .context = question });
	buf_free(&submit);
	buf_free(&body);
}

static void fill(struct event *ev, unsigned tag, struct text uuid)
{
	(void)tag;
	buf_clear(&my.question);
	buf_text(&my.question, buf_view(&my.base));
	buf_string(&my.question, "tree/");
	buf_text(&my.question, uuid);
	event_set(ev, F_SCREENSHOT_URL, buf_view(&my.question));
}

static bool start(struct problem *problem)
{
	struct buf url = BUF_INIT;
	bool fine;

	if (!strstr(my.url, "://"))
		buf_string(&url, "http://");
	buf_string(&url, my.url);
	fine = rest_base("--instance-url", buf_cstr(&url), &my.base, problem);
	buf_free(&url);
	return fine;
}

static void stop(void)
{
	buf_free(&my.base);
	buf_free(&my.question);
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv,
		&(struct filter){ .name = "imq-lookyloo",
			.module = "intelmq.bots.experts.lookyloo.expert",
			.compiled = "--on-failure=reject",
			.summary = "order screenshots of URLs from Lookyloo",
			.options = options,
			.start = start,
			.event = want,
			.ask = ask,
			.fill = fill,
			.stop = stop });
}
