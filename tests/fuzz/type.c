/* Fuzz target: any type on any value. What is taken must be good JSON, and, taken again, stay as it is where
 * the type's canonical form is one. */
#include <stdint.h>
#include <stdlib.h>

#include "type.h"
#include "value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Base64 is encoded once more each time; case mappings of all of Unicode and TLP's prefix may find something
 * to do again. */
static bool stays(const struct type *type)
{
	return strcmp(type->name, "Base64") != 0 && strcmp(type->name, "LowercaseString") != 0 &&
	       strcmp(type->name, "UppercaseString") != 0 && strcmp(type->name, "TLP") != 0;
}

static void check(const struct type *type, enum value_kind kind, struct text in)
{
	struct buf first = BUF_INIT, second = BUF_INIT;
	struct arena scratch = { 0 };
	struct value_error error;
	struct value v;

	type->valid(kind, in);
	if (type->sanitise(kind, in, &first)) {
		if (!value_parse(buf_view(&first), &v, &error))
			abort();
	} else if (first.len) {
		abort();
	}
	buf_clear(&first);
	if (type->accept(kind, in, &first)) {
		struct text text;

		if (!value_parse(buf_view(&first), &v, &error))
			abort();
		text = v.kind == VALUE_STRING ? value_text(v, &scratch) : v.raw;
		if (!type->valid(v.kind, text))
			abort();
		if (stays(type) && (!type->accept(v.kind, text, &second) ||
					   !text_eq(buf_view(&first), buf_view(&second))))
			abort();
	}
	arena_free(&scratch);
	buf_free(&first);
	buf_free(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t count;
	const struct type *const *types = type_list(&count);
	struct arena scratch = { 0 };
	struct value_error error;
	struct text in;
	struct value v;

	if (size < 2)
		return 0;
	in = (struct text){ (const char *)data + 1, size - 1 };
	/* What is no JSON value is the text of a string. */
	if (!value_parse(in, &v, &error) || v.raw.len != in.len)
		v.kind = VALUE_STRING;
	else if (v.kind == VALUE_STRING)
		in = value_text(v, &scratch);
	check(types[data[0] % count], v.kind, in);
	arena_free(&scratch);
	return 0;
}
