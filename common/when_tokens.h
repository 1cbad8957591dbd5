/* The tokens of the fuzzy date reader (data-format.md 2.20): words, numbers, single other characters. For
 * when_fuzzy.c alone. */
#ifndef IMQ_WHEN_TOKENS_H
#define IMQ_WHEN_TOKENS_H

#include <stdbool.h>

#include "text.h"

enum { TOKENS_MAX = 512 };

/* Characters of any script that are digits stand here as ASCII; other characters outside ASCII are one
 * control byte each. */
struct token {
	const char *at;
	size_t len; /* characters */
};

struct tokens {
	char text[TOKENS_MAX];
	struct token list[TOKENS_MAX];
	int count;
};

/* False: T is empty, no UTF-8, or has over TOKENS_MAX characters. */
bool tokens_read(struct tokens *tokens, struct text t);
/* Token I, NULL where there is none. The other functions take that NULL and say no. */
struct token *token_at(struct tokens *tokens, int i);
bool token_is(const struct token *t, char c);
/* The index of the token in WORDS, in any case, or -1; WORDS are separated by blanks, alternatives of one
 * index by |. */
int token_word(const struct token *t, const char *words);
int token_weekday(const struct token *t);  /* 0 is Monday; -1 */
int token_month(const struct token *t);    /* from 1; 0: none */
int token_unit(const struct token *t);     /* 0 hour, 1 minute, 2 second; -1 */
int token_half_day(const struct token *t); /* 0 am, 1 pm; -1 */
bool token_jumps(const struct token *t);   /* is a word or sign between the parts of a date */
bool token_utc(const struct token *t);     /* is a name of UTC */
/* These two want a token. A number is digits, with a point among or behind them or not. */
bool token_all_digits(const struct token *t);
bool token_number(const struct token *t);

#endif
