/* imq-http-status: whether the server of a URL answers, and with which status (RFC 9110, 15): `status` becomes
 * online or offline, with the reason in `extra.reason`. Of the body no more is taken than a kept connection
 * needs. */
#include <stdlib.h>

#include "alloc.h"
#include "probe.h"

static struct {
	struct list codes;
	struct probe probe;
} my;

/* clang-format off */
static const struct opt options[] = {
	OPT_LIST('s', "success-status-codes", &my.codes, "", "the statuses that mean online (default: all below 400)"),
	PROBE_OPTIONS(&my.probe, "64K"),
	OPT_END
};
/* clang-format on */

/* A request on its way. */
struct visit {
	struct lookup_question *question;
	size_t bytes;
};

static enum verdict want(struct event *ev)
{
	return probe_want(&my.probe, ev, TEXT("http status"));
}

/* Throws the body away, and the connection with it where reading on would cost more than another one. */
static bool on_bytes(void *context, const struct http_reply *reply, struct text bytes)
{
	struct visit *visit = context;

	(void)reply;
	visit->bytes += bytes.len;
	return visit->bytes <= my.probe.http.max_reply;
}

static void on_reply(void *context, const struct http_reply *reply)
{
	struct visit *visit = context;
	struct buf answer = BUF_INIT;

	if (reply->refused) {
		lookup_failed(visit->question, reply->error);
	} else {
		probe_outcome(reply, &answer);
		lookup_found(visit->question, buf_view(&answer), my.probe.lookup.cache_ttl);
	}
	buf_free(&answer);
	free(visit);
}

static void ask(struct lookup_question *question, struct text key)
{
	struct visit *visit = alloc_zero(1, sizeof *visit);

	visit->question = question;
	probe_ask(&my.probe, key, on_bytes, on_reply, visit);
}

static void fill(struct event *ev, unsigned tag, struct text answer)
{
	struct text code;
	long long status;

	(void)tag;
	text_split(&answer, ' ', &code);
	if (text_integer(code, &status))
		probe_put(&my.probe, ev,
			my.codes.count ? list_has(&my.codes, code) : status >= 100 && status < 400, answer);
}

static bool start(struct problem *problem)
{
	long long status;

	for (size_t i = 0; i < my.codes.count; i++)
		if (!text_integer(my.codes.items[i], &status) || status < 100 || status > 999)
			return problem_set(problem, "--success-status-codes: no status: \"%.*s\"",
				TEXT_ARGS(my.codes.items[i]));
	return probe_start(&my.probe, problem);
}

static void stop(void)
{
	probe_stop(&my.probe);
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv,
		&(struct filter){ .name = "imq-http-status",
			.module = "intelmq.bots.experts.http.expert_status",
			.summary = "find out whether URLs answer",
			.options = options,
			.start = start,
			.event = want,
			.ask = ask,
			.fill = fill,
			.stop = stop });
}
