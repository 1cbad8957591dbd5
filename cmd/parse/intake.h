/* The way from what is read to the session, and the reports that keep rejected records. */
#ifndef IMQ_PARSE_INTAKE_H
#define IMQ_PARSE_INTAKE_H

#include "filter.h"
#include "parse.h"

enum intake_kind { INPUT_AUTO, INPUT_RAW, INPUT_REPORT };

/* Reads all that RUN has to read and gives it to SESSION, whose callbacks it sets. RUN's failure tells whether it
 * went well. */
void intake(struct run *run, struct session *session, enum encoding encoding, enum intake_kind kind);

/* Builds `{"field":value,…}` of default_fields GIVEN (a map, or a text with one; NO_TEXT: none), and of TYPE as
 * classification.type (NULL: none), which beats GIVEN. False with PROBLEM filled in: a field or value is not
 * acceptable. */
bool defaults_read(struct text given, const char *type, struct buf *json, struct problem *problem);

#endif
