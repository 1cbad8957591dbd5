/* The definition loader: YAML (imq-feed(5)) to programs. The file is read once into a table of its keys with their
 * lines; then the base and each variant are built from it, so that order in the file does not matter. */
#include <stdlib.h>

#include "alloc.h"
#include "driver.h"
#include "opt.h"
#include "parse.h"
#include "yaml_json.h"

enum { FILE_MAX = 1 << 20, ENTRIES_MAX = 1000 };

struct entry {
	struct text key;
	long line;
	struct value value;       /* unless it is one of those maps whose keys are entries again */
	struct entries *children;
};

struct entries {
	struct entry *at;
	size_t count;
};

/* Keys whose values are read as entries; in a variant likewise. */
static const char *const maps[] = { "feeds", "captures", "constants", "fields", "variants" };
static const char *const keys[] = { "provider", "feed", "code", "url", "documentation", "accuracy", "module",
	"fetch", "notes", "feeds", "format", "driver", "delimiter", "quotes", "header", "columns", "separator", "pattern",
	"unmatched", "min_columns", "short", "comments", "strip", "skip_first", "records", "captures", "constants",
	"fields", "split", "raw", "variants", "when", "samples" };

static struct entry *find_in(const struct entries *list, const char *key)
{
	for (size_t i = 0; list && i < list->count; i++)
		if (text_is(list->at[i].key, key))
			return &list->at[i];
	return NULL;
}

static bool is_map(struct text key)
{
	for (size_t i = 0; i < LENGTH(maps); i++)
		if (text_is(key, maps[i]))
			return true;
	return false;
}

/* Where in the file a map of entries stands. */
enum level { LEVEL_VALUE, LEVEL_TOP, LEVEL_VARIANTS, LEVEL_VARIANT, LEVEL_LIST };

static enum level level_below(enum level level, struct text key)
{
	if (level == LEVEL_VARIANTS)
		return LEVEL_VARIANT;
	if ((level != LEVEL_TOP && level != LEVEL_VARIANT) || !is_map(key))
		return LEVEL_VALUE;
	return text_is(key, "variants") ? LEVEL_VARIANTS : LEVEL_LIST;
}

static bool read_entries(struct builder *b, struct yaml_reader *y, struct entries *list, enum level level)
{
	struct buf json = BUF_INIT;
	struct text key;
	long line;
	bool fine = true;

	if (!yaml_enter_map(y, b->problem)) {
		if (!b->problem->text[0])
			build_fail(b, "a map of names and values is wanted here");
		return false;
	}
	while (fine && yaml_next_key(y, &key, &line, b->problem)) {
		struct entry *entry;
		struct value_error unused;

		b->line = line;
		if (list->count == ENTRIES_MAX)
			fine = build_fail(b, "too many keys");
		for (size_t i = 0; fine && i < list->count; i++)
			if (text_eq(list->at[i].key, key))
				fine = build_fail(b, "\"%.*s\" stands here twice", TEXT_ARGS(key));
		if (!fine)
			break;
		entry = build_more(b, &list->at, &list->count, sizeof *entry);
		entry->key = build_text(b, key);
		entry->line = line;
		if (level_below(level, entry->key) != LEVEL_VALUE) {
			entry->children = build_zero(b, 1, sizeof *entry->children);
			fine = read_entries(b, y, entry->children, level_below(level, entry->key));
			continue;
		}
		buf_clear(&json);
		fine = yaml_value(y, &json, b->problem);
		if (fine && !value_parse(build_text(b, buf_view(&json)), &entry->value, &unused))
			fine = build_fail(b, "\"%.*s\": %s", TEXT_ARGS(entry->key), unused.reason);
	}
	buf_free(&json);
	return fine && !b->problem->text[0];
}

/* A variant's key, else the base's. */
static struct entry *setting(
	struct builder *b, const struct entries *base, const struct entries *variant, const char *key)
{
	struct entry *entry = find_in(variant, key);

	if (!entry)
		entry = find_in(base, key);
	if (entry)
		b->line = entry->line;
	return entry;
}

static struct text text_in(struct builder *b, struct value v)
{
	return v.kind == VALUE_STRING ? build_text(b, value_text(v, &b->d->memory)) : NO_TEXT;
}

static bool read_text(struct builder *b, const struct entries *list, const char *key, struct text *text)
{
	struct entry *entry = setting(b, list, NULL, key);

	if (!entry)
		return true;
	*text = text_in(b, entry->value);
	return text->at || build_fail(b, "%s: a text is wanted", key);
}

static bool read_bool(
	struct builder *b, const struct entries *base, const struct entries *variant, const char *key, bool *result)
{
	struct entry *entry = setting(b, base, variant, key);

	if (!entry)
		return true;
	*result = entry->value.kind == VALUE_TRUE;
	return entry->value.kind == VALUE_TRUE || entry->value.kind == VALUE_FALSE ||
	       build_fail(b, "%s: true or false is wanted", key);
}

static bool read_count(struct builder *b, const struct entries *base, const struct entries *variant,
	const char *key, size_t *result)
{
	struct entry *entry = setting(b, base, variant, key);
	long long n;

	if (!entry)
		return true;
	if (!value_integer(entry->value, &n) || n < 0 || n > 1000000)
		return build_fail(b, "%s: a number from 0 is wanted", key);
	*result = (size_t)n;
	return true;
}

/* One word out of WORDS (NULL-terminated), its number in *RESULT. */
static bool read_word(struct builder *b, const struct entries *base, const struct entries *variant, const char *key,
	const char *const *words, int *result)
{
	struct entry *entry = setting(b, base, variant, key);

	if (!entry)
		return true;
	for (int i = 0; words[i]; i++)
		if (text_is(text_in(b, entry->value), words[i])) {
			*result = i;
			return true;
		}
	return build_fail(b, "%s: unknown word", key);
}

static bool read_texts(struct builder *b, const struct entries *base, const struct entries *variant,
	const char *key, struct text **texts, size_t *count)
{
	struct entry *entry = setting(b, base, variant, key);
	struct value_walk walk;
	struct value element;

	if (!entry)
		return true;
	if (entry->value.kind == VALUE_STRING) {
		*(struct text *)build_more(b, texts, count, sizeof **texts) = text_in(b, entry->value);
		return true;
	}
	if (entry->value.kind != VALUE_ARRAY)
		return build_fail(b, "%s: a text or a list of texts is wanted", key);
	for (walk = value_walk(entry->value); value_next(&walk, &element);) {
		if (element.kind != VALUE_STRING)
			return build_fail(b, "%s: a list of texts is wanted", key);
		*(struct text *)build_more(b, texts, count, sizeof **texts) = text_in(b, element);
	}
	return true;
}

static bool read_columns(struct builder *b, const struct entries *base, const struct entries *variant)
{
	struct text *names = NULL;
	size_t count = 0;

	if (!read_texts(b, base, variant, "columns", &names, &count))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (names[i].len == 0 || names[i].at[0] == '@')
			return build_fail(b, "columns: no name for a column: \"%.*s\"", TEXT_ARGS(names[i]));
		for (size_t j = 0; j < i; j++)
			if (text_eq(names[i], names[j]))
				return build_fail(b, "columns: \"%.*s\" stands here twice", TEXT_ARGS(names[i]));
		build_input(b, names[i]);
	}
	return true;
}

static enum raw_policy usual_raw(enum format format)
{
	return format == FORMAT_JSON ? RAW_JSON_ARRAY : format == FORMAT_CSV ? RAW_CSV : RAW_RECORD;
}

static bool read_driver(struct builder *b, const struct entries *base, const struct entries *variant)
{
	int number = -1;

	if (!read_word(b, base, variant, "driver", driver_names(), &number))
		return false;
	if (number >= 0)
		b->p->driver = driver_find(text_of(driver_names()[number]));
	return true;
}

static bool read_framing(struct builder *b, const struct entries *base, const struct entries *variant)
{
	static const char *const formats[] = { "csv", "lines", "json", "jsonl", NULL };
	static const char *const policies[] = { "record", "comments", "first_line", "csv", "json", "json_sorted",
		"json_array", "json_array_sorted", "none", NULL };
	static const char *const ways[] = { "reject", "skip", NULL };
	struct program *p = b->p;
	struct text delimiter = NO_TEXT, pattern = NO_TEXT, *delimiters = NULL;
	int format = -1, raw = -1, unmatched = 0, too_short = 0;
	struct entry *entry;
	size_t count = 0;

	if (!read_word(b, base, variant, "format", formats, &format) || !read_driver(b, base, variant))
		return false;
	if (p->driver) {
		if (format >= 0)
			return build_fail(b, "a driver knows its format by itself");
		format = FORMAT_DRIVER;
	}
	if (format < 0) {
		b->line = 0;
		return build_fail(b, "format is missing: csv, lines, json or jsonl");
	}
	p->format = (enum format)format;
	p->quotes = p->strip = true;
	p->delimiter = ',';
	if (!read_word(b, base, variant, "raw", policies, &raw) ||
		!read_word(b, base, variant, "unmatched", ways, &unmatched) ||
		!read_word(b, base, variant, "short", ways, &too_short) ||
		!read_bool(b, base, variant, "quotes", &p->quotes) ||
		!read_bool(b, base, variant, "header", &p->header) ||
		!read_bool(b, base, variant, "strip", &p->strip) ||
		!read_count(b, base, variant, "min_columns", &p->min_columns) ||
		!read_count(b, base, variant, "skip_first", &p->skip_first) ||
		!read_texts(b, base, variant, "comments", &p->comments, &p->comment_count) ||
		!read_texts(b, base, variant, "separator", &p->separators, &p->separator_count) ||
		!read_texts(b, base, variant, "delimiter", &delimiters, &count) || !read_columns(b, base, variant))
		return false;
	p->raw = raw >= 0 ? (enum raw_policy)raw : usual_raw(p->format);
	p->skip_unmatched = unmatched == 1;
	p->skip_short = too_short == 1;
	if (p->raw >= RAW_JSON && p->raw <= RAW_JSON_ARRAY_SORTED && p->format != FORMAT_JSON &&
		p->format != FORMAT_JSONL && p->format != FORMAT_DRIVER)
		return build_fail(b, "raw: only JSON records can be written as JSON");
	if (p->raw == RAW_CSV && p->format != FORMAT_CSV)
		return build_fail(b, "raw: only CSV records can be written as CSV");
	delimiter = count ? delimiters[0] : TEXT(",");
	if (delimiter.len != 1 || count > 1 || strchr("\"\n\r", delimiter.at[0]))
		return build_fail(b, "delimiter: one character is wanted");
	p->delimiter = delimiter.at[0];
	entry = setting(b, base, variant, "pattern");
	if (entry) {
		pattern = text_in(b, entry->value);
		if (!pattern.at || !build_regex(b, pattern, &p->pattern))
			return pattern.at ? false : build_fail(b, "pattern: a regular expression is wanted");
		if (p->separator_count)
			return build_fail(b, "a line is split by separator or by pattern, not both");
	}
	return true;
}

static bool read_captures(struct builder *b, const struct entries *list)
{
	const struct entry *captures = find_in(list, "captures");

	for (size_t i = 0; captures && captures->children && i < captures->children->count; i++) {
		const struct entry *entry = &captures->children->at[i];
		struct path_step match = { TEXT("match"), -1 }, once = { TEXT("once"), -1 };
		struct capture *capture = build_more(b, &b->p->captures, &b->p->capture_count, sizeof *capture);
		struct text pattern;

		b->line = entry->line;
		capture->name = entry->key;
		pattern = text_in(
			b, entry->value.kind == VALUE_OBJECT ? json_path(entry->value, &match, 1) : entry->value);
		capture->once = json_path(entry->value, &once, 1).kind == VALUE_TRUE;
		if (!pattern.at)
			return build_fail(b, "a capture is a regular expression, or {match: REGEX, once: true}");
		if (!build_regex(b, pattern, &capture->regex))
			return false;
	}
	return true;
}

/* One way to a value. */
static bool read_choice(struct builder *b, struct value v, struct rule *rule)
{
	struct choice *choice = build_more(b, &rule->choices, &rule->choice_count, sizeof *choice);
	struct value_walk walk = value_walk(v);
	struct value key, member, steps = NO_VALUE;
	bool has_source = false;

	if (v.kind == VALUE_STRING)
		return build_source(b, text_in(b, v), &choice->source);
	if (v.kind != VALUE_OBJECT)
		return build_fail(b, "a column, a map or a list of maps is wanted");
	while (value_next_member(&walk, &key, &member)) {
		struct text word = value_text(key, &b->d->memory);
		bool fine = true;

		if (text_is(word, "from")) {
			fine = build_source(b, text_in(b, member), &choice->source);
			has_source = true;
		} else if (text_is(word, "value")) {
			choice->source = (struct source){ .kind = SOURCE_VALUE, .value = build_cell(b, member) };
			has_source = true;
		} else if (text_is(word, "template")) {
			choice->source.kind = SOURCE_TEMPLATE;
			fine = build_template(b, text_in(b, member), false, &choice->source.template);
			has_source = true;
		} else if (text_is(word, "when")) {
			fine = build_conditions(b, member, &choice->when);
		} else if (text_is(word, "steps")) {
			steps = member;
		} else if (text_is(word, "optional")) {
			rule->optional = member.kind == VALUE_TRUE;
		} else if (text_is(word, "required")) {
			rule->required = member.kind == VALUE_TRUE;
		} else if (text_is(word, "keep_empty")) {
			rule->keep_empty = member.kind == VALUE_TRUE;
		} else {
			return build_fail(b,
				"unknown key \"%.*s\"; there are from, value, template, when, steps, optional, "
				"required, keep_empty",
				TEXT_ARGS(word));
		}
		if (!fine)
			return false;
	}
	if (!has_source)
		return build_fail(b, "from, value or template is missing");
	return steps.kind == VALUE_NONE || build_steps(b, steps, &choice->steps);
}

static struct rule *new_rule(struct builder *b, struct text names)
{
	struct rule *rule = build_more(b, &b->p->rules, &b->p->rule_count, sizeof *rule);
	struct text name;

	while (text_split(&names, '|', &name)) {
		struct target *target = build_more(b, &rule->targets, &rule->target_count, sizeof *target);

		if (!build_target(b, name, target))
			return NULL;
	}
	return rule;
}

static bool read_field(struct builder *b, const struct entry *entry)
{
	struct value_walk walk = value_walk(entry->value);
	struct value element;
	struct rule *rule;

	b->line = entry->line;
	rule = new_rule(b, entry->key);
	if (!rule)
		return false;
	if (entry->value.kind != VALUE_ARRAY)
		return read_choice(b, entry->value, rule);
	while (value_next(&walk, &element))
		if (!read_choice(b, element, rule))
			return false;
	return rule->choice_count || build_fail(b, "an empty list");
}

/* A constant must be acceptable now: at run time nobody could do anything about it. */
static bool read_constant(struct builder *b, const struct entry *entry)
{
	struct buf text = BUF_INIT;
	enum field_verdict verdict;
	struct choice *choice;
	struct rule *rule;
	struct cell cell;

	b->line = entry->line;
	rule = new_rule(b, entry->key);
	if (!rule)
		return false;
	if (rule->target_count > 1)
		return build_fail(b, "a constant is for one field");
	cell = build_cell(b, entry->value);
	verdict = field_sanitise(rule->targets[0].field, cell.kind, cell.text, &text);
	if (verdict != FIELD_FINE) {
		buf_clear(&text);
		field_explain(rule->targets[0].field, verdict, cell.kind, cell.text, &text);
		build_fail(b, "%.*s", TEXT_ARGS(buf_view(&text)));
	}
	buf_free(&text);
	choice = build_more(b, &rule->choices, &rule->choice_count, sizeof *choice);
	choice->source = (struct source){ .kind = SOURCE_VALUE, .value = cell };
	return verdict == FIELD_FINE;
}

/* Fields or constants of the base, but for those the variant has too, then the variant's. */
static bool read_rules(struct builder *b, const struct entries *base, const struct entries *variant,
	const char *kind, bool (*read)(struct builder *b, const struct entry *entry))
{
	const struct entry *from_base = find_in(base, kind), *from_variant = find_in(variant, kind);

	for (size_t i = 0; from_base && i < from_base->children->count; i++) {
		const struct entry *entry = &from_base->children->at[i];
		bool replaced = false;

		for (size_t j = 0; from_variant && j < from_variant->children->count; j++)
			replaced |= text_eq(entry->key, from_variant->children->at[j].key);
		if (!replaced && !read(b, entry))
			return false;
	}
	for (size_t i = 0; from_variant && i < from_variant->children->count; i++)
		if (!read(b, &from_variant->children->at[i]))
			return false;
	return true;
}

static bool read_split(struct builder *b, const struct entries *base, const struct entries *variant)
{
	struct entry *entry = setting(b, base, variant, "split");
	struct path_step from = { TEXT("from"), -1 }, at = { TEXT("at"), -1 };

	if (!entry)
		return true;
	b->p->split_at = text_in(b, json_path(entry->value, &at, 1));
	if (b->p->split_at.len == 0)
		return build_fail(b, "split wants {from: COLUMN, at: TEXT}");
	return build_source(b, text_in(b, json_path(entry->value, &from, 1)), &b->p->split);
}

static bool read_records(struct builder *b, const struct entries *base, const struct entries *variant)
{
	struct entry *entry = setting(b, base, variant, "records");
	struct source source;
	size_t number;

	if (!entry)
		return true;
	if (b->p->format != FORMAT_JSON)
		return build_fail(b, "records is for json");
	if (!build_source(b, text_in(b, entry->value), &source) || source.kind != SOURCE_INPUT)
		return build_fail(b, "records: a path is wanted");
	number = source.number;
	b->p->records = b->p->inputs[number].path;
	b->p->records_depth = b->p->inputs[number].depth;
	return true;
}

static bool check_keys(struct builder *b, const struct entries *list)
{
	for (size_t i = 0; i < list->count; i++) {
		const char *like;
		bool known = false;

		for (size_t k = 0; k < LENGTH(keys); k++)
			known |= text_is(list->at[i].key, keys[k]);
		if (known)
			continue;
		b->line = list->at[i].line;
		like = suggest(list->at[i].key, keys, LENGTH(keys));
		return build_fail(b, "unknown key \"%.*s\"%s%s%s", TEXT_ARGS(list->at[i].key),
			like ? ": did you mean \"" : "", like ? like : "", like ? "\"?" : "");
	}
	return true;
}

static bool read_program(struct builder *b, const struct entries *base, const struct entries *variant)
{
	const struct entry *when = find_in(variant, "when");

	b->p = build_more(b, &b->d->programs, &b->d->program_count, sizeof *b->p);
	if (variant && !check_keys(b, variant))
		return false;
	if (!read_framing(b, base, variant) || !read_captures(b, base) || (variant && !read_captures(b, variant)) ||
	    !read_records(b, base, variant) || !read_rules(b, base, variant, "constants", read_constant) ||
	    !read_rules(b, base, variant, "fields", read_field) || !read_split(b, base, variant))
		return false;
	if (when) {
		b->line = when->line;
		if (!build_conditions(b, when->value, &b->p->when))
			return false;
	}
	if (b->p->rule_count == 0 && !b->p->driver) {
		b->line = 0;
		return build_fail(b, "fields are missing");
	}
	return build_finish(b);
}

static bool read_feed(
	struct builder *b, const struct entries *top, struct text id, struct value map, struct feed *feed)
{
	static const char *const names[] = { "name", "url", "code", "documentation" };
	struct text *const to[] = { &feed->name, &feed->url, &feed->code, &feed->documentation };
	struct entry *accuracy = find_in(top, "accuracy");
	struct value_walk walk = value_walk(map);
	struct value key, member;

	feed->id = id;
	if (accuracy)
		feed->accuracy = build_cell(b, accuracy->value);
	while (map.kind == VALUE_OBJECT && value_next_member(&walk, &key, &member)) {
		struct text word = value_text(key, &b->d->memory);
		bool known = text_is(word, "fetch");

		for (size_t i = 0; i < LENGTH(names); i++)
			if (text_is(word, names[i])) {
				*to[i] = text_in(b, member);
				known = to[i]->at != NULL;
			}
		if (!known)
			return build_fail(b, "a feed has name, url, code, documentation, fetch; not \"%.*s\"",
				TEXT_ARGS(word));
	}
	return true;
}

static bool read_feeds(struct builder *b, const struct entries *top)
{
	const struct entry *feeds = find_in(top, "feeds");

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
	const struct entry *samples = find_in(top, "samples");
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

static bool read_all(struct builder *b, struct yaml_reader *y)
{
	struct entries top = { NULL, 0 };
	const struct entry *variants;

	b->problem->text[0] = '\0';
	if (!read_entries(b, y, &top, LEVEL_TOP) || !check_keys(b, &top) ||
		!read_text(b, &top, "provider", &b->d->provider) || !read_text(b, &top, "module", &b->d->module) ||
		!read_text(b, &top, "documentation", &b->d->documentation) || !read_feeds(b, &top) ||
		!read_samples(b, &top))
		return false;
	variants = find_in(&top, "variants");
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
	arena_free(&d->memory);
	free(d->file);
	free(d);
}
