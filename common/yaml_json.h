/* YAML documents as JSON text, so that one kind of value serves options, definitions and rules.
 *
 * The rules are those of YAML 1.2 as ruamel has them: `yes` is a text, `010` is 10, `0o17` 15, `0x1f` 31, `1_000` 1000; after `%YAML 1.1`
 * `yes` and `on` are true, `no` and `off` false, and `010` is 8. What JSON has no number for (`.inf`, more than 64 bits in hex or octal) is
 * a text, and so are times and dates. A key that a map has twice is an error. Aliases stand for what their anchor names, and a merge key (`<<: *x`, `<<: [*x, *y]`) for the keys of
 * maps that a map has not itself; all of a document's aliases together for no more than 16 MiB. Tags that are not YAML's own (`!!str`,
 * `!!int`, …) are refused, and so is a second document in a file. */
#ifndef IMQ_YAML_JSON_H
#define IMQ_YAML_JSON_H

#include "buf.h"
#include "problem.h"

/* Steps through a document. */
struct yaml_reader;

/* Reads TEXT. FILE is for messages. What is no YAML is told by the first yaml_enter_map(). */
struct yaml_reader *yaml_open(struct text text, const char *file);
void yaml_close(struct yaml_reader *y);
/* Goes into the map at the top (or at the current value). False: it is none, or no good (PROBLEM), or nothing is there, which leaves
 * PROBLEM's text empty. */
bool yaml_enter_map(struct yaml_reader *y, struct problem *problem);
/* The next key of the map entered last, with its line; false: the map ends, or none was entered. Its value is the current one then: it may be entered, or
 * taken by yaml_value(), or left alone. The key's bytes hold until yaml_close(). */
bool yaml_next_key(struct yaml_reader *y, struct text *key, long *line, struct problem *problem);
/* Appends the current value, whatever it is, as JSON text. Refuses nesting beyond 64. */
bool yaml_value(struct yaml_reader *y, struct buf *json, struct problem *problem);
/* All of TEXT as one JSON value; an empty document is null. */
bool yaml_to_json(struct text text, const char *file, struct buf *json, struct problem *problem);

#endif
