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
