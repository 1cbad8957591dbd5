/* IntelMQ's harmonization.conf: two maps, `event` and `report`, from field names to type, length and regular
 * expression. */
#include <stdlib.h>

#include "alloc.h"
#include "field_priv.h"
#include "files.h"
#include "regex.h"
#include "yaml_json.h"

enum { FILE_SIZE_MAX = 16 << 20 };

/* One entry of the file; TYPE NULL: it names none. */
struct entry {
	struct text name;
	const struct type *type;
	unsigned length;
	char *pattern;
	bool nocase, event, report;
};

struct entries {
	struct entry *list;
	size_t count, cap;
};

/* The current value of Y, which must be of KIND. */
static bool read_value(struct yaml_reader *y, enum value_kind kind, const char *what, const char *file,
	long line, struct buf *json, struct value *v, struct problem *problem)
{
	struct value_error unused;

	buf_clear(json);
	if (!yaml_value(y, json, problem))
		return false;
	if (!value_parse(buf_view(json), v, &unused) || (kind && v->kind != kind))
		return problem_at(problem, file, line, 0, "%s is wanted here", what);
	return true;
}

static bool read_type(
	struct entry *entry, struct text name, const char *file, long line, struct problem *problem)
{
	/* Configurations older than JSONDict say JSON, which had the same meaning for this field. */
	if (entry->event && text_is(entry->name, "extra") && text_is(name, "JSON"))
		name = TEXT("JSONDict");
	entry->type = type_named(name);
	return entry->type || problem_at(problem, file, line, 0, "no such type: \"%.*s\"", TEXT_ARGS(name));
}

static bool read_pattern(struct entry *entry, struct text pattern, bool nocase, const char *file, long line,
	struct problem *problem)
{
	struct problem why;
	struct regex *regex;

	if (entry->pattern)
		return problem_at(problem, file, line, 0, "one of regex and iregex is enough");
	regex = regex_new(pattern, nocase ? REGEX_NOCASE : 0, &why);
	if (!regex)
		return problem_at(problem, file, line, 0, "%.400s", why.text);
	regex_free(regex);
	entry->pattern = alloc_string(pattern);
	entry->nocase = nocase;
	return true;
}

static bool read_length(
	struct entry *entry, struct value v, const char *file, long line, struct problem *problem)
{
	long long n;

	if (!value_integer(v, &n) || n < 1 || n > 1 << 30)
		return problem_at(problem, file, line, 0, "a number of characters is wanted here");
	entry->length = (unsigned)n;
	return true;
}

/* Reads the keys of one field's map. */
static bool read_entry(
	struct yaml_reader *y, struct entry *entry, const char *file, long line, struct problem *problem)
{
	struct arena scratch = { 0 };
	struct buf json = BUF_INIT;
	struct text key;
	bool fine = yaml_enter_map(y, problem);
	struct value v;

	while (fine && yaml_next_key(y, &key, &line, problem)) {
		bool nocase = text_is(key, "iregex");

		if (text_is(key, "type"))
			fine = read_value(y, VALUE_STRING, "the name of a type", file, line, &json, &v,
				       problem) &&
			       read_type(entry, value_text(v, &scratch), file, line, problem);
		else if (text_is(key, "regex") || nocase)
			fine = read_value(y, VALUE_STRING, "a regular expression", file, line, &json, &v,
				       problem) &&
			       read_pattern(entry, value_text(v, &scratch), nocase, file, line, problem);
		else if (text_is(key, "length"))
			fine = read_value(y, VALUE_NUMBER, "a number of characters", file, line, &json, &v,
				       problem) &&
			       read_length(entry, v, file, line, problem);
		else
			fine = read_value(y, VALUE_NONE, "a value", file, line, &json, &v, problem);
	}
	fine = fine && !problem->text[0];
	arena_free(&scratch);
	buf_free(&json);
	return fine;
}

static struct entry *find_entry(struct entries *entries, struct text name)
{
	for (size_t i = 0; i < entries->count; i++)
		if (text_eq(entries->list[i].name, name))
			return &entries->list[i];
	return NULL;
}

/* Reads one of the two maps. What both have is what the event's map says of it. */
static bool read_fields(struct yaml_reader *y, struct entries *entries, bool report, const char *file,
	struct problem *problem)
{
	bool fine = yaml_enter_map(y, problem);
	struct text name;
	long line;

	while (fine && yaml_next_key(y, &name, &line, problem)) {
		struct entry entry = { .event = !report, .report = report },
			     *known = find_entry(entries, name);

		if (!field_well_formed(name))
			return problem_at(
				problem, file, line, 0, "not a field name: \"%.*s\"", TEXT_ARGS(name));
		entry.name = (struct text){ alloc_string(name), name.len };
		fine = read_entry(y, &entry, file, line, problem);
		if (fine && !entry.type)
			fine = problem_at(
				problem, file, line, 0, "field \"%.*s\" has no type", TEXT_ARGS(entry.name));
		if (known && report) {
			known->report = true;
		} else if (known && !known->event) {
			entry.report = true;
			*known = entry;
			continue;
		} else if (!known) {
			alloc_grow(&entries->list, &entries->cap, entries->count + 1, sizeof *entries->list);
			entries->list[entries->count++] = entry;
			continue;
		}
		free((char *)entry.name.at);
		free(entry.pattern);
	}
	return fine && !problem->text[0];
}

static bool read_maps(
	struct yaml_reader *y, struct entries *entries, const char *file, struct problem *problem)
{
	bool fine = yaml_enter_map(y, problem), events = false;
	struct buf ignored = BUF_INIT;
	struct text key;
	long line;

	while (fine && yaml_next_key(y, &key, &line, problem)) {
		if (text_is(key, "event") || text_is(key, "report")) {
			events = events || text_is(key, "event");
			fine = read_fields(y, entries, text_is(key, "report"), file, problem);
		} else {
			buf_clear(&ignored);
			fine = yaml_value(y, &ignored, problem);
		}
	}
	buf_free(&ignored);
	if (!fine || problem->text[0])
		return problem->text[0] ? false : problem_at(problem, file, 0, 0, "no fields are defined");
	return events || problem_at(problem, file, 0, 0, "no fields of events are defined");
}

/* Puts the entries in place of the table there was; the texts become the table's. */
static bool install(struct entries *entries, const char *file, struct problem *problem)
{
	for (size_t i = 0; i < entries->count; i++)
		if (field_intern(entries->list[i].name) == F_NONE)
			return problem_at(problem, file, 0, 0, "too many fields");
	for (unsigned f = F_NONE + 1; f < field_count(); f++) {
		struct field_rule *rule = field_rule((enum field)f);
		const struct entry *entry = find_entry(entries, rule->name);

		rule->known = entry != NULL;
		rule->report = entry && entry->report;
		if (entry)
			field_rule_set(rule, entry->type, entry->length, entry->pattern, entry->nocase);
		else
			field_rule_set(rule, NULL, 0, NULL, false);
		free(rule->own_pattern);
		rule->own_pattern = entry ? entry->pattern : NULL;
	}
	return true;
}

bool field_load(const char *file, struct problem *problem)
{
	struct entries entries = { 0 };
	struct yaml_reader *y = NULL;
	struct buf content = BUF_INIT;
	bool fine = file_read(file, FILE_SIZE_MAX, &content, problem);

	if (fine) {
		y = yaml_open(buf_view(&content), file);
		fine = y && read_maps(y, &entries, file, problem) && install(&entries, file, problem);
	}
	for (size_t i = 0; i < entries.count; i++) {
		free((char *)entries.list[i].name.at);
		if (!fine)
			free(entries.list[i].pattern);
	}
	free(entries.list);
	yaml_close(y);
	buf_free(&content);
	return fine;
}
