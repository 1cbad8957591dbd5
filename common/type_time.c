/* Points in time. data-format.md 2.19. */
#include "type_priv.h"
#include "when.h"

static bool time_sanitise(enum value_kind kind, struct text in, struct buf *out)
{
	int64_t microseconds;

	if (kind != VALUE_STRING)
		return false;
	if (when_is_canonical(in)) {
		put_plain(out, in);
		return true;
	}
	if (!when_parse(in, &microseconds))
		return false;
	buf_char(out, '"');
	when_write(out, microseconds);
	buf_char(out, '"');
	return true;
}

static bool time_valid(enum value_kind kind, struct text in)
{
	return kind == VALUE_STRING && when_is_canonical(in);
}

const struct type type_date_time = { "DateTime", "a time", time_sanitise, time_valid, time_sanitise };
