/* What the parts of the compiler share: compile.c, match.c, code.c. */
#ifndef SIEVE_COMPILE_H
#define SIEVE_COMPILE_H

#include "sieve.h"

struct compiler {
	struct lexer lx;
	struct program *program;
	unsigned *labels; /* steps */
	size_t label_count, label_cap;
};

/* The index of the variable NAME, which stands at AT. False with PROBLEM: no assignment sets it. */
bool compile_variable(struct compiler *c, struct text name, size_t at, int *index);
/* The field NAME. False with PROBLEM: it can be none. */
bool compile_field(struct compiler *c, struct text name, size_t at, enum field *f);

/* match.c */
bool compile_operand(struct compiler *c, const struct literal *l, struct operand *out);
/* Makes *OUT, which belongs to the program, of M. False with PROBLEM. */
bool compile_match(struct compiler *c, const struct match *m, struct test **out);

/* code.c: fills in P's code from its steps. */
void code_make(struct program *p);

#endif
