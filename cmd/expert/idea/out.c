/* Writing an object as Python's json module does: `{"a": [1, 2]}`, ASCII only. */
#include "idea.h"

struct buf out;

/* Only structure ends with an opening bracket: strings end with a quote. */
void out_comma(void)
{
	char last = out.len ? out.at[out.len - 1] : '{';

	if (last != '{' && last != '[')
		buf_string(&out, ", ");
}

void out_key(const char *name)
{
	out_comma();
	buf_char(&out, '"');
	buf_string(&out, name);
	buf_string(&out, "\": ");
}

void out_text(struct text t)
{
	out_comma();
	buf_json_ascii(&out, t);
}

size_t out_open(const char *name, char bracket)
{
	size_t mark = out.len;

	if (name)
		out_key(name);
	else
		out_comma();
	buf_char(&out, bracket);
	return mark;
}

void out_close(size_t mark, char bracket)
{
	char last = out.at[out.len - 1];

	if (last == '{' || last == '[')
		out.len = mark;
	else
		buf_char(&out, bracket);
}

void out_member(const char *name, struct text t)
{
	if (!t.at)
		return;
	out_key(name);
	buf_json_ascii(&out, t);
}
