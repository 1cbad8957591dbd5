/* Any bytes as an event: jansson agrees on what is one, and whatever is changed, what is written is an event again. */
#include <jansson.h>
#include <stdlib.h>

#include "event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool numbers_fit(const uint8_t *data, size_t size)
{
	size_t digits = 0;

	/* Long numbers and escaped NULs are where we part on purpose. */
	for (size_t i = 0; i < size; i++) {
		digits = (data[i] >= '0' && data[i] <= '9') || data[i] == 'e' || data[i] == 'E' ? digits + 1 : 0;
		if (digits > 3 || (size - i > 5 && memcmp(data + i, "\\u000", 5) == 0))
			return false;
	}
	return true;
}

/* Read again, now that its keys are expected, and with blanks behind, so that all of them can be compared at once. */
static void expect_same(struct event *ev, struct text line, bool fine)
{
	static struct buf longer, first, second;
	struct value_error error;

	buf_clear(&longer);
	buf_text(&longer, line);
	for (int i = 0; i < 64; i++)
		buf_char(&longer, ' ');
	for (int i = 0; i < 2; i++) {
		struct buf *out = i ? &second : &first;
		enum field f;
		size_t cursor = 0;
		struct text name;
		struct value v;

		if (event_read(ev, i ? buf_view(&longer) : line, &error) != fine)
			abort();
		buf_clear(out);
		while (event_next(ev, &cursor, &name, &f, &v)) {
			if (f != field_find(name))
				abort();
			buf_text(out, name);
			buf_text(out, v.raw);
		}
	}
	if (!text_eq(buf_view(&first), buf_view(&second)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct event *ev, *again;
	static struct buf out;
	struct text line = { (const char *)data, size };
	struct value_error error;
	bool ours;

	if (!ev) {
		ev = event_new();
		again = event_new();
	}
	ours = event_read(ev, line, &error);
	expect_same(again, line, ours);
	if (numbers_fit(data, size)) {
		json_t *theirs = json_loadb(line.at, size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);

		/* We also refuse a path below `extra` that is there twice, and jansson swallows a NUL behind a number. */
		if (ours && !json_is_object(theirs))
			abort();
		if (!ours && json_is_object(theirs) && !strstr(error.reason, "extra") && !memchr(data, 0, size))
			abort();
		json_decref(theirs);
	}
	if (!ours)
		return 0;
	event_set_raw(ev, field_intern(TEXT("extra.fuzz")), TEXT("1"));
	event_delete(ev, F_SOURCE_IP);
	event_set(ev, F_COMMENT, TEXT("text"));
	event_set_raw_named(ev, TEXT("unknown\n"), TEXT("[]"));
	buf_clear(&out);
	event_write(ev, &out);
	if (!event_marked(ev) && !event_read(again, buf_view(&out), &error))
		abort();
	return 0;
}
