/* Conditions on one event. A positive test holds if it holds for any of a field's values (with :all, for
 * every one); a negated one if the positive one does not. */
#include "sieve.h"

#include "clock.h"
#include "when.h"

int64_t program_now(struct program *p)
{
	if (!p->has_time) {
		p->now = clock_now();
		p->has_time = true;
	}
	return p->now;
}

struct value operand_value(struct program *p, const struct operand *operand, struct event *ev)
{
	struct value v;

	if (operand->variable < 0)
		return operand->value;
	v = p->values[operand->variable];
	if (v.kind == VALUE_NONE)
		event_mark(ev, "the variable $%.*s is not set", TEXT_ARGS(p->variables[operand->variable]));
	return v;
}

/* The text of an operand: a constant's, or a variable's, which must hold one. NO_TEXT after event_mark(). */
static struct text operand_text(struct program *p, const struct operand *operand, struct event *ev)
{
	struct value v;

	if (operand->variable < 0)
		return operand->text;
	v = operand_value(p, operand, ev);
	if (v.kind != VALUE_STRING && v.kind != VALUE_NONE)
		event_mark(
			ev, "the variable $%.*s holds no text", TEXT_ARGS(p->variables[operand->variable]));
	return value_text(v, event_arena(ev));
}

static bool has_number(const struct test *t, double number)
{
	size_t low = 0, high = t->number_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (t->numbers[middle] < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low < t->number_count && t->numbers[low] == number;
}

static bool equals(struct program *p, const struct test *t, struct event *ev, struct fact *fact)
{
	if (fact->text.at ? t->texts.count && text_set_has(&t->texts, fact->text, fact_hash(fact))
			  : t->number_count && fact_is_number(fact) && has_number(t, fact->number))
		return true;
	for (size_t i = 0; i < t->operand_count; i++)
		if (value_equal(fact->value, operand_value(p, &t->operands[i], ev)))
			return true;
	return false;
}

static bool contains(struct program *p, const struct test *t, struct event *ev, struct fact *fact)
{
	struct text text = fact->text.at ? fact->text : facts_text(ev, fact->value);

	for (size_t i = 0; i < t->operand_count; i++) {
		struct text part = operand_text(p, &t->operands[i], ev);

		if (part.at && (part.len == 0 || memmem(text.at, text.len, part.at, part.len)))
			return true;
	}
	return false;
}

/* A pattern out of an event, by way of a variable: compiled for this one question. */
static bool found_by_variable(
	struct program *p, const struct operand *operand, struct event *ev, struct text text)
{
	struct text source = operand_text(p, operand, ev);
	struct problem problem;
	struct regex *regex;
	bool found;

	if (!source.at)
		return false;
	regex = regex_new(source, REGEX_PYTHON, &problem);
	if (!regex) {
		event_mark(ev, "$%.*s: %s", TEXT_ARGS(p->variables[operand->variable]), problem.text);
		return false;
	}
	found = regex_search(regex, text);
	regex_free(regex);
	return found;
}

static bool matches(struct program *p, const struct test *t, struct event *ev, struct fact *fact)
{
	struct text text = fact->text.at ? fact->text : facts_text(ev, fact->value);

	for (size_t i = 0; i < t->pattern_count; i++)
		if (!(fact->text.at && !regex_may_match(t->patterns[i], fact_pairs(fact))) &&
			regex_search(t->patterns[i], text))
			return true;
	for (size_t i = 0; i < t->operand_count; i++)
		if (found_by_variable(p, &t->operands[i], ev, text))
			return true;
	return false;
}

static bool in_network(struct program *p, const struct test *t, struct event *ev, struct fact *fact)
{
	struct ip network;
	unsigned prefix;

	if (!fact_is_ip(fact))
		return false;
	if (net_set_has(&t->networks, &fact->ip))
		return true;
	for (size_t i = 0; i < t->operand_count; i++) {
		struct text name = operand_text(p, &t->operands[i], ev);

		if (name.at && ip_parse_network(name, &network, &prefix) &&
			ip_same_network(&fact->ip, &network, prefix))
			return true;
	}
	return false;
}

static bool ordered(enum match_op op, int order)
{
	switch (op) {
	case MATCH_LESS:
	case MATCH_BEFORE:
		return order < 0;
	case MATCH_LESS_EQUAL:
		return order <= 0;
	case MATCH_GREATER:
	case MATCH_AFTER:
		return order > 0;
	default:
		return order >= 0;
	}
}

static bool compare_times(struct program *p, const struct test *t, struct event *ev, struct text text)
{
	struct when_limit limit = t->limit;
	int64_t moment;

	if (!text.at || !when_parse(text, &moment))
		return false;
	if (t->operand_count) {
		struct text name = operand_text(p, &t->operands[0], ev);

		if (!name.at)
			return false;
		if (!limit_parse(name, &limit)) {
			event_mark(ev, "not a date or a span of time: \"%.*s\"",
				(int)(name.len < 60 ? name.len : 60), name.at);
			return false;
		}
	}
	if (limit.relative)
		limit.time = program_now(p) - limit.time;
	return ordered(t->op, (moment > limit.time) - (moment < limit.time));
}

static bool compare(struct program *p, const struct test *t, struct event *ev, struct fact *fact)
{
	struct value limit;
	long long m, n;
	double y;

	if (t->temporal)
		return compare_times(p, t, ev, fact->text);
	limit = operand_value(p, &t->operands[0], ev);
	if (limit.kind == VALUE_STRING)
		return compare_times(p, t, ev, fact->text);
	if (limit.kind != VALUE_NUMBER) {
		if (limit.kind != VALUE_NONE)
			event_mark(ev, "a variable holds neither a number nor a date");
		return false;
	}
	if (fact->value.kind != VALUE_NUMBER)
		return false;
	if (value_integer(fact->value, &m) && value_integer(limit, &n))
		return ordered(t->op, (m > n) - (m < n));
	return fact_is_number(fact) && value_double(limit, &y) &&
	       ordered(t->op, (fact->number > y) - (fact->number < y));
}

static bool one_holds(struct program *p, const struct test *t, struct event *ev, struct fact *fact)
{
	switch (t->op) {
	case MATCH_EQUAL:
	case MATCH_IN:
		return equals(p, t, ev, fact);
	case MATCH_CONTAINS:
	case MATCH_CONTAINSANY:
		return contains(p, t, ev, fact);
	case MATCH_REGEX:
	case MATCH_REGEXIN:
		return matches(p, t, ev, fact);
	case MATCH_NETWORK:
		return in_network(p, t, ev, fact);
	default:
		return compare(p, t, ev, fact);
	}
}

static bool list_has_operand(struct value list, struct value wanted)
{
	struct value_walk walk = value_walk(list);
	struct value v;

	while (value_next(&walk, &v))
		if (value_equal(v, wanted))
			return true;
	return false;
}

/* How many of the operands the list has; OVERLAPS is content with one. */
static size_t shared(struct program *p, const struct test *t, struct event *ev, struct value list)
{
	size_t count = 0;

	for (size_t i = 0; i < t->operand_count; i++)
		count += list_has_operand(list, operand_value(p, &t->operands[i], ev));
	return count;
}

static bool within_operands(struct program *p, const struct test *t, struct event *ev, struct value list)
{
	struct value_walk walk = value_walk(list);
	struct value v;

	while (value_next(&walk, &v)) {
		bool found = false;

		for (size_t i = 0; i < t->operand_count && !found; i++)
			found = value_equal(v, operand_value(p, &t->operands[i], ev));
		if (!found)
			return false;
	}
	return true;
}

static bool list_holds(struct program *p, const struct test *t, struct event *ev, struct value list)
{
	struct value_walk walk = value_walk(list);
	struct value v;

	if (list.kind != VALUE_ARRAY)
		return false;
	switch (t->op) {
	case MATCH_OVERLAPS:
		return shared(p, t, ev, list) > 0;
	case MATCH_SUPERSETOF:
		return shared(p, t, ev, list) == t->operand_count;
	case MATCH_SUBSETOF:
		return within_operands(p, t, ev, list);
	case MATCH_SETEQUALS:
		return shared(p, t, ev, list) == t->operand_count && within_operands(p, t, ev, list);
	default:
		break;
	}
	for (size_t i = 0; i < t->operand_count; i++)
		if (!value_next(&walk, &v) || !value_equal(v, operand_value(p, &t->operands[i], ev)))
			return false;
	return !value_next(&walk, &v);
}

/* The fact about the field that a variable names. */
static struct fact fact_of_variable(struct program *p, int variable, struct event *ev)
{
	struct operand operand = { .variable = variable };
	struct text wanted = operand_text(p, &operand, ev), name;
	struct fact fact = { .value = NO_VALUE };
	size_t cursor = 0;
	struct value v;
	enum field f;

	if (!wanted.at)
		return fact;
	f = field_find(wanted);
	if (f != F_NONE) {
		fact.value = facts_value(ev, f);
	} else {
		while (event_next(ev, &cursor, &name, &f, &v))
			if (text_eq(name, wanted))
				fact.value = value_ignored(v) ? NO_VALUE : v;
	}
	fact.several = fact.value.kind == VALUE_ARRAY && !text_starts(wanted, TEXT("extra"));
	fact.text = value_text(fact.value, event_arena(ev));
	return fact;
}

/* Whether the positive form of T holds for any of several values, or, with :all, for every one. */
static bool several_hold(struct program *p, const struct test *t, struct event *ev, const struct fact *fact)
{
	struct event_values values = facts_values(fact);
	struct value v;

	while (event_next_value(&values, &v)) {
		struct fact one = fact_of(ev, v);
		bool holds = !value_ignored(v) && one_holds(p, t, ev, &one);

		if (holds != t->all)
			return holds;
	}
	return t->all;
}

bool test_holds(struct program *p, const struct test *t, struct event *ev)
{
	struct fact *fact, named;

	if (t->op == MATCH_EXISTS && t->variable < 0 && p->facts.items[t->fact].field == F_EXTRA)
		return event_has(ev, F_EXTRA) != t->negated;
	if (t->variable < 0) {
		fact = facts_get(&p->facts, t->fact);
	} else {
		named = fact_of_variable(p, t->variable, ev);
		fact = &named;
	}
	if (fact->value.kind == VALUE_NONE)
		return t->absent;
	if (t->op == MATCH_EXISTS)
		return !t->negated;
	if (t->op >= MATCH_LIST_EQUALS)
		return list_holds(p, t, ev, fact->value);
	if (t->boolean && fact->value.kind != VALUE_TRUE && fact->value.kind != VALUE_FALSE && !fact->several)
		return false;
	if (fact->several)
		return several_hold(p, t, ev, fact) != t->negated;
	return one_holds(p, t, ev, fact) != t->negated;
}
