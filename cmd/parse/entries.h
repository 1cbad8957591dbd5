/* A definition's file as a table of its keys with their lines, and typed reading of settings. */
#ifndef IMQ_PARSE_ENTRIES_H
#define IMQ_PARSE_ENTRIES_H

#include "parse.h"
#include "yaml_json.h"

struct entry {
	struct text key;
	long line;
	struct value value;       /* unless it is one of those maps whose keys are entries again */
	struct entries *children;
};

struct entries {
	struct entry *at;
	size_t count;
};

/* Reads the whole file. False with the problem filled in. */
bool entries_read(struct builder *b, struct yaml_reader *y, struct entries *top);
/* NULL: there is none. */
struct entry *entries_find(const struct entries *list, const char *key);
/* False, with the problem filled in and a suggestion, if LIST has a key that no definition has. */
bool entries_check(struct builder *b, const struct entries *list);

/* The setting KEY of the builder's innermost layer that has it; the builder is then at its line. NULL: not set. */
struct entry *setting(struct builder *b, const char *key);
/* A string's text; NO_TEXT for other values. */
struct text text_in(struct builder *b, struct value v);
struct value member_of(struct value map, const char *name);
/* These set *RESULT where KEY is set. False with the problem filled in: it is set to something else. */
bool read_text(struct builder *b, const struct entries *list, const char *key, struct text *text);
bool read_bool(struct builder *b, const char *key, bool *result);
bool read_count(struct builder *b, const char *key, size_t *result);
/* The number of one of WORDS (NULL-terminated). */
bool read_word(struct builder *b, const char *key, const char *const *words, int *result);
/* A text or a list of texts. */
bool read_texts(struct builder *b, const char *key, struct text **texts, size_t *count);
bool read_text_list(struct builder *b, const char *key, struct value v, struct text **texts, size_t *count);
bool read_regex(struct builder *b, const char *key, struct regex **regex);
bool read_steps(struct builder *b, const char *key, struct steps *steps);
bool read_conditions(struct builder *b, const char *key, struct conditions *conditions);

/* The program's parts: how records are cut (framing.c), how events are made of them (rules.c). */
bool framing_read(struct builder *b);
bool mappings_read(struct builder *b);

#endif
