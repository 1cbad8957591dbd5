/* Between regex.c and regex_python.c. */
#ifndef IMQ_REGEX_PRIV_H
#define IMQ_REGEX_PRIV_H

#include <stdint.h>

#include "buf.h"
#include "problem.h"
#include "text.h"

/* Appends to OUT what PCRE2 has to be given to understand PATTERN as Python's re module does; *OPTIONS,
 * PCRE2's, gain and lose what flags in the pattern say. False with PROBLEM's text filled in: Python has no
 * such expression, or PCRE2 cannot do it. */
bool regex_from_python(struct text pattern, struct buf *out, uint32_t *options, struct problem *problem);

#endif
