/* What field.c and field_load.c share. */
#ifndef IMQ_FIELD_PRIV_H
#define IMQ_FIELD_PRIV_H

#include "field.h"

struct regex;

struct field_rule {
	struct text name;
	enum field parent;
	bool known;  /* in the data format */
	bool well_formed; /* field_well_formed(NAME) */
	bool report; /* of reports too */
	const struct type *type;
	unsigned length;      /* characters, 0: any */
	const char *pattern;  /* NULL: any text */
	char *own_pattern;    /* PATTERN if it came from a local table, to be freed when another replaces it */
	struct regex *regex;  /* compiled at first use */
	bool nocase;
	bool (*native)(struct text); /* matches as PATTERN does, but faster */
	bool native_decides;         /* its "no" is final too */
};

struct field_rule *field_rule(enum field f);
/* PATTERN and TYPE stay with the caller and must outlive the table. */
void field_rule_set(struct field_rule *rule, const struct type *type, unsigned length, const char *pattern, bool nocase);

#endif
