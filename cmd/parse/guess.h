/* Definitions for feeds that nobody has described yet. */
#ifndef IMQ_PARSE_GUESS_H
#define IMQ_PARSE_GUESS_H

#include "parse.h"

/* Appends a definition for the feed that begins with SAMPLE, UTF-8, as YAML; WHOLE: SAMPLE is all of it. False: nothing could be made
 * out. */
bool guess_definition(struct text sample, bool whole, struct buf *out);

#endif
