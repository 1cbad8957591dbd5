/* The kinds of steps, each in its own file. */
#ifndef IMQ_PARSE_STEPS_H
#define IMQ_PARSE_STEPS_H

#include "parse.h"

/* Fails with `WHAT: "T"`. */
enum outcome step_fail(struct session *s, const char *what, struct text t);
/* Numbers, JSON values and arrays (values.c). */
enum outcome step_value(struct session *s, const struct step *step, struct cell *cell);
/* Parts of URLs, relative URLs (urls.c). */
enum outcome step_url(struct session *s, const struct step *step, struct cell *cell);
const struct table_row *table_find(const struct table *table, struct text key);

#endif
