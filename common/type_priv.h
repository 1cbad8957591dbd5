/* What the type_*.c files share. */
#ifndef IMQ_TYPE_PRIV_H
#define IMQ_TYPE_PRIV_H

#include "type.h"

extern const struct type type_generic, type_string, type_lowercase, type_uppercase, type_base64, type_boolean,
	type_integer, type_float, type_accuracy, type_asn, type_ip_address, type_ip_network, type_fqdn,
	type_url, type_json, type_json_dict, type_registry, type_taxonomy, type_classification, type_tlp,
	type_date_time;

/* The text form of a value, without white space around it: a part of the value itself, or in OWN. */
struct form {
	struct text text;
	struct buf own;
};

/* False: the value is empty, zero or no UTF-8, which no text type takes; then nothing is to be closed. */
bool form_open(enum value_kind kind, struct text in, struct form *form);
void form_close(struct form *form);

/* Whether C is one of the characters in SET. A NUL never is. */
static inline bool one_of(char c, const char *set)
{
	return c && strchr(set, c);
}

/* Appends TEXT, in which nothing needs an escape, as a JSON string. */
static inline void put_plain(struct buf *out, struct text t)
{
	char *p = buf_room(out, t.len + 2);

	p[0] = '"';
	memcpy(p + 1, t.at, t.len);
	p[t.len + 1] = '"';
	out->len += t.len + 2;
}

#endif
