/* imq-sieve's pieces: text -> tree (lexer.c, parser.c) -> flat program (compile.c, match.c, code.c) ->
 * verdicts (run.c). The language is described in imq-sieve-rules(5). */
#ifndef SIEVE_H
#define SIEVE_H

#include "facts.h"
#include "filter.h"
#include "problem.h"
#include "regex.h"
#include "sets.h"

/* ---- lexer.c: the text, read from the front ---- */

struct place {
	long line, column; /* from 1, characters */
};

struct lexer {
	const char *file;
	struct text source;
	size_t at;
	struct arena *arena; /* of the tree */
	size_t conditions;   /* of the expression in hand */
	struct place place;  /* of PLACE_AT: the last one asked for */
	size_t place_at;
	struct problem *problem;
};

enum literal_kind { LITERAL_STRING, LITERAL_INTEGER, LITERAL_FLOAT, LITERAL_BOOLEAN, LITERAL_VARIABLE };

/* A value as a rule names it. */
struct literal {
	enum literal_kind kind;
	size_t at;          /* in the source */
	struct text text;   /* a string's characters; a variable's name without $ */
	struct value value; /* of all but variables */
	struct literal *next;
};

/* Skips white space and comments. */
void lex_space(struct lexer *lx);
bool lex_end(struct lexer *lx);
struct place lex_place(struct lexer *lx, size_t at);
/* Fills in PROBLEM: "… expected, found …" at the current place. Returns false. */
bool lex_expected(struct lexer *lx, const char *what);
bool lex_wrong(struct lexer *lx, size_t at, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The word [a-z0-9_.]+ that stands here, empty if none does; taken only by lex_word(). */
struct text lex_peek_word(struct lexer *lx);
bool lex_word(struct lexer *lx, const char *word);
/* Takes SYMBOL if it stands here; one that begins with a colon must end where its word does. */
bool lex_symbol(struct lexer *lx, const char *symbol);
bool lex_char_is(struct lexer *lx, char c);
/* A key or, with its dollar sign, a variable. */
bool lex_key(struct lexer *lx, struct text *name, bool *variable);
/* A value of any kind. False with PROBLEM. */
bool lex_literal(struct lexer *lx, struct literal *literal);

/* ---- parser.c: the tree ---- */

enum match_op {
	MATCH_EQUAL,
	MATCH_CONTAINS,
	MATCH_REGEX,
	MATCH_IN,
	MATCH_CONTAINSANY,
	MATCH_REGEXIN,
	MATCH_NETWORK,
	MATCH_LESS,
	MATCH_LESS_EQUAL,
	MATCH_GREATER,
	MATCH_GREATER_EQUAL,
	MATCH_BEFORE,
	MATCH_AFTER,
	MATCH_EXISTS,
	MATCH_LIST_EQUALS,
	MATCH_SETEQUALS,
	MATCH_OVERLAPS,
	MATCH_SUBSETOF,
	MATCH_SUPERSETOF,
};

struct match {
	size_t at;
	enum match_op op;
	bool negated; /* != !~ :notexists */
	bool all;     /* :all */
	struct text key;
	bool variable; /* KEY is one's name */
	struct literal *values;
	const char *list_file; /* instead of VALUES; NULL: none */
};

enum node_kind { NODE_OR, NODE_AND, NODE_NOT, NODE_MATCH };

struct node {
	enum node_kind kind;
	struct node *left, *right;
	struct match *match;
};

enum statement_kind {
	STATEMENT_IF,
	STATEMENT_DROP,
	STATEMENT_KEEP,
	STATEMENT_PATH,
	STATEMENT_ADD,
	STATEMENT_ADD_FORCE,
	STATEMENT_UPDATE,
	STATEMENT_REMOVE,
	STATEMENT_APPEND,
	STATEMENT_APPEND_FORCE,
	STATEMENT_ASSIGN,
};

struct statement {
	enum statement_kind kind;
	size_t at;
	struct text key; /* ASSIGN: what is read */
	bool key_is_variable;
	struct text variable;    /* ASSIGN: what is set */
	int shift;               /* 0 =, 1 +=, -1 -= */
	struct literal *values;  /* of an action, or the paths */
	struct node *condition;  /* IF; NULL: else */
	struct statement *body;  /* IF */
	struct statement *other; /* IF: elif and else, as a statement each */
	struct statement *next;
};

/* Reads a whole file of rules. False with PROBLEM. *TREE is NULL for an empty one. */
bool parse_rules(struct lexer *lx, struct statement **tree);
/* Reads one expression. */
bool parse_expression(struct lexer *lx, struct node **tree);

/* ---- compile.c: the program ---- */

struct operand {
	int variable;       /* index, -1: the constant */
	struct value value; /* the constant */
	struct text text;   /* of a string */
};

struct when_limit {
	bool relative;
	int64_t time; /* microseconds: the moment, or how long ago */
};

struct test {
	enum match_op op;
	bool negated, all;
	bool absent; /* what it says of an event without the field */
	unsigned fact;
	bool boolean;          /* == true and the like: only booleans count, != included */
	int variable;          /* index of the variable that names the field, -1: FACT */
	struct text_set texts; /* strings to be equal to */
	double *numbers;       /* sorted */
	size_t number_count;
	struct operand *operands; /* everything else, in order */
	size_t operand_count;
	struct regex **patterns;
	size_t pattern_count;
	struct net_set networks;
	struct when_limit limit;
	bool temporal; /* < and the like compare moments */
	char *list_bytes;
};

enum step_kind {
	STEP_TEST,
	STEP_JUMP,
	STEP_ENTER,
	STEP_DROP,
	STEP_KEEP,
	STEP_PATH,
	STEP_SET,
	STEP_SHIFT,
	STEP_REMOVE,
	STEP_APPEND,
	STEP_ASSIGN,
};

struct step {
	enum step_kind kind;
	unsigned yes, no; /* TEST: where to go on; JUMP: YES */
	struct test *test;
	enum field field;
	int variable;  /* ASSIGN */
	bool force;    /* add!, append! */
	bool update;   /* only where the field is present */
	int64_t shift; /* microseconds */
	struct operand value;
	struct text canonical; /* SET: the constant as the field's type writes it; NO_TEXT: ask the type */
	const char **paths;
	size_t path_count;
	struct place place;
};

/* What runs: one for each step, small, so that long programs stay in the processor's cache. Tests that can be
 * answered in a few instructions have all they need here. */
enum code_kind {
	CODE_STEP,
	CODE_TEST,
	CODE_JUMP,
	CODE_PRESENT,
	CODE_TEXT,
	CODE_CONTAINS,
	CODE_TEXTS,
	CODE_NETWORK,
	CODE_NUMBER,
	CODE_PATTERN,
};

struct code {
	uint8_t kind;         /* enum code_kind */
	bool negated, absent; /* as of the test */
	uint8_t rare; /* CONTAINS: where in the text the character stands that is the least frequent */
	uint32_t yes, no;
	uint32_t fact;
	uint32_t length; /* TEXT, CONTAINS */
	union {
		const char *text;
		const struct text_set *texts;
		const struct net_set *networks;
		struct regex *pattern;
		double number;
	} value;
};

struct program {
	char *file; /* what messages call it */
	struct buf source;
	struct arena arena; /* tree, operands, paths */
	struct step *steps;
	size_t step_count, step_cap;
	struct code *code; /* as many */
	struct test **tests;
	size_t test_count, test_cap;
	struct text *variables;
	size_t variable_count, variable_cap;
	struct facts facts;
	/* One event's state. */
	struct value *values; /* of the variables */
	bool has_time;
	int64_t now;
	struct buf scratch;
};

/* Compiles the file PATH. NULL with PROBLEM. */
struct program *program_load(const char *path, struct problem *problem);
/* Compiles TEXT; FILE is what messages call it, and lists are relative to. */
struct program *program_of_text(const char *file, struct text text, struct problem *problem);
/* Compiles EXPRESSION into a program that keeps the events it holds for (or not, if INVERT) and drops the
 * others. */
struct program *program_of_expression(const char *expression, bool invert, struct problem *problem);
void program_free(struct program *p);
/* Reads a moment or a span of time before now. (dates.c) */
bool limit_parse(struct text t, struct when_limit *limit);

/* ---- run.c ---- */

/* What became of an event and which statement decided. */
struct decision {
	const char *what;        /* "dropped", "kept", "passed" */
	struct place at;         /* of the deciding statement; line 0: the end */
	struct place rule;       /* of the last branch taken; line 0: none */
	const struct step *path; /* the last path statement; NULL: none */
};

enum verdict program_run(struct program *p, struct event *ev, struct decision *decision);
/* What "now" is for the event in hand, in microseconds. (tests.c) */
int64_t program_now(struct program *p);
/* Whether TEST holds. False after event_mark() where it fails. (tests.c) */
bool test_holds(struct program *p, const struct test *test, struct event *ev);
/* The value of an operand; NO_VALUE after event_mark() for an unset variable. */
struct value operand_value(struct program *p, const struct operand *operand, struct event *ev);

#endif
