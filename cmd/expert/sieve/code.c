/* The form of a program that runs: one small piece for each step, which answers most tests by itself. */
#include "compile.h"

#include "alloc.h"

/* Where in T the byte stands that is the rarest in host names, URLs and words, by a guess. */
static uint8_t rarest(struct text t)
{
	static const char by_rarity[] = "/.etaoinsrhldcmpu:-w";
	size_t best = 0, best_rank = 0;

	for (size_t i = 0; i < t.len && i < 255; i++) {
		const char *known = t.at[i] ? strchr(by_rarity, t.at[i]) : NULL;
		size_t rank = known ? (size_t)(known - by_rarity) + 1 : sizeof by_rarity;

		if (rank > best_rank) {
			best_rank = rank;
			best = i;
		}
	}
	return (uint8_t)best;
}

/* The short form of a test, if it has one. */
static struct code code_of_test(const struct program *p, const struct test *t)
{
	struct code code = { .kind = CODE_TEST, .negated = t->negated, .absent = t->absent, .fact = t->fact };

	if (t->variable >= 0)
		return code;
	if (t->op == MATCH_CONTAINS && t->operands[0].variable < 0 && t->operands[0].text.len < UINT32_MAX) {
		code.kind = CODE_CONTAINS;
		code.length = (uint32_t)t->operands[0].text.len;
		code.value.text = t->operands[0].text.at;
		code.rare = rarest(t->operands[0].text);
	}
	if (t->operand_count)
		return code;
	if (t->op == MATCH_EXISTS && p->facts.items[t->fact].field != F_EXTRA) {
		code.kind = CODE_PRESENT;
	} else if (t->op == MATCH_REGEX && t->pattern_count == 1) {
		code.kind = CODE_PATTERN;
		code.value.pattern = t->patterns[0];
	} else if (t->op == MATCH_NETWORK) {
		code.kind = CODE_NETWORK;
		code.value.networks = &t->networks;
	} else if (t->op == MATCH_EQUAL || t->op == MATCH_IN) {
		if (t->texts.count == 1 && !t->number_count && t->texts.only.len &&
			t->texts.only.len < UINT32_MAX) {
			code.kind = CODE_TEXT;
			code.length = (uint32_t)t->texts.only.len;
			code.value.text = t->texts.only.at;
		} else if (t->texts.count > 1 && !t->number_count) {
			code.kind = CODE_TEXTS;
			code.value.texts = &t->texts;
		} else if (t->number_count == 1 && !t->texts.count && !t->negated) {
			code.kind = CODE_NUMBER;
			code.value.number = t->numbers[0];
		}
	}
	return code;
}

void code_make(struct program *p)
{
	p->code = alloc_zero(p->step_count, sizeof *p->code);
	for (size_t i = 0; i < p->step_count; i++) {
		const struct step *step = &p->steps[i];

		p->code[i].kind = step->kind == STEP_JUMP ? CODE_JUMP : CODE_STEP;
		if (step->kind == STEP_TEST)
			p->code[i] = code_of_test(p, step->test);
		p->code[i].yes = step->yes;
		p->code[i].no = step->no;
	}
}
