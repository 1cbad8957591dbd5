/* Rules are tried in the order of the file, but only those that may hold: each is found by one of its
 * conditions, a text that a field must have or a field that must be there. Where a rule changes a field,
 * those that the new value brings into play join. */
#include <stdlib.h>

#include "alloc.h"
#include "modify.h"

static void set_bit(uint64_t *bits, size_t i)
{
	bits[i / 64] |= UINT64_C(1) << i % 64;
}

static int by_text(const void *a, const void *b)
{
	const struct exact *x = a, *y = b;
	int order = text_cmp(x->text, y->text);

	return order ? order : (x->rule > y->rule) - (x->rule < y->rule);
}

/* Enters a rule where it is found with the least trouble. */
static void index_rule(struct rules *rules, size_t number)
{
	const struct rule *rule = &rules->rules[number];
	const struct condition *present = NULL;

	for (size_t i = 0; i < rule->condition_count; i++) {
		const struct condition *c = &rule->conditions[i];
		struct text text = c->kind == CONDITION_PATTERN ? regex_exact(c->regex) : NO_TEXT;
		struct index *index = &rules->indexes[c->fact];

		if (text.at) {
			alloc_grow(&index->exacts, &index->exact_cap, index->exact_count + 1,
				sizeof *index->exacts);
			index->exacts[index->exact_count++] = (struct exact){ text, number };
			return;
		}
		if (c->kind != CONDITION_ABSENT)
			present = c;
	}
	if (!present) {
		set_bit(rules->always, number);
		return;
	}
	if (!rules->indexes[present->fact].present)
		rules->indexes[present->fact].present = alloc_zero(rules->words, sizeof(uint64_t));
	set_bit(rules->indexes[present->fact].present, number);
}

void rules_index(struct rules *rules)
{
	rules->words = rules->count / 64 + 1;
	rules->always = alloc_zero(rules->words, sizeof(uint64_t));
	rules->candidates = alloc_zero(rules->words, sizeof(uint64_t));
	rules->indexes = alloc_zero(rules->facts.count + 1, sizeof *rules->indexes);
	for (size_t i = 0; i < rules->count; i++)
		index_rule(rules, i);
	for (size_t i = 0; i < rules->facts.count; i++)
		if (rules->indexes[i].exact_count)
			qsort(rules->indexes[i].exacts, rules->indexes[i].exact_count, sizeof(struct exact),
				by_text);
}

static void add_exact(struct rules *rules, const struct index *index, struct text text)
{
	size_t low = 0, high = index->exact_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (text_cmp(index->exacts[middle].text, text) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < index->exact_count && text_eq(index->exacts[low].text, text); low++)
		set_bit(rules->candidates, index->exacts[low].rule);
}

/* Adds the rules that the value of a fact brings into play. */
static void activate(struct rules *rules, unsigned number, struct event *ev)
{
	const struct index *index = &rules->indexes[number];
	const struct fact *fact;
	struct event_values values;
	struct value v;

	if (!index->present && !index->exact_count)
		return;
	fact = facts_get(&rules->facts, number);
	if (fact->value.kind == VALUE_NONE)
		return;
	for (size_t i = 0; index->present && i < rules->words; i++)
		rules->candidates[i] |= index->present[i];
	values = facts_values(fact);
	while (index->exact_count && event_next_value(&values, &v)) {
		struct text text = facts_text(ev, v);

		add_exact(rules, index, text);
		if (text_ends(text, TEXT("\n"))) /* `$` is also before it */
			add_exact(rules, index, (struct text){ text.at, text.len - 1 });
	}
}

static bool pattern_holds(struct rules *rules, const struct condition *c, struct event *ev, struct value v)
{
	struct text text = v.kind == VALUE_ARRAY || v.kind == VALUE_OBJECT ? NO_TEXT : facts_text(ev, v);

	if (!text.at)
		return false;
	if (!c->match_count)
		return regex_search(c->regex, text);
	return regex_match(c->regex, text, rules->matches + c->first_match, c->match_count);
}

static bool condition_holds(struct rules *rules, const struct condition *c, struct event *ev)
{
	struct fact *fact = facts_get(&rules->facts, c->fact);
	struct event_values values;
	struct value v;

	if (fact->value.kind == VALUE_NONE || c->kind == CONDITION_ABSENT)
		return fact->value.kind == VALUE_NONE && c->kind == CONDITION_ABSENT;
	if (c->kind == CONDITION_EQUAL && value_equal(fact->value, c->value))
		return true;
	if (c->kind == CONDITION_PATTERN && fact->text.at && !regex_may_match(c->regex, fact_pairs(fact)))
		return false;
	if (c->kind == CONDITION_PATTERN && fact->text.at && !c->match_count)
		return regex_search(c->regex, fact->text);
	values = facts_values(fact);
	while (event_next_value(&values, &v))
		if (c->kind == CONDITION_EQUAL ? value_equal(v, c->value) : pattern_holds(rules, c, ev, v))
			return true;
	return false;
}

static bool rule_holds(struct rules *rules, const struct rule *rule, struct event *ev)
{
	for (size_t i = 0; i < rule->condition_count; i++)
		if (!condition_holds(rules, &rule->conditions[i], ev))
			return false;
	return true;
}

/* A constant is in the form of its field already. */
static void set_canonical(struct event *ev, const struct assignment *a, enum overwrite overwrite)
{
	bool present = overwrite != OVERWRITE_YES && event_has(ev, a->field);

	if (present && overwrite == OVERWRITE_UNSET)
		event_mark(ev, "%.*s: already there", TEXT_ARGS(field_name(a->field)));
	else if (!present)
		event_set_raw(ev, a->field, a->canonical);
}

static void assign(
	struct rules *rules, const struct assignment *a, struct event *ev, enum overwrite overwrite)
{
	buf_clear(&rules->scratch);
	if (a->canonical.at) {
		set_canonical(ev, a, overwrite);
	} else if (a->remove) {
		event_add(ev, a->field, NO_TEXT, overwrite);
	} else if (a->value.kind != VALUE_NONE) {
		event_add_value(ev, a->field, a->value, overwrite);
	} else if (template_render(a->template, ev, rules->matches, &rules->scratch)) {
		event_add(ev, a->field, buf_view(&rules->scratch), overwrite);
	}
	facts_changed(&rules->facts, a->field);
}

/* After a rule has changed fields: what it set may bring rules below it into play. */
static void follow(struct rules *rules, const struct rule *rule, struct event *ev)
{
	bool extra = false;

	for (size_t i = 0; i < rule->assignment_count; i++)
		extra |= field_is_extra(rule->assignments[i].field);
	for (size_t f = 0; f < rules->facts.count; f++) {
		bool changed = extra && rules->facts.items[f].extra;

		for (size_t i = 0; i < rule->assignment_count && !changed; i++)
			changed = rule->assignments[i].field == rules->facts.items[f].field;
		if (changed)
			activate(rules, (unsigned)f, ev);
	}
}

void rules_apply(struct rules *rules, struct event *ev, enum overwrite overwrite, long long limit)
{
	long long applied = 0;

	facts_start(&rules->facts, ev);
	memcpy(rules->candidates, rules->always, rules->words * sizeof(uint64_t));
	for (size_t f = 0; f < rules->facts.count; f++)
		activate(rules, (unsigned)f, ev);
	for (size_t i = 0; i < rules->count; i++) {
		uint64_t left = rules->candidates[i / 64] >> i % 64;
		const struct rule *rule;

		if (!left) {
			i |= 63; /* none in this word */
			continue;
		}
		i += (size_t)__builtin_ctzll(left);
		rule = &rules->rules[i];
		if (!rule_holds(rules, rule, ev))
			continue;
		for (size_t n = 0; n < rule->assignment_count && !event_marked(ev); n++)
			assign(rules, &rule->assignments[n], ev, overwrite);
		if (event_marked(ev) || ++applied == limit)
			return;
		follow(rules, rule, ev);
	}
}
