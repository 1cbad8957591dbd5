/* imq-from-http: a document of a web server as reports, or the files in it if it is an archive. With --seen it is only fetched again once
 * it has changed, which is remembered after its reports have been written. */
#include <stdlib.h>

#include "alloc.h"
#include "extract.h"
#include "log.h"
#include "source.h"
#include "value.h"

#include "from_http.h"

static struct {
	const struct command *command;
	const char *http_url, *seen_file, *feed;
	struct text formatting, extract_files;
	size_t max_size;
	long long max_files;
	struct http http;
	struct source source;
	struct feed_facts facts;
	struct list wanted; /* members */
	bool extract, all;
	struct buf url;
	struct signature signature;
	struct seen seen;
	struct buf label;   /* of the member at hand */
	bool complete;      /* everything has been delivered */
} my;

static const struct opt options[] = {
	OPT_TEXT('u', "http-url", &my.http_url, NULL, "the URL, http: or https:"),
	OPT_TEXT('f', "feed", &my.feed, NULL, "take URL, name and provider from the definition of this feed"),
	OPT_JSON(0, "http-url-formatting", &my.formatting, NULL, "put the time into the URL: true, or a difference {\"days\":-1}"),
	OPT_VALUE('x', "extract-files", &my.extract_files, NULL, "unpack: true for all files, or a list of names"),
	OPT_BYTES(0, "extract-max-size", &my.max_size, "1G", "refuse archives that unpack to more"),
	OPT_INTEGER(0, "extract-max-files", &my.max_files, "10000", "refuse archives of more files"),
	SIGNATURE_OPTIONS(&my.signature),
	OPT_FILE(0, "seen", &my.seen_file, "remember in FILE what was delivered, and fetch only what is newer"),
	SOURCE_OPTIONS(&my.source),
	HTTP_OPTIONS(&my.http),
	OPT_END
};

/* ---- options ---- */

static void want(struct text name)
{
	my.wanted.items = alloc_resize(my.wanted.items, my.wanted.count + 1, sizeof *my.wanted.items);
	my.wanted.items[my.wanted.count++] = text_of(alloc_string(name));
}

/* true, false, null, a list, or names with commas between. */
static bool read_extract_files(struct problem *problem)
{
	struct arena arena = { 0 };
	struct value_error unused;
	struct value v = NO_VALUE, item;

	if (my.extract_files.at)
		value_parse(my.extract_files, &v, &unused);
	my.extract = v.kind == VALUE_TRUE || v.kind == VALUE_ARRAY || v.kind == VALUE_STRING;
	my.all = v.kind == VALUE_TRUE;
	if (v.kind == VALUE_STRING) {
		struct text rest = value_text(v, &arena), name;

		while (text_split(&rest, ',', &name))
			want(name);
	} else if (v.kind == VALUE_ARRAY) {
		for (struct value_walk walk = value_walk(v); value_next(&walk, &item);)
			want(value_text(item, &arena));
	}
	arena_free(&arena);
	if (v.kind == VALUE_NUMBER || v.kind == VALUE_OBJECT)
		return problem_set(problem, "--extract-files: true, false or a list of names");
	return my.max_files > 0 || problem_set(problem, "--extract-max-files: at least 1");
}

/* What the options do not say, the definition does. */
static bool use_feed(struct problem *problem)
{
	if (!feed_find(&my.facts, my.command, my.feed, problem) || (!my.http_url && !feed_has_url(&my.facts, problem)))
		return false;
	if (!my.http_url)
		my.http_url = buf_cstr(&my.facts.url);
	if (!my.source.feed)
		my.source.feed = buf_cstr(&my.facts.name);
	if (!my.source.provider)
		my.source.provider = buf_cstr(&my.facts.provider);
	if (!my.source.documentation)
		my.source.documentation = buf_cstr(&my.facts.documentation);
	return true;
}

static bool start(struct problem *problem)
{
	if (my.feed && !use_feed(problem))
		return false;
	if (!my.http_url)
		return problem_set(problem, "--http-url or --feed is missing");
	if (!url_read("http-url", my.http_url, my.formatting, &my.url, problem) || !read_extract_files(problem) ||
		!signature_start(&my.signature, problem))
		return false;
	if (my.seen_file && !seen_read(&my.seen, my.seen_file, problem))
		return false;
	return http_start(&my.http, problem);
}

/* ---- what was fetched ---- */

static void begin_item(struct text name)
{
	buf_clear(&my.label);
	buf_printf(&my.label, "%s%s", buf_cstr(&my.url), name.len ? "#" : "");
	buf_text(&my.label, name);
	source_begin(&my.source, &(struct source_item){
		.label = buf_cstr(&my.label), .url = buf_view(&my.url), .file_name = name });
}

static bool begin_member(void *context, struct text name)
{
	(void)context;
	begin_item(name);
	return source_wanted(&my.source);
}

static bool member_bytes(void *context, struct text bytes)
{
	(void)context;
	return source_bytes(&my.source, bytes);
}

static void end_member(void *context, const char *failure)
{
	(void)context;
	if (failure)
		source_abort(&my.source, text_of(failure));
	if (!source_finish(&my.source))
		my.complete = false;
}

static void reject_document(const char *reason)
{
	begin_item(NO_TEXT);
	source_abort(&my.source, text_of(reason));
	my.complete = false;
}

static void deliver_members(struct text body)
{
	struct problem problem = { .line = 0 };
	uint64_t before = my.source.run.counts.out;
	struct extract x = { .wanted = !my.extract || my.all ? NULL : &my.wanted, .max_size = my.max_size,
		.max_files = (size_t)my.max_files, .begin = begin_member, .bytes = member_bytes, .end = end_member };

	if (!extract_all(&x, body, &problem))
		reject_document(problem.text);
	else if (my.complete && my.source.run.counts.out == before)
		log_message("%s: nothing in it that is wanted", buf_cstr(&my.url));
}

static void deliver(struct text body)
{
	my.complete = true;
	if (!body.len) {
		log_message("%s: empty", buf_cstr(&my.url));
	} else if (my.extract || extract_is_zip(body)) {
		deliver_members(body);
	} else {
		begin_item(NO_TEXT);
		source_bytes(&my.source, body);
		my.complete = source_finish(&my.source);
	}
}

/* Headers that ask for the document only if it is not the one seen. */
static size_t add_conditions(const char **headers, struct buf *etag, struct buf *since)
{
	size_t n = 0;

	if (!text_eq(buf_view(&my.seen.url), buf_view(&my.url)))
		return 0;
	if (my.seen.etag.len) {
		buf_printf(etag, "If-None-Match: %s", buf_cstr(&my.seen.etag));
		headers[n++] = buf_cstr(etag);
	}
	if (my.seen.last_modified.len) {
		buf_printf(since, "If-Modified-Since: %s", buf_cstr(&my.seen.last_modified));
		headers[n++] = buf_cstr(since);
	}
	return n;
}

/* What was fetched, unless it must be signed and is not. */
static void take_reply(struct http_reply *reply)
{
	struct problem problem = { .line = 0 };
	enum exit_status status;

	if (!signature_check(&my.signature, &my.http, reply, &status, &problem)) {
		if (status == EXIT_REJECTED)
			reject_document(problem.text);
		else if (!run_stopping())
			source_fail(&my.source, status, &problem);
		return;
	}
	deliver(reply->body);
	if (my.seen_file && my.complete && !my.source.run.failure && !run_stopping() &&
		!seen_write(my.seen_file, buf_cstr(&my.url), reply, &problem))
		source_fail(&my.source, EXIT_IO, &problem);
}

static void fetch(void)
{
	struct problem problem = { .line = 0 };
	struct buf etag = BUF_INIT, since = BUF_INIT;
	const char *headers[3] = { NULL };
	struct http_request request = { .url = buf_cstr(&my.url), .headers = headers };
	struct http_reply reply;

	add_conditions(headers, &etag, &since);
	if (!http_fetch(&my.http, &request, &reply, &problem)) {
		if (!run_stopping())
			source_fail(&my.source, EXIT_REMOTE, &problem);
	} else if (reply.status != 304) {
		take_reply(&reply);
	}
	buf_free(&etag);
	buf_free(&since);
}

static void stop(void)
{
	http_stop(&my.http);
	feed_free(&my.facts);
	seen_free(&my.seen);
	for (size_t i = 0; i < my.wanted.count; i++)
		free((void *)(uintptr_t)my.wanted.items[i].at);
	free(my.wanted.items);
	signature_free(&my.signature);
	buf_free(&my.url);
	buf_free(&my.label);
}

int main(int argc, char **argv)
{
	struct command command = { .name = "imq-from-http", .modules = "intelmq.bots.collectors.http.collector_http",
		.summary = "fetch a document from a web server", .operands = "", .options = options, .common = run_options,
		.rate_limit = 3600 };
	struct problem problem = { .line = 0 };
	int status;

	my.command = &command;
	if (!source_start(&my.source, &command, argc, argv, &status))
		return status;
	if (start(&problem))
		fetch();
	else
		source_fail(&my.source, EXIT_USAGE, &problem);
	stop();
	return source_end(&my.source);
}
