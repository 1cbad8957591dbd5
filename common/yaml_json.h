/* YAML documents as JSON text, so that one kind of value serves options, definitions and rules. */
#ifndef IMQ_YAML_JSON_H
#define IMQ_YAML_JSON_H

#include "buf.h"
#include "problem.h"

/* Steps through YAML (libyaml events, YAML 1.2 core schema: `yes` is a text, `010` is 10). */
struct yaml_reader;

/* Reads TEXT, whose bytes must hold. FILE is for messages. */
struct yaml_reader *yaml_open(struct text text, const char *file);
void yaml_close(struct yaml_reader *y);
/* Goes into the map at the top (or at the current value). False: it is none (PROBLEM), or the document is empty, which leaves
 * PROBLEM's text empty. */
bool yaml_enter_map(struct yaml_reader *y, struct problem *problem);
/* The next key of the map entered last, with its line; false: the map ends, or PROBLEM's text is filled in. The key's bytes hold
 * until the next call. */
bool yaml_next_key(struct yaml_reader *y, struct text *key, long *line, struct problem *problem);
/* Appends the current value, whatever it is, as JSON text. Aliases are refused, and so is nesting beyond 64. */
bool yaml_value(struct yaml_reader *y, struct buf *json, struct problem *problem);
/* All of TEXT as one JSON value; an empty document is null. */
bool yaml_to_json(struct text text, const char *file, struct buf *json, struct problem *problem);

#endif
