/* jq programs (libjq) that change the structure of JSON records. */
#ifndef IMQ_PARSE_JQ_PROGRAM_H
#define IMQ_PARSE_JQ_PROGRAM_H

#include "parse.h"

struct jq_program;

/* Compiles TEXT. NULL with PROBLEM's text filled in. */
struct jq_program *jq_program_new(struct text text, struct problem *problem);
void jq_program_free(struct jq_program *p);
/* Maps every result of the program for R, which has a JSON value: all of their events, or none and R is rejected. */
void jq_program_run(struct session *s, const struct record *r);

#endif
