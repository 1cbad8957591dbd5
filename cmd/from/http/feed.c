#include <glob.h>
#include <stdlib.h>

#include "arena.h"
#include "opt.h"
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

static bool is_file_of(const char *path, const char *name)
{
	struct text file = text_of(strrchr(path, '/') ? strrchr(path, '/') + 1 : path);

	return text_ends(file, TEXT(".yaml")) && text_eq((struct text){ file.at, file.len - 5 }, text_of(name));
}

/* Whether the definition DEFINITION of the file PATH has the feed; then FACTS has what it says. */
static bool look_into(struct feed_facts *facts, struct value definition, const char *path, const char *name)
{
	struct value feed = member_of(member_of(definition, TEXT("feeds")), text_of(name));

	if (feed.kind != VALUE_OBJECT && !is_file_of(path, name) && strcmp(path, name) != 0)
		return false;
	take(&facts->provider, definition, "provider");
	take(&facts->documentation, definition, "documentation");
	take(&facts->name, definition, "feed");
	take(&facts->url, definition, "url");
	take(&facts->name, feed, "name");
	take(&facts->url, feed, "url");
	take(&facts->documentation, feed, "documentation");
	return true;
}

static bool look_at_file(struct feed_facts *facts, const char *path, const char *name, bool *found, struct problem *problem)
{
	struct buf text = BUF_INIT, json = BUF_INIT;
	struct value_error error;
	struct value v;
	bool fine = file_read(path, MAX_DEFINITION, &text, problem) && yaml_to_json(buf_view(&text), path, &json, problem);

	*found = fine && value_parse(buf_view(&json), &v, &error) && look_into(facts, v, path, name);
	buf_free(&text);
	buf_free(&json);
	return fine;
}

bool feed_find(struct feed_facts *facts, const char *name, struct problem *problem)
{
	char *pattern = share_path("feeds/*/*.yaml");
	glob_t files = { 0 };
	bool found = false, fine = true;

	if (text_ends(text_of(name), TEXT(".yaml"))) {
		fine = look_at_file(facts, name, name, &found, problem);
	} else if (glob(pattern, 0, NULL, &files) == 0) {
		for (size_t i = 0; i < files.gl_pathc && fine && !found; i++)
			fine = look_at_file(facts, files.gl_pathv[i], name, &found, problem);
		globfree(&files);
	}
	free(pattern);
	if (fine && !found)
		return problem_set(problem, "no feed is called \"%s\"; imq-parse --list shows all", name);
	if (fine && !facts->url.len)
		return problem_set(problem, "the definition of \"%s\" names no URL, or several: name one of its feeds", name);
	return fine;
}

void feed_free(struct feed_facts *facts)
{
	buf_free(&facts->url);
	buf_free(&facts->name);
	buf_free(&facts->provider);
	buf_free(&facts->documentation);
}
