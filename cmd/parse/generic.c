/* The generic parsers whose options name columns: IntelMQ's CSV and HTML parsers (parsers-1.md 4.1, 4.4), and lines by a
 * regular expression. A definition is made of the options. */
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "parse.h"

static struct value member_of(struct value map, struct text name)
{
	struct path_step step = { name, -1 };

	return json_path(map, &step, 1);
}

/* A map given as JSON, or, as IntelMQ's configurations have it, as a text with JSON. An empty text is no map. */
static bool read_map(struct builder *b, const char *option, struct text json, struct value *map)
{
	struct value_error error;
	struct text inside;

	*map = NO_VALUE;
	if (!json.at || !value_parse(json, map, &error))
		return true;
	if (map->kind == VALUE_STRING) {
		inside = value_text(*map, &b->d->memory);
		if (text_trim(inside).len == 0) {
			*map = NO_VALUE;
			return true;
		}
		if (!value_parse(inside, map, &error))
			return problem_set(b->problem, "--%s: %s", option, error.reason);
	}
	if (map->kind == VALUE_ARRAY) /* feeds.yaml has [{…}]: what is meant is plain */
		*map = value_first(*map);
	if (map->kind == VALUE_NULL)
		*map = NO_VALUE;
	return map->kind == VALUE_NONE || map->kind == VALUE_OBJECT ||
	       problem_set(b->problem, "--%s: a map is wanted", option);
}

struct maps {
	bool html;
	struct value translation, types, regexes, compose;
	struct when_format *when;
	struct table *table;
};

static struct step *add_step(struct builder *b, struct target *target, enum step_kind kind)
{
	struct step *step = build_more(b, &target->steps.at, &target->steps.count, sizeof *step);

	step->kind = kind;
	step->generic = true;
	return step;
}

static void build_whens(struct builder *b, struct step *step, struct when_format *when)
{
	*(struct when_format **)build_more(b, &step->whens, &step->when_count, sizeof *step->whens) = when;
}

/* The piece of a cell that is split, and numbers that are no dates. */
static void add_html_steps(struct builder *b, const struct generic *g, struct text name, struct target *target)
{
	bool fuzzy = !g->time_format || !*g->time_format || strcmp(g->time_format, "fuzzy") == 0;
	struct problem unused;
	struct step *step;
	long long index = 0;

	if (g->split_column && *g->split_column && text_is(name, g->split_column)) {
		text_integer(text_of(g->split_index), &index);
		step = add_step(b, target, g->split_separator ? STEP_PART : STEP_WORD);
		step->text = build_text(b, text_of(g->split_separator));
		step->index = (long)index;
		add_step(b, target, STEP_STRIP);
	}
	if (text_is(name, "time.source") && fuzzy) {
		struct condition *c;

		step = add_step(b, target, STEP_ASSERT);
		step->test = build_zero(b, 1, sizeof *step->test);
		c = build_more(b, &step->test->at, &step->test->count, sizeof *c);
		*c = (struct condition){ .source.kind = SOURCE_CURRENT, .kind = TEST_MATCHES, .negated = true,
			.regex = regex_new(TEXT("^[0-9]+$"), 0, &unused) };
		*(struct regex **)build_more(b, &b->d->regexes, &b->d->regex_count, sizeof(struct regex *)) = c->regex;
	}
}

/* What the name of an alternative means for the value. */
static bool add_steps(struct builder *b, const struct generic *g, const struct maps *maps, struct text name,
	struct target *target)
{
	struct value regex = member_of(maps->regexes, name), type = member_of(maps->types, name);

	if (regex.kind == VALUE_STRING) {
		struct text pattern = value_text(regex, &b->d->memory);

		if (!build_regex(b, pattern, &add_step(b, target, STEP_SEARCH)->regex))
			return false;
	}
	if (type.kind != VALUE_NONE) {
		if (!text_is(value_text(type, &b->d->memory), "json"))
			return problem_set(
				b->problem, "--data-type: the only type is json, for \"%.*s\"", TEXT_ARGS(name));
		add_step(b, target, STEP_JSON);
	}
	if (maps->html)
		add_html_steps(b, g, name, target);
	if (text_is(name, "time.source"))
		build_whens(b, add_step(b, target, STEP_TIME), maps->when);
	else if (text_ends(name, TEXT(".url")))
		add_step(b, target, STEP_SCHEME)->text = build_text(b, text_of(g->default_url_protocol));
	else if (text_is(name, "classification.type") && maps->table->count)
		add_step(b, target, STEP_MAP)->table = maps->table;
	return true;
}

/* HTML: a cell with this text is as good as empty. */
static void add_ignored(struct builder *b, const struct generic *g, size_t number, struct choice *choice)
{
	struct step *step;
	struct condition *c;

	if (number >= g->ignore_values.count || g->ignore_values.items[number].len == 0)
		return;
	step = build_more(b, &choice->steps.at, &choice->steps.count, sizeof *step);
	step->kind = STEP_NONE;
	step->test = build_zero(b, 1, sizeof *step->test);
	c = build_more(b, &step->test->at, &step->test->count, sizeof *c);
	c->source.kind = SOURCE_CURRENT;
	c->kind = TEST_IS;
	*(struct text *)build_more(b, &c->values, &c->count, sizeof *c->values) = g->ignore_values.items[number];
}

static bool add_column(struct builder *b, const struct generic *g, const struct maps *maps, size_t number)
{
	struct rule *rule = build_more(b, &b->m->rules, &b->m->rule_count, sizeof *rule);
	struct choice *choice = build_more(b, &rule->choices, &rule->choice_count, sizeof *choice);
	struct text names = g->columns.items[number], name;
	char column[24];

	choice->source.kind = SOURCE_INPUT;
	choice->source.number =
		build_input(b, (struct text){ column, (size_t)snprintf(column, sizeof column, "#%zu", number) });
	if (maps->html) {
		rule->ignored_next = true;
		add_ignored(b, g, number, choice);
	} else if (g->columns_required.count) {
		struct text word = g->columns_required.items[number];

		rule->optional = text_eq_nocase(word, TEXT("false")) || text_is(word, "0");
	}
	while (text_split(&names, '|', &name)) {
		struct target *target = build_more(b, &rule->targets, &rule->target_count, sizeof *target);

		name = text_trim(name);
		if (name.len == 0 || text_is(name, "__IGNORE__")) {
			target->field = F_NONE;
			continue;
		}
		if (!build_target(b, name, target) || !add_steps(b, g, maps, build_text(b, name), target))
			return false;
	}
	/* A column that is not used at all needs no rule. */
	if (rule->target_count == 1 && rule->targets[0].field == F_NONE)
		b->m->rule_count--;
	return true;
}

static bool add_compose(struct builder *b, const struct maps *maps)
{
	struct value_walk walk = value_walk(maps->compose);
	struct value key, member;

	while (maps->compose.kind == VALUE_OBJECT && value_next_member(&walk, &key, &member)) {
		struct rule *rule = build_more(b, &b->m->rules, &b->m->rule_count, sizeof *rule);
		struct choice *choice = build_more(b, &rule->choices, &rule->choice_count, sizeof *choice);

		rule->required = true;
		choice->source.kind = SOURCE_TEMPLATE;
		if (member.kind != VALUE_STRING)
			return problem_set(b->problem, "--compose-fields: a template is a text");
		if (!build_target(b, value_text(key, &b->d->memory),
			    build_more(b, &rule->targets, &rule->target_count, sizeof *rule->targets)) ||
			!build_template(b, value_text(member, &b->d->memory), true, &choice->source.template))
			return false;
	}
	return true;
}

static bool read_skip_header(struct builder *b, struct text given)
{
	struct text word =
		given.len && given.at[0] == '"' ? text_from((struct text){ given.at, given.len - 1 }, 1) : given;
	long long n = 0;

	if (!word.at || word.len == 0 || text_eq_nocase(word, TEXT("false")) || text_is(word, "null"))
		return true;
	if (text_eq_nocase(word, TEXT("true")))
		n = 1;
	else if (!text_integer(word, &n) || n < 0)
		return problem_set(b->problem,
			"--skip-header: a number of lines, or true or false, is wanted: \"%.*s\"", TEXT_ARGS(word));
	b->p->skip_first = (size_t)n;
	return true;
}

static bool read_framing(struct builder *b, const struct generic *g)
{
	struct program *p = b->p;
	struct text delimiter = text_of(g->delimiter);
	static struct text hash = { "#", 1 };

	if (strcmp(g->delimiter, "\\t") == 0)
		delimiter = TEXT("\t");
	if (delimiter.len != 1 || strchr("\"\r\n", delimiter.at[0]))
		return problem_set(b->problem, "--delimiter: one character is wanted: \"%s\"", g->delimiter);
	p->format = FORMAT_CSV;
	p->delimiter = delimiter.at[0];
	p->quotes = p->generic = true;
	b->m->raw = RAW_CSV;
	p->comments = &hash;
	p->comment_count = 1;
	if (g->filter_text && g->filter_type >= 0) {
		p->filter = text_of(g->filter_text);
		p->filter_drops = g->filter_type == 1;
	}
	return read_skip_header(b, g->skip_header);
}

static bool read_maps(struct builder *b, const struct generic *g, struct maps *maps)
{
	if (!read_map(b, "type-translation", g->type_translation, &maps->translation) ||
	    !read_map(b, "data-type", g->data_type, &maps->types) ||
	    !read_map(b, "column-regex-search", g->column_regex_search, &maps->regexes) ||
	    !read_map(b, "compose-fields", g->compose_fields, &maps->compose))
		return false;
	maps->table = build_zero(b, 1, sizeof *maps->table);
	maps->table->unmapped = g->type ? UNMAPPED_KEEP : UNMAPPED_SKIP;
	if (maps->translation.kind == VALUE_OBJECT && !build_table(b, maps->translation, maps->table))
		return false;
	return build_time(b, text_of(g->time_format ? g->time_format : ""), &maps->when);
}

static bool read_html(struct builder *b, const struct generic *g)
{
	struct program *p = b->p;
	long long unused;

	if (g->ignore_values.count && g->ignore_values.count != g->columns.count)
		return problem_set(b->problem, "--ignore-values has %zu values, --columns has %zu",
			g->ignore_values.count, g->columns.count);
	if (!text_integer(text_of(g->split_index), &unused))
		return problem_set(b->problem, "--split-index: a number is wanted: \"%s\"", g->split_index);
	p->format = FORMAT_HTML;
	p->skip_first = g->skip_table_head;
	p->table_index = (long)g->table_index;
	p->attribute = g->attribute_name ? text_of(g->attribute_name) : TEXT("");
	p->attribute_value = g->attribute_value ? text_of(g->attribute_value) : TEXT("");
	if (!p->attribute_value.len)
		p->attribute = TEXT("");
	b->m->raw = RAW_RECORD;
	b->m->drop_empty = true;
	return true;
}

static bool read_pattern(struct builder *b, const struct generic *g)
{
	struct program *p = b->p;

	if (!g->pattern)
		return problem_set(b->problem, "--pattern is missing: the regular expression of a line");
	p->format = FORMAT_LINES;
	p->strip = true;
	p->skip_unmatched = g->skip_unmatched;
	b->m->raw = RAW_RECORD;
	return build_regex(b, text_of(g->pattern), &p->pattern);
}

static bool build_columns(struct builder *b, const struct generic *given, enum generic_kind kind)
{
	static struct text html_columns[] = { { "", 0 }, { "source.fqdn", 11 } };
	struct maps maps = { .html = kind == GENERIC_HTML };
	struct generic own = *given;
	const struct generic *g = &own;

	if (kind == GENERIC_HTML && own.columns.count == 0)
		own.columns = (struct list){ html_columns, LENGTH(html_columns) };
	if (g->columns.count == 0)
		return problem_set(b->problem, "--columns is missing: the names of the fields, column by column");
	if (g->columns_required.count && g->columns_required.count != g->columns.count)
		return problem_set(b->problem, "--columns-required has %zu values, --columns has %zu",
			g->columns_required.count, g->columns.count);
	if (!(kind == GENERIC_HTML ? read_html : kind == GENERIC_REGEX ? read_pattern : read_framing)(b, g) ||
		!read_maps(b, g, &maps))
		return false;
	for (size_t i = 0; i < g->columns.count; i++)
		if (!add_column(b, g, &maps, i))
			return false;
	return add_compose(b, &maps);
}

static const struct {
	const char *name;
	enum generic_kind kind;
} names[] = { { "csv", GENERIC_CSV }, { "intelmq.bots.parsers.generic.parser_csv", GENERIC_CSV },
	{ "intelmq.bots.parsers.generic.csv_parser", GENERIC_CSV }, { "regex", GENERIC_REGEX },
	{ "html", GENERIC_HTML }, { "intelmq.bots.parsers.html_table.parser", GENERIC_HTML }, { "kv", GENERIC_KV },
	{ "intelmq.bots.parsers.key_value.parser", GENERIC_KV }, { "json", GENERIC_JSON },
	{ "intelmq.bots.parsers.json.parser", GENERIC_JSON } };

const char generic_modules[] = "intelmq.bots.parsers.generic.parser_csv intelmq.bots.parsers.html_table.parser "
	"intelmq.bots.parsers.key_value.parser intelmq.bots.parsers.json.parser";

bool generic_find(const char *name, enum generic_kind *kind)
{
	for (size_t i = 0; i < LENGTH(names); i++)
		if (strcmp(name, names[i].name) == 0) {
			*kind = names[i].kind;
			return true;
		}
	return false;
}

struct definition *generic_definition(const struct generic *options, enum generic_kind kind, struct problem *problem)
{
	struct definition *d = alloc_zero(1, sizeof *d);
	struct builder b = { .d = d, .problem = problem, .python = true };
	bool fine;

	b.p = build_more(&b, &d->programs, &d->program_count, sizeof *b.p);
	b.m = build_more(&b, &b.p->mappings, &b.p->mapping_count, sizeof *b.m);
	if (kind == GENERIC_KV)
		fine = generic_keys(&b, options);
	else if (kind == GENERIC_JSON)
		fine = generic_json(&b, options);
	else
		fine = build_columns(&b, options, kind);
	if (fine && build_finish(&b))
		return d;
	definition_free(d);
	return NULL;
}
