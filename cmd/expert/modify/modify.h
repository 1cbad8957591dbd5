/* imq-modify's pieces: rules read from a file (load.c), an index over them and their run (run.c). */
#ifndef MODIFY_H
#define MODIFY_H

#include "facts.h"
#include "filter.h"
#include "opt.h"
#include "regex.h"
#include "template.h"

enum condition_kind { CONDITION_ABSENT, CONDITION_PATTERN, CONDITION_EQUAL };

struct condition {
	enum condition_kind kind;
	unsigned fact;
	struct regex *regex;
	struct value value; /* EQUAL */
	size_t first_match; /* PATTERN: where its groups go in the rules' matches */
	size_t match_count; /* 0: nobody asks for them */
};

struct assignment {
	enum field field;
	bool remove;
	struct text canonical; /* what the field's type makes of a constant; NO_TEXT: see below */
	struct value value;    /* for `extra` as a whole; NO_VALUE: the template */
	struct template *template;
};

struct rule {
	struct condition *conditions;
	struct assignment *assignments;
	size_t condition_count, assignment_count;
};

/* Rules that want one certain text in a field. */
struct exact {
	struct text text;
	size_t rule;
};

/* Which rules may hold, given the value of one fact. Sets of rules are bitmaps. */
struct index {
	uint64_t *present;    /* those that want any value; NULL: none */
	struct exact *exacts; /* sorted */
	size_t exact_count, exact_cap;
};

struct rules {
	struct buf json; /* what the rules were read from */
	struct arena arena;
	struct rule *rules;
	size_t count;
	struct facts facts;
	struct index *indexes; /* one for each fact */
	uint64_t *always;      /* rules that no index knows */
	uint64_t *candidates;  /* of the event in hand */
	size_t words;          /* of a bitmap */
	struct text *matches;
	size_t match_count;
	struct buf scratch;
};

/* Reads the file PATH. NULL with PROBLEM. */
struct rules *rules_load(const char *path, bool case_sensitive, struct problem *problem);
void rules_free(struct rules *rules);
/* Builds the index. */
void rules_index(struct rules *rules);
/* Applies every rule that holds, LIMIT of them at most (0: all). */
void rules_apply(struct rules *rules, struct event *ev, enum overwrite overwrite, long long limit);

#endif
