/* Templates: both languages, what they print and what they refuse. The results are those of Jinja2 3.1. */
#include <stdlib.h>

#include "check.h"
#include "template.h"

static const char line[] =
	"{\"source.port\":80,\"comment\":\"hello world\",\"extra.l\":[\"b\",\"A\",3],\"extra.f\":false}";

/* Whether SOURCE prints WANTED; NULL: it is refused or fails. */
static bool prints(const char *source, const char *wanted)
{
	struct event *ev = event_new();
	struct problem problem;
	struct value_error error;
	struct buf out = BUF_INIT;
	struct template *t = template_jinja(text_of(source), "test", &problem);
	bool fine = t && event_read(ev, text_of(line), &error) && template_render(t, ev, NULL, &out);
	bool same = wanted ? fine && text_is(buf_view(&out), wanted) : !fine;

	if (!same)
		printf("%s prints %s\n", source, fine ? buf_cstr(&out) : "nothing");
	template_free(t);
	event_free(ev);
	buf_free(&out);
	return same;
}

int main(void)
{
	static const struct {
		const char *source, *wanted;
	} rows[] = {
		{ "{{ 7 // -2 }} {{ 7 % -2 }} {{ -7 // 2 }} {{ 7 / 2 }} {{ 2 * 3.5 }}", "-4 -1 -4 3.5 7.0" },
		{ "{{ 10 - 2 - 3 }} {{ 1 + 2 * 3 }} {{ -msg['source.port'] }}", "5 7 -80" },
		{ "{{ 'a' ~ 1 ~ 2.0 ~ none }}{{ msg.nope }}", "a12.0None" },
		{ "{{ msg['extra.l'] }} {{ msg['extra.l'][-1] }} {{ [1][5] }}", "['b', 'A', 3] 3 " },
		{ "{% set a = 1 %}{% for x in [1,2] %}{% set a = x %}{{ a }}{% endfor %}{{ a }}", "121" },
		{ "{% for x in msg.nope %}a{% else %}e{% endfor %}", "e" },
		{ "a  {%- if true -%}  b  {%- endif %}  c{# x -#}  d\n", "ab  cd" },
		{ "{{ ' x '|trim|upper }}{{ msg['extra.l']|join('-')|replace('-', '+') }}", "Xb+A+3" },
		{ "{{ 'ell' in msg.comment }}{{ 'source.port' in msg }}{{ not 1 == 1.0 }}", "TrueTrueFalse" },
		{ "{{ 1 if 0 else 2 if 0 else 3 }}{{ 'x' if false }}", "3" },
		{ "{{ {'a': 2}.get('x', 5) }}{% for k, v in {'x': 'y'}.items() %}{{ k }}{{ v }}{% endfor %}",
			"5xy" },
		{ "{{ 9223372036854775807 + 1 }}", NULL },
		{ "{{ 1 % 0 }}", NULL },
		{ "{{ 1 + 'a' }}", NULL },
		{ "{{ msg.a.b }}", NULL },
		{ "{{ loop.first }}", NULL },
		{ "{% for msg in [1] %}{% endfor %}", NULL },
		{ "{{ 'a }}", NULL },
		{ "{# ", NULL },
		{ "{% raw %}{% endraw %}", NULL },
		{ "{{ }}", NULL },
	};

	for (size_t i = 0; i < LENGTH(rows); i++)
		CHECK(prints(rows[i].source, rows[i].wanted));
	return check_end();
}
