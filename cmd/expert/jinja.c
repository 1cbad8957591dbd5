/* imq-jinja: set fields to texts made from others, by templates in the strict part of Jinja2 that template.h
 * reads. Templates are read when the command starts; they see what those before them have set. */
#include <stdlib.h>

#include "alloc.h"
#include "event.h"
#include "files.h"
#include "filter.h"
#include "template.h"
#include "value.h"

static struct {
	struct text fields;
	bool overwrite;
	struct assignment {
		enum field field;
		struct template *template;
	} * assignments;
	size_t count, cap;
	struct buf result;
} my;

static const struct opt options[] = { OPT_JSON('f', "fields", &my.fields, "{}",
					      "map of fields to templates, or to file:///PATH of a template"),
	OPT_BOOL('o', "overwrite", &my.overwrite, false, "replace fields that are already there"), OPT_END };

/* The template of one field: the text itself, or what is in the file that it names. */
static bool add(struct text field, struct text source, struct problem *problem)
{
	struct assignment *a;
	struct buf content = BUF_INIT, name = BUF_INIT;

	alloc_grow(&my.assignments, &my.cap, my.count + 1, sizeof *my.assignments);
	a = &my.assignments[my.count++];
	*a = (struct assignment){ field_intern(field), NULL };
	if (!field_check(a->field, problem))
		return false;
	if (text_starts(source, TEXT("file:///"))) {
		buf_text(&name, text_from(source, strlen("file://")));
		if (file_read(buf_cstr(&name), 1 << 20, &content, problem))
			a->template = template_jinja(buf_view(&content), buf_cstr(&name), problem);
	} else {
		buf_printf(&name, "template of %.*s", TEXT_ARGS(field));
		a->template = template_jinja(source, buf_cstr(&name), problem);
	}
	buf_free(&content);
	buf_free(&name);
	return a->template != NULL;
}

static bool start(struct problem *problem)
{
	struct arena scratch = { 0 };
	struct value fields, key, source;
	struct value_error unused;
	struct value_walk walk;
	bool fine = value_parse(my.fields, &fields, &unused) && fields.kind == VALUE_OBJECT;

	if (!fine)
		return problem_set(problem, "--fields: a map of fields to templates expected");
	walk = value_walk(fields);
	while (fine && value_next_member(&walk, &key, &source))
		fine = source.kind == VALUE_STRING
			       ? add(value_text(key, &scratch), value_text(source, &scratch), problem)
			       : problem_set(problem, "--fields: %.*s: a template, as a string, expected",
					 TEXT_ARGS(value_inside(key)));
	arena_free(&scratch);
	return fine;
}

static enum verdict fill_in(struct event *ev)
{
	for (size_t i = 0; i < my.count; i++) {
		buf_clear(&my.result);
		if (!template_render(my.assignments[i].template, ev, NULL, &my.result))
			return REJECT;
		event_add(ev, my.assignments[i].field, buf_view(&my.result),
			my.overwrite ? OVERWRITE_YES : OVERWRITE_NO);
	}
	return PASS;
}

static void stop(void)
{
	for (size_t i = 0; i < my.count; i++)
		template_free(my.assignments[i].template);
	free(my.assignments);
	buf_free(&my.result);
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv,
		&(struct filter){ .name = "imq-jinja",
			.module = "intelmq.bots.experts.jinja.expert",
			.summary = "set fields by Jinja2 templates",
			.options = options,
			.start = start,
			.event = fill_in,
			.stop = stop });
}
