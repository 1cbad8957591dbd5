/* Expressions of Jinja2 templates, by recursive descent in the order of their precedence. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "template_priv.h"

bool template_wrong(struct template_reader *r, const char *format, ...)
{
	char text[PROBLEM_SIZE];
	long line = 1, column = 1;
	va_list args;

	for (size_t i = 0; i < r->at && i < r->source.len; i++) {
		column = r->source.at[i] == '\n' ? 1 : column + 1;
		line += r->source.at[i] == '\n';
	}
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	return problem_at(r->problem, r->template->name, line, column, "%s", text);
}

static int here(const struct template_reader *r, size_t ahead)
{
	return r->at + ahead < r->source.len ? (unsigned char)r->source.at[r->at + ahead] : -1;
}

void template_space(struct template_reader *r)
{
	while (here(r, 0) == ' ' || here(r, 0) == '\t' || here(r, 0) == '\n' || here(r, 0) == '\r')
		r->at++;
}

bool template_sign(struct template_reader *r, const char *sign)
{
	template_space(r);
	if (!text_starts(text_from(r->source, r->at), text_of(sign)))
		return false;
	r->at += strlen(sign);
	return true;
}

struct text template_peek_name(struct template_reader *r)
{
	size_t n = 0;

	template_space(r);
	if (here(r, 0) == '_' || isalpha(here(r, 0)))
		while (here(r, n) == '_' || isalnum(here(r, n)))
			n++;
	return (struct text){ r->source.at + r->at, n };
}

bool template_word(struct template_reader *r, const char *word)
{
	if (!text_is(template_peek_name(r), word))
		return false;
	r->at += strlen(word);
	return true;
}

int template_variable(struct template_reader *r, struct text name, bool make)
{
	for (int i = 0; i < r->template->variable_count; i++)
		if (text_eq(r->names[i], name))
			return i;
	if (!make || r->template->variable_count == TEMPLATE_VARIABLES)
		return -1;
	r->names[r->template->variable_count] = name;
	return r->template->variable_count++;
}

struct value template_string_value(struct arena *a, struct text t)
{
	struct buf json = BUF_INIT;
	struct value v = { NO_TEXT, VALUE_STRING, false };

	buf_json(&json, t);
	v.raw = arena_text(a, buf_view(&json));
	v.escaped = memchr(v.raw.at, '\\', v.raw.len) != NULL;
	buf_free(&json);
	return v;
}

static struct expr *new_expr(
	struct template_reader *r, enum expr_kind kind, struct expr *left, struct expr *right)
{
	struct expr *e = arena_zero(&r->template->arena, sizeof *e);

	if (++r->nodes > TEMPLATE_NODES && r->nodes == TEMPLATE_NODES + 1)
		template_wrong(r, "expression too long");
	e->kind = kind;
	e->left = left;
	e->right = right;
	e->line = 1;
	for (size_t i = 0; i < r->at && i < r->source.len; i++)
		e->line += r->source.at[i] == '\n';
	return e;
}

static struct expr *constant(struct template_reader *r, struct value v)
{
	struct expr *e = new_expr(r, EXPR_CONSTANT, NULL, NULL);

	e->value = v;
	return e;
}

static struct expr *wrong(struct template_reader *r, const char *what)
{
	struct text name = template_peek_name(r);

	if (here(r, 0) == -1)
		template_wrong(r, "%s expected, found the end", what);
	else if (name.len)
		template_wrong(r, "%s expected, found \"%.*s\"", what, (int)(name.len < 60 ? name.len : 60),
			name.at);
	else
		template_wrong(r, "%s expected, found \"%c\"", what, here(r, 0));
	return NULL;
}

/* A string, with Python's short escapes. */
static struct expr *string(struct template_reader *r)
{
	static const char from[] = "ntr\\'\"", to[] = "\n\t\r\\'\"";
	char quote = (char)here(r, 0);
	struct buf text = BUF_INIT;
	struct expr *e;

	for (r->at++; here(r, 0) != quote; r->at++) {
		const char *known;

		if (here(r, 0) == -1) {
			buf_free(&text);
			return wrong(r, "the end of the string");
		}
		known = here(r, 0) == '\\' && here(r, 1) > 0 ? strchr(from, here(r, 1)) : NULL;
		if (known) {
			buf_char(&text, to[known - from]);
			r->at++;
		} else {
			buf_char(&text, r->source.at[r->at]);
		}
	}
	r->at++;
	e = constant(r, template_string_value(&r->template->arena, buf_view(&text)));
	buf_free(&text);
	return e;
}

static struct expr *number(struct template_reader *r)
{
	size_t n = 0;
	struct value v;
	struct value_error unused;

	while (isdigit(here(r, n)) || here(r, n) == '.')
		n++;
	if (n && here(r, n) == 'e' && (isdigit(here(r, n + 1)) || here(r, n + 1) == '-'))
		for (n += 2; isdigit(here(r, n));)
			n++;
	if (!value_parse((struct text){ r->source.at + r->at, n }, &v, &unused))
		return wrong(r, "a number");
	r->at += n;
	v.raw = arena_text(&r->template->arena, v.raw);
	return constant(r, v);
}

/* Items up to CLOSING, the pairs of a map as two. */
static struct expr *items(struct template_reader *r, enum expr_kind kind, const char *closing)
{
	struct expr *e = new_expr(r, kind, NULL, NULL), **end = &e->items;

	while (!template_sign(r, closing)) {
		if (e->items && !template_sign(r, ","))
			return wrong(r, closing);
		if (e->items && template_sign(r, closing))
			break;
		if (!(*end = template_expression(r)))
			return NULL;
		end = &(*end)->next;
		if (kind != EXPR_MAP)
			continue;
		if (!template_sign(r, ":"))
			return wrong(r, ":");
		if (!(*end = template_expression(r)))
			return NULL;
		end = &(*end)->next;
	}
	return e;
}

static struct expr *loop_attribute(struct template_reader *r)
{
	static const char *const names[] = { "first", "last", "index", "index0", "length" };
	struct expr *e = new_expr(r, EXPR_LOOP, NULL, NULL);

	if (!r->loops) {
		template_wrong(r, "loop outside of a for");
		return NULL;
	}
	if (!template_sign(r, "."))
		return wrong(r, "loop.first, .last, .index, .index0 or .length");
	for (size_t i = 0; i < LENGTH(names); i++)
		if (template_word(r, names[i])) {
			e->number = (int)i;
			return e;
		}
	return wrong(r, "first, last, index, index0 or length");
}

static struct expr *name(struct template_reader *r, struct text word)
{
	static const struct {
		const char *word;
		enum value_kind kind;
		const char *json;
	} constants[] = { { "true", VALUE_TRUE, "true" }, { "True", VALUE_TRUE, "true" },
		{ "false", VALUE_FALSE, "false" }, { "False", VALUE_FALSE, "false" },
		{ "none", VALUE_NULL, "null" }, { "None", VALUE_NULL, "null" } };
	struct expr *e;
	int variable;

	for (size_t i = 0; i < LENGTH(constants); i++)
		if (text_is(word, constants[i].word)) {
			r->at += word.len;
			return constant(
				r, (struct value){ text_of(constants[i].json), constants[i].kind, false });
		}
	variable = template_variable(r, word, false);
	if (variable < 0 && !text_is(word, "msg") && !text_is(word, "loop")) {
		template_wrong(r, "unknown name \"%.*s\": msg, or a variable that was set, expected",
			(int)(word.len < 60 ? word.len : 60), word.at);
		return NULL;
	}
	r->at += word.len;
	if (variable < 0 && text_is(word, "loop"))
		return loop_attribute(r);
	e = new_expr(r, variable < 0 ? EXPR_MESSAGE : EXPR_VARIABLE, NULL, NULL);
	e->number = variable;
	return e;
}

static struct expr *atom(struct template_reader *r)
{
	struct text word;
	struct expr *e;
	int c;

	template_space(r);
	c = here(r, 0);
	if (c == '"' || c == '\'')
		return string(r);
	if (isdigit(c))
		return number(r);
	if (template_sign(r, "[")) {
		e = items(r, EXPR_LIST, "]");
	} else if (template_sign(r, "{")) {
		e = items(r, EXPR_MAP, "}");
	} else if (template_sign(r, "(")) {
		e = template_expression(r);
		if (e && !template_sign(r, ")"))
			return wrong(r, ")");
	} else {
		word = template_peek_name(r);
		e = word.len ? name(r, word) : wrong(r, "an expression");
	}
	return e;
}

/* OBJECT[KEY]; a field of msg by a constant name is found by number. */
static struct expr *index_of(struct template_reader *r, struct expr *object, struct expr *key)
{
	struct arena scratch = { 0 };
	struct expr *e;

	if (object->kind != EXPR_MESSAGE || key->kind != EXPR_CONSTANT || key->value.kind != VALUE_STRING)
		return new_expr(r, EXPR_INDEX, object, key);
	e = new_expr(r, EXPR_FIELD, NULL, NULL);
	e->field = field_intern(value_text(key->value, &scratch));
	arena_free(&scratch);
	if (e->field != F_NONE)
		return e;
	template_wrong(r, "not the name of a field");
	return NULL;
}

/* Behind a dot: a method, or a key. */
static struct expr *attribute(struct template_reader *r, struct expr *object)
{
	static const struct {
		const char *name;
		enum expr_kind kind;
	} methods[] = { { "get", EXPR_GET }, { "items", EXPR_ITEMS }, { "keys", EXPR_KEYS },
		{ "values", EXPR_VALUES } };
	struct text word = template_peek_name(r);
	struct expr *e, *arguments;

	if (!word.len)
		return wrong(r, "a name");
	r->at += word.len;
	if (!template_sign(r, "("))
		return index_of(r, object, constant(r, template_string_value(&r->template->arena, word)));
	for (size_t i = 0; i < LENGTH(methods); i++) {
		if (!text_is(word, methods[i].name))
			continue;
		e = new_expr(r, methods[i].kind, object, NULL);
		if (!(arguments = items(r, EXPR_LIST, ")")))
			return NULL;
		if (e->kind != EXPR_GET && arguments->items)
			return wrong(r, "no argument");
		if (e->kind != EXPR_GET)
			return e;
		if (!arguments->items || (arguments->items->next && arguments->items->next->next))
			return wrong(r, "one or two arguments");
		e->right = arguments->items;
		e->third = arguments->items->next;
		return e;
	}
	template_wrong(r, "there is no method \"%.*s\": get, items, keys or values expected",
		(int)(word.len < 60 ? word.len : 60), word.at);
	return NULL;
}

static struct expr *postfix(struct template_reader *r)
{
	struct expr *e = atom(r);

	while (e) {
		if (template_sign(r, "[")) {
			struct expr *key = template_expression(r);

			if (!key)
				return NULL;
			if (!template_sign(r, "]"))
				return wrong(r, "]");
			e = index_of(r, e, key);
		} else if (template_sign(r, ".")) {
			e = attribute(r, e);
		} else {
			return e;
		}
	}
	return NULL;
}

static struct expr *filtered(struct template_reader *r)
{
	struct expr *e = postfix(r);

	while (e && template_sign(r, "|")) {
		struct text word = template_peek_name(r);
		struct expr *filter = new_expr(r, EXPR_FILTER, e, NULL), *arguments;
		int least, most, count = 0;

		filter->number = template_filter_named(word, &least, &most);
		if (filter->number < 0) {
			template_wrong(
				r, "unknown filter \"%.*s\"", (int)(word.len < 60 ? word.len : 60), word.at);
			return NULL;
		}
		r->at += word.len;
		if (template_sign(r, "(")) {
			if (!(arguments = items(r, EXPR_LIST, ")")))
				return NULL;
			filter->items = arguments->items;
		}
		for (struct expr *a = filter->items; a; a = a->next)
			count++;
		if (count < least || count > most) {
			template_wrong(
				r, "the filter %.*s takes %d to %d arguments", TEXT_ARGS(word), least, most);
			return NULL;
		}
		e = filter;
	}
	return e;
}

static struct expr *unary(struct template_reader *r)
{
	bool minus = template_sign(r, "-");
	struct expr *e = filtered(r);

	return e && minus ? new_expr(r, EXPR_NEGATE, e, NULL) : e;
}

struct infix {
	const char *sign;
	enum expr_kind kind;
};

/* A chain of operators of one precedence, signs that begin others behind those. */
static struct expr *chain(struct template_reader *r, const struct infix *signs, size_t count,
	struct expr *(*operand)(struct template_reader *))
{
	struct expr *e = operand(r);

	while (e) {
		size_t i = 0;
		struct expr *right;

		template_space(r);
		/* -%} and -}} are no subtraction. */
		if (here(r, 0) == '-' && (here(r, 1) == '}' || here(r, 1) == '%'))
			return e;
		if (here(r, 0) == '%' && here(r, 1) == '}')
			return e;
		while (i < count && !template_sign(r, signs[i].sign))
			i++;
		if (i == count)
			return e;
		right = operand(r);
		e = right ? new_expr(r, signs[i].kind, e, right) : NULL;
	}
	return NULL;
}

static struct expr *product(struct template_reader *r)
{
	static const struct infix signs[] = { { "*", EXPR_MULTIPLY }, { "//", EXPR_FLOOR },
		{ "/", EXPR_DIVIDE }, { "%", EXPR_MODULO } };

	return chain(r, signs, LENGTH(signs), unary);
}

static struct expr *concatenation(struct template_reader *r)
{
	static const struct infix signs[] = { { "~", EXPR_CONCAT } };

	return chain(r, signs, LENGTH(signs), product);
}

static struct expr *sum(struct template_reader *r)
{
	static const struct infix signs[] = { { "+", EXPR_ADD }, { "-", EXPR_SUBTRACT } };

	return chain(r, signs, LENGTH(signs), concatenation);
}

static struct expr *test(struct template_reader *r, struct expr *e)
{
	bool negated = template_word(r, "not");
	struct expr *t;

	if (template_word(r, "defined"))
		t = new_expr(r, EXPR_DEFINED, e, NULL);
	else if (template_word(r, "undefined"))
		t = new_expr(r, EXPR_NOT, new_expr(r, EXPR_DEFINED, e, NULL), NULL);
	else if (template_word(r, "none"))
		t = new_expr(r, EXPR_IS_NONE, e, NULL);
	else
		return wrong(r, "defined, undefined or none");
	return negated ? new_expr(r, EXPR_NOT, t, NULL) : t;
}

static struct expr *comparison(struct template_reader *r)
{
	static const struct infix signs[] = { { "==", EXPR_EQUAL }, { "!=", EXPR_UNEQUAL },
		{ "<=", EXPR_LESS_EQUAL }, { ">=", EXPR_GREATER_EQUAL }, { "<", EXPR_LESS },
		{ ">", EXPR_GREATER } };
	struct expr *e = chain(r, signs, LENGTH(signs), sum), *right;

	while (e) {
		size_t before = r->at;

		if (template_word(r, "is")) {
			e = test(r, e);
		} else if (template_word(r, "in")) {
			e = (right = sum(r)) ? new_expr(r, EXPR_IN, e, right) : NULL;
		} else if (template_word(r, "not")) {
			if (!template_word(r, "in")) {
				r->at = before;
				return e;
			}
			e = (right = sum(r)) ? new_expr(r, EXPR_NOT_IN, e, right) : NULL;
		} else {
			return e;
		}
	}
	return NULL;
}

static struct expr *negation(struct template_reader *r)
{
	bool negated = false;
	struct expr *e;

	while (template_word(r, "not"))
		negated = !negated;
	e = comparison(r);
	return e && negated ? new_expr(r, EXPR_NOT, e, NULL) : e;
}

static struct expr *words(struct template_reader *r, const char *word, enum expr_kind kind,
	struct expr *(*operand)(struct template_reader *))
{
	struct expr *e = operand(r), *right;

	while (e && template_word(r, word))
		e = (right = operand(r)) ? new_expr(r, kind, e, right) : NULL;
	return e;
}

static struct expr *conjunction(struct template_reader *r)
{
	return words(r, "and", EXPR_AND, negation);
}

struct expr *template_expression(struct template_reader *r)
{
	struct expr *e, *choice;

	if (++r->depth > TEMPLATE_DEPTH) {
		template_wrong(r, "nested too deeply");
		return NULL;
	}
	if (r->depth == 1)
		r->nodes = 0;
	e = words(r, "or", EXPR_OR, conjunction);
	if (r->nodes > TEMPLATE_NODES)
		return NULL;
	if (e && template_word(r, "if")) {
		choice = new_expr(r, EXPR_CHOICE, e, NULL);
		choice->right = words(r, "or", EXPR_OR, conjunction);
		if (choice->right && template_word(r, "else"))
			choice->third = template_expression(r);
		e = choice->right && (choice->third || !r->problem->text[0]) ? choice : NULL;
	}
	r->depth--;
	return e;
}
