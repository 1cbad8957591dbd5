#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "files.h"
#include "modify.h"
#include "yaml_json.h"

enum { FILE_LIMIT = 64 << 20 };

struct loader {
	struct rules *rules;
	const char *file;
	bool case_sensitive;
	struct rule *rule;
	struct text name;
	struct problem *problem;
};

/* A problem with the rule in hand. */
static bool wrong(struct loader *l, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool wrong(struct loader *l, const char *format, ...)
{
	char text[PROBLEM_SIZE / 2];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	return problem_at(l->problem, l->file, 0, 0, "rule %td \"%.*s\": %s", l->rule - l->rules->rules + 1,
		(int)(l->name.len < 80 ? l->name.len : 80), l->name.at ? l->name.at : "", text);
}

static struct value member(struct value object, const char *wanted)
{
	struct value_walk walk = value_walk(object);
	struct value key, v;

	while (value_next_member(&walk, &key, &v))
		if (text_is(value_inside(key), wanted))
			return v;
	return NO_VALUE;
}

static size_t count_members(struct value object)
{
	struct value_walk walk = value_walk(object);
	struct value key, v;
	size_t count = 0;

	while (value_next_member(&walk, &key, &v))
		count++;
	return count;
}

static bool add_condition(struct loader *l, struct text field, struct value wanted)
{
	struct condition *c = &l->rule->conditions[l->rule->condition_count++];
	enum field f = field_intern(field);
	struct text pattern;
	struct problem why;

	if (f == F_NONE)
		return wrong(l, "if: not a field name: \"%.*s\"", (int)(field.len < 60 ? field.len : 60),
			field.at);
	c->fact = facts_want(&l->rules->facts, f);
	c->kind = CONDITION_EQUAL;
	c->value = wanted;
	if (wanted.kind != VALUE_STRING)
		return true;
	pattern = value_text(wanted, &l->rules->arena);
	c->kind = pattern.len ? CONDITION_PATTERN : CONDITION_ABSENT;
	if (!pattern.len)
		return true;
	c->regex = regex_new(pattern, REGEX_PYTHON | (l->case_sensitive ? 0u : REGEX_NOCASE), &why);
	return c->regex || wrong(l, "if: %.*s: %s", TEXT_ARGS(field), why.text);
}

/* The condition on FIELD whose match is asked for, and the group in it: template_resolve. */
static int resolve_match(void *context, struct text field, struct text group, struct problem *problem)
{
	struct loader *l = context;
	char name[64];

	for (size_t i = 0; i < l->rule->condition_count; i++) {
		struct condition *c = &l->rule->conditions[i];
		long long number;

		if (c->kind != CONDITION_PATTERN ||
			!text_eq(field_name(l->rules->facts.items[c->fact].field), field))
			continue;
		if (!text_integer(group, &number)) {
			snprintf(name, sizeof name, "%.*s", (int)(group.len < 60 ? group.len : 60), group.at);
			number = regex_group(c->regex, name);
		}
		if (number < 0 || number > (long long)regex_groups(c->regex)) {
			problem_set(problem, "the pattern for %.*s has no group %.*s", TEXT_ARGS(field),
				(int)(group.len < 60 ? group.len : 60), group.at);
			return -1;
		}
		if (!c->match_count) {
			c->match_count = regex_groups(c->regex) + 1;
			c->first_match = l->rules->match_count;
			l->rules->match_count += c->match_count;
		}
		return (int)(c->first_match + (size_t)number);
	}
	problem_set(
		problem, "no pattern for %.*s in the rule", (int)(field.len < 60 ? field.len : 60), field.at);
	return -1;
}

/* A value that does not depend on the event is sanitised now. */
static bool constant(struct loader *l, struct assignment *a, struct value v, struct text text)
{
	struct buf canonical = BUF_INIT, reason = BUF_INIT;
	enum field_verdict verdict;

	if (text.at)
		a->remove = text.len == 0 || text_is(text, "-") || text_is(text, "N/A");
	else
		a->remove = value_ignored(v);
	if (a->remove)
		return true;
	if (!text.at)
		text = v.raw;
	verdict = field_sanitise(a->field, v.kind, text, &canonical);
	if (verdict == FIELD_FINE) {
		a->canonical = arena_text(&l->rules->arena, buf_view(&canonical));
	} else {
		field_explain(a->field, verdict, v.kind, text, &reason);
		wrong(l, "then: %.*s", TEXT_ARGS(buf_view(&reason)));
	}
	buf_free(&canonical);
	buf_free(&reason);
	return verdict == FIELD_FINE;
}

static bool add_assignment(struct loader *l, struct text field, struct value v)
{
	struct assignment *a = &l->rule->assignments[l->rule->assignment_count++];
	struct problem why;
	struct text text;

	a->field = field_intern(field);
	if (!field_check(a->field, &why))
		return wrong(l, "then: %s", why.text);
	if (v.kind != VALUE_STRING) {
		a->value = a->field == F_EXTRA ? v : NO_VALUE;
		return a->field == F_EXTRA || constant(l, a, v, NO_TEXT);
	}
	a->template = template_format(value_text(v, &l->rules->arena), "msg", resolve_match, l, &why);
	if (!a->template)
		return wrong(l, "then: %.*s: %s", TEXT_ARGS(field), why.text);
	text = template_constant(a->template);
	return !text.at || a->field == F_EXTRA || constant(l, a, v, text);
}

static bool each_member(
	struct loader *l, struct value object, bool (*add)(struct loader *, struct text, struct value))
{
	struct value_walk walk = value_walk(object);
	struct value key, v;

	while (value_next_member(&walk, &key, &v))
		if (!add(l, value_text(key, &l->rules->arena), v))
			return false;
	return true;
}

static bool add_rule(struct loader *l, struct value v)
{
	struct value conditions = member(v, "if"), assignments = member(v, "then"),
		     name = member(v, "rulename");

	l->rule = &l->rules->rules[l->rules->count++];
	l->name = value_text(name, &l->rules->arena);
	if (v.kind != VALUE_OBJECT || name.kind != VALUE_STRING || conditions.kind != VALUE_OBJECT ||
		assignments.kind != VALUE_OBJECT)
		return wrong(l, "a map with rulename (a text), if and then (maps) expected");
	l->rule->conditions = alloc_zero(count_members(conditions) + 1, sizeof *l->rule->conditions);
	l->rule->assignments = alloc_zero(count_members(assignments) + 1, sizeof *l->rule->assignments);
	return each_member(l, conditions, add_condition) && each_member(l, assignments, add_assignment);
}

/* JSON, or else YAML. */
static bool read_file(const char *path, struct buf *json, struct value *v, struct problem *problem)
{
	struct buf content = BUF_INIT;
	struct value_error error;
	bool fine = file_read(path, FILE_LIMIT, &content, problem);

	if (fine && value_parse(buf_view(&content), v, &error))
		buf_text(json, buf_view(&content));
	else
		fine = fine && yaml_to_json(buf_view(&content), path, json, problem);
	buf_free(&content);
	if (fine && !value_parse(buf_view(json), v, &error))
		fine = problem_at(problem, path, 0, 0, "%s", error.reason);
	return fine;
}

struct rules *rules_load(const char *path, bool case_sensitive, struct problem *problem)
{
	struct rules *rules = alloc_zero(1, sizeof *rules);
	struct loader loader = {
		.rules = rules, .file = path, .case_sensitive = case_sensitive, .problem = problem
	};
	struct value list, v;
	struct value_walk walk;
	size_t count = 0;
	bool fine = read_file(path, &rules->json, &list, problem);

	if (fine && list.kind != VALUE_ARRAY)
		fine = problem_at(problem, path, 0, 0, "a list of rules expected");
	if (fine) {
		for (walk = value_walk(list); value_next(&walk, &v);)
			count++;
		rules->rules = alloc_zero(count + 1, sizeof *rules->rules);
		for (walk = value_walk(list); fine && value_next(&walk, &v);)
			fine = add_rule(&loader, v);
	}
	if (!fine) {
		rules_free(rules);
		return NULL;
	}
	rules->matches = alloc_zero(rules->match_count + 1, sizeof *rules->matches);
	rules_index(rules);
	return rules;
}

static void free_rule(struct rule *rule)
{
	for (size_t i = 0; i < rule->condition_count; i++)
		regex_free(rule->conditions[i].regex);
	for (size_t i = 0; i < rule->assignment_count; i++)
		template_free(rule->assignments[i].template);
	free(rule->conditions);
	free(rule->assignments);
}

void rules_free(struct rules *rules)
{
	if (!rules)
		return;
	for (size_t i = 0; i < rules->count; i++)
		free_rule(&rules->rules[i]);
	for (size_t i = 0; rules->indexes && i < rules->facts.count; i++) {
		free(rules->indexes[i].present);
		free(rules->indexes[i].exacts);
	}
	free(rules->indexes);
	free(rules->rules);
	free(rules->always);
	free(rules->candidates);
	free(rules->matches);
	facts_free(&rules->facts);
	arena_free(&rules->arena);
	buf_free(&rules->json);
	buf_free(&rules->scratch);
	free(rules);
}
