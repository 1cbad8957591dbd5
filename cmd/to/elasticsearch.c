/* imq-to-elasticsearch: events as documents of Elasticsearch (or OpenSearch), many in one request of the bulk API. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <jansson.h>
#include <openssl/evp.h>

#include "clock.h"
#include "filter.h"
#include "http.h"
#include "http_sink.h"
#include "value.h"

enum { MAX_RECORDS = 500, MAX_BYTES = 4 << 20, RETRIES = 5, DIGEST = 32 };

static struct {
	const char *host, *index, *replacement, *ca;
	long long port;
	int rotate;
	struct list flatten;
	bool use_ssl, show_warnings, document_id;
	struct http http;
	struct http_sink sink;
	struct parcel *parcel; /* being filled */
	struct buf base, url, name, plain, document;
} my;

static const char *const rotations[] = { "never", "daily", "weekly", "monthly", "yearly", NULL };
static const char *const formats[] = { NULL, "-%Y-%m-%d", "-%Y-%W", "-%Y-%m", "-%Y" };

/* Before the HTTP mixin reads it. */
static bool choose_trust(void *self, const struct filter *filter, const struct batch *batch, struct problem *problem)
{
	(void)self, (void)filter, (void)batch, (void)problem;
	if (my.ca && *my.ca)
		my.http.verify_cert = my.ca;
	return true;
}

static const struct mixin trust_mixin = { .name = "trust", .start = choose_trust };

static const struct opt options[] = {
	OPT_TEXT(0, "elastic-host", &my.host, "127.0.0.1", "the server"),
	OPT_INTEGER(0, "elastic-port", &my.port, "9200", "its port"),
	OPT_TEXT('i', "elastic-index", &my.index, "intelmq", "the index"),
	OPT_CHOICE(0, "rotate-index", &my.rotate, rotations, "never", "an index for each day, week, month or year of events"),
	OPT_LIST(0, "flatten-fields", &my.flatten, "extra", "objects, or texts that hold them, that become fields"),
	OPT_TEXT(0, "replacement-char", &my.replacement, NULL, "what dots in names become"),
	OPT_BOOL(0, "use-ssl", &my.use_ssl, false, "HTTPS"),
	OPT_FILE(0, "ssl-ca-certificate", &my.ca, "certificates to trust instead of the system's"),
	OPT_BOOL(0, "ssl-show-warnings", &my.show_warnings, true, "without effect"),
	OPT_BOOL(0, "document-id", &my.document_id, false, "give documents ids made of what is in them, so that repeats are one"),
	OPT_MIXIN(&trust_mixin, &my.ca),
	HTTP_SINK_OPTIONS(&my.sink),
	HTTP_OPTIONS(&my.http),
	OPT_END
};

/* ---- the document ---- */

static void put_name(struct buf *out, struct text name)
{
	if (!my.replacement) {
		buf_json(out, name);
		return;
	}
	buf_clear(&my.plain);
	for (size_t i = 0; i < name.len; i++)
		if (name.at[i] == '.')
			buf_string(&my.plain, my.replacement);
		else
			buf_char(&my.plain, name.at[i]);
	buf_json(out, buf_view(&my.plain));
}

/* V with dots in names replaced, in objects inside of objects, not in lists. */
static void put_value(struct buf *out, struct value v, struct arena *a)
{
	struct value_walk walk;
	struct value key, member;
	char before = '{';

	if (v.kind != VALUE_OBJECT || !my.replacement) {
		buf_text(out, v.raw);
		return;
	}
	for (walk = value_walk(v); value_next_member(&walk, &key, &member); before = ',') {
		buf_char(out, before);
		put_name(out, value_text(key, a));
		buf_char(out, ':');
		put_value(out, member, a);
	}
	buf_string(out, before == '{' ? "{}" : "}");
}

static void put_member(struct buf *out, struct text name, struct value v, struct arena *a)
{
	buf_char(out, out->len ? ',' : '{');
	put_name(out, name);
	buf_char(out, ':');
	put_value(out, v, a);
}

/* FIELD's object as fields of their own: `output_a`; those of a text in extra are extra's, `extra.a`. */
static bool put_flattened(struct buf *out, struct text field, struct value v, struct arena *a)
{
	struct value object = v, key, member;
	struct value_error unused;
	struct value_walk walk;

	if (v.kind == VALUE_STRING && !value_parse(value_text(v, a), &object, &unused))
		return false;
	if (object.kind != VALUE_OBJECT)
		return false;
	for (walk = value_walk(object); value_next_member(&walk, &key, &member);) {
		buf_clear(&my.name);
		buf_text(&my.name, field);
		buf_char(&my.name, text_is(field, "extra") ? '.' : '_');
		buf_text(&my.name, value_text(key, a));
		put_member(out, buf_view(&my.name), member, a);
	}
	return true;
}

static void put_document(struct event *ev, struct buf *out)
{
	size_t cursor = 0;
	struct text name;
	enum field f;
	struct value v;

	buf_clear(out);
	while (event_next(ev, &cursor, &name, &f, &v))
		if (!list_has(&my.flatten, name) || !put_flattened(out, name, v, event_arena(ev)))
			put_member(out, name, v, event_arena(ev));
	buf_string(out, out->len ? "}" : "{}");
}

/* Appends the index: by the day of the event, or today's. */
static void put_index(struct event *ev, struct buf *out)
{
	struct text when = event_text(ev, F_TIME_SOURCE);
	time_t now = (time_t)(clock_now() / 1000000);
	char date[32];
	struct tm tm;
	int y, m, d, end = 0;

	buf_string(out, my.index);
	if (!my.rotate)
		return;
	if (!when.len)
		when = event_text(ev, F_TIME_OBSERVATION);
	snprintf(date, sizeof date, "%.*s", (int)(when.len < 11 ? when.len : 11), when.len ? when.at : "");
	if (sscanf(date, "%4d-%2d-%2dT%n", &y, &m, &d, &end) == 3 && end == 11) {
		tm = (struct tm){ .tm_year = y - 1900, .tm_mon = m - 1, .tm_mday = d };
		now = timegm(&tm);
	}
	gmtime_r(&now, &tm);
	buf_add(out, date, strftime(date, sizeof date, formats[my.rotate], &tm));
}

static void put_id(struct buf *out, struct text document)
{
	unsigned char digest[DIGEST];

	EVP_Digest(document.at, document.len, digest, NULL, EVP_sha256(), NULL);
	buf_string(out, ",\"_id\":\"");
	for (size_t i = 0; i < DIGEST; i++)
		buf_printf(out, "%02x", digest[i]);
	buf_char(out, '"');
}

/* ---- the requests ---- */

static void send_parcel(void)
{
	if (my.parcel)
		parcel_send(my.parcel, 0);
	my.parcel = NULL;
}

static enum verdict gather(struct event *ev)
{
	struct buf *body;
	size_t at;

	if (my.parcel && (my.parcel->count >= MAX_RECORDS || my.parcel->body.len >= MAX_BYTES))
		send_parcel();
	if (!my.parcel && !(my.parcel = parcel_new(&my.sink)))
		return MERGE;
	body = &my.parcel->body;
	at = body->len;
	event_delete(ev, F_MESSAGE_TYPE);
	event_delete(ev, F_MESSAGE_PATH);
	event_flatten(ev);
	event_drop_ignored(ev);
	put_document(ev, &my.document);
	buf_clear(&my.name);
	put_index(ev, &my.name);
	buf_string(body, "{\"index\":{\"_index\":");
	buf_json(body, buf_view(&my.name));
	if (my.document_id)
		put_id(body, buf_view(&my.document));
	buf_string(body, "}}\n");
	buf_text(body, buf_view(&my.document));
	buf_char(body, '\n');
	parcel_add(my.parcel, ev, at);
	return MERGE;
}

/* The answer has an item for each document, in their order. */
static void look_at_item(struct parcel *p, size_t i, json_t *item, struct parcel **again)
{
	json_t *result = json_object_get(item, "index"), *error = json_object_get(result, "error");
	long long status = json_integer_value(json_object_get(result, "status"));
	const char *type = json_string_value(json_object_get(error, "type"));
	const char *reason = json_string_value(json_object_get(error, "reason"));
	struct problem problem = { .line = 0 };

	if (status >= 200 && status < 300)
		return;
	if ((status == 429 || status == 503) && p->tries < RETRIES) {
		if (!*again)
			*again = parcel_new_now(&my.sink);
		parcel_move(p, i, *again);
		return;
	}
	problem_set(&problem, "elasticsearch: status %lld: %.100s: %.300s", status, type ? type : "no type", reason ? reason : "no reason");
	parcel_refuse(p, i, text_of(problem.text));
}

static void read_answer(struct parcel *p, const struct http_reply *reply)
{
	json_t *root = json_loadb(reply->body.at, reply->body.len, 0, NULL), *items = json_object_get(root, "items");
	bool whole = json_is_array(items) && json_array_size(items) == p->count;
	struct parcel *again = NULL;

	for (size_t i = 0; i < p->count; i++)
		if (whole)
			look_at_item(p, i, json_array_get(items, i), &again);
		else
			parcel_refuse(p, i, TEXT("elasticsearch: the answer does not say what became of it"));
	json_decref(root);
	if (again) {
		again->tries = p->tries + 1;
		parcel_send(again, (double)(1 << p->tries));
	}
}

static void idle(void)
{
	send_parcel();
	http_sink_wait(&my.sink, 0);
}

static bool barrier(const struct batch *batch, struct problem *problem)
{
	(void)batch, (void)problem;
	send_parcel();
	return http_sink_wait(&my.sink, 0);
}

/* ---- the start ---- */

/* Asks for PATH of the index, or makes it. Returns the status, 0 with PROBLEM: none. */
static long ask(const char *method, const char *path, struct problem *problem)
{
	struct http_reply reply = { .status = 0 };
	struct buf url = BUF_INIT;

	buf_text(&url, buf_view(&my.base));
	buf_string(&url, path);
	http_encode(&url, text_of(my.index));
	http_fetch(&my.http, &(struct http_request){ .method = method, .url = buf_cstr(&url) }, &reply, problem);
	buf_free(&url);
	return reply.status;
}

/* As IntelMQ: with rotation there must be a template, else an index, which is made. */
static void look_for_index(void)
{
	struct problem problem = { .line = 0 };
	long status;

	if (my.rotate) {
		status = ask("HEAD", "_template/", &problem);
		if (status == 404)
			status = ask("HEAD", "_index_template/", &problem);
		if (status == 404) {
			problem_set(&problem, "no template \"%s\" on the server, which --rotate-index needs", my.index);
			filter_fail(EXIT_USAGE, &problem);
			return;
		}
	} else {
		status = ask("HEAD", "", &problem);
		if (status == 404) {
			problem = (struct problem){ .line = 0 };
			status = ask("PUT", "", &problem);
		}
		if (status == 400) /* somebody else has made it meanwhile */
			status = 200;
	}
	if (status < 200 || status >= 300)
		filter_fail(EXIT_REMOTE, &problem);
}

static bool start(struct problem *problem)
{
	static const char *const headers[] = { "Content-Type: application/x-ndjson", NULL };
	bool six = strchr(my.host, ':') != NULL;

	if (!*my.host || my.port < 1 || my.port > 65535 || strpbrk(my.host, "/@?# "))
		return problem_set(problem, "--elastic-host, --elastic-port: no host and port");
	if (!*my.index)
		return problem_set(problem, "--elastic-index is missing");
	buf_printf(&my.base, "http%s://%s%s%s:%lld/", my.use_ssl ? "s" : "", six ? "[" : "", my.host, six ? "]" : "", my.port);
	buf_text(&my.url, buf_view(&my.base));
	buf_string(&my.url, "_bulk");
	my.sink.http = &my.http;
	my.sink.url = buf_cstr(&my.url);
	my.sink.headers = headers;
	my.sink.repeatable = my.document_id;
	my.sink.answered = read_answer;
	look_for_index();
	return true;
}

static void stop(void)
{
	http_sink_stop(&my.sink);
	buf_free(&my.base);
	buf_free(&my.url);
	buf_free(&my.name);
	buf_free(&my.plain);
	buf_free(&my.document);
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv, &(struct filter){ .name = "imq-to-elasticsearch",
		.module = "intelmq.bots.outputs.elasticsearch.output", .summary = "store events in Elasticsearch", .options = options,
		.sink = true, .start = start, .event = gather, .idle = idle, .barrier = barrier, .stop = stop });
}
