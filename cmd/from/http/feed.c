#include "arena.h"
#include "feeds.h"
#include "files.h"
#include "value.h"
#include "yaml_json.h"

#include "from_http.h"

enum { MAX_DEFINITION = 16 << 20 };

/* A member of OBJECT, NO_VALUE if it has none. */
static struct value member_of(struct value object, struct text name)
{
	struct value_walk walk = value_walk(object);
	struct value key, v;

	if (object.kind == VALUE_OBJECT)
		while (value_next_member(&walk, &key, &v))
			if (text_eq(value_inside(key), name))
				return v;
	return NO_VALUE;
}

static void take(struct buf *to, struct value object, const char *name)
{
	struct arena arena = { 0 };
	struct text t = value_text(member_of(object, text_of(name)), &arena);

	if (t.len) {
		buf_clear(to);
		buf_text(to, t);
	}
	arena_free(&arena);
}

/* Whether PATH is that of the definition NAME or PROVIDER/NAME. */
static bool is_file_of(const char *path, const char *name)
{
	struct buf end = BUF_INIT;
	bool is;

	buf_printf(&end, "/%s.yaml", name);
	is = strcmp(path, name) == 0 || text_ends(text_of(path), buf_view(&end));
	buf_free(&end);
	return is;
}

/* The one feed of a definition that has only one; NO_VALUE: it has none, or several. */
static struct value only_member(struct value object)
{
	struct value_walk walk = value_walk(object);
	struct value key, v;
	bool one = object.kind == VALUE_OBJECT && value_next_member(&walk, &key, &v);

	return one && !value_next_member(&walk, &key, &(struct value){ 0 }) ? v : NO_VALUE;
}

/* Whether KEY of `fetch` is for others than this command's options. */
static bool is_aside(struct text key)
{
	static const char *const words[] = { "collector", "url", "rate_limit", "note" };

	for (size_t i = 0; i < LENGTH(words); i++)
		if (text_is(key, words[i]))
			return true;
	return false;
}

/* What it says about fetching. What is not understood must not be passed over: it may be about signatures. */
static bool take_fetch(struct feed_facts *facts, struct value fetch)
{
	struct value_walk walk = value_walk(fetch);
	struct value key, v;

	take(&facts->collector, fetch, "collector");
	take(&facts->url, fetch, "url");
	if (facts->collector.len && !text_is(buf_view(&facts->collector), "http"))
		return true;
	while (fetch.kind == VALUE_OBJECT && value_next_member(&walk, &key, &v)) {
		struct text name = value_inside(key);

		if (is_aside(name))
			continue;
		if (!opt_find(facts->command, name))
			return problem_set(facts->problem, "the feed \"%s\" wants %.*s, which is unknown here", facts->sought, TEXT_ARGS(name));
		if (!opt_fall_back(facts->command, name, v.raw, facts->problem))
			return false;
	}
	return true;
}

/* Whether the definition DEFINITION of the file PATH has the feed; then FACTS has what it says. */
static bool look_into(struct feed_facts *facts, struct value definition, const char *path, const char *name)
{
	struct value feeds = member_of(definition, TEXT("feeds")), feed = member_of(feeds, text_of(name));

	if (feed.kind != VALUE_OBJECT && !is_file_of(path, name))
		return false;
	if (feed.kind != VALUE_OBJECT)
		feed = only_member(feeds);
	take(&facts->provider, definition, "provider");
	take(&facts->documentation, definition, "documentation");
	take(&facts->name, definition, "feed");
	take(&facts->url, definition, "url");
	take(&facts->name, feed, "name");
	take(&facts->url, feed, "url");
	take(&facts->documentation, feed, "documentation");
	/* The feed's own goes before the definition's. */
	facts->fine = take_fetch(facts, member_of(definition, TEXT("fetch"))) && take_fetch(facts, member_of(feed, TEXT("fetch")));
	return true;
}

/* For feeds_each(): false ends the search. A file that is broken is passed over, unless it is the one. */
static bool look_at_file(const char *path, void *context)
{
	struct feed_facts *facts = context;
	struct buf text = BUF_INIT, json = BUF_INIT;
	struct problem problem = { .line = 0 };
	struct value_error error;
	struct value v;
	bool fine = file_read(path, MAX_DEFINITION, &text, &problem) && yaml_to_json(buf_view(&text), path, &json, &problem);

	if (fine)
		facts->found = value_parse(buf_view(&json), &v, &error) && look_into(facts, v, path, facts->sought);
	else if (is_file_of(path, facts->sought))
		*facts->problem = problem;
	buf_free(&text);
	buf_free(&json);
	return !facts->found && !facts->problem->text[0];
}

/* Whether the URL is none yet: `{{ your key }}` and the like are to be filled in. */
static bool has_gaps(struct text url)
{
	static const char *const marks[] = { "{{", "<", "__", "$" };

	for (size_t i = 0; i < LENGTH(marks); i++)
		if (memmem(url.at, url.len, marks[i], strlen(marks[i])))
			return true;
	return false;
}

bool feed_find(struct feed_facts *facts, const struct command *command, const char *name, struct problem *problem)
{
	*problem = (struct problem){ .line = 0 };
	facts->command = command;
	facts->sought = name;
	facts->problem = problem;
	facts->fine = true;
	if (text_ends(text_of(name), TEXT(".yaml")))
		look_at_file(name, facts);
	else if (!feeds_each(look_at_file, facts, problem))
		return false;
	if (problem->text[0] || !facts->fine)
		return false;
	return facts->found || problem_set(problem, "no feed is called \"%s\"; imq-parse --list shows all", name);
}

bool feed_has_url(const struct feed_facts *facts, struct problem *problem)
{
	struct text collector = buf_view(&facts->collector), url = buf_view(&facts->url);

	if (collector.len && !text_is(collector, "http"))
		return problem_set(problem, "the feed \"%s\" does not come by HTTP, but: %.*s", facts->sought, TEXT_ARGS(collector));
	if (!url.len)
		return problem_set(problem, "the definition of \"%s\" names no URL, or several: name one of its feeds", facts->sought);
	return !has_gaps(url) ||
		problem_set(problem, "the URL of \"%s\" is to be filled in: give --http-url '%.*s'", facts->sought, TEXT_ARGS(url));
}

void feed_free(struct feed_facts *facts)
{
	buf_free(&facts->url);
	buf_free(&facts->name);
	buf_free(&facts->provider);
	buf_free(&facts->documentation);
	buf_free(&facts->collector);
}
