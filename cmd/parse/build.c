/* Building programs, for the definition loader and the generic parser: names become numbers, texts become steps. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "driver.h"
#include "opt.h"
#include "parse.h"

bool build_fail(struct builder *b, const char *format, ...)
{
	char text[PROBLEM_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	return problem_at(b->problem, b->file, b->line, 0, "%s", text);
}

void *build_zero(struct builder *b, size_t count, size_t size)
{
	enum { ALIGN = 16 };
	char *p = arena_bytes(&b->d->memory, count * size + ALIGN);

	p += (ALIGN - (uintptr_t)p % ALIGN) % ALIGN;
	return memset(p, 0, count * size);
}

struct text build_text(struct builder *b, struct text t)
{
	return arena_text(&b->d->memory, t);
}

/* The array doubles whenever COUNT is a power of two; what it grew out of stays in the arena. */
void *build_more(struct builder *b, void *items, size_t *count, size_t size)
{
	char **array = items;

	if ((*count & (*count - 1)) == 0) {
		char *larger = build_zero(b, *count ? *count * 2 : 1, size);

		if (*count)
			memcpy(larger, *array, *count * size);
		*array = larger;
	}
	return *array + size * (*count)++;
}

bool build_regex(struct builder *b, struct text pattern, struct regex **regex)
{
	struct problem problem = { .line = 0 };

	*regex = regex_new(pattern, b->python ? REGEX_PYTHON : 0, &problem);
	if (!*regex)
		return build_fail(b, "%s", problem.text);
	*(struct regex **)build_more(b, &b->d->regexes, &b->d->regex_count, sizeof *regex) = *regex;
	return true;
}

bool build_time(struct builder *b, struct text name, struct when_format **when)
{
	struct problem problem = { .line = 0 };

	*when = when_format_new(name, &problem);
	if (!*when)
		return build_fail(b, "%s", problem.text);
	*(struct when_format **)build_more(b, &b->d->times, &b->d->time_count, sizeof *when) = *when;
	return true;
}

bool build_when(struct builder *b, struct text name, struct step *step)
{
	return build_time(b, name, build_more(b, &step->whens, &step->when_count, sizeof *step->whens));
}

bool build_path(struct builder *b, struct text name, bool wild, struct path_step **path, size_t *depth)
{
	struct text rest = name;

	*depth = 0;
	while (rest.len) {
		struct path_step step = { .index = PATH_KEY };
		const char *close;
		long long index;
		size_t n = 0;

		if (rest.at[0] == '[') {
			close = memchr(rest.at, ']', rest.len);
			if (!close)
				return build_fail(b, "a ] is missing in \"%.*s\"", TEXT_ARGS(name));
			step.key = (struct text){ rest.at + 1, (size_t)(close - rest.at) - 1 };
			if (step.key.len > 1 && step.key.at[0] == '"' && step.key.at[step.key.len - 1] == '"') {
				step.key = (struct text){ step.key.at + 1, step.key.len - 2 };
			} else if (wild && step.key.len == 0) {
				step.index = PATH_ELEMENTS;
			} else if (text_integer(step.key, &index) && index >= 0 && index < 1000000) {
				step.index = (long)index;
			} else {
				return build_fail(b, "no index: [%.*s]", TEXT_ARGS(step.key));
			}
			rest = text_from(rest, (size_t)(close - rest.at) + 1);
		} else {
			while (n < rest.len && rest.at[n] != '.' && rest.at[n] != '[')
				n++;
			step.key = (struct text){ rest.at, n };
			if (wild && text_is(step.key, "*"))
				step.index = PATH_MEMBERS;
			rest = text_from(rest, n);
		}
		if (rest.len && rest.at[0] == '.')
			rest = text_from(rest, 1);
		step.key = build_text(b, step.key);
		*(struct path_step *)build_more(b, path, depth, sizeof step) = step;
	}
	return *depth > 0 || build_fail(b, "a path is wanted, not an empty text");
}

unsigned build_input(struct builder *b, struct text name)
{
	struct program *p = b->p;
	struct input *in;

	for (size_t i = 0; i < p->input_count; i++)
		if (text_eq(p->inputs[i].name, name))
			return (unsigned)i;
	in = build_more(b, &p->inputs, &p->input_count, sizeof *in);
	in->name = build_text(b, name);
	in->column = p->input_count - 1;
	return (unsigned)p->input_count - 1;
}

static bool unknown_column(struct builder *b, struct text name)
{
	const char *names[256] = { NULL }, *like;
	size_t n = b->p->input_count < LENGTH(names) ? b->p->input_count : LENGTH(names);
	bool found;

	for (size_t i = 0; i < n; i++)
		names[i] = alloc_string(b->p->inputs[i].name);
	like = suggest(name, names, n);
	found = like != NULL;
	build_fail(b, "no column \"%.*s\" in columns%s%s%s", TEXT_ARGS(name), found ? ": did you mean \"" : "",
		found ? like : "", found ? "\"?" : "");
	for (size_t i = 0; i < n; i++)
		free((void *)(uintptr_t)names[i]);
	return false;
}

/* `@report.FIELD` and `@event.FIELD`. */
static bool field_source(struct builder *b, struct text name, enum source_kind kind, struct source *source)
{
	source->kind = kind;
	source->field = field_intern(name);
	if (!field_check(source->field, b->problem))
		return build_fail(b, "no such field: \"%.*s\"", TEXT_ARGS(name));
	if (kind == SOURCE_EVENT) {
		source->slot = build_slot(b, source->field);
		b->p->places = true;
	}
	return true;
}

static bool special_source(struct builder *b, struct text name, struct source *source)
{
	static const struct { const char *name; enum source_kind kind; } words[] = { { "@record", SOURCE_RECORD },
		{ "@last", SOURCE_LAST }, { "@piece", SOURCE_PIECE }, { "@key", SOURCE_KEY },
		{ "@number", SOURCE_NUMBER }, { "@value", SOURCE_CURRENT }, { "@first", SOURCE_FIRST } };

	for (size_t i = 0; i < LENGTH(words); i++)
		if (text_is(name, words[i].name)) {
			source->kind = words[i].kind;
			b->p->last_used |= source->kind == SOURCE_LAST;
			return true;
		}
	if (text_starts(name, TEXT("@piece.")) || text_starts(name, TEXT("@piece["))) {
		source->kind = SOURCE_PIECE;
		return build_path(b, text_from(name, name.at[6] == '.' ? 7 : 6), false, &source->path, &source->depth);
	}
	if (text_starts(name, TEXT("@report.")))
		return field_source(b, text_from(name, 8), SOURCE_REPORT, source);
	if (text_starts(name, TEXT("@event.")))
		return field_source(b, text_from(name, 7), SOURCE_EVENT, source);
	if (text_starts(name, TEXT("@parameter."))) {
		source->kind = SOURCE_PARAMETER;
		source->parameter = parameter_find(text_from(name, 11));
		return source->parameter || build_fail(b, "no such parameter: \"%.*s\"", TEXT_ARGS(name));
	}
	for (size_t i = 0; i < b->p->capture_count; i++)
		if (text_eq(text_from(name, 1), b->p->captures[i].name)) {
			source->kind = SOURCE_CAPTURE;
			source->number = (unsigned)i;
			return true;
		}
	return build_fail(b,
		"unknown source \"%.*s\"; there are @record, @last, @piece, @key, @number, @value, @first, "
		"@report.FIELD, @event.FIELD, @parameter.NAME and names of captures",
		TEXT_ARGS(name));
}

bool build_source(struct builder *b, struct text name, struct source *source)
{
	struct program *p = b->p;
	bool json = p->format == FORMAT_JSON || p->format == FORMAT_JSONL || p->format == FORMAT_XML ||
		p->format == FORMAT_DRIVER;
	size_t known = p->input_count;
	struct input *in;

	if (name.len == 0)
		return build_fail(b, "a column or path is wanted, not an empty text");
	if (name.at[0] == '@')
		return special_source(b, name, source);
	source->kind = SOURCE_INPUT;
	source->number = build_input(b, name);
	if (p->input_count == known)
		return true;
	in = &p->inputs[source->number];
	if (json)
		return build_path(b, in->name, false, &in->path, &in->depth);
	if (p->header || p->format == FORMAT_KV)
		return true;
	p->input_count--;
	return unknown_column(b, name);
}

/* What follows the colon of a Python placeholder, as far as texts have it: [[fill]align][width][s]. */
static bool placeholder_form(struct builder *b, struct text form, struct template_part *part)
{
	long long width = 0;

	part->fill = ' ';
	part->align = '<';
	if (form.len > 1 && strchr("<>^", form.at[1])) {
		part->fill = form.at[0];
		part->align = form.at[1];
		form = text_from(form, 2);
	} else if (form.len && strchr("<>^", form.at[0])) {
		part->align = form.at[0];
		form = text_from(form, 1);
	}
	if (form.len && form.at[form.len - 1] == 's')
		form.len--;
	if (form.len && (!text_integer(form, &width) || width < 0 || width > 1024))
		return build_fail(b, "no format: \"%.*s\"", TEXT_ARGS(form));
	part->width = (int)width;
	return true;
}

static bool placeholder(
	struct builder *b, struct text inside, bool by_number, unsigned *next, struct template_part *part)
{
	struct text form = inside, name;
	long long number;

	part->fill = ' ';
	if (!by_number)
		return build_source(b, inside, &part->source);
	text_split(&form, ':', &name);
	if (form.at && !placeholder_form(b, form, part))
		return false;
	if (name.len == 0)
		number = (*next)++;
	else if (!text_integer(name, &number) || number < 0 || number > 65535)
		return build_fail(b, "no column number: {%.*s}", TEXT_ARGS(inside));
	part->source = (struct source){ .kind = SOURCE_INPUT };
	while (b->p->input_count <= (size_t)number) {
		char column[24];

		int length = snprintf(column, sizeof column, "#%zu", b->p->input_count);

		build_input(b, (struct text){ column, (size_t)length });
	}
	part->source.number = (unsigned)number;
	return true;
}

bool build_template(struct builder *b, struct text text, bool by_number, struct template **result)
{
	struct template *t = build_zero(b, 1, sizeof *t);
	unsigned next = 0;

	while (text.len) {
		struct template_part *part = build_more(b, &t->parts, &t->count, sizeof *part);
		const char *close;
		size_t n = 0;

		if (text.at[0] == '{' && !text_starts(text, TEXT("{{"))) {
			close = memchr(text.at, '}', text.len);
			if (!close)
				return build_fail(b, "a } is missing in the template");
			if (!placeholder(b, (struct text){ text.at + 1, (size_t)(close - text.at) - 1 }, by_number,
				    &next, part))
				return false;
			text = text_from(text, (size_t)(close - text.at) + 1);
			continue;
		}
		part->constant = true;
		if (text_starts(text, TEXT("{{")) || text_starts(text, TEXT("}}"))) {
			part->text = build_text(b, (struct text){ text.at, 1 });
			text = text_from(text, 2);
			continue;
		}
		if (text.at[0] == '}')
			return build_fail(b, "a single } in the template");
		while (n < text.len && text.at[n] != '{' && text.at[n] != '}')
			n++;
		part->text = build_text(b, (struct text){ text.at, n });
		text = text_from(text, n);
	}
	*result = t;
	return true;
}

static bool unknown_field(struct builder *b, struct text name)
{
	const char *names[F_COUNT], *like;
	size_t n = 0;

	for (enum field f = F_NONE + 1; f < F_MESSAGE_TYPE; f++)
		names[n++] = field_row(f)->name;
	like = suggest(name, names, n);
	return build_fail(b, "no such field: \"%.*s\"%s%s%s", TEXT_ARGS(name), like ? ": did you mean \"" : "",
		like ? like : "", like ? "\"?" : "");
}

bool build_target(struct builder *b, struct text name, struct target *target)
{
	struct problem unused;
	struct buf key = BUF_INIT;

	target->field = field_intern(name);
	if (target->field == F_NONE || target->field == F_MESSAGE_TYPE || target->field == F_MESSAGE_PATH ||
	    !field_check(target->field, &unused))
		return unknown_field(b, name);
	if (target->field == F_EXTRA || target->field == F_RAW)
		return build_fail(b, "\"%.*s\" cannot be set as a whole", TEXT_ARGS(name));
	target->free = field_is_extra(target->field) && !field_type(target->field);
	buf_char(&key, ',');
	buf_json(&key, name);
	buf_char(&key, ':');
	target->key = build_text(b, buf_view(&key));
	buf_free(&key);
	return true;
}

struct cell build_cell(struct builder *b, struct value v)
{
	struct cell cell = json_cell(v, &b->d->memory);

	cell.text = build_text(b, cell.text);
	return cell;
}

static int by_key(const void *a, const void *b)
{
	return text_cmp(((const struct table_row *)a)->key, ((const struct table_row *)b)->key);
}

bool build_table(struct builder *b, struct value map, struct table *table)
{
	struct value_walk walk = value_walk(map);
	struct value key, member;

	if (map.kind != VALUE_OBJECT)
		return build_fail(b, "a map of values is wanted");
	while (value_next_member(&walk, &key, &member)) {
		struct table_row *row = build_more(b, &table->rows, &table->count, sizeof *row);

		row->key = build_text(b, value_text(key, &b->d->memory));
		row->value = build_cell(b, member);
	}
	qsort(table->rows, table->count, sizeof *table->rows, by_key);
	return true;
}

/* ---- conditions ---- */

static bool condition_values(struct builder *b, struct value v, struct condition *c)
{
	struct value_walk walk = value_walk(v);
	struct value element;

	if (v.kind != VALUE_ARRAY) {
		*(struct text *)build_more(b, &c->values, &c->count, sizeof *c->values) = build_cell(b, v).text;
		return true;
	}
	while (value_next(&walk, &element))
		*(struct text *)build_more(b, &c->values, &c->count, sizeof *c->values) =
			build_cell(b, element).text;
	return c->count || build_fail(b, "a condition wants at least one value");
}

enum wanted { WANTS_VALUES, WANTS_REGEX, WANTS_BOOLEAN, WANTS_FIELD, WANTS_SOURCE, WANTS_NUMBER };

static const struct test_word {
	const char *name;
	enum test_kind kind;
	enum wanted wanted;
} test_words[] = { { "is", TEST_IS, WANTS_VALUES }, { "starts", TEST_STARTS, WANTS_VALUES },
	{ "ends", TEST_ENDS, WANTS_VALUES }, { "contains", TEST_CONTAINS, WANTS_VALUES },
	{ "file", TEST_FILE, WANTS_VALUES }, { "matches", TEST_MATCHES, WANTS_REGEX },
	{ "empty", TEST_EMPTY, WANTS_BOOLEAN }, { "present", TEST_PRESENT, WANTS_BOOLEAN },
	{ "true", TEST_TRUE, WANTS_BOOLEAN }, { "valid", TEST_VALID, WANTS_FIELD },
	{ "same", TEST_SAME, WANTS_SOURCE }, { "at_least", TEST_LEAST, WANTS_NUMBER },
	{ "at_most", TEST_MOST, WANTS_NUMBER }, { "count", TEST_COUNT, WANTS_NUMBER } };

static const struct test_word *find_test(struct text name)
{
	for (size_t i = 0; i < LENGTH(test_words); i++)
		if (text_is(name, test_words[i].name))
			return &test_words[i];
	return NULL;
}

static bool condition_argument(struct builder *b, enum wanted wanted, struct value v, struct condition *c)
{
	struct text text = v.kind == VALUE_STRING ? build_text(b, value_text(v, &b->d->memory)) : NO_TEXT;

	switch (wanted) {
	case WANTS_VALUES:
		return condition_values(b, v, c);
	case WANTS_REGEX:
		return text.at ? build_regex(b, text, &c->regex) : build_fail(b, "matches wants a regular expression");
	case WANTS_BOOLEAN:
		c->negated ^= v.kind == VALUE_FALSE;
		return v.kind == VALUE_TRUE || v.kind == VALUE_FALSE || build_fail(b, "this test wants true or false");
	case WANTS_FIELD:
		c->field = text.at ? field_intern(text) : F_NONE;
		return (c->field && field_type(c->field)) || build_fail(b, "valid wants the name of a field");
	case WANTS_SOURCE:
		c->other = build_zero(b, 1, sizeof *c->other);
		return text.at ? build_source(b, text, c->other) : build_fail(b, "same wants a column");
	case WANTS_NUMBER:
		if (!text.at)
			return value_double(v, &c->number) || build_fail(b, "this test wants a number, or a column");
		c->other = build_zero(b, 1, sizeof *c->other);
		return build_source(b, text, c->other);
	}
	return false;
}

/* The test NAME, or with `not_` before it its opposite; `not` alone is `not_is`. */
static bool one_condition(struct builder *b, struct text name, struct value v, struct condition *c)
{
	const struct test_word *word = find_test(name);

	if (!word && text_starts(name, TEXT("not_"))) {
		word = find_test(text_from(name, 4));
		c->negated = true;
	} else if (text_is(name, "not")) {
		word = find_test(TEXT("is"));
		c->negated = true;
	}
	if (!word)
		return build_fail(b,
			"unknown test \"%.*s\"; there are is, starts, ends, contains, file, matches, empty, present, true, "
			"valid, same, at_least, at_most, count, each also with not_ in front",
			TEXT_ARGS(name));
	c->kind = word->kind;
	return condition_argument(b, word->wanted, v, c);
}

/* Tests of one source: a map of tests, or values for `is`. */
static bool group_tests(
	struct builder *b, struct value v, const struct source *source, unsigned group, struct conditions *conditions)
{
	struct value_walk walk = value_walk(v);
	struct value key, member;
	struct condition *c;

	if (v.kind != VALUE_OBJECT) {
		c = build_more(b, &conditions->at, &conditions->count, sizeof *c);
		c->source = *source;
		c->group = group;
		return one_condition(b, TEXT("is"), v, c);
	}
	while (value_next_member(&walk, &key, &member)) {
		c = build_more(b, &conditions->at, &conditions->count, sizeof *c);
		c->source = *source;
		c->group = group;
		if (!one_condition(b, value_text(key, &b->d->memory), member, c))
			return false;
	}
	return true;
}

bool build_tests(struct builder *b, struct value map, const struct source *source, struct conditions *conditions)
{
	struct source current = { .kind = SOURCE_CURRENT };

	return group_tests(b, map, source ? source : &current, 0, conditions);
}

static bool build_group(struct builder *b, struct value map, unsigned group, struct conditions *conditions)
{
	struct value_walk walk = value_walk(map);
	struct value key, member;

	if (map.kind != VALUE_OBJECT)
		return build_fail(b, "conditions are a map of columns and tests, or a list of such maps");
	while (value_next_member(&walk, &key, &member)) {
		struct source source = { .kind = SOURCE_VALUE };

		if (!build_source(b, build_text(b, value_text(key, &b->d->memory)), &source) ||
			!group_tests(b, member, &source, group, conditions))
			return false;
	}
	return true;
}

bool build_conditions(struct builder *b, struct value v, struct conditions *conditions)
{
	struct value_walk walk = value_walk(v);
	struct value element;
	unsigned group = 0;

	if (v.kind != VALUE_ARRAY)
		return build_group(b, v, 0, conditions);
	while (value_next(&walk, &element))
		if (!build_group(b, element, group++, conditions))
			return false;
	return conditions->count || build_fail(b, "an empty list of conditions");
}

/* ---- steps ---- */

enum argument {
	ARGUMENT_NONE,
	ARGUMENT_TEXT,
	ARGUMENT_CHARACTERS,
	ARGUMENT_NUMBER,
	ARGUMENT_REGEX,
	ARGUMENT_TIME,
	ARGUMENT_MAP,
	ARGUMENT_PART,
	ARGUMENT_REPLACE,
	ARGUMENT_OPERAND,
	ARGUMENT_URL,
	ARGUMENT_SOURCE,
	ARGUMENT_VALUES,
	ARGUMENT_TESTS,
	ARGUMENT_SOME_TESTS,
};

static const struct {
	const char *name;
	enum step_kind kind;
	enum argument argument;
} step_words[] = {
	{ "strip", STEP_STRIP, ARGUMENT_CHARACTERS },
	{ "lower", STEP_LOWER, ARGUMENT_NONE },
	{ "upper", STEP_UPPER, ARGUMENT_NONE },
	{ "before", STEP_BEFORE, ARGUMENT_TEXT },
	{ "after", STEP_AFTER, ARGUMENT_TEXT },
	{ "before_last", STEP_BEFORE_LAST, ARGUMENT_TEXT },
	{ "after_last", STEP_AFTER_LAST, ARGUMENT_TEXT },
	{ "part", STEP_PART, ARGUMENT_PART },
	{ "cut", STEP_CUT, ARGUMENT_NUMBER },
	{ "prefix", STEP_PREFIX, ARGUMENT_TEXT },
	{ "suffix", STEP_SUFFIX, ARGUMENT_TEXT },
	{ "scheme", STEP_SCHEME, ARGUMENT_TEXT },
	{ "remove", STEP_REMOVE, ARGUMENT_TEXT },
	{ "replace", STEP_REPLACE, ARGUMENT_REPLACE },
	{ "search", STEP_SEARCH, ARGUMENT_REGEX },
	{ "map", STEP_MAP, ARGUMENT_MAP },
	{ "integer", STEP_INTEGER, ARGUMENT_NONE },
	{ "float", STEP_FLOAT, ARGUMENT_NONE },
	{ "boolean", STEP_BOOLEAN, ARGUMENT_NONE },
	{ "text", STEP_TEXT, ARGUMENT_NONE },
	{ "json", STEP_JSON, ARGUMENT_NONE },
	{ "time", STEP_TIME, ARGUMENT_TIME },
	{ "word", STEP_WORD, ARGUMENT_NUMBER },
	{ "unpad", STEP_UNPAD, ARGUMENT_NONE },
	{ "multiply", STEP_MULTIPLY, ARGUMENT_OPERAND },
	{ "divide", STEP_DIVIDE, ARGUMENT_OPERAND },
	{ "add", STEP_ADD, ARGUMENT_OPERAND },
	{ "base64", STEP_BASE64, ARGUMENT_NONE },
	{ "unbase64", STEP_UNBASE64, ARGUMENT_NONE },
	{ "url", STEP_URL, ARGUMENT_URL },
	{ "resolve", STEP_RESOLVE, ARGUMENT_SOURCE },
	{ "none", STEP_NONE, ARGUMENT_VALUES },
	{ "only", STEP_ONLY, ARGUMENT_TESTS },
	{ "except", STEP_EXCEPT, ARGUMENT_TESTS },
	{ "assert", STEP_ASSERT, ARGUMENT_TESTS },
	{ "first", STEP_FIRST, ARGUMENT_SOME_TESTS },
	{ "single", STEP_SINGLE, ARGUMENT_NONE },
	{ "list", STEP_LIST, ARGUMENT_NONE },
	{ "keys", STEP_KEYS, ARGUMENT_NONE },
	{ "entries", STEP_ENTRIES, ARGUMENT_TEXT },
	{ "join", STEP_JOIN, ARGUMENT_TEXT },
};

static struct value member_of(struct value map, const char *name)
{
	struct path_step step = { text_of(name), -1 };

	return json_path(map, &step, 1);
}

static bool table_step(struct builder *b, struct value v, struct step *step)
{
	struct value policy = member_of(v, "unmapped"), fallback = member_of(v, "default");
	struct text word = value_text(policy, &b->d->memory);

	step->table = build_zero(b, 1, sizeof *step->table);
	step->table->unmapped = UNMAPPED_REJECT;
	if (fallback.kind != VALUE_NONE) {
		step->table->unmapped = UNMAPPED_DEFAULT;
		step->table->fallback = build_cell(b, fallback);
	} else if (policy.kind != VALUE_NONE) {
		if (text_is(word, "keep"))
			step->table->unmapped = UNMAPPED_KEEP;
		else if (text_is(word, "skip"))
			step->table->unmapped = UNMAPPED_SKIP;
		else if (!text_is(word, "reject"))
			return build_fail(b, "unmapped is keep, skip or reject");
	}
	return build_table(b, member_of(v, "to"), step->table);
}

static bool part_step(struct builder *b, struct value v, struct step *step)
{
	struct value at = member_of(v, "at"), index = member_of(v, "index"), of = member_of(v, "of");
	long long i = 0, n = 0;

	step->text = build_text(b, value_text(at, &b->d->memory));
	if (at.kind != VALUE_STRING || step->text.len == 0 ||
		(index.kind != VALUE_NONE && !value_integer(index, &i)) ||
		(of.kind != VALUE_NONE && !value_integer(of, &n)))
		return build_fail(b, "part wants {at: TEXT, index: NUMBER, of: NUMBER}");
	step->index = (long)i;
	step->of = (long)n;
	return true;
}

/* A number, the name of a source, or {from: SOURCE, default: NUMBER}. */
static bool operand_step(struct builder *b, struct value v, struct step *step)
{
	struct value from = v.kind == VALUE_OBJECT ? member_of(v, "from") : v, otherwise = member_of(v, "default");

	step->number = step->kind == STEP_ADD ? 0 : 1;
	if (v.kind == VALUE_NUMBER)
		return value_double(v, &step->number) && (step->kind != STEP_DIVIDE || step->number != 0)
			? true : build_fail(b, "no number to reckon with");
	if (from.kind != VALUE_STRING || (otherwise.kind != VALUE_NONE && !value_double(otherwise, &step->number)))
		return build_fail(b, "a number, a column or {from: COLUMN, default: NUMBER} is wanted");
	step->source = build_zero(b, 1, sizeof *step->source);
	return build_source(b, build_text(b, value_text(from, &b->d->memory)), step->source);
}

static bool url_step(struct builder *b, struct text word, struct step *step)
{
	static const char *const words[] = { "scheme", "host", "port", "location", "path", "query", "fragment",
		"whole" };

	for (size_t i = 0; i < LENGTH(words); i++)
		if (word.at && text_is(word, words[i])) {
			step->part = (enum url_part)i;
			return true;
		}
	return build_fail(b, "url wants scheme, host, port, location, path, query, fragment or whole");
}

static bool time_step(struct builder *b, struct value v, struct step *step)
{
	struct value_walk walk = value_walk(v);
	struct value element;

	if (v.kind == VALUE_STRING)
		return build_when(b, build_text(b, value_text(v, &b->d->memory)), step);
	while (v.kind == VALUE_ARRAY && value_next(&walk, &element))
		if (element.kind != VALUE_STRING ||
			!build_when(b, build_text(b, value_text(element, &b->d->memory)), step))
			return element.kind == VALUE_STRING ? false : build_fail(b, "a time format is a text");
	return step->when_count || build_fail(b, "this step wants a time format, or a list of them");
}

/* Values that TEST_IS compares with. */
static bool values_step(struct builder *b, struct value v, struct step *step)
{
	struct condition *c;

	step->test = build_zero(b, 1, sizeof *step->test);
	c = build_more(b, &step->test->at, &step->test->count, sizeof *c);
	c->source.kind = SOURCE_CURRENT;
	c->kind = TEST_IS;
	return condition_values(b, v, c);
}

static bool tests_step(struct builder *b, struct value v, struct step *step)
{
	step->test = build_zero(b, 1, sizeof *step->test);
	return build_tests(b, v, NULL, step->test);
}

static bool step_argument(struct builder *b, enum argument argument, struct value v, struct step *step)
{
	struct text text = v.kind == VALUE_STRING ? build_text(b, value_text(v, &b->d->memory)) : NO_TEXT;
	long long number;

	switch (argument) {
	case ARGUMENT_NONE:
		return v.kind == VALUE_NONE || v.kind == VALUE_TRUE || build_fail(b, "this step takes nothing");
	case ARGUMENT_CHARACTERS:
		step->text = text;
		return true;
	case ARGUMENT_TEXT:
		step->text = text;
		return text.len || build_fail(b, "this step wants a text");
	case ARGUMENT_NUMBER:
		if (!value_integer(v, &number))
			return build_fail(b, "this step wants a number");
		step->index = (long)number;
		return true;
	case ARGUMENT_REGEX:
		return text.at ? build_regex(b, text, &step->regex)
			       : build_fail(b, "this step wants a regular expression");
	case ARGUMENT_TIME:
		return time_step(b, v, step);
	case ARGUMENT_MAP:
		return table_step(b, v, step);
	case ARGUMENT_PART:
		return part_step(b, v, step);
	case ARGUMENT_REPLACE:
		step->text = build_text(b, value_text(member_of(v, "with"), &b->d->memory));
		text = value_text(member_of(v, "match"), &b->d->memory);
		step->index = member_of(v, "once").kind == VALUE_TRUE;
		return text.at && step->text.at ? build_regex(b, text, &step->regex) :
			build_fail(b, "replace wants {match: REGEX, with: TEXT, once: true}");
	case ARGUMENT_OPERAND:
		return operand_step(b, v, step);
	case ARGUMENT_URL:
		return url_step(b, text, step);
	case ARGUMENT_SOURCE:
		step->source = build_zero(b, 1, sizeof *step->source);
		return text.at ? build_source(b, text, step->source) : build_fail(b, "this step wants a column");
	case ARGUMENT_VALUES:
		return values_step(b, v, step);
	case ARGUMENT_SOME_TESTS:
		if (v.kind == VALUE_NONE || v.kind == VALUE_TRUE)
			return true;
		return tests_step(b, v, step);
	case ARGUMENT_TESTS:
		return tests_step(b, v, step);
	}
	return false;
}

static bool build_step(struct builder *b, struct text name, struct value v, struct steps *steps)
{
	const char *names[LENGTH(step_words)], *like;

	for (size_t i = 0; i < LENGTH(step_words); i++) {
		names[i] = step_words[i].name;
		if (text_is(name, names[i])) {
			struct step *step = build_more(b, &steps->at, &steps->count, sizeof *step);

			step->kind = step_words[i].kind;
			return step_argument(b, step_words[i].argument, v, step);
		}
	}
	like = suggest(name, names, LENGTH(names));
	return build_fail(b, "unknown step \"%.*s\"%s%s%s", TEXT_ARGS(name), like ? ": did you mean \"" : "",
		like ? like : "", like ? "\"?" : "");
}

bool build_steps(struct builder *b, struct value list, struct steps *steps)
{
	struct value_walk walk = value_walk(list);
	struct value element, key, member;

	if (list.kind == VALUE_STRING)
		return build_step(b, value_text(list, &b->d->memory), NO_VALUE, steps);
	if (list.kind != VALUE_ARRAY)
		return build_fail(b, "a list of steps is wanted");
	while (value_next(&walk, &element)) {
		struct value_walk inner = value_walk(element);

		if (element.kind == VALUE_STRING) {
			if (!build_step(b, value_text(element, &b->d->memory), NO_VALUE, steps))
				return false;
			continue;
		}
		if (element.kind != VALUE_OBJECT || !value_next_member(&inner, &key, &member))
			return build_fail(b, "a step is a name, or a map of a name and its argument");
		if (!build_step(b, value_text(key, &b->d->memory), member, steps))
			return false;
	}
	return true;
}

/* ---- the end ---- */

unsigned build_slot(struct builder *b, enum field f)
{
	struct program *p = b->p;

	for (size_t i = 0; i < p->target_count; i++)
		if (p->targets[i] == f)
			return (unsigned)i;
	*(enum field *)build_more(b, &p->targets, &p->target_count, sizeof *p->targets) = f;
	return (unsigned)p->target_count - 1;
}

static void finish_rules(struct builder *b, struct rule *rules, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		for (size_t t = 0; t < rules[i].target_count; t++)
			if (rules[i].targets[t].field != F_NONE)
				rules[i].targets[t].slot = build_slot(b, rules[i].targets[t].field);
		b->p->places |= rules[i].overwrite;
	}
}

static bool is_constant(const struct rule *rule)
{
	const struct choice *only = rule->choices;

	return rule->choice_count == 1 && rule->target_count == 1 && only->source.kind == SOURCE_VALUE &&
		only->when.count == 0 && only->steps.count == 0 && !rule->overwrite && !rule->keep;
}

static bool has_constant(const struct mapping *m, const struct rule *rule)
{
	for (size_t i = 0; i < m->rule_count; i++)
		if (is_constant(&m->rules[i]) && m->rules[i].targets[0].field == rule->targets[0].field &&
			text_eq(m->rules[i].choices[0].source.value.text, rule->choices[0].source.value.text))
			return true;
	return false;
}

/* What all events have alike need not be written for each; unless it may be replaced, or looked at. */
static void find_constants(struct program *p)
{
	for (size_t i = 0; i < p->mapping_count; i++)
		for (size_t k = 0; k < p->mappings[i].rule_count; k++) {
			struct rule *rule = &p->mappings[i].rules[k];

			rule->constant = is_constant(rule) && !p->places;
			for (size_t j = 0; j < p->mapping_count; j++)
				rule->constant = rule->constant && has_constant(&p->mappings[j], rule);
		}
}

bool build_finish(struct builder *b)
{
	struct program *p = b->p;

	for (size_t i = 0; i < p->mapping_count; i++) {
		struct mapping *m = &p->mappings[i];

		finish_rules(b, m->rules, m->rule_count);
		for (size_t k = 0; k < m->choosing_count; k++) {
			for (size_t c = 0; c < m->choosings[k].case_count; c++)
				finish_rules(b, m->choosings[k].cases[c].rules, m->choosings[k].cases[c].rule_count);
			finish_rules(b, m->choosings[k].other.rules, m->choosings[k].other.rule_count);
		}
		for (size_t k = 0; k < m->pass_count; k++) {
			p->dynamic = true;
			p->places |= m->passes[k].overwrite;
		}
	}
	find_constants(p);
	p->width = p->input_count;
	p->values = p->input_count == 0 || p->inputs[0].depth == 0 || p->inputs[0].path[0].index >= 0;
	return true;
}
