/* A match of a condition: its constants are checked, expressions compiled and lists put into sets once, so that a test asks only what
 * depends on the event. */
#include "compile.h"

#include <stdlib.h>

#include "alloc.h"
#include "log.h"

static bool has_type(enum field f, const char *const *names)
{
	const struct type *type = field_type(f);

	for (; type && *names; names++)
		if (strcmp(type->name, *names) == 0)
			return true;
	return false;
}

/* Whether values of F may be anything: below extra, or nothing is known of it. */
static bool untyped(enum field f)
{
	return !field_type(f);
}

/* ---- operands ---- */

bool compile_operand(struct compiler *c, const struct literal *l, struct operand *out)
{
	*out = (struct operand){ .variable = -1, .value = l->value, .text = l->text };
	return l->kind != LITERAL_VARIABLE || compile_variable(c, l->text, l->at, &out->variable);
}

static bool add_operand(struct compiler *c, struct test *t, const struct literal *l)
{
	size_t cap = t->operand_count;

	/* Grown by doubling: the count is a power of two when it is full. */
	if ((cap & (cap - 1)) == 0)
		t->operands = alloc_resize(t->operands, cap ? 2 * cap : 1, sizeof *t->operands);
	return compile_operand(c, l, &t->operands[t->operand_count++]);
}

static void add_number(struct test *t, double number)
{
	size_t cap = t->number_count;

	if ((cap & (cap - 1)) == 0)
		t->numbers = alloc_resize(t->numbers, cap ? 2 * cap : 1, sizeof *t->numbers);
	t->numbers[t->number_count++] = number;
}

static bool add_pattern(struct test *t, struct text source, struct problem *problem)
{
	size_t cap = t->pattern_count;
	struct regex *regex = regex_new(source, REGEX_PYTHON, problem);

	if (!regex)
		return false;
	if ((cap & (cap - 1)) == 0)
		t->patterns = alloc_resize(t->patterns, cap ? 2 * cap : 1, sizeof *t->patterns);
	t->patterns[t->pattern_count++] = regex;
	return true;
}

static int by_number(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* ---- tests: one constant each ---- */

/* A text to be equal to: an address in the form that events have it in. */
static bool equal_text(
	struct compiler *c, struct test *t, enum field f, struct text text, struct problem *why)
{
	static const char *const addresses[] = { "IPAddress", NULL };
	char form[IP_SIZE];
	struct ip ip;

	if (has_type(f, addresses)) {
		if (!ip_parse(text, &ip))
			return problem_set(why,
				"an IP address expected for %.*s (=~ and :contains take any text)",
				TEXT_ARGS(field_name(f)));
		text = arena_text(&c->program->arena, (struct text){ form, ip_format(&ip, form) });
	}
	text_set_add(&t->texts, text);
	return true;
}

static bool equal_literal(struct compiler *c, struct test *t, enum field f, const struct literal *l)
{
	static const char *const numeric[] = { "Integer", "Float", "Accuracy", "ASN", NULL };
	struct problem why;
	double number;

	switch (l->kind) {
	case LITERAL_STRING:
		return equal_text(c, t, f, l->text, &why) || lex_wrong(&c->lx, l->at, "%s", why.text);
	case LITERAL_INTEGER:
	case LITERAL_FLOAT:
		if (!untyped(f) && !has_type(f, numeric))
			return lex_wrong(&c->lx, l->at, "a string expected: %.*s is %s, not a number",
				TEXT_ARGS(field_name(f)), field_type(f)->noun);
		if (!value_double(l->value, &number))
			return lex_wrong(&c->lx, l->at, "number out of range");
		add_number(t, number);
		return true;
	default:
		return add_operand(c, t, l);
	}
}

static bool order_literal(struct compiler *c, struct test *t, enum field f, const struct literal *l)
{
	static const char *const numeric[] = { "Integer", "Float", "Accuracy", "ASN", NULL };
	static const char *const moments[] = { "DateTime", "Date", NULL };

	switch (l->kind) {
	case LITERAL_STRING:
		t->temporal = true;
		if (!untyped(f) && !has_type(f, moments))
			return lex_wrong(
				&c->lx, l->at, "a number expected for %.*s", TEXT_ARGS(field_name(f)));
		return limit_parse(l->text, &t->limit) ||
		       lex_wrong(&c->lx, l->at, "a date or a span of time expected");
	case LITERAL_BOOLEAN:
		return lex_wrong(&c->lx, l->at, "a number, or a date as a string, expected");
	case LITERAL_VARIABLE:
		return add_operand(c, t, l);
	default:
		if (!untyped(f) && !has_type(f, numeric))
			return lex_wrong(&c->lx, l->at, "%.*s is %s, not a number", TEXT_ARGS(field_name(f)),
				field_type(f)->noun);
		return add_operand(c, t, l);
	}
}

/* A constant string for T, from the rules or a line of a list file. */
static bool string_constant(
	struct compiler *c, struct test *t, enum field f, struct text text, struct problem *why)
{
	switch (t->op) {
	case MATCH_REGEX:
	case MATCH_REGEXIN:
		return add_pattern(t, text, why);
	case MATCH_NETWORK:
		return net_set_add(&t->networks, text) ||
		       problem_set(why, "a network or an address expected");
	case MATCH_IN:
		return equal_text(c, t, f, text, why);
	default:
		return true;
	}
}

static bool constant(struct compiler *c, struct test *t, enum field f, const struct literal *l)
{
	struct problem why;

	switch (t->op) {
	case MATCH_EQUAL:
	case MATCH_IN:
		t->boolean |= l->kind == LITERAL_BOOLEAN;
		t->absent &= l->kind == LITERAL_STRING || l->kind == LITERAL_VARIABLE;
		return equal_literal(c, t, f, l);
	case MATCH_LESS:
	case MATCH_LESS_EQUAL:
	case MATCH_GREATER:
	case MATCH_GREATER_EQUAL:
		return order_literal(c, t, f, l);
	case MATCH_BEFORE:
	case MATCH_AFTER:
		t->temporal = true;
		if (l->kind == LITERAL_STRING && !limit_parse(l->text, &t->limit))
			return lex_wrong(&c->lx, l->at, "a date or a span of time expected");
		break;
	case MATCH_LIST_EQUALS:
	case MATCH_SETEQUALS:
	case MATCH_OVERLAPS:
	case MATCH_SUBSETOF:
	case MATCH_SUPERSETOF:
		return add_operand(c, t, l);
	default:
		break;
	}
	if (l->kind == LITERAL_VARIABLE)
		return add_operand(c, t, l);
	if (l->kind != LITERAL_STRING)
		return lex_wrong(&c->lx, l->at, "a string expected");
	if (!string_constant(c, t, f, l->text, &why))
		return lex_wrong(&c->lx, l->at, "%s", why.text);
	return (t->op != MATCH_CONTAINS && t->op != MATCH_CONTAINSANY) || add_operand(c, t, l);
}

/* ---- list files ---- */

struct list_context {
	struct compiler *compiler;
	struct test *test;
	enum field field;
};

static bool list_line(void *context, struct text line, struct problem *problem)
{
	struct list_context *list = context;
	struct literal l = { .kind = LITERAL_STRING, .text = line };

	if (list->test->op == MATCH_CONTAINSANY)
		return add_operand(list->compiler, list->test, &l);
	/* Lines with numbers match both ways: a list of AS numbers is one of numbers. */
	if (list->test->op == MATCH_IN) {
		struct value v;
		struct value_error unused;
		double number;

		if (value_parse(line, &v, &unused) && v.kind == VALUE_NUMBER && value_double(v, &number))
			add_number(list->test, number);
	}
	return string_constant(list->compiler, list->test, list->field, line, problem);
}

/* The file's name is relative to the folder of the rules. */
static bool read_list(struct compiler *c, struct test *t, enum field f, const struct match *m)
{
	struct list_context context = { c, t, f };
	struct buf path = BUF_INIT;
	const char *slash = m->list_file[0] == '/' ? NULL : strrchr(c->lx.file, '/');
	struct problem why = { .line = 0 };
	bool fine;

	if (slash)
		buf_add(&path, c->lx.file, (size_t)(slash + 1 - c->lx.file));
	buf_string(&path, m->list_file);
	fine = list_file_read(buf_cstr(&path), &t->list_bytes, list_line, &context, &why);
	if (!fine && why.line)
		*c->lx.problem = why;
	else if (!fine)
		lex_wrong(&c->lx, m->at, "%s: %s", m->list_file, why.text);
	buf_free(&path);
	return fine;
}

bool compile_match(struct compiler *c, const struct match *m, struct test **out)
{
	struct program *p = c->program;
	struct test *t = arena_zero(&p->arena, sizeof *t);
	struct problem why;
	enum field f = F_NONE;

	alloc_grow(&p->tests, &p->test_cap, p->test_count + 1, sizeof *p->tests);
	p->tests[p->test_count++] = *out = t;
	t->op = m->op;
	t->negated = m->negated;
	t->all = m->all;
	t->absent = m->negated; /* numbers and booleans: see constant() */
	t->variable = -1;
	if (m->variable) {
		if (!compile_variable(c, m->key, m->at, &t->variable))
			return false;
	} else {
		if (!compile_field(c, m->key, m->at, &f))
			return false;
		if (!field_check(f, &why) && !text_starts(m->key, TEXT("__"))) {
			struct place place = lex_place(&c->lx, m->at);
			struct problem warning = { .line = 0 };

			problem_at(&warning, c->lx.file, place.line, place.column, "warning: %s", why.text);
			log_problem(&warning);
		}
		t->fact = facts_want(&p->facts, f);
	}
	if (m->list_file && !read_list(c, t, f, m))
		return false;
	for (const struct literal *l = m->values; l; l = l->next)
		if (!constant(c, t, f, l))
			return false;
	if (t->number_count)
		qsort(t->numbers, t->number_count, sizeof *t->numbers, by_number);
	net_set_finish(&t->networks);
	return true;
}
