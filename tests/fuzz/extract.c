/* Fuzz target: archives from strangers, and events' values in file names. The limits hold, every member that begins also ends, and a
 * name never has a slash or a part "." or ".." that the template did not say. */
#include <stdint.h>
#include <stdlib.h>

#include "extract.h"
#include "name_template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 1 << 20, FILES = 20 };

static struct { size_t bytes, files; bool open; } seen;

static bool begin(void *context, struct text name)
{
	(void)context;
	(void)name;
	if (seen.open || ++seen.files > FILES)
		abort();
	return seen.open = true;
}

static bool bytes(void *context, struct text bytes)
{
	(void)context;
	seen.bytes += bytes.len;
	if (!seen.open || seen.bytes > MOST)
		abort();
	return true;
}

static void end(void *context, const char *failure)
{
	(void)context;
	(void)failure;
	if (!seen.open)
		abort();
	seen.open = false;
}

static void check_name(struct text value)
{
	static struct name_template *template;
	static struct event *ev;
	struct problem problem;
	struct buf json = BUF_INIT, name = BUF_INIT;
	struct value_error error;

	if (!template)
		template = name_template_new(TEXT("{event[extra.n]}"), &problem);
	if (!ev)
		ev = event_new();
	buf_string(&json, "{\"extra.n\":");
	buf_json(&json, value);
	buf_char(&json, '}');
	if (event_read(ev, buf_view(&json), &error)) {
		name_template_write(template, ev, &name);
		if (!name.len || name.len > 255 || name.at[0] == '.' || memchr(name.at, '/', name.len) || memchr(name.at, 0, name.len))
			abort();
	}
	buf_free(&json);
	buf_free(&name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text input = { (const char *)data, size };
	struct extract x = { .max_size = MOST, .max_files = FILES, .begin = begin, .bytes = bytes, .end = end };
	struct problem problem = { .line = 0 };

	seen.bytes = seen.files = 0;
	seen.open = false;
	if (!extract_all(&x, input, &problem) && !problem.text[0])
		abort();
	if (seen.open)
		abort();
	check_name(input);
	return 0;
}
