/* The records of a batch dealt out to the copies of a pipeline. */
#include "pump.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "event.h"
#include "field.h"

static struct text next_line(struct text *rest)
{
	const char *feed = memchr(rest->at, '\n', rest->len);
	struct text line = { rest->at, feed ? (size_t)(feed - rest->at) + 1 : rest->len };

	*rest = text_from(*rest, line.len);
	return line;
}

/* The copy for LINE. The same from run to run: each copy has the state of its keys. What has no such field goes to one copy. */
static size_t copy_of(struct event *ev, enum field by, struct text line, size_t count)
{
	struct value_error unused;
	struct text key = NO_TEXT;

	line.len--;
	if (event_read(ev, line, &unused))
		key = event_form(ev, by);
	return key.at ? (size_t)(XXH3_64bits(key.at, key.len) % count) : 0;
}

void deal(struct copy *copies, size_t count, struct text lines, size_t records, enum field by, struct event *ev)
{
	size_t share = (records + count - 1) / count;

	for (size_t i = 0; i < count; i++)
		buf_clear(&copies[i].dealt);
	for (size_t i = 0; lines.len; i++) {
		struct text line = next_line(&lines);
		size_t copy = by != F_NONE ? copy_of(ev, by, line, count) : i / share;

		buf_text(&copies[copy].dealt, line);
	}
	for (size_t i = 0; i < count; i++) {
		buf_char(&copies[i].dealt, '\n');
		copies[i].input = buf_view(&copies[i].dealt);
	}
}
