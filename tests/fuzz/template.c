/* Fuzz target: any template, in both languages, on any event. The first line is the event, the rest the
 * template. */
#include <stdint.h>
#include <stdlib.h>

#include "template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int resolve(void *context, struct text field, struct text group, struct problem *problem)
{
	(void)context;
	if (field.len == group.len)
		return 0;
	problem_set(problem, "no such group");
	return -1;
}

static void render(struct template *t, struct text line)
{
	const struct text match = TEXT("match");
	struct value_error error;
	struct buf out = BUF_INIT;
	struct event *ev = event_new();

	if (t && event_read(ev, line, &error))
		template_render(t, ev, &match, &out);
	event_free(ev);
	template_free(t);
	buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text source = { (const char *)data, size }, line;
	struct problem problem = { .line = 0 };

	if (!text_split(&source, '\n', &line) || !source.at)
		return 0;
	render(template_jinja(source, "fuzz", &problem), line);
	render(template_format(source, "msg", resolve, NULL, &problem), line);
	return 0;
}
