/* Regular expressions as the rest of imq uses them: PCRE2 with JIT, UTF-8, and limits on matching effort, so
 * that an expression from a rule file and a value from an attacker together cannot stop a pipeline.
 * Expressions without anything special but ^ and $ at their ends are compared without an engine. */
#ifndef IMQ_REGEX_H
#define IMQ_REGEX_H

#include <stdbool.h>
#include <stdint.h>

#include "problem.h"
#include "text.h"

struct regex;

enum {
	REGEX_NOCASE = 1,
	REGEX_WHOLE = 2,
	REGEX_MULTILINE = 4,
	/* The pattern is one of Python's re module and means what it means there, `$` before a last line feed
	 * included; what Python has not is refused. Without this it is PCRE2's own language, and `$` is the
	 * very end. */
	REGEX_PYTHON = 8,
};

/* Compiles PATTERN. NULL with PROBLEM's text filled in: it is no regular expression. Free with regex_free().
 */
struct regex *regex_new(struct text pattern, unsigned flags, struct problem *problem);
void regex_free(struct regex *r);
/* Whether R matches somewhere in T. Beyond the effort limit, or where T is no UTF-8, it does not match. */
bool regex_search(struct regex *r, struct text t);
/* As regex_search(), and GROUPS[0] is the whole match, GROUPS[n] group n, NO_TEXT where it took no part.
 * COUNT is the number of GROUPS. */
bool regex_match(struct regex *r, struct text t, struct text *groups, size_t count);
/* The number of the group called NAME, or -1; and how many groups there are. */
int regex_group(const struct regex *r, const char *name);
unsigned regex_groups(const struct regex *r);
/* If R matches only this one text (and perhaps it with a line feed behind), the text, for an index; else
 * NO_TEXT. */
struct text regex_exact(const struct regex *r);

/* Which pairs of neighbouring bytes are in a text, roughly: a bit for several of them. Where many expressions are tried on
 * one text, most of them need a pair that is not there, and need no engine. */
struct regex_pairs {
	uint64_t bits[4];
};

struct regex_pairs regex_pairs_of(struct text t);
/* False: R matches no text with these pairs. */
bool regex_may_match(const struct regex *r, const struct regex_pairs *pairs);

#endif
