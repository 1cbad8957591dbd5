/* What a definition says of the way from records to events: constants, fields, choices by a value, members passed
 * on, several events of one record. */
#include "entries.h"

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
		const struct { const char *name; bool *flag; } flags[] = { { "optional", &rule->optional },
			{ "required", &rule->required }, { "keep_empty", &rule->keep_empty },
			{ "overwrite", &rule->overwrite }, { "keep", &rule->keep }, { "as_is", &rule->as_is },
			{ "or_next", &choice->or_next } };
		struct text word = value_text(key, &b->d->memory);
		bool fine = true, known = false;

		for (size_t i = 0; i < LENGTH(flags); i++)
			if (text_is(word, flags[i].name)) {
				*flags[i].flag = member.kind == VALUE_TRUE;
				known = true;
			}
		if (text_is(word, "optional") && member.kind == VALUE_STRING) {
			struct source by = { .kind = SOURCE_VALUE };

			if (!build_source(b, text_in(b, member), &by) || by.kind != SOURCE_PARAMETER)
				return build_fail(b, "optional: true, false or a parameter is wanted");
			rule->optional_by = by.parameter;
		}
		if (known)
			continue;
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
		} else {
			return build_fail(b,
				"unknown key \"%.*s\"; there are from, value, template, when, steps, optional, "
				"required, keep_empty, overwrite, keep, as_is, or_next",
				TEXT_ARGS(word));
		}
		if (!fine)
			return false;
	}
	if (!has_source)
		return build_fail(b, "from, value or template is missing");
	return steps.kind == VALUE_NONE || build_steps(b, steps, &choice->steps);
}

/* The rules that are being read: a mapping's, or a case's. */
struct rule_list {
	struct rule **rules;
	size_t *count;
};

static struct rule *new_rule(struct builder *b, struct rule_list list, struct text names)
{
	struct rule *rule = build_more(b, list.rules, list.count, sizeof *rule);
	struct text name;

	while (text_split(&names, '|', &name)) {
		struct target *target = build_more(b, &rule->targets, &rule->target_count, sizeof *target);

		if (!build_target(b, name, target))
			return NULL;
	}
	return rule;
}

static bool read_field(struct builder *b, struct rule_list list, struct text name, struct value v)
{
	struct rule *rule = new_rule(b, list, name);
	struct value_walk walk = value_walk(v);
	struct value element;

	if (!rule)
		return false;
	if (v.kind != VALUE_ARRAY)
		return read_choice(b, v, rule);
	while (value_next(&walk, &element))
		if (!read_choice(b, element, rule))
			return false;
	return rule->choice_count || build_fail(b, "an empty list");
}

/* A constant must be acceptable now: at run time nobody could do anything about it. */
static bool read_constant(struct builder *b, struct rule_list list, struct text name, struct value v)
{
	struct rule *rule = new_rule(b, list, name);
	struct buf text = BUF_INIT;
	enum field_verdict verdict;
	struct choice *choice;
	struct cell cell;

	if (!rule)
		return false;
	if (rule->target_count > 1)
		return build_fail(b, "a constant is for one field");
	cell = build_cell(b, v);
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

/* Fields or constants of all layers, the outer ones' first, but for those that an inner one has too. */
static bool read_rules(struct builder *b, const char *kind,
	bool (*read)(struct builder *b, struct rule_list list, struct text name, struct value v))
{
	struct rule_list list = { &b->m->rules, &b->m->rule_count };

	for (size_t i = LENGTH(b->layers); i-- > 0;) {
		const struct entry *entry = entries_find(b->layers[i], kind);

		for (size_t k = 0; entry && k < entry->children->count; k++) {
			const struct entry *one = &entry->children->at[k];
			bool replaced = false;

			for (size_t inner = 0; inner < i; inner++) {
				const struct entry *other = entries_find(b->layers[inner], kind);

				for (size_t j = 0; other && j < other->children->count; j++)
					replaced |= text_eq(one->key, other->children->at[j].key);
			}
			b->line = one->line;
			if (!replaced && !read(b, list, one->key, one->value))
				return false;
		}
	}
	return true;
}

/* ---- rules chosen by a value ---- */

static bool is_rule(struct value v)
{
	return v.kind == VALUE_ARRAY || (v.kind == VALUE_OBJECT &&
		(member_of(v, "from").kind || member_of(v, "value").kind || member_of(v, "template").kind));
}

static bool read_chosen(struct builder *b, struct value v, struct chosen *chosen)
{
	struct rule_list list = { &chosen->rules, &chosen->rule_count };
	struct value_walk walk = value_walk(v);
	struct text word = text_in(b, v);
	struct value key, member;

	if (word.at && text_is(word, "drop"))
		chosen->action = CASE_DROP;
	else if (word.at && text_is(word, "reject"))
		chosen->action = CASE_REJECT;
	else if (v.kind != VALUE_OBJECT)
		return build_fail(b, "a case is a map of fields, or drop, or reject");
	while (v.kind == VALUE_OBJECT && value_next_member(&walk, &key, &member)) {
		struct text name = build_text(b, value_text(key, &b->d->memory));

		if (!(is_rule(member) ? read_field : read_constant)(b, list, name, member))
			return false;
	}
	return true;
}

/* `a|b` are two keys of one case. */
static bool read_case(struct builder *b, struct text names, struct value v, struct choosing *choosing)
{
	struct chosen chosen = { .action = CASE_RULES };
	struct text name;

	if (!read_chosen(b, v, &chosen))
		return false;
	if (names.len == 0) {
		chosen.key = TEXT("");
		*(struct chosen *)build_more(b, &choosing->cases, &choosing->case_count, sizeof chosen) = chosen;
	}
	while (names.len && text_split(&names, '|', &name)) {
		chosen.key = name;
		*(struct chosen *)build_more(b, &choosing->cases, &choosing->case_count, sizeof chosen) = chosen;
	}
	return true;
}

static bool read_choosing(struct builder *b, struct value v)
{
	struct choosing *choosing = build_more(b, &b->m->choosings, &b->m->choosing_count, sizeof *choosing);
	struct value cases = member_of(v, "cases"), steps = member_of(v, "steps"), when = member_of(v, "when");
	struct value other = member_of(v, "default"), key, member;
	struct value_walk walk = value_walk(cases);

	choosing->other.action = CASE_REJECT;
	if (v.kind != VALUE_OBJECT || member_of(v, "from").kind != VALUE_STRING || cases.kind != VALUE_OBJECT)
		return build_fail(b, "choose wants {from: COLUMN, cases: {VALUE: FIELDS, ...}, default: FIELDS}");
	if (!build_source(b, text_in(b, member_of(v, "from")), &choosing->source) ||
		(steps.kind != VALUE_NONE && !build_steps(b, steps, &choosing->steps)) ||
		(when.kind != VALUE_NONE && !build_conditions(b, when, &choosing->when)))
		return false;
	while (value_next_member(&walk, &key, &member))
		if (!read_case(b, build_text(b, value_text(key, &b->d->memory)), member, choosing))
			return false;
	if (other.kind == VALUE_NONE)
		return true;
	choosing->other.action = CASE_RULES;
	return read_chosen(b, other, &choosing->other);
}

/* ---- members passed on ---- */

static bool pass_key(struct builder *b, struct text word, struct value v, struct pass *pass)
{
	const struct { const char *name; bool *flag; } flags[] = { { "optional", &pass->optional },
		{ "overwrite", &pass->overwrite }, { "keep", &pass->keep }, { "keep_empty", &pass->keep_empty },
		{ "lower", &pass->lower }, { "any_name", &pass->any_name }, { "as_is", &pass->as_is },
		{ "unused", &pass->unused } };

	for (size_t i = 0; i < LENGTH(flags); i++)
		if (text_is(word, flags[i].name)) {
			*flags[i].flag = v.kind == VALUE_TRUE;
			return true;
		}
	if (text_is(word, "from"))
		return build_source(b, text_in(b, v), &pass->source);
	if (text_is(word, "to") || text_is(word, "else")) {
		*(text_is(word, "to") ? &pass->prefix : &pass->fallback) = text_in(b, v);
		return v.kind == VALUE_STRING || build_fail(b, "to and else are beginnings of names, like extra.");
	}
	if (text_is(word, "except"))
		return read_text_list(b, "except", v, &pass->except, &pass->except_count);
	if (text_is(word, "rename"))
		return build_table(b, v, &pass->rename);
	return build_fail(b,
		"unknown key \"%.*s\"; there are from, to, else, except, rename, unused, optional, overwrite, keep, "
		"keep_empty, lower, any_name, as_is",
		TEXT_ARGS(word));
}

static bool read_pass(struct builder *b, struct value v)
{
	struct pass *pass = build_more(b, &b->m->passes, &b->m->pass_count, sizeof *pass);
	struct value_walk walk = value_walk(v);
	struct value key, member;

	pass->prefix = TEXT("extra.");
	pass->whole = member_of(v, "from").kind == VALUE_NONE;
	if (v.kind != VALUE_OBJECT)
		return build_fail(b, "pass wants a map, or a list of maps");
	while (value_next_member(&walk, &key, &member))
		if (!pass_key(b, value_text(key, &b->d->memory), member, pass))
			return false;
	return true;
}

/* A map, or a list of maps. */
static bool read_each_of(struct builder *b, const char *key, bool (*read)(struct builder *b, struct value v))
{
	struct entry *entry = setting(b, key);
	struct value_walk walk;
	struct value element;

	if (!entry || entry->value.kind != VALUE_ARRAY)
		return !entry || read(b, entry->value);
	for (walk = value_walk(entry->value); value_next(&walk, &element);)
		if (!read(b, element))
			return false;
	return true;
}

/* ---- several events of one record ---- */

static bool fan_flags(struct builder *b, struct value v, struct fan *fan)
{
	static const char *const known[] = { "from", "at", "steps", "when", "strip", "skip_empty", "sorted", "or_once",
		"isolate" };
	bool *const flags[] = { NULL, NULL, NULL, NULL, &fan->strip, &fan->skip_empty, &fan->sorted, &fan->or_once,
		&fan->isolate };
	struct value_walk walk = value_walk(v);
	struct value key, member;

	while (v.kind == VALUE_OBJECT && value_next_member(&walk, &key, &member)) {
		struct text word = value_text(key, &b->d->memory);
		size_t i = 0;

		while (i < LENGTH(known) && !text_is(word, known[i]))
			i++;
		if (i == LENGTH(known))
			return build_fail(b,
				"unknown key \"%.*s\"; there are from, at, steps, when, strip, skip_empty, sorted, or_once, "
				"isolate",
				TEXT_ARGS(word));
		if (flags[i])
			*flags[i] = member.kind == VALUE_TRUE;
	}
	return true;
}

static bool read_split(struct builder *b, struct entry *entry)
{
	struct value v = entry->value, steps = member_of(v, "steps"), when = member_of(v, "when");
	struct fan *fan = &b->m->fan;

	fan->kind = FAN_SPLIT;
	fan->at = text_in(b, member_of(v, "at"));
	if (fan->at.len == 0)
		return build_fail(b, "split wants {from: COLUMN, at: TEXT}");
	return fan_flags(b, v, fan) && build_source(b, text_in(b, member_of(v, "from")), &fan->source) &&
		(steps.kind == VALUE_NONE || build_steps(b, steps, &fan->steps)) &&
		(when.kind == VALUE_NONE || build_conditions(b, when, &fan->when));
}

static bool read_each(struct builder *b, struct entry *entry)
{
	struct value from = entry->value.kind == VALUE_OBJECT ? member_of(entry->value, "from") : entry->value;
	struct fan *fan = &b->m->fan;
	struct text *paths = NULL;
	size_t count = 0;

	fan->kind = FAN_EACH;
	if (b->p->format < FORMAT_JSON || b->p->format == FORMAT_KV || b->p->format == FORMAT_HTML)
		return build_fail(b, "each is for JSON; split is for texts");
	if (!fan_flags(b, entry->value, fan) || !read_text_list(b, "each", from, &paths, &count))
		return false;
	for (size_t i = 0; i < count; i++) {
		struct fan_path *path = build_more(b, &fan->paths, &fan->path_count, sizeof *path);

		if (!build_path(b, paths[i], true, &path->path, &path->depth))
			return false;
	}
	return count || build_fail(b, "each wants a path, or a list of paths");
}

static bool read_fan(struct builder *b)
{
	struct entry *split = setting(b, "split"), *each = setting(b, "each");

	if (split && each)
		return build_fail(b, "split and each do not go together");
	return split ? read_split(b, split) : each ? read_each(b, each) : true;
}

/* ---- events ---- */

static enum raw_policy usual_raw(enum format format)
{
	return format == FORMAT_JSON ? RAW_JSON_ARRAY : format == FORMAT_CSV ? RAW_CSV : RAW_RECORD;
}

static bool read_raw(struct builder *b)
{
	static const char *const policies[] = { "record", "comments", "first_line", "csv", "csv_stripped", "header_line",
		"json", "json_sorted", "json_array", "json_array_sorted", "piece", "piece_sorted", "document", "none",
		NULL };
	enum format format = b->p->format;
	int raw = -1;

	if (!read_word(b, "raw", policies, &raw))
		return false;
	b->m->raw = raw >= 0 ? (enum raw_policy)raw : usual_raw(format);
	if (b->m->raw >= RAW_JSON && b->m->raw <= RAW_JSON_ARRAY_SORTED && (format < FORMAT_JSON || format == FORMAT_KV ||
		format == FORMAT_HTML))
		return build_fail(b, "raw: only JSON records can be written as JSON");
	if (b->m->raw >= RAW_CSV && b->m->raw <= RAW_HEADER_LINE && format != FORMAT_CSV)
		return build_fail(b, "raw: only CSV records can be written as CSV");
	return true;
}

/* WHEN: the condition for this event, not that of the variant. */
static bool read_mapping(struct builder *b, const struct entries *own)
{
	const struct entry *when = entries_find(own, "when");

	b->m = build_more(b, &b->p->mappings, &b->p->mapping_count, sizeof *b->m);
	if (when) {
		b->line = when->line;
		if (!build_conditions(b, when->value, &b->m->when))
			return false;
	}
	return read_raw(b) && read_rules(b, "constants", read_constant) && read_fan(b) &&
		read_each_of(b, "choose", read_choosing) && read_rules(b, "fields", read_field) &&
		read_each_of(b, "pass", read_pass) && read_conditions(b, "require", &b->m->require) &&
		read_conditions(b, "drop_when", &b->m->drop) && read_conditions(b, "discard", &b->m->discard) &&
		read_bool(b, "drop_empty", &b->m->drop_empty);
}

static bool read_changes(struct builder *b)
{
	struct entry *entry = setting(b, "report");
	struct value_walk walk;
	struct value key, member;

	if (!entry)
		return true;
	if (entry->value.kind != VALUE_OBJECT)
		return build_fail(b, "report is a map of the report's fields to steps");
	for (walk = value_walk(entry->value); value_next_member(&walk, &key, &member);) {
		struct change *change = build_more(b, &b->p->changes, &b->p->change_count, sizeof *change);
		struct target target;

		if (!build_target(b, build_text(b, value_text(key, &b->d->memory)), &target) ||
			!build_steps(b, member, &change->steps))
			return false;
		change->field = target.field;
	}
	return true;
}

bool mappings_read(struct builder *b)
{
	struct entry *events = setting(b, "events");
	const struct mapping *m;

	if (!read_changes(b))
		return false;
	for (size_t i = 0; events && i < events->children->count; i++) {
		const struct entry *event = &events->children->at[i];

		if (!entries_check(b, event->children))
			return false;
		b->layers[0] = event->children;
		if (!read_mapping(b, event->children))
			return false;
	}
	b->layers[0] = NULL;
	if (!events && !read_mapping(b, NULL))
		return false;
	m = b->p->mappings;
	if (b->p->mapping_count == 0 ||
		(m->rule_count + m->choosing_count + m->pass_count == 0 && !b->p->driver)) {
		b->line = 0;
		return build_fail(b, "fields are missing");
	}
	return true;
}
