/* imq-to-restapi: each event is posted to a URL, as JSON or as a form. */
#include <stdlib.h>

#include "export.h"
#include "filter.h"
#include "http.h"
#include "http_sink.h"
#include "nest.h"
#include "rest.h"

static struct {
	const char *host, *token_name, *token;
	int auth;
	bool hierarchical, json;
	struct http http;
	struct http_sink sink;
	struct buf header, form;
	const char *headers[3];
} my = { .auth = -1 };

static const char *const kinds[] = { "http_basic_auth", "http_header", NULL };
enum { BASIC, HEADER };

static const struct opt options[] = {
	OPT_TEXT('u', "host", &my.host, NULL, "the URL to post to"),
	OPT_CHOICE(0, "auth-type", &my.auth, kinds, NULL, "what the token is"),
	OPT_TEXT(0, "auth-token-name", &my.token_name, NULL, "user name, or name of the header"),
	OPT_SECRET("auth-token", &my.token, "password, or value of the header"),
	OPT_BOOL(0, "hierarchical-output", &my.hierarchical, false, "nest: source.ip becomes ip in source"),
	OPT_BOOL(0, "use-json", &my.json, true, "post JSON; else a form"),
	HTTP_SINK_OPTIONS(&my.sink),
	HTTP_OPTIONS_UP_TO(&my.http, "1M"),
	OPT_END
};

static void put_pair(struct buf *out, struct event *ev, struct text name, struct value v)
{
	if (out->len)
		buf_char(out, '&');
	http_encode_form(out, name);
	buf_char(out, '=');
	buf_clear(&my.form);
	export_text(ev, v, &my.form);
	http_encode_form(out, buf_view(&my.form));
}

/* A list repeats its name. */
static void put_form(struct buf *out, struct event *ev)
{
	size_t cursor = 0;
	struct text name;
	enum field f;
	struct value v, one;

	while (event_next(ev, &cursor, &name, &f, &v)) {
		struct value_walk walk;

		if (v.kind != VALUE_ARRAY) {
			put_pair(out, ev, name, v);
			continue;
		}
		for (walk = value_walk(v); value_next(&walk, &one);)
			put_pair(out, ev, name, one);
	}
}

static enum verdict post(struct event *ev)
{
	struct parcel *p = parcel_new(&my.sink);

	if (!p)
		return MERGE;
	event_delete(ev, F_MESSAGE_TYPE);
	event_delete(ev, F_MESSAGE_PATH);
	event_flatten(ev);
	event_drop_ignored(ev);
	if (!my.json)
		put_form(&p->body, ev);
	else if (my.hierarchical)
		nest_event(ev, &p->body);
	else
		event_write(ev, &p->body);
	parcel_add(p, ev, 0);
	parcel_send(p, 0);
	return MERGE;
}

static void idle(void)
{
	http_sink_wait(&my.sink, 0);
}

static bool barrier(const struct batch *batch, struct problem *problem)
{
	(void)batch, (void)problem;
	return http_sink_wait(&my.sink, 0);
}

/* Before the mixins start. */
static bool authenticate(struct problem *problem)
{
	if (my.auth < 0)
		return true;
	if (!my.token_name || !*my.token_name || !my.token)
		return problem_set(problem, "--auth-type needs --auth-token-name and --auth-token");
	if (!rest_check_secret("--auth-token-name", my.token_name, problem) || !rest_check_secret("--auth-token", my.token, problem))
		return false;
	if (my.auth == HEADER) {
		buf_printf(&my.header, "%s: %s", my.token_name, my.token);
	} else {
		struct buf pair = BUF_INIT;

		buf_printf(&pair, "%s:%s", my.token_name, my.token);
		buf_string(&my.header, "Authorization: Basic ");
		buf_base64(&my.header, buf_view(&pair));
		buf_free(&pair);
	}
	my.headers[1] = buf_cstr(&my.header);
	return true;
}

static bool start(struct problem *problem)
{
	if (!my.host)
		return problem_set(problem, "--host is missing");
	if (!rest_check_url("--host", my.host, problem) || !authenticate(problem))
		return false;
	if (!my.json && my.hierarchical)
		return problem_set(problem, "--hierarchical-output: a form cannot be nested");
	my.headers[0] = my.json ? "Content-Type: application/json; charset=utf-8" : "Content-Type: application/x-www-form-urlencoded";
	my.sink.http = &my.http;
	my.sink.url = my.host;
	my.sink.headers = my.headers;
	return true;
}

static void stop(void)
{
	http_sink_stop(&my.sink);
	buf_free(&my.header);
	buf_free(&my.form);
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv, &(struct filter){
		.name = "imq-to-restapi", .module = "intelmq.bots.outputs.restapi.output", .summary = "post events to a web service",
		.options = options, .sink = true, .start = start, .event = post, .idle = idle, .barrier = barrier, .stop = stop });
}
