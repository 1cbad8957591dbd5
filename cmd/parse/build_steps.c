/* Steps of a definition: what is done to a value, one after the other. */
#include "driver.h"
#include "opt.h"
#include "parse.h"

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
	return build_values(b, v, c);
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
