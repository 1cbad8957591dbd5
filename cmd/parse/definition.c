/* The definition loader: YAML (imq-feed(5)) to programs: one for each variant, built from its own keys and the base's. */
#include <stdlib.h>

#include "alloc.h"
#include "entries.h"
#include "files.h"
#include "jq_program.h"

enum { FILE_MAX = 1 << 20 };

/* What a variant is chosen by must be known before anything is read. */
static bool read_when(struct builder *b, const struct entries *variant)
{
	const struct entry *when = entries_find(variant, "when"), *line = entries_find(variant, "when_line");
	struct text pattern;

	if (when) {
		b->line = when->line;
		if (!build_conditions(b, when->value, &b->p->when))
			return false;
		for (size_t i = 0; i < b->p->when.count; i++)
			if (b->p->when.at[i].source.kind != SOURCE_REPORT && b->p->when.at[i].source.kind != SOURCE_FIRST &&
				b->p->when.at[i].source.kind != SOURCE_PARAMETER)
				return build_fail(b, "a variant is chosen by @report.FIELD, @parameter.NAME or @first");
	}
	if (!line)
		return true;
	b->line = line->line;
	pattern = text_in(b, line->value);
	return pattern.at ? build_regex(b, pattern, &b->p->when_line) :
			    build_fail(b, "when_line: a regular expression is wanted");
}

static bool read_program(struct builder *b, const struct entries *base, const struct entries *variant)
{
	b->p = build_more(b, &b->d->programs, &b->d->program_count, sizeof *b->p);
	b->layers[0] = NULL;
	b->layers[1] = variant;
	b->layers[2] = base;
	return (!variant || entries_check(b, variant)) && framing_read(b) && read_when(b, variant) &&
		mappings_read(b) && build_finish(b);
}

static bool check_status(struct builder *b, struct text status, bool *dead)
{
	*dead = status.at && text_is(status, "dead");
	return !status.at || *dead || build_fail(b, "status: dead, or nothing");
}

static bool read_feed(
	struct builder *b, const struct entries *top, struct text id, struct value map, struct feed *feed)
{
	static const char *const names[] = { "name", "url", "code", "documentation" };
	struct text *const to[] = { &feed->name, &feed->url, &feed->code, &feed->documentation };
	struct entry *accuracy = entries_find(top, "accuracy");
	struct value_walk walk = value_walk(map);
	struct text status = NO_TEXT;
	struct value key, member;

	feed->id = id;
	if (accuracy)
		feed->accuracy = build_cell(b, accuracy->value);
	while (map.kind == VALUE_OBJECT && value_next_member(&walk, &key, &member)) {
		struct text word = value_text(key, &b->d->memory);
		bool known = text_is(word, "fetch") || text_is(word, "status");

		if (text_is(word, "status"))
			status = text_in(b, member);
		for (size_t i = 0; i < LENGTH(names); i++)
			if (text_is(word, names[i])) {
				*to[i] = text_in(b, member);
				known = to[i]->at != NULL;
			}
		if (!known)
			return build_fail(b, "a feed has name, url, code, documentation, status, fetch; not \"%.*s\"",
				TEXT_ARGS(word));
	}
	return check_status(b, status, &feed->dead);
}

static bool read_feeds(struct builder *b, const struct entries *top)
{
	const struct entry *feeds = entries_find(top, "feeds");

	for (size_t i = 0; feeds && i < feeds->children->count; i++) {
		const struct entry *entry = &feeds->children->at[i];

		b->line = entry->line;
		if (!read_feed(b, top, entry->key, entry->value,
			build_more(b, &b->d->feeds, &b->d->feed_count, sizeof *b->d->feeds)))
			return false;
	}
	if (!feeds) {
		struct feed *feed = build_more(b, &b->d->feeds, &b->d->feed_count, sizeof *feed);

		if (!read_feed(b, top, NO_TEXT, NO_VALUE, feed) || !read_text(b, top, "feed", &feed->name) ||
		    !read_text(b, top, "url", &feed->url) || !read_text(b, top, "code", &feed->code))
			return false;
	}
	return true;
}

static bool read_samples(struct builder *b, const struct entries *top)
{
	const struct entry *samples = entries_find(top, "samples");
	struct path_step feed = { TEXT("feed"), -1 }, input = { TEXT("input"), -1 };
	struct path_step events = { TEXT("events"), -1 }, rejected = { TEXT("rejected"), -1 };
	struct path_step report = { TEXT("report"), -1 }, parameter = { TEXT("parameters"), -1 };
	struct value_walk walk;
	struct value v;

	if (!samples)
		return true;
	b->line = samples->line;
	for (walk = value_walk(samples->value); value_next(&walk, &v);) {
		struct sample *sample = build_more(b, &b->d->samples, &b->d->sample_count, sizeof *sample);
		struct value count = json_path(v, &rejected, 1);

		sample->line = samples->line;
		sample->feed = text_in(b, json_path(v, &feed, 1));
		sample->input = text_in(b, json_path(v, &input, 1));
		sample->events = json_path(v, &events, 1);
		sample->report = json_path(v, &report, 1);
		sample->parameters = json_path(v, &parameter, 1);
		if (!sample->input.at || sample->events.kind != VALUE_ARRAY ||
		    (count.kind != VALUE_NONE && !value_integer(count, &sample->rejected)))
			return build_fail(b, "a sample is {feed: ID, report: MAP, parameters: MAP, input: TEXT, events: LIST, "
				"rejected: NUMBER}");
	}
	return samples->value.kind == VALUE_ARRAY || build_fail(b, "samples are a list");
}

static bool read_status(struct builder *b, const struct entries *top)
{
	struct text status = NO_TEXT;

	return read_text(b, top, "status", &status) && check_status(b, status, &b->d->dead);
}

static bool read_all(struct builder *b, struct yaml_reader *y)
{
	struct entries top = { NULL, 0 };
	const struct entry *variants;

	b->problem->text[0] = '\0';
	if (!entries_read(b, y, &top) ||
		!read_text(b, &top, "provider", &b->d->provider) || !read_text(b, &top, "module", &b->d->module) ||
		!read_text(b, &top, "documentation", &b->d->documentation) || !read_feeds(b, &top) ||
		!read_samples(b, &top) || !read_status(b, &top))
		return false;
	variants = entries_find(&top, "variants");
	for (size_t i = 0; variants && i < variants->children->count; i++)
		if (!read_program(b, &top, variants->children->at[i].children))
			return false;
	return variants ? b->d->program_count > 0 || build_fail(b, "no variant") : read_program(b, &top, NULL);
}

struct definition *definition_read(struct text text, const char *file, struct problem *problem)
{
	struct definition *d = alloc_zero(1, sizeof *d);
	struct builder b = { .d = d, .problem = problem, .file = file };
	struct yaml_reader *y = yaml_open(text, file);
	bool fine = y && read_all(&b, y);

	d->file = alloc_string(text_of(file));
	yaml_close(y);
	if (!fine) {
		definition_free(d);
		return NULL;
	}
	return d;
}

struct definition *definition_load(const char *file, struct problem *problem)
{
	struct buf text = BUF_INIT;
	struct definition *d = NULL;

	if (file_read(file, FILE_MAX, &text, problem))
		d = definition_read(buf_view(&text), file, problem);
	buf_free(&text);
	return d;
}

void definition_free(struct definition *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->regex_count; i++)
		regex_free(d->regexes[i]);
	for (size_t i = 0; i < d->time_count; i++)
		when_format_free(d->times[i]);
	for (size_t i = 0; i < d->program_count; i++)
		jq_program_free(d->programs[i].jq);
	arena_free(&d->memory);
	free(d->file);
	free(d);
}
