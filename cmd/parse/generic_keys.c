/* The generic parsers whose input names its values: key=value lines and IntelMQ's own events as JSON (parsers-1.md 4.2,
 * 4.3). */
#include "parse.h"

/* Digits are seconds since 1970, the rest any date; what is neither leaves no time. */
static bool add_time(struct builder *b, struct choice *choice)
{
	struct step *step = build_more(b, &choice->steps.at, &choice->steps.count, sizeof *step);

	step->kind = STEP_TIME;
	return build_when(b, TEXT("timestamp"), step) && build_when(b, TEXT("fuzzy"), step);
}

static bool add_key(struct builder *b, struct text key, struct text field)
{
	struct rule *rule = build_more(b, &b->m->rules, &b->m->rule_count, sizeof *rule);
	struct choice *choice = build_more(b, &rule->choices, &rule->choice_count, sizeof *choice);

	rule->optional = true;
	choice->source = (struct source){ .kind = SOURCE_INPUT, .number = build_input(b, key) };
	return build_target(b, field, build_more(b, &rule->targets, &rule->target_count, sizeof *rule->targets)) &&
		(!text_is(field, "time.source") || add_time(b, choice));
}

bool generic_keys(struct builder *b, const struct generic *g)
{
	struct program *p = b->p;
	struct value map = NO_VALUE, key, member;
	struct value_walk walk;
	struct value_error unused;

	p->format = FORMAT_KV;
	p->strip = true;
	p->pair_separator = text_of(g->pair_separator);
	p->kv_separator = text_of(g->kv_separator);
	p->strip_quotes = g->strip_quotes;
	b->m->raw = RAW_RECORD;
	if (!p->pair_separator.len || !p->kv_separator.len)
		return problem_set(b->problem, "--pair-separator and --kv-separator must not be empty");
	if (g->keys.at)
		value_parse(g->keys, &map, &unused);
	if (map.kind != VALUE_OBJECT)
		return problem_set(b->problem, "--keys is missing: a map of keys to fields");
	for (walk = value_walk(map); value_next_member(&walk, &key, &member);)
		if (!add_key(b, build_text(b, value_text(key, &b->d->memory)), value_text(member, &b->d->memory)))
			return false;
	return b->m->rule_count || problem_set(b->problem, "--keys is empty");
}

bool generic_json(struct builder *b, const struct generic *g)
{
	static const struct { enum test_kind kind; bool negated; const char *value; } tests[] = {
		{ TEST_PRESENT, true, NULL }, { TEST_IS, false, "Event" }, { TEST_IS, false, "Report" } };
	static struct text except[] = { { "__type", 6 } };
	struct program *p = b->p;
	struct pass *pass = build_more(b, &b->m->passes, &b->m->pass_count, sizeof *pass);
	struct source source = { .kind = SOURCE_VALUE };

	p->format = g->splitlines ? FORMAT_JSONL : FORMAT_JSON;
	p->strip = true;
	b->m->raw = g->splitlines ? RAW_RECORD : RAW_DOCUMENT;
	pass->whole = pass->as_is = true;
	pass->prefix = TEXT("");
	pass->except = except;
	pass->except_count = LENGTH(except);
	if (!build_source(b, TEXT("__type"), &source))
		return false;
	for (size_t i = 0; i < LENGTH(tests); i++) {
		struct condition *c = build_more(
			b, &b->m->require.at, &b->m->require.count, sizeof *c);

		*c = (struct condition){ .source = source, .kind = tests[i].kind, .negated = tests[i].negated,
			.group = (unsigned)i };
		if (tests[i].value)
			*(struct text *)build_more(b, &c->values, &c->count, sizeof *c->values) =
				text_of(tests[i].value);
	}
	return true;
}
