/* imq-splunk-saved-search: run a saved search of Splunk with values of an event, and set fields from the row
 * it finds. A search is started, then asked for its results until it has some: both steps are one question.
 */
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "answer.h"
#include "clock.h"
#include "event.h"
#include "export.h"
#include "filter.h"
#include "log.h"

enum { MOST_FIELDS = 64 };

/* A field of the event and what Splunk calls it. */
struct pair {
	enum field field;
	struct text name;
};

static struct {
	const char *url, *token, *search;
	struct text parameters, results;
	double retry_interval; /* seconds */
	struct list not_found, multiple;
	enum tristate overwrite;
	struct pair inputs[MOST_FIELDS], outputs[MOST_FIELDS];
	size_t input_count, output_count;
	struct arena names;
	struct buf query, value, base, authorization;
	struct http http;
	struct lookup lookup;
} my;

/* clang-format off */
static const struct opt options[] = {
	OPT_TEXT(0, "url", &my.url, NULL, "the base of the REST API"),
	OPT_SECRET("auth-token", &my.token, "the token for it"),
	OPT_TEXT(0, "saved-search", &my.search, NULL, "the name of the search"),
	OPT_JSON(0, "search-parameters", &my.parameters, "{}", "map of event fields to parameters of the search"),
	OPT_JSON(0, "result-fields", &my.results, "{}", "map of columns of the result to event fields"),
	OPT_SECONDS(0, "retry-interval", &my.retry_interval, "5", "how often to ask whether a search is done"),
	OPT_LIST(0, "not-found", &my.not_found, "warn,send", "if there is no row: warn, send, drop"),
	OPT_LIST(0, "multiple-result-handling", &my.multiple, "warn,use_first,send",
		"if there are several: limit, warn, use_first, ignore, send, drop"),
	OPT_TRISTATE('o', "overwrite", &my.overwrite, NULL, "replace what an event has (unset: reject it)"),
	LOOKUP_OPTIONS(&my.lookup, "10", "5m"),
	HTTP_OPTIONS_UP_TO(&my.http, "4M"),
	OPT_END
};
/* clang-format on */

/* A search on its way. */
struct job {
	struct lookup_question *question;
	struct buf url;
	int64_t deadline; /* clock_steady() */
};

static enum overwrite overwriting(void)
{
	return my.overwrite == TRISTATE_YES  ? OVERWRITE_YES
	       : my.overwrite == TRISTATE_NO ? OVERWRITE_NO
					     : OVERWRITE_UNSET;
}

/* Asking */

/* Appends T in quotes, as a search command wants it. */
static void quote(struct buf *out, struct text t)
{
	buf_char(out, '"');
	for (size_t i = 0; i < t.len; i++) {
		if (t.at[i] == '"' || t.at[i] == '\\')
			buf_char(out, '\\');
		buf_char(out, t.at[i]);
	}
	buf_char(out, '"');
}

/* Splunk puts parameters into the text of the saved search as they are, so quoting is not enough: a value
 * must not be able to end a quoted text there, or to start a command or a subsearch. */
static bool is_harmless(struct text value)
{
	for (size_t i = 0; i < value.len; i++)
		if ((unsigned char)value.at[i] < ' ' || strchr("\"|[]`", value.at[i]))
			return false;
	return !value.len || value.at[value.len - 1] != '\\';
}

/* The query is the question. */
static enum verdict want(struct event *ev)
{
	buf_clear(&my.query);
	buf_string(&my.query, "|savedsearch ");
	quote(&my.query, text_of(my.search));
	for (size_t i = 0; i < my.input_count; i++) {
		struct value v = event_value(ev, my.inputs[i].field);

		if (v.kind == VALUE_NONE) {
			log_message("%.*s: not in the event, which is not searched for",
				TEXT_ARGS(field_name(my.inputs[i].field)));
			return PASS;
		}
		buf_clear(&my.value);
		export_text(ev, value_first(v), &my.value);
		if (!is_harmless(buf_view(&my.value))) {
			log_message("%.*s: its value could change the search, the event is not searched for",
				TEXT_ARGS(field_name(my.inputs[i].field)));
			return PASS;
		}
		buf_char(&my.query, ' ');
		quote(&my.query, my.inputs[i].name);
		buf_char(&my.query, '=');
		quote(&my.query, buf_view(&my.value));
	}
	if (list_has(&my.multiple, TEXT("limit")))
		buf_string(&my.query, " | head 1");
	lookup_want(&my.lookup, ev, 0, buf_view(&my.query));
	return PASS;
}

static void end_job(struct job *job, const struct http_reply *reply)
{
	rest_settle(job->question, reply, splunk_read_results, my.lookup.cache_ttl);
	buf_free(&job->url);
	free(job);
}

static void on_results(void *context, const struct http_reply *reply);

/* Asks for the results after a PAUSE of seconds. False: that would be too late. */
static bool poll_results(struct job *job, double pause)
{
	const char *headers[] = { buf_cstr(&my.authorization), NULL };
	double left = (double)(job->deadline - clock_steady()) / 1e6;

	if (pause >= left)
		return false;
	http_send(&my.http, &(struct http_request){ .url = buf_cstr(&job->url),
				    .headers = headers,
				    .after = pause,
				    .deadline = left - pause,
				    .done = on_results,
				    .context = job });
	return true;
}

/* 204: the search is not done yet. */
static void on_results(void *context, const struct http_reply *reply)
{
	struct job *job = context;
	struct http_reply late = { .error = "the search was not done in time (--deadline)" };

	if (reply->error || reply->status == 200 || reply->status >= 400)
		end_job(job, reply);
	else if (!poll_results(job, my.retry_interval))
		end_job(job, &late);
}

static void on_job(void *context, const struct http_reply *reply)
{
	struct job *job = context;
	struct http_reply failed = { .error = reply->error };
	struct problem problem = { .line = 0 };
	struct buf id = BUF_INIT;

	if (!reply->error && splunk_read_job(reply, &id, &problem) == REST_BROKEN)
		failed.error = problem.text;
	buf_text(&job->url, buf_view(&my.base));
	buf_char(&job->url, '/');
	http_encode(&job->url, buf_view(&id));
	buf_string(&job->url, "/results/?output_mode=json");
	buf_free(&id);
	if (!failed.error && !poll_results(job, 1))
		failed.error = "the search was not done in time (--deadline)";
	if (failed.error)
		end_job(job, &failed);
}

static void ask(struct lookup_question *question, struct text key)
{
	const char *headers[] = { "Content-Type: application/x-www-form-urlencoded",
		buf_cstr(&my.authorization), NULL };
	struct job *job = alloc_zero(1, sizeof *job);
	struct buf body = BUF_INIT;

	job->question = question;
	job->deadline = clock_steady() + (int64_t)(my.lookup.deadline * 1e6);
	buf_string(&body, "output_mode=json&search=");
	http_encode_form(&body, key);
	http_send(&my.http, &(struct http_request){ .url = buf_cstr(&my.base),
				    .headers = headers,
				    .body = buf_view(&body),
				    .deadline = my.lookup.deadline,
				    .done = on_job,
				    .context = job });
	buf_free(&body);
}

/* Filling in */

static void take_row(struct event *ev, struct value row)
{
	for (size_t i = 0; i < my.output_count; i++) {
		struct value_walk walk = value_walk(row);
		struct value name, v;
		bool found = false;

		while (!found && value_next_member(&walk, &name, &v))
			found = text_eq(value_text(name, event_arena(ev)), my.outputs[i].name);
		if (!found)
			event_mark(ev, "the search's result has no column \"%.*s\"",
				TEXT_ARGS(my.outputs[i].name));
		else
			event_add_value(ev, my.outputs[i].field, v, overwriting());
	}
}

static void fill(struct event *ev, unsigned tag, struct text answer)
{
	struct value_error unused;
	struct value rows, row, more;
	struct value_walk walk;
	const struct list *handling = NULL;

	(void)tag;
	if (!value_parse(answer, &rows, &unused) || rows.kind != VALUE_ARRAY)
		return;
	walk = value_walk(rows);
	if (!value_next(&walk, &row))
		handling = &my.not_found;
	else if (value_next(&walk, &more) && !list_has(&my.multiple, TEXT("limit")))
		handling = &my.multiple;
	if (!handling || list_has(handling, TEXT("use_first")))
		take_row(ev, row);
	if (handling && list_has(handling, TEXT("warn")))
		log_message("the search found %s", handling == &my.not_found ? "nothing" : "several rows");
	if (handling && list_has(handling, TEXT("drop")))
		lookup_drop(&my.lookup);
}

/* Starting */

/* Reads a map, of which FIELD_FIRST says that its keys are the event's fields, not its values. */
static bool read_pairs(const char *option, struct text json, bool field_first, struct pair *pairs,
	size_t *count, struct problem *problem)
{
	struct value_error unused;
	struct value map, key, v;
	struct value_walk walk;

	if (!value_parse(json, &map, &unused) || map.kind != VALUE_OBJECT)
		return problem_set(problem, "%s: not a map", option);
	walk = value_walk(map);
	while (value_next_member(&walk, &key, &v)) {
		struct text left = value_text(key, &my.names), right = value_text(v, &my.names);
		struct problem why = { .line = 0 };
		struct pair *pair = &pairs[*count];

		if (!right.at || *count == MOST_FIELDS)
			return problem_set(problem, "%s: %s", option,
				right.at ? "too many fields" : "not a map of texts");
		pair->field = field_intern(field_first ? left : right);
		pair->name = field_first ? right : left;
		if (!field_first && !field_check(pair->field, &why))
			return problem_set(problem, "%s: %.400s", option, why.text);
		++*count;
	}
	return true;
}

static bool check_words(
	const struct list *words, const char *option, const char *const *known, struct problem *problem)
{
	for (size_t i = 0; i < words->count; i++) {
		size_t k;

		for (k = 0; known[k] && !text_is(words->items[i], known[k]); k++)
			;
		if (!known[k])
			return problem_set(
				problem, "%s: unknown word \"%.*s\"", option, TEXT_ARGS(words->items[i]));
	}
	if (list_has(words, TEXT("send")) && list_has(words, TEXT("drop")))
		return problem_set(problem, "%s: send and drop exclude each other", option);
	if (list_has(words, TEXT("limit")) && words->count > 1)
		return problem_set(problem, "%s: limit goes with nothing else", option);
	if (list_has(words, TEXT("ignore")) && list_has(words, TEXT("use_first")))
		return problem_set(problem, "%s: ignore and use_first exclude each other", option);
	return list_has(words, TEXT("send")) || list_has(words, TEXT("drop")) ||
	       list_has(words, TEXT("limit")) ||
	       problem_set(problem, "%s: says neither send nor drop", option);
}

static bool start(struct problem *problem)
{
	static const char *const none[] = { "warn", "send", "drop", NULL }, *const several[] = { "limit",
		"warn", "use_first", "ignore", "send", "drop", NULL };

	if (!rest_base("--url", my.url, &my.base, problem) ||
		!rest_check_secret("--auth-token", my.token, problem) ||
		!check_words(&my.not_found, "--not-found", none, problem) ||
		!check_words(&my.multiple, "--multiple-result-handling", several, problem) ||
		!read_pairs(
			"--search-parameters", my.parameters, true, my.inputs, &my.input_count, problem) ||
		!read_pairs("--result-fields", my.results, false, my.outputs, &my.output_count, problem))
		return false;
	if (!my.search || !my.search[0])
		return problem_set(problem, "--saved-search is missing");
	buf_string(&my.base, "services/search/jobs");
	buf_printf(&my.authorization, "Authorization: Bearer %s", my.token);
	return my.retry_interval > 0 || problem_set(problem, "--retry-interval: must be more than 0");
}

static void stop(void)
{
	arena_free(&my.names);
	buf_free(&my.query);
	buf_free(&my.value);
	buf_free(&my.base);
	buf_free(&my.authorization);
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv,
		&(struct filter){ .name = "imq-splunk-saved-search",
			.module = "intelmq.bots.experts.splunk_saved_search.expert",
			.compiled = "--on-failure=reject",
			.summary = "set fields from saved searches of Splunk",
			.options = options,
			.start = start,
			.event = want,
			.ask = ask,
			.fill = fill,
			.stop = stop });
}
