/* From the tree to a flat program: conditions become tests with two places to go on, so that && and || need
 * no stack at run time; constants are sanitised, expressions compiled and lists put into sets once. What can
 * only fail is refused here. */
#include "sieve.h"

#include <stdlib.h>

#include "alloc.h"
#include "log.h"
#include "opt.h"
#include "unicode.h"

enum { RULES_LIMIT = 64 << 20, NOWHERE = ~0u };

struct compiler {
	struct lexer lx;
	struct program *program;
	unsigned *labels; /* steps */
	size_t label_count, label_cap;
};

static struct step *emit(struct compiler *c, enum step_kind kind, size_t at)
{
	struct program *p = c->program;
	struct step *step;

	alloc_grow(&p->steps, &p->step_cap, p->step_count + 1, sizeof *p->steps);
	step = &p->steps[p->step_count++];
	*step = (struct step){ .kind = kind, .place = lex_place(&c->lx, at), .value.variable = -1 };
	return step;
}

static unsigned new_label(struct compiler *c)
{
	alloc_grow(&c->labels, &c->label_cap, c->label_count + 1, sizeof *c->labels);
	c->labels[c->label_count] = NOWHERE;
	return (unsigned)c->label_count++;
}

static void set_label(struct compiler *c, unsigned label)
{
	c->labels[label] = (unsigned)c->program->step_count;
}

static void resolve_labels(struct compiler *c)
{
	struct program *p = c->program;

	for (size_t i = 0; i < p->step_count; i++) {
		struct step *step = &p->steps[i];

		if (step->kind == STEP_TEST || step->kind == STEP_JUMP)
			step->yes = c->labels[step->yes];
		if (step->kind == STEP_TEST)
			step->no = c->labels[step->no];
	}
}

/* ---- names ---- */

static int find_variable(const struct program *p, struct text name)
{
	for (size_t i = 0; i < p->variable_count; i++)
		if (text_eq(p->variables[i], name))
			return (int)i;
	return -1;
}

static int new_variable(struct program *p, struct text name)
{
	int found = find_variable(p, name);

	if (found >= 0)
		return found;
	alloc_grow(&p->variables, &p->variable_cap, p->variable_count + 1, sizeof *p->variables);
	p->variables[p->variable_count] = name;
	return (int)p->variable_count++;
}

/* A variable that the rules above set. */
static bool known_variable(struct compiler *c, struct text name, size_t at, int *index)
{
	*index = find_variable(c->program, name);
	return *index >= 0 ||
	       lex_wrong(&c->lx, at, "no statement before this one sets the variable $%.*s", TEXT_ARGS(name));
}

static bool intern(struct compiler *c, struct text name, size_t at, enum field *f)
{
	*f = field_intern(name);
	return *f != F_NONE || lex_wrong(&c->lx, at, "too many names of fields");
}

/* A field that an action writes. */
static bool writable(struct compiler *c, const struct statement *s, enum field *f)
{
	struct problem why;

	if (s->key_is_variable)
		return lex_wrong(
			&c->lx, s->at, "a field name expected: a variable cannot say what to change");
	if (!intern(c, s->key, s->at, f))
		return false;
	return field_check(*f, &why) || lex_wrong(&c->lx, s->at, "%s", why.text);
}

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

static bool operand(struct compiler *c, const struct literal *l, struct operand *out)
{
	*out = (struct operand){ .variable = -1, .value = l->value, .text = l->text };
	return l->kind != LITERAL_VARIABLE || known_variable(c, l->text, l->at, &out->variable);
}

static bool add_operand(struct compiler *c, struct test *t, const struct literal *l)
{
	size_t cap = t->operand_count;

	/* Grown by doubling: the count is a power of two when it is full. */
	if ((cap & (cap - 1)) == 0)
		t->operands = alloc_resize(t->operands, cap ? 2 * cap : 1, sizeof *t->operands);
	return operand(c, l, &t->operands[t->operand_count++]);
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

/* ---- conditions ---- */

static bool compile_match(struct compiler *c, const struct match *m, struct test **out)
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
		if (!known_variable(c, m->key, m->at, &t->variable))
			return false;
	} else {
		if (!intern(c, m->key, m->at, &f))
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

/* Emits tests that go on at YES or NO. */
static bool compile_condition(struct compiler *c, const struct node *n, unsigned yes, unsigned no)
{
	unsigned between;
	struct step *step;
	struct test *test;

	switch (n->kind) {
	case NODE_NOT:
		return compile_condition(c, n->left, no, yes);
	case NODE_AND:
	case NODE_OR:
		between = new_label(c);
		if (!(n->kind == NODE_AND ? compile_condition(c, n->left, between, no)
					  : compile_condition(c, n->left, yes, between)))
			return false;
		set_label(c, between);
		return compile_condition(c, n->right, yes, no);
	case NODE_MATCH:
		break;
	}
	if (!compile_match(c, n->match, &test))
		return false;
	step = emit(c, STEP_TEST, n->match->at);
	step->test = test;
	step->yes = yes;
	step->no = no;
	return true;
}

/* ---- actions ---- */

/* A constant that F's type would refuse can never be set: better said now. */
static bool sanitise_constant(struct compiler *c, struct step *step, const struct literal *l)
{
	struct buf canonical = BUF_INIT, reason = BUF_INIT;
	struct text in = l->kind == LITERAL_STRING ? l->text : l->value.raw;
	enum field_verdict verdict;

	if (step->value.variable >= 0 || step->field == F_EXTRA || value_ignored(l->value))
		return true;
	verdict = field_sanitise(step->field, l->value.kind, in, &canonical);
	if (verdict == FIELD_FINE) {
		step->canonical = arena_text(&c->program->arena, buf_view(&canonical));
	} else {
		field_explain(step->field, verdict, l->value.kind, in, &reason);
		lex_wrong(&c->lx, l->at, "%.*s", TEXT_ARGS(buf_view(&reason)));
	}
	buf_free(&canonical);
	buf_free(&reason);
	return verdict == FIELD_FINE;
}

static bool compile_set(struct compiler *c, const struct statement *s)
{
	struct step *step = emit(c, s->shift ? STEP_SHIFT : STEP_SET, s->at);
	struct when_limit span;

	step->force = s->kind != STATEMENT_ADD;
	step->update = s->kind == STATEMENT_UPDATE;
	if (!writable(c, s, &step->field) || !operand(c, s->values, &step->value))
		return false;
	if (!s->shift)
		return sanitise_constant(c, step, s->values);
	step->shift = s->shift;
	if (step->value.variable >= 0)
		return true;
	if (s->values->kind != LITERAL_STRING || !limit_parse(s->values->text, &span) || !span.relative)
		return lex_wrong(&c->lx, s->values->at, "a span of time, such as '2 days', expected");
	step->shift *= span.time;
	return true;
}

static bool compile_append(struct compiler *c, const struct statement *s)
{
	struct step *step = emit(c, STEP_APPEND, s->at);

	step->force = s->kind == STATEMENT_APPEND_FORCE;
	if (!writable(c, s, &step->field) || !operand(c, s->values, &step->value))
		return false;
	if (step->field == F_EXTRA)
		return lex_wrong(&c->lx, s->at, "a field below extra expected");
	return sanitise_constant(c, step, s->values);
}

static void compile_path(struct compiler *c, const struct statement *s)
{
	struct step *step = emit(c, STEP_PATH, s->at);
	size_t count = 0;

	for (const struct literal *l = s->values; l; l = l->next)
		count++;
	step->paths = arena_zero(&c->program->arena, count * sizeof *step->paths);
	for (const struct literal *l = s->values; l; l = l->next) {
		char *name = arena_zero(&c->program->arena, l->text.len + 1);

		memcpy(name, l->text.at, l->text.len);
		step->paths[step->path_count++] = name;
	}
}

static bool compile_assign(struct compiler *c, const struct statement *s)
{
	struct step *step = emit(c, STEP_ASSIGN, s->at);

	step->variable = new_variable(c->program, s->variable);
	return intern(c, s->key, s->at, &step->field);
}

static bool compile_statements(struct compiler *c, const struct statement *s);

static bool compile_branches(struct compiler *c, const struct statement *s)
{
	unsigned end = new_label(c);

	for (; s; s = s->other) {
		unsigned body = new_label(c), next = new_label(c);

		if (s->condition && !compile_condition(c, s->condition, body, next))
			return false;
		set_label(c, body);
		emit(c, STEP_ENTER, s->at);
		if (!compile_statements(c, s->body))
			return false;
		if (s->other)
			emit(c, STEP_JUMP, s->at)->yes = end;
		set_label(c, next);
	}
	set_label(c, end);
	return true;
}

static bool compile_statements(struct compiler *c, const struct statement *s)
{
	bool fine = true;

	for (; s && fine; s = s->next)
		switch (s->kind) {
		case STATEMENT_IF:
			fine = compile_branches(c, s);
			break;
		case STATEMENT_DROP:
			emit(c, STEP_DROP, s->at);
			break;
		case STATEMENT_KEEP:
			emit(c, STEP_KEEP, s->at);
			break;
		case STATEMENT_PATH:
			compile_path(c, s);
			break;
		case STATEMENT_ADD:
		case STATEMENT_ADD_FORCE:
		case STATEMENT_UPDATE:
			fine = compile_set(c, s);
			break;
		case STATEMENT_REMOVE:
			fine = writable(c, s, &emit(c, STEP_REMOVE, s->at)->field);
			break;
		case STATEMENT_APPEND:
		case STATEMENT_APPEND_FORCE:
			fine = compile_append(c, s);
			break;
		case STATEMENT_ASSIGN:
			fine = compile_assign(c, s);
			break;
		}
	return fine;
}

/* ---- code ---- */

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

static void make_code(struct program *p)
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

/* ---- programs ---- */

static struct program *new_program(struct compiler *c, const char *file, struct problem *problem)
{
	struct program *p = alloc_zero(1, sizeof *p);

	p->file = alloc_string(text_of(file));
	*c = (struct compiler){ .program = p,
		.lx = { .file = p->file, .arena = &p->arena, .problem = problem } };
	return p;
}

static struct program *finish(struct compiler *c, bool fine)
{
	struct program *p = c->program;

	if (fine) {
		emit(c, STEP_KEEP, 0)->place = (struct place){ 0, 0 };
		resolve_labels(c);
		make_code(p);
		p->values = alloc_zero(p->variable_count + 1, sizeof *p->values);
	} else {
		program_free(p);
		p = NULL;
	}
	free(c->labels);
	return p;
}

struct program *program_of_text(const char *file, struct text text, struct problem *problem)
{
	struct compiler c;
	struct program *p = new_program(&c, file, problem);
	struct statement *tree = NULL;
	bool fine;

	buf_text(&p->source, text);
	c.lx.source = buf_view(&p->source);
	fine = unicode_valid(c.lx.source) || problem_at(problem, file, 0, 0, "not UTF-8");
	return finish(&c, fine && parse_rules(&c.lx, &tree) && compile_statements(&c, tree));
}

struct program *program_load(const char *path, struct problem *problem)
{
	struct buf source = BUF_INIT;
	struct program *p = NULL;

	if (file_read(path, RULES_LIMIT, &source, problem))
		p = program_of_text(path, buf_view(&source), problem);
	buf_free(&source);
	return p;
}

struct program *program_of_expression(const char *expression, bool invert, struct problem *problem)
{
	struct compiler c;
	struct program *p = new_program(&c, "--expression", problem);
	struct node *tree = NULL;
	unsigned yes = new_label(&c), no = new_label(&c);
	bool fine;

	buf_string(&p->source, expression);
	c.lx.source = buf_view(&p->source);
	fine = unicode_valid(c.lx.source) || problem_at(problem, p->file, 0, 0, "not UTF-8");
	fine = fine && parse_expression(&c.lx, &tree) &&
	       compile_condition(&c, tree, invert ? no : yes, invert ? yes : no);
	set_label(&c, no);
	emit(&c, STEP_DROP, 0);
	set_label(&c, yes);
	return finish(&c, fine);
}

static void free_test(struct test *t)
{
	for (size_t i = 0; i < t->pattern_count; i++)
		regex_free(t->patterns[i]);
	free(t->patterns);
	free(t->operands);
	free(t->numbers);
	free(t->list_bytes);
	text_set_free(&t->texts);
	net_set_free(&t->networks);
}

void program_free(struct program *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->test_count; i++)
		free_test(p->tests[i]);
	free(p->tests);
	free(p->steps);
	free(p->code);
	free(p->variables);
	free(p->values);
	facts_free(&p->facts);
	arena_free(&p->arena);
	buf_free(&p->source);
	buf_free(&p->scratch);
	free(p->file);
	free(p);
}
