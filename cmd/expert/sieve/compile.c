/* From the tree to a flat program: conditions become tests with two places to go on, so that && and || need
 * no stack at run time; constants are sanitised, expressions compiled and lists put into sets once. What can
 * only fail is refused here. */
#include "compile.h"

#include <stdlib.h>

#include "alloc.h"
#include "files.h"
#include "unicode.h"

enum { RULES_LIMIT = 64 << 20, NOWHERE = ~0u };

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
bool compile_variable(struct compiler *c, struct text name, size_t at, int *index)
{
	*index = find_variable(c->program, name);
	return *index >= 0 ||
	       lex_wrong(&c->lx, at, "no statement before this one sets the variable $%.*s", TEXT_ARGS(name));
}

bool compile_field(struct compiler *c, struct text name, size_t at, enum field *f)
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
	if (!compile_field(c, s->key, s->at, f))
		return false;
	return field_check(*f, &why) || lex_wrong(&c->lx, s->at, "%s", why.text);
}

/* ---- conditions ---- */

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
	if (!writable(c, s, &step->field) || !compile_operand(c, s->values, &step->value))
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
	if (!writable(c, s, &step->field) || !compile_operand(c, s->values, &step->value))
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
	return compile_field(c, s->key, s->at, &step->field);
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
		code_make(p);
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
