/* The tree behind template.h, shared by template*.c. Values are JSON values (VALUE_NONE: undefined), lists
 * and objects made on the way stand in the event's arena as JSON text. */
#ifndef IMQ_TEMPLATE_PRIV_H
#define IMQ_TEMPLATE_PRIV_H

#include "template.h"

enum {
	TEMPLATE_VARIABLES = 64,
	TEMPLATE_DEPTH = 64,
	TEMPLATE_NODES = 2000,
	TEMPLATE_TEXT = 16 << 20,
	TEMPLATE_STEPS = 1000000,
	TEMPLATE_SOURCE = 256 << 10
};

enum expr_kind {
	EXPR_CONSTANT,
	EXPR_VARIABLE,
	EXPR_FIELD,
	EXPR_MESSAGE,
	EXPR_MATCH,
	EXPR_INDEX,
	EXPR_GET,
	EXPR_ITEMS,
	EXPR_KEYS,
	EXPR_VALUES,
	EXPR_LOOP,
	EXPR_LIST,
	EXPR_MAP,
	EXPR_NOT,
	EXPR_NEGATE,
	EXPR_AND,
	EXPR_OR,
	EXPR_EQUAL,
	EXPR_UNEQUAL,
	EXPR_LESS,
	EXPR_LESS_EQUAL,
	EXPR_GREATER,
	EXPR_GREATER_EQUAL,
	EXPR_IN,
	EXPR_NOT_IN,
	EXPR_ADD,
	EXPR_SUBTRACT,
	EXPR_MULTIPLY,
	EXPR_DIVIDE,
	EXPR_FLOOR,
	EXPR_MODULO,
	EXPR_CONCAT,
	EXPR_FILTER,
	EXPR_CHOICE,
	EXPR_DEFINED,
	EXPR_IS_NONE,
	EXPR_PAD,
	EXPR_REPR,
};

enum loop_attribute { LOOP_FIRST, LOOP_LAST, LOOP_INDEX, LOOP_INDEX0, LOOP_LENGTH };

struct expr {
	enum expr_kind kind;
	long line;
	struct expr *left, *right, *third;
	struct expr *items, *next; /* LIST, MAP (key, value, key, value …), arguments of a FILTER */
	struct value value;        /* CONSTANT */
	enum field field;          /* FIELD */
	bool required;             /* FIELD: an absent one is an error */
	bool none;                 /* FIELD: an absent one prints as None */
	int number;                /* VARIABLE, MATCH, LOOP's attribute, FILTER's function, PAD's width */
	char align, fill;          /* PAD: one of < > ^ */
};

enum node_kind { NODE_TEXT, NODE_PRINT, NODE_IF, NODE_FOR, NODE_SET };

struct node {
	enum node_kind kind;
	struct text text;
	struct expr *expr; /* PRINT, SET; the condition of an IF (NULL: else); what a FOR goes through */
	struct node *body;
	struct node *other; /* IF: the next branch; FOR: the else part */
	int variables[2];   /* SET, FOR; the second is -1 but for `for k, v` */
	struct node *next;
};

struct template
{
	struct arena arena;
	struct node *first;
	char *name;
	int variable_count;
};

struct render {
	const struct template *template;
	struct event *ev;
	const struct text *matches;
	struct value variables[TEMPLATE_VARIABLES];
	long long loop_index, loop_length; /* of the innermost loop */
	unsigned long steps;
	bool failed;
};

/* ---- template_expr.c: reading expressions ---- */

struct template_reader {
	struct template *template;
	struct text source;
	size_t at;
	struct problem *problem;
	struct text names[TEMPLATE_VARIABLES];
	int loops; /* open around here */
	int depth;
	unsigned nodes; /* of the expression in hand */
};

bool template_wrong(struct template_reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
void template_space(struct template_reader *r);
bool template_sign(struct template_reader *r, const char *sign);
/* The name that stands here, empty if none; taken by template_word(). */
struct text template_peek_name(struct template_reader *r);
bool template_word(struct template_reader *r, const char *word);
/* Reads an expression; NULL with PROBLEM. */
struct expr *template_expression(struct template_reader *r);
/* The number of a variable, made if MAKE; -1: unknown, or there are too many. */
int template_variable(struct template_reader *r, struct text name, bool make);
struct value template_string_value(struct arena *a, struct text t);

/* ---- template_eval.c ---- */

struct value template_eval(struct render *r, const struct expr *e);
/* What V looks like printed: text of v. */
struct text template_text(struct render *r, struct value v);
/* Marks the event. Returns NO_VALUE. */
struct value template_fail(struct render *r, const struct expr *e, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
struct value template_of_bool(bool yes);
struct value template_of_integer(struct render *r, long long n);
/* JSON text that has been built as a value in the arena. */
struct value template_of_json(struct render *r, const struct buf *json);

/* ---- template_filter.c ---- */

/* The number of a filter; -1: none of that name. LEAST and MOST arguments. */
int template_filter_named(struct text name, int *least, int *most);
struct value template_filter(struct render *r, const struct expr *e, struct value v);

#endif
