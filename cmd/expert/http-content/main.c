/* imq-http-content: whether the page at a URL holds a text, or something that a regular expression matches:
 * `status` becomes online or offline, with the reason in `extra.reason`. */
#include "decode.h"
#include "probe.h"
#include "regex.h"

static struct {
	const char *needle;
	bool is_regex;
	struct regex *regex;
	struct buf kind, reason;
	struct probe probe;
} my;

/* clang-format off */
static const struct opt options[] = {
	OPT_TEXT('n', "needle", &my.needle, NULL, "what to look for; without it events pass unchanged"),
	OPT_BOOL('E', "regex", &my.is_regex, false, "the needle is a regular expression"),
	PROBE_OPTIONS(&my.probe, "16M"),
	OPT_END
};
/* clang-format on */

static enum verdict want(struct event *ev)
{
	return my.needle ? probe_want(&my.probe, ev, buf_view(&my.kind)) : PASS;
}

static bool has_needle(struct text page)
{
	if (my.is_regex)
		return regex_search(my.regex, page);
	return !my.needle[0] || memmem(page.at, page.len, my.needle, strlen(my.needle));
}

static void on_reply(void *context, const struct http_reply *reply)
{
	struct lookup_question *question = context;
	struct buf answer = BUF_INIT, page = BUF_INIT;
	bool found = false;

	if (reply->status && reply->status < 400 && (!reply->error || reply->cut)) {
		decode_page(reply->body, reply->content_type, &page);
		found = has_needle(buf_view(&page));
	}
	if (reply->refused || (reply->cut && reply->status < 400 && !found)) {
		lookup_failed(question, reply->error); /* what is not looked at may have it */
	} else {
		buf_string(&answer, found ? "+" : "-");
		probe_outcome(reply, &answer);
		lookup_found(question, buf_view(&answer), my.probe.lookup.cache_ttl);
	}
	buf_free(&answer);
	buf_free(&page);
}

static void ask(struct lookup_question *question, struct text key)
{
	probe_ask(&my.probe, key, NULL, on_reply, question);
}

static void fill(struct event *ev, unsigned tag, struct text answer)
{
	bool found = answer.len && answer.at[0] == '+';
	struct text code;
	long long status;

	(void)tag;
	answer = text_from(answer, 1);
	text_split(&answer, ' ', &code);
	if (!text_integer(code, &status))
		return;
	if (!found && status && status < 400) {
		buf_clear(&my.reason);
		buf_printf(&my.reason, "Text %s not found in response from ", my.needle);
		buf_text(&my.reason, event_text(ev, my.probe.field));
		answer = buf_view(&my.reason);
	}
	probe_put(&my.probe, ev, found, answer);
}

static bool start(struct problem *problem)
{
	char why[PROBLEM_SIZE];

	buf_printf(&my.kind, "http content %d ", my.is_regex);
	if (my.needle)
		buf_json_ascii(&my.kind, text_of(my.needle));
	if (my.needle && my.is_regex && !(my.regex = regex_new(text_of(my.needle), REGEX_PYTHON, problem))) {
		memcpy(why, problem->text, sizeof why);
		return problem_set(problem, "--needle: %s", why);
	}
	return probe_start(&my.probe, problem);
}

static void stop(void)
{
	regex_free(my.regex);
	buf_free(&my.kind);
	buf_free(&my.reason);
	probe_stop(&my.probe);
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv,
		&(struct filter){ .name = "imq-http-content",
			.module = "intelmq.bots.experts.http.expert_content",
			.summary = "find out whether pages hold a text",
			.options = options,
			.start = start,
			.event = want,
			.ask = ask,
			.fill = fill,
			.stop = stop });
}
