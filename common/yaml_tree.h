/* A YAML document as a tree, for yaml_json.c: aliases and merge keys are resolved, so that several places may lead to one node. */
#ifndef IMQ_YAML_TREE_H
#define IMQ_YAML_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "arena.h"
#include "problem.h"
#include "text.h"

enum yaml_kind { YAML_TEXT, YAML_LIST, YAML_MAP };

struct yaml_node {
	enum yaml_kind kind;
	long line;                /* from 1 */
	struct text text;
	bool plain;               /* a text that may be a number, a boolean or null */
	struct yaml_node **items; /* of a map: key, value, key, value; keys are texts */
	size_t count;
	size_t weight;            /* about as many bytes as it is in JSON, all aliases being written out */
};

struct yaml_tree {
	struct arena arena;
	struct yaml_node *root; /* NULL: the document is empty */
	bool old;               /* %YAML 1.1 */
};

/* Reads the one document in TEXT; FILE is for messages. False: PROBLEM. Free with yaml_tree_free() either way. */
bool yaml_tree_read(struct yaml_tree *tree, struct text text, const char *file, struct problem *problem);
void yaml_tree_free(struct yaml_tree *tree);
/* The key of MAP that is there twice; NULL: there is none. */
const struct yaml_node *yaml_repeated(const struct yaml_node *map);

#endif
