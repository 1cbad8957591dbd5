#include "sieve.h"

enum { NESTING = 200, LIST_LIMIT = 1000000, CONDITIONS = 10000 };

/* What stands between a key and its value. Longer symbols first where one begins another. */
static const struct operator
{
	const char *symbol;
	enum match_op op;
	bool negated;
}
operators[] = {
	{ "==", MATCH_EQUAL, false },
	{ "!=", MATCH_EQUAL, true },
	{ "=~", MATCH_REGEX, false },
	{ "!~", MATCH_REGEX, true },
	{ "<<", MATCH_NETWORK, false },
	{ "<=", MATCH_LESS_EQUAL, false },
	{ ">=", MATCH_GREATER_EQUAL, false },
	{ "<", MATCH_LESS, false },
	{ ">", MATCH_GREATER, false },
	{ ":contains", MATCH_CONTAINS, false },
	{ ":in", MATCH_IN, false },
	{ ":containsany", MATCH_CONTAINSANY, false },
	{ ":regexin", MATCH_REGEXIN, false },
	{ ":before", MATCH_BEFORE, false },
	{ ":after", MATCH_AFTER, false },
	{ ":equals", MATCH_LIST_EQUALS, false },
	{ ":setequals", MATCH_SETEQUALS, false },
	{ ":overlaps", MATCH_OVERLAPS, false },
	{ ":subsetof", MATCH_SUBSETOF, false },
	{ ":supersetof", MATCH_SUPERSETOF, false },
};

static bool literal_into(struct lexer *lx, struct literal **end)
{
	struct literal literal, *kept;

	if (!lex_literal(lx, &literal))
		return false;
	kept = arena_zero(lx->arena, sizeof *kept);
	*kept = literal;
	*end = kept;
	return true;
}

/* `[ a, b ]`; an empty list only if EMPTY. */
static bool list(struct lexer *lx, bool empty, struct literal **values)
{
	size_t count = 0;

	if (!lex_symbol(lx, "["))
		return lex_expected(lx, "[");
	if (empty && lex_symbol(lx, "]"))
		return true;
	do {
		if (count++ == LIST_LIMIT)
			return lex_wrong(
				lx, lx->at, "a list of more than %d values: put it into a file", LIST_LIMIT);
		if (!literal_into(lx, values))
			return false;
		values = &(*values)->next;
	} while (lex_symbol(lx, ","));
	return lex_symbol(lx, "]") || lex_expected(lx, ", or ]");
}

static bool takes_list(enum match_op op)
{
	return op == MATCH_IN || op == MATCH_CONTAINSANY || op == MATCH_REGEXIN || op >= MATCH_LIST_EQUALS;
}

/* `file 'name'` in place of a list. */
static bool list_file(struct lexer *lx, struct match *m)
{
	struct literal name;
	struct buf path = BUF_INIT;

	if (!lex_literal(lx, &name))
		return false;
	if (name.kind != LITERAL_STRING || name.text.len == 0 || memchr(name.text.at, '\0', name.text.len))
		return lex_wrong(lx, name.at, "a file name expected");
	buf_text(&path, name.text);
	buf_char(&path, '\0');
	m->list_file = arena_text(lx->arena, buf_view(&path)).at;
	buf_free(&path);
	return true;
}

static bool right_side(struct lexer *lx, struct match *m)
{
	bool member = m->op == MATCH_IN || m->op == MATCH_CONTAINSANY || m->op == MATCH_REGEXIN ||
		      m->op == MATCH_NETWORK;

	if (member && lex_word(lx, "file"))
		return list_file(lx, m);
	if (takes_list(m->op) || (m->op == MATCH_NETWORK && lex_char_is(lx, '[')))
		return list(lx, m->op >= MATCH_LIST_EQUALS, &m->values);
	return literal_into(lx, &m->values);
}

static struct match *new_match(struct lexer *lx)
{
	struct match *m = arena_zero(lx->arena, sizeof *m);

	lex_space(lx);
	*m = (struct match){ .at = lx->at };
	return m;
}

static bool match(struct lexer *lx, struct match **out)
{
	struct match *m = new_match(lx);

	*out = m;
	m->negated = lex_symbol(lx, ":notexists");
	if (m->negated || lex_symbol(lx, ":exists")) {
		m->op = MATCH_EXISTS;
		return lex_key(lx, &m->key, &m->variable);
	}
	if (!lex_key(lx, &m->key, &m->variable))
		return false;
	m->all = lex_symbol(lx, ":all");
	for (size_t i = 0; i < LENGTH(operators); i++) {
		size_t at = lx->at;

		if (!lex_symbol(lx, operators[i].symbol))
			continue;
		m->op = operators[i].op;
		m->negated = operators[i].negated;
		if (m->all && (m->negated || m->op >= MATCH_LIST_EQUALS))
			return lex_wrong(
				lx, at, "an operator that tests a single value expected behind :all");
		return right_side(lx, m);
	}
	return lex_expected(lx, "an operator (== != =~ !~ < <= > >= << :contains :in ...)");
}

static struct node *new_node(struct lexer *lx, enum node_kind kind, struct node *left, struct node *right)
{
	struct node *n = arena_zero(lx->arena, sizeof *n);

	*n = (struct node){ .kind = kind, .left = left, .right = right };
	return n;
}

static bool expression(struct lexer *lx, struct node **out, int depth);

static bool condition(struct lexer *lx, struct node **out, int depth)
{
	bool negated = lex_symbol(lx, "!");

	if (++lx->conditions > CONDITIONS)
		return lex_wrong(lx, lx->at, "more than %d conditions in one expression", CONDITIONS);
	if (lex_symbol(lx, "(")) {
		if (depth == NESTING)
			return lex_wrong(lx, lx->at, "nested too deeply");
		if (!expression(lx, out, depth + 1))
			return false;
		if (!lex_symbol(lx, ")"))
			return lex_expected(lx, "&&, || or )");
	} else {
		*out = new_node(lx, NODE_MATCH, NULL, NULL);
		if (!match(lx, &(*out)->match))
			return false;
	}
	if (negated)
		*out = new_node(lx, NODE_NOT, *out, NULL);
	return true;
}

static bool conjunction(struct lexer *lx, struct node **out, int depth)
{
	struct node *right;

	if (!condition(lx, out, depth))
		return false;
	while (lex_symbol(lx, "&&")) {
		if (!condition(lx, &right, depth))
			return false;
		*out = new_node(lx, NODE_AND, *out, right);
	}
	return true;
}

static bool expression(struct lexer *lx, struct node **out, int depth)
{
	struct node *right;

	if (depth == 0)
		lx->conditions = 0;
	if (!conjunction(lx, out, depth))
		return false;
	while (lex_symbol(lx, "||")) {
		if (!conjunction(lx, &right, depth))
			return false;
		*out = new_node(lx, NODE_OR, *out, right);
	}
	return true;
}

bool parse_expression(struct lexer *lx, struct node **tree)
{
	return expression(lx, tree, 0) && (lex_end(lx) || lex_expected(lx, "&&, || or the end"));
}

static struct statement *new_statement(struct lexer *lx, enum statement_kind kind, size_t at)
{
	struct statement *s = arena_zero(lx->arena, sizeof *s);

	*s = (struct statement){ .kind = kind, .at = at };
	return s;
}

static bool statements(struct lexer *lx, struct statement **out, bool braces, int depth);

static bool block(struct lexer *lx, struct statement **out, int depth)
{
	if (!lex_symbol(lx, "{"))
		return lex_expected(lx, "&&, || or {");
	if (depth == NESTING)
		return lex_wrong(lx, lx->at, "nested too deeply");
	return statements(lx, out, true, depth + 1);
}

/* Behind `if`. */
static bool branch(struct lexer *lx, struct statement *s, int depth)
{
	for (;;) {
		size_t at;

		if (!expression(lx, &s->condition, 0) || !block(lx, &s->body, depth))
			return false;
		lex_space(lx);
		at = lx->at;
		if (lex_word(lx, "else")) {
			s->other = new_statement(lx, STATEMENT_IF, at);
			if (!lex_char_is(lx, '{'))
				return lex_expected(lx, "{ (a further condition is elif)");
			return block(lx, &s->other->body, depth);
		}
		if (!lex_word(lx, "elif"))
			return true;
		s = s->other = new_statement(lx, STATEMENT_IF, at);
	}
}

static bool path(struct lexer *lx, struct statement *s)
{
	if (lex_char_is(lx, '[') ? !list(lx, false, &s->values) : !literal_into(lx, &s->values))
		return false;
	for (struct literal *l = s->values; l; l = l->next)
		if (l->kind != LITERAL_STRING || l->text.len == 0 || memchr(l->text.at, '\0', l->text.len))
			return lex_wrong(lx, l->at, "the name of a path, as a string, expected");
	return true;
}

/* Behind add, add! and update. */
static bool assignment(struct lexer *lx, struct statement *s)
{
	if (!lex_key(lx, &s->key, &s->key_is_variable))
		return false;
	if (lex_symbol(lx, "+="))
		s->shift = 1;
	else if (lex_symbol(lx, "-="))
		s->shift = -1;
	else if (!lex_symbol(lx, "="))
		return lex_expected(lx, "=, += or -=");
	return literal_into(lx, &s->values);
}

static bool variable_assignment(struct lexer *lx, struct statement *s)
{
	bool variable;

	s->kind = STATEMENT_ASSIGN;
	if (!lex_key(lx, &s->variable, &variable))
		return false;
	if (!lex_symbol(lx, "="))
		return lex_expected(lx, "=");
	if (!lex_key(lx, &s->key, &variable))
		return false;
	return !variable || lex_wrong(lx, s->at, "a field name expected behind =");
}

static bool statement(struct lexer *lx, struct statement **out, int depth)
{
	struct statement *s;

	lex_space(lx);
	*out = s = new_statement(lx, STATEMENT_KEEP, lx->at);
	if (lex_char_is(lx, '$'))
		return variable_assignment(lx, s);
	if (lex_word(lx, "keep"))
		return true;
	if (lex_word(lx, "drop")) {
		s->kind = STATEMENT_DROP;
		return true;
	}
	if (lex_word(lx, "if")) {
		s->kind = STATEMENT_IF;
		return branch(lx, s, depth);
	}
	if (lex_word(lx, "path")) {
		s->kind = STATEMENT_PATH;
		return path(lx, s);
	}
	if (lex_word(lx, "remove")) {
		s->kind = STATEMENT_REMOVE;
		return lex_key(lx, &s->key, &s->key_is_variable);
	}
	if (lex_word(lx, "append")) {
		s->kind = lex_symbol(lx, "!") ? STATEMENT_APPEND_FORCE : STATEMENT_APPEND;
		return lex_key(lx, &s->key, &s->key_is_variable) && literal_into(lx, &s->values);
	}
	if (lex_word(lx, "add")) {
		s->kind = lex_symbol(lx, "!") ? STATEMENT_ADD_FORCE : STATEMENT_ADD;
		return assignment(lx, s);
	}
	if (lex_word(lx, "update")) {
		s->kind = STATEMENT_UPDATE;
		return assignment(lx, s);
	}
	return lex_expected(lx, depth ? "a statement (if, add, update, path, drop ...) or }"
				      : "a statement (if, add, update, path, drop ...)");
}

static bool statements(struct lexer *lx, struct statement **out, bool braces, int depth)
{
	for (;; out = &(*out)->next) {
		*out = NULL;
		if (braces && lex_symbol(lx, "}"))
			return true;
		if (lex_end(lx) && !braces)
			return true;
		if (!statement(lx, out, depth)) {
			*out = NULL;
			return false;
		}
	}
}

bool parse_rules(struct lexer *lx, struct statement **tree)
{
	return statements(lx, tree, false, 0);
}
