/* The keys of a definition's file, with their lines. The file is read once; then the base and each variant are built
 * from it, so that order in the file does not matter. */
#include <stdlib.h>

#include "entries.h"
#include "opt.h"

enum { ENTRIES_MAX = 1000 };

/* Keys whose values are read as entries; in a variant or event likewise. */
static const char *const maps[] = { "feeds", "captures", "constants", "fields", "variants", "events" };
static const char *const keys[] = { "provider", "feed", "code", "url", "documentation", "accuracy", "module", "status",
	"fetch", "notes", "feeds", "format", "encoding", "driver", "delimiter", "quotes", "header", "columns", "separator", "pattern",
	"unmatched", "min_columns", "short", "long", "comments", "strip", "skip_first", "skip_lines", "skip_last",
	"start", "stop", "lines_per_record", "repair", "jq", "table", "pair_separator", "kv_separator", "strip_quotes", "records", "captures", "constants", "fields", "split", "each", "choose",
	"pass", "others", "ignore", "require", "drop_when", "discard", "drop_empty", "report", "raw", "events", "variants",
	"when", "when_line", "samples" };

struct entry *entries_find(const struct entries *list, const char *key)
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
	return text_is(key, "variants") || text_is(key, "events") ? LEVEL_VARIANTS : LEVEL_LIST;
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
		if (list->count == ENTRIES_MAX) {
			fine = build_fail(b, "too many keys");
			break;
		}
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

bool entries_read(struct builder *b, struct yaml_reader *y, struct entries *top)
{
	return read_entries(b, y, top, LEVEL_TOP) && entries_check(b, top);
}

bool entries_check(struct builder *b, const struct entries *list)
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

struct entry *setting(struct builder *b, const char *key)
{
	for (size_t i = 0; i < LENGTH(b->layers); i++) {
		struct entry *entry = entries_find(b->layers[i], key);

		if (entry) {
			b->line = entry->line;
			return entry;
		}
	}
	return NULL;
}

struct text text_in(struct builder *b, struct value v)
{
	return v.kind == VALUE_STRING ? build_text(b, value_text(v, &b->d->memory)) : NO_TEXT;
}

struct value member_of(struct value map, const char *name)
{
	struct path_step step = { text_of(name), PATH_KEY };

	return json_path(map, &step, 1);
}

bool read_text(struct builder *b, const struct entries *list, const char *key, struct text *text)
{
	struct entry *entry = entries_find(list, key);

	if (!entry)
		return true;
	b->line = entry->line;
	*text = text_in(b, entry->value);
	return text->at || build_fail(b, "%s: a text is wanted", key);
}

bool read_bool(struct builder *b, const char *key, bool *result)
{
	struct entry *entry = setting(b, key);

	if (!entry)
		return true;
	*result = entry->value.kind == VALUE_TRUE;
	return entry->value.kind == VALUE_TRUE || entry->value.kind == VALUE_FALSE ||
	       build_fail(b, "%s: true or false is wanted", key);
}

bool read_count(struct builder *b, const char *key, size_t *result)
{
	struct entry *entry = setting(b, key);
	long long n;

	if (!entry)
		return true;
	if (!value_integer(entry->value, &n) || n < 0 || n > 1000000)
		return build_fail(b, "%s: a number from 0 is wanted", key);
	*result = (size_t)n;
	return true;
}

bool read_word(struct builder *b, const char *key, const char *const *words, int *result)
{
	struct entry *entry = setting(b, key);

	if (!entry)
		return true;
	for (int i = 0; words[i]; i++)
		if (text_is(text_in(b, entry->value), words[i])) {
			*result = i;
			return true;
		}
	return build_fail(b, "%s: unknown word", key);
}

bool read_text_list(struct builder *b, const char *key, struct value v, struct text **texts, size_t *count)
{
	struct value_walk walk = value_walk(v);
	struct value element;

	if (v.kind == VALUE_STRING) {
		*(struct text *)build_more(b, texts, count, sizeof **texts) = text_in(b, v);
		return true;
	}
	if (v.kind != VALUE_ARRAY)
		return build_fail(b, "%s: a text or a list of texts is wanted", key);
	while (value_next(&walk, &element)) {
		if (element.kind != VALUE_STRING)
			return build_fail(b, "%s: a list of texts is wanted", key);
		*(struct text *)build_more(b, texts, count, sizeof **texts) = text_in(b, element);
	}
	return true;
}

bool read_texts(struct builder *b, const char *key, struct text **texts, size_t *count)
{
	struct entry *entry = setting(b, key);

	return !entry || read_text_list(b, key, entry->value, texts, count);
}

bool read_regex(struct builder *b, const char *key, struct regex **regex)
{
	struct entry *entry = setting(b, key);
	struct text pattern;

	if (!entry)
		return true;
	pattern = text_in(b, entry->value);
	return pattern.at ? build_regex(b, pattern, regex) :
			    build_fail(b, "%s: a regular expression is wanted", key);
}

bool read_steps(struct builder *b, const char *key, struct steps *steps)
{
	struct entry *entry = setting(b, key);

	return !entry || build_steps(b, entry->value, steps);
}

bool read_conditions(struct builder *b, const char *key, struct conditions *conditions)
{
	struct entry *entry = setting(b, key);

	return !entry || build_conditions(b, entry->value, conditions);
}
