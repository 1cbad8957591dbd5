/* Conditions of a definition: a column and its tests, in groups of which one must hold. */
#include "parse.h"

bool build_values(struct builder *b, struct value v, struct condition *c)
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
		return build_values(b, v, c);
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
