/* The list of types. Each stands in a type_*.c beside its kin. */
#include "type.h"

#include <stdlib.h>

#include "repr.h"
#include "type_priv.h"
#include "unicode.h"

static const struct type *const types[] = {
	&type_asn,
	&type_accuracy,
	&type_base64,
	&type_boolean,
	&type_taxonomy,
	&type_classification,
	&type_date_time,
	&type_fqdn,
	&type_float,
	&type_generic,
	&type_ip_address,
	&type_ip_network,
	&type_integer,
	&type_json,
	&type_json_dict,
	&type_lowercase,
	&type_registry,
	&type_string,
	&type_tlp,
	&type_url,
	&type_uppercase,
};

const struct type *const *type_list(size_t *count)
{
	*count = LENGTH(types);
	return types;
}

const struct type *type_named(struct text name)
{
	for (size_t i = 0; i < LENGTH(types); i++)
		if (text_is(name, types[i]->name))
			return types[i];
	return NULL;
}

/* Whether the JSON number RAW is zero: no digit but 0 before an exponent. */
static bool zero(struct text raw)
{
	for (size_t i = 0; i < raw.len && raw.at[i] != 'e' && raw.at[i] != 'E'; i++)
		if (raw.at[i] >= '1' && raw.at[i] <= '9')
			return false;
	return true;
}

bool form_open(enum value_kind kind, struct text in, struct form *form)
{
	form->own = BUF_INIT;
	if (kind == VALUE_STRING) {
		if (in.len == 0 || !unicode_valid(in))
			return false;
		form->text = unicode_strip(in);
		return true;
	}
	if (kind == VALUE_NONE || kind == VALUE_NULL || kind == VALUE_FALSE ||
		(kind == VALUE_NUMBER && zero(in)))
		return false;
	if ((kind == VALUE_ARRAY || kind == VALUE_OBJECT) &&
		value_space(in.at + 1, in.at + in.len) == in.at + in.len - 1)
		return false;
	repr_value(&form->own, (struct value){ in, kind, false });
	form->text = unicode_strip(buf_view(&form->own));
	return true;
}

void form_close(struct form *form)
{
	buf_free(&form->own);
}
