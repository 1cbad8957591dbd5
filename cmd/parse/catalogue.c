/* The catalogue: the definitions in share/feeds/, found by name, listed, checked, and tested against their own
 * samples. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "driver.h"
#include "feeds.h"
#include "filter.h"
#include "log.h"
#include "parse.h"

/* `provider/name` of share/feeds/provider/name.yaml. */
static struct text name_of(const char *file)
{
	struct text path = text_of(file), rest = path;
	size_t slashes = 0;

	for (size_t i = path.len; i > 0; i--)
		if (path.at[i - 1] == '/' && ++slashes == 2) {
			rest = text_from(path, i);
			break;
		}
	return text_ends(rest, TEXT(".yaml")) ? (struct text){ rest.at, rest.len - 5 } : rest;
}

static struct text base_of(struct text name)
{
	const char *slash = memrchr(name.at, '/', name.len);

	return slash ? text_from(name, (size_t)(slash - name.at) + 1) : name;
}

static bool has_module(const struct definition *d, struct text name)
{
	struct text rest = d->module, module;

	while (text_split(&rest, ' ', &module))
		if (text_eq(module, name))
			return true;
	return false;
}

struct search {
	struct text name;
	struct definition *found;
	const struct feed *feed;
	struct problem *problem;
	bool broken; /* the file it names does not load */
	struct list names; /* for suggestions */
	size_t cap;
};

static void remember(struct search *search, struct text name)
{
	if (!name.at)
		return;
	alloc_grow(&search->names.items, &search->cap, search->names.count + 1, sizeof *search->names.items);
	search->names.items[search->names.count++] = (struct text){ alloc_string(name), name.len };
}

static bool look_at(const char *file, void *context)
{
	struct search *search = context;
	struct problem problem = { .line = 0 };
	struct text name = name_of(file);
	bool named = text_eq(name, search->name) || text_eq(base_of(name), search->name);
	struct definition *d = definition_load(file, &problem);

	remember(search, base_of(name));
	if (!d) {
		search->broken = named;
		if (named)
			*search->problem = problem;
		return !named;
	}
	for (size_t i = 0; i < d->feed_count; i++) {
		remember(search, d->feeds[i].id);
		if (d->feeds[i].id.at && text_eq(d->feeds[i].id, search->name))
			search->feed = &d->feeds[i];
	}
	if (search->feed || named || has_module(d, search->name)) {
		search->found = d;
		return false;
	}
	definition_free(d);
	return true;
}

static void not_found(struct search *search)
{
	const char **names = alloc_zero(search->names.count + 1, sizeof *names), *like;

	for (size_t i = 0; i < search->names.count; i++)
		names[i] = search->names.items[i].at;
	like = suggest(search->name, names, search->names.count);
	if (like)
		problem_set(search->problem, "no feed is called \"%.*s\": did you mean \"%s\"?",
			TEXT_ARGS(search->name), like);
	else
		problem_set(search->problem, "no feed is called \"%.*s\"; imq-parse --list shows all",
			TEXT_ARGS(search->name));
	free(names);
}

static bool is_path(struct text name)
{
	return text_ends(name, TEXT(".yaml")) || text_ends(name, TEXT(".yml"));
}

struct definition *catalogue_find(struct text name, const struct feed **feed, struct problem *problem)
{
	struct search search = { .name = name, .problem = problem };

	if (is_path(name)) {
		char *path = alloc_string(name);

		search.found = definition_load(path, problem);
		free(path);
		search.broken = !search.found;
	} else if (!feeds_each(look_at, &search, problem)) {
		search.broken = true;
	}
	if (!search.found && !search.broken)
		not_found(&search);
	for (size_t i = 0; i < search.names.count; i++)
		free((void *)(uintptr_t)search.names.items[i].at);
	free(search.names.items);
	if (search.found)
		*feed = search.feed ? search.feed : &search.found->feeds[0];
	return search.found;
}

static bool collect_module(const char *file, void *context)
{
	struct buf *modules = context;
	struct problem unused = { .line = 0 };
	struct definition *d = definition_load(file, &unused);

	if (d && d->module.len) {
		buf_char(modules, ' ');
		buf_text(modules, d->module);
	}
	definition_free(d);
	return true;
}

char *catalogue_modules(void)
{
	struct buf modules = BUF_INIT;
	struct problem unused = { .line = 0 };
	char *result;

	buf_string(&modules, generic_modules);
	feeds_each(collect_module, &modules, &unused);
	result = alloc_string(buf_view(&modules));
	buf_free(&modules);
	return result;
}

static void print_feed(const struct definition *d, const struct feed *feed, struct text name)
{
	const struct program *p = &d->programs[0];

	printf("%.*s\t%.*s\t%.*s\t%s\t%.*s%s\n", TEXT_ARGS(name), TEXT_ARGS(d->provider), TEXT_ARGS(feed->name),
		p->driver ? p->driver->name : format_names[p->format], TEXT_ARGS(feed->url),
		d->dead || feed->dead ? "\tdead" : "");
}

static bool list_one(const char *file, void *context)
{
	struct problem problem = { .line = 0 };
	struct definition *d = definition_load(file, &problem);
	bool *fine = context;

	if (!d) {
		log_problem(&problem);
		*fine = false;
		return true;
	}
	for (size_t i = 0; i < d->feed_count; i++)
		print_feed(d, &d->feeds[i], d->feeds[i].id.at ? d->feeds[i].id : base_of(name_of(file)));
	definition_free(d);
	return true;
}

int catalogue_list(void)
{
	struct problem problem = { .line = 0 };
	bool fine = true;

	if (!feeds_each(list_one, &fine, &problem)) {
		log_problem(&problem);
		return EXIT_USAGE;
	}
	return !opt_flush() ? EXIT_IO : fine ? EXIT_FINE : EXIT_NO;
}

static bool check_one(const char *file, void *context)
{
	struct problem problem = { .line = 0 };
	struct definition *d = definition_load(file, &problem);
	bool *fine = context;

	if (!d) {
		log_problem(&problem);
		*fine = false;
	}
	definition_free(d);
	return true;
}

int catalogue_check(char *const *files)
{
	struct problem problem = { .line = 0 };
	bool fine = true;

	if (!*files && !feeds_each(check_one, &fine, &problem)) {
		log_problem(&problem);
		return EXIT_USAGE;
	}
	for (; *files; files++)
		check_one(*files, &fine);
	return fine ? EXIT_FINE : EXIT_NO;
}

/* ---- samples ---- */

static struct tally { unsigned long long records, events, rejected; struct buf reasons; } tally;

static void count_record(struct session *s, size_t events)
{
	(void)s;
	tally.records++;
	tally.events += events;
}

static void count_reject(struct session *s, const struct record *r, struct text reason)
{
	(void)s;
	tally.rejected++;
	buf_printf(&tally.reasons, "  rejected: line %ld: %.*s\n", r->line, TEXT_ARGS(reason));
}

/* Whether GOT is WANT; what a collector says, and raw, count only where WANT has them. */
static bool same_event(json_t *got, json_t *want)
{
	static const char *const context[] = { "feed.accuracy", "feed.code", "feed.documentation", "feed.name",
		"feed.provider", "feed.url", "time.observation", "raw" };

	for (size_t i = 0; i < LENGTH(context); i++)
		if (!json_object_get(want, context[i]))
			json_object_del(got, context[i]);
	return json_equal(got, want) == 1;
}

static bool compare(const struct buf *out, const struct sample *sample)
{
	json_t *want = json_loadb(sample->events.raw.at, sample->events.raw.len, JSON_DECODE_INT_AS_REAL, NULL);
	struct text rest = buf_view(out), line;
	size_t n = 0;
	bool same = want != NULL && tally.rejected == (unsigned long long)sample->rejected;

	while (text_split(&rest, '\n', &line) && line.len) {
		json_t *got = json_loadb(line.at, line.len, JSON_DECODE_INT_AS_REAL, NULL);

		same = got && n < json_array_size(want) && same_event(got, json_array_get(want, n)) && same;
		json_decref(got);
		n++;
	}
	same = same && n == json_array_size(want);
	json_decref(want);
	return same;
}

/* Sets the sample's parameters, or, with RESET, their defaults again. False: it has one that is unknown or wrong. */
static bool set_parameters(const struct sample *sample, bool reset)
{
	struct value_walk walk = value_walk(sample->parameters);
	struct problem problem = { .line = 0 };
	struct arena arena = { 0 };
	struct value key, member;
	bool fine = true;

	while (sample->parameters.kind == VALUE_OBJECT && value_next_member(&walk, &key, &member)) {
		const struct opt *row = parameter_find(value_text(key, &arena));
		struct text value = reset && row ? text_of(row->fallback) : json_cell(member, &arena).text;

		fine &= row != NULL;
		if (row && value.at)
			fine &= opt_set(row, value, &problem);
		else if (row && row->kind == OPT_KIND_TRISTATE)
			*row->to.tristate = TRISTATE_UNSET;
		else if (row)
			*row->to.text = NULL;
	}
	arena_free(&arena);
	return fine;
}

static bool test_sample(const struct definition *d, const char *file, const struct sample *sample)
{
	struct session s;
	struct buf out = BUF_INIT, input = BUF_INIT;
	struct event *report = event_new();
	struct value_error unused;
	bool same;

	tally = (struct tally){ .reasons = BUF_INIT };
	session_init(&s, d, &out);
	s.done = count_record;
	s.reject = count_reject;
	s.max_record = 1 << 24;
	s.feed = &d->feeds[0];
	for (size_t i = 0; i < d->feed_count; i++)
		if (sample->feed.at && d->feeds[i].id.at && text_eq(d->feeds[i].id, sample->feed))
			s.feed = &d->feeds[i];
	buf_text(&input, sample->input);
	if (!set_parameters(sample, false))
		buf_string(&tally.reasons, "  the sample sets an unknown parameter, or one to no value of it\n");
	if (sample->report.kind == VALUE_OBJECT && !event_read(report, sample->report.raw, &unused))
		buf_printf(&tally.reasons, "  the report of the sample: %s\n", unused.reason);
	s.first = text_trim(sample->input);
	s.first.len = s.first.len ? 1 : 0;
	if (session_start(&s, sample->report.kind == VALUE_OBJECT ? report : NULL))
		session_feed(&s, buf_view(&input), true);
	else
		buf_printf(&tally.reasons, "  %.*s\n", TEXT_ARGS(buf_view(&s.reason)));
	same = compare(&out, sample);
	if (!same) {
		printf("%s:%ld: the events are not those of the sample:\n", file, sample->line);
		fwrite(tally.reasons.at ? tally.reasons.at : "", 1, tally.reasons.len, stdout);
		fwrite(out.at ? out.at : "", 1, out.len, stdout);
	}
	buf_free(&tally.reasons);
	buf_free(&out);
	buf_free(&input);
	session_free(&s);
	event_free(report);
	set_parameters(sample, true);
	return same;
}

static bool test_definition(const struct definition *d, struct text name)
{
	bool fine = d->sample_count > 0;

	for (size_t i = 0; i < d->sample_count; i++)
		fine &= test_sample(d, d->file, &d->samples[i]);
	printf("%s\t%.*s\t%zu\n", fine ? "ok" : "FAILED", TEXT_ARGS(name), d->sample_count);
	return fine;
}

static bool test_one(const char *file, void *context)
{
	struct problem problem = { .line = 0 };
	struct definition *d = definition_load(file, &problem);
	bool *fine = context;

	if (!d)
		log_problem(&problem);
	*fine &= d && test_definition(d, name_of(file));
	definition_free(d);
	return true;
}

int catalogue_test(char *const *names)
{
	struct problem problem = { .line = 0 };
	const struct feed *unused;
	bool fine = true;

	if (!*names && !feeds_each(test_one, &fine, &problem)) {
		log_problem(&problem);
		return EXIT_USAGE;
	}
	for (; *names; names++) {
		struct definition *d = catalogue_find(text_of(*names), &unused, &problem);

		if (!d) {
			log_problem(&problem);
			return EXIT_USAGE;
		}
		fine &= test_definition(d, name_of(d->file));
		definition_free(d);
	}
	return !opt_flush() ? EXIT_IO : fine ? EXIT_FINE : EXIT_NO;
}
