/* Building programs, for the definition loader and the generic parser: names become numbers, texts become steps. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "opt.h"
#include "driver.h"
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

/* Takes `a.b[0]["c.d"]` apart. */
static bool build_path(struct builder *b, struct text name, struct path_step **path, size_t *depth)
{
	struct text rest = name;

	*depth = 0;
	while (rest.len) {
		struct path_step step = { .index = -1 };
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

static bool special_source(struct builder *b, struct text name, struct source *source)
{
	static const struct { const char *name; enum source_kind kind; } words[] = { { "@record", SOURCE_RECORD },
		{ "@last", SOURCE_LAST }, { "@piece", SOURCE_PIECE } };

	for (size_t i = 0; i < LENGTH(words); i++)
		if (text_is(name, words[i].name)) {
			source->kind = words[i].kind;
			b->p->last_used |= source->kind == SOURCE_LAST;
			return true;
		}
	if (text_starts(name, TEXT("@report."))) {
		source->kind = SOURCE_REPORT;
		source->field = field_intern(text_from(name, 8));
		return field_check(source->field, b->problem) ||
			build_fail(b, "no such field: \"%.*s\"", TEXT_ARGS(text_from(name, 8)));
	}
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
		"unknown source \"%.*s\"; there are @record, @last, @piece, @report.FIELD, @parameter.NAME and names of captures",
		TEXT_ARGS(name));
}

bool build_source(struct builder *b, struct text name, struct source *source)
{
	struct program *p = b->p;
	bool json = p->format == FORMAT_JSON || p->format == FORMAT_JSONL || p->format == FORMAT_DRIVER;
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
		return build_path(b, in->name, &in->path, &in->depth);
	if (p->header)
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
	return true;
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
	ARGUMENT_REPLACE
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
	{ "json", STEP_JSON, ARGUMENT_NONE },
	{ "time", STEP_TIME, ARGUMENT_TIME },
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
		return text.at ? build_time(b, text, &step->when) : build_fail(b, "this step wants a time format");
	case ARGUMENT_MAP:
		return table_step(b, v, step);
	case ARGUMENT_PART:
		return part_step(b, v, step);
	case ARGUMENT_REPLACE:
		step->text = build_text(b, value_text(member_of(v, "with"), &b->d->memory));
		text = value_text(member_of(v, "match"), &b->d->memory);
		return text.at && step->text.at ? build_regex(b, text, &step->regex) :
			build_fail(b, "replace wants {match: REGEX, with: TEXT}");
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

static bool one_condition(
	struct builder *b, struct text name, struct text test, struct value v, struct condition *c)
{
	static const struct {
		const char *name;
		enum test_kind kind;
	} words[] = { { "is", TEST_IS }, { "not", TEST_NOT }, { "starts", TEST_STARTS }, { "ends", TEST_ENDS },
		{ "contains", TEST_CONTAINS }, { "file", TEST_FILE } };

	if (!build_source(b, name, &c->source))
		return false;
	if (text_is(test, "empty")) {
		c->kind = v.kind == VALUE_FALSE ? TEST_SET : TEST_EMPTY;
		return true;
	}
	if (text_is(test, "matches")) {
		c->kind = TEST_MATCHES;
		return build_regex(b, value_text(v, &b->d->memory), &c->regex);
	}
	for (size_t i = 0; i < LENGTH(words); i++)
		if (text_is(test, words[i].name)) {
			c->kind = words[i].kind;
			return condition_values(b, v, c);
		}
	return build_fail(b,
		"unknown test \"%.*s\"; there are is, not, starts, ends, contains, file, matches, empty",
		TEXT_ARGS(test));
}

bool build_conditions(struct builder *b, struct value map, struct conditions *conditions)
{
	struct value_walk walk = value_walk(map);
	struct value key, member, test, argument;

	if (map.kind != VALUE_OBJECT)
		return build_fail(b, "conditions are a map of columns and tests");
	while (value_next_member(&walk, &key, &member)) {
		struct text name = value_text(key, &b->d->memory);
		struct value_walk tests = value_walk(member);

		if (member.kind != VALUE_OBJECT) {
			if (!one_condition(b, name, TEXT("is"), member,
				build_more(b, &conditions->at, &conditions->count, sizeof *conditions->at)))
				return false;
			continue;
		}
		while (value_next_member(&tests, &test, &argument))
			if (!one_condition(b, name, value_text(test, &b->d->memory), argument,
				build_more(b, &conditions->at, &conditions->count, sizeof *conditions->at)))
				return false;
	}
	return true;
}

/* ---- the end ---- */

static unsigned target_slot(struct builder *b, enum field f)
{
	struct program *p = b->p;

	for (size_t i = 0; i < p->target_count; i++)
		if (p->targets[i] == f)
			return (unsigned)i;
	*(enum field *)build_more(b, &p->targets, &p->target_count, sizeof *p->targets) = f;
	return (unsigned)p->target_count - 1;
}

bool build_finish(struct builder *b)
{
	struct program *p = b->p;

	for (size_t i = 0; i < p->rule_count; i++) {
		struct rule *rule = &p->rules[i];
		const struct choice *only = rule->choices;

		for (size_t t = 0; t < rule->target_count; t++)
			if (rule->targets[t].field != F_NONE)
				rule->targets[t].slot = target_slot(b, rule->targets[t].field);
		rule->constant = rule->choice_count == 1 && rule->target_count == 1 &&
			only->source.kind == SOURCE_VALUE && only->when.count == 0 && only->steps.count == 0;
	}
	p->width = p->input_count;
	return true;
}
