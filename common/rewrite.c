#include "rewrite.h"

#include "nest.h"

static void rewrite_extra(struct event *ev, bool (*change)(struct text in, struct buf *out))
{
	struct buf before = BUF_INIT, after = BUF_INIT;

	if (nest_write(ev, TEXT("extra"), &before) && change(buf_view(&before), &after))
		event_add(ev, F_EXTRA, buf_view(&after), OVERWRITE_YES);
	buf_free(&before);
	buf_free(&after);
}

/* One of several values, changed, into LIST. False: it is refused. */
static bool rewrite_one(enum field f, struct text in, struct buf *changed, struct buf *list,
	bool (*change)(struct text in, struct buf *out))
{
	size_t before = list->len;

	buf_clear(changed);
	if (change(in, changed))
		in = buf_view(changed);
	if (in.len == 0)
		return true;
	if (before > 1)
		buf_char(list, ',');
	if (field_sanitise(f, VALUE_STRING, in, list) == FIELD_FINE)
		return true;
	list->len = before;
	return false;
}

/* Several values stay a list, one is written alone. */
static void rewrite_values(
	struct event *ev, enum field f, bool (*change)(struct text in, struct buf *out), struct buf *changed)
{
	struct buf list = BUF_INIT;
	struct event_values values = event_values(ev, f);
	struct value v;
	size_t count = 0;

	buf_char(&list, '[');
	while (event_next_value(&values, &v)) {
		struct text in = event_value_form(ev, v);
		size_t before = list.len;

		if (!rewrite_one(f, in, changed, &list, change)) {
			event_mark(ev, "%.*s: a value is refused once changed", TEXT_ARGS(field_name(f)));
			break;
		}
		count += list.len > before;
	}
	buf_char(&list, ']');
	if (!event_marked(ev) && count == 0)
		event_delete(ev, f);
	else if (!event_marked(ev) && count == 1)
		event_set_raw(ev, f, (struct text){ list.at + 1, list.len - 2 });
	else if (!event_marked(ev))
		event_set_raw(ev, f, buf_view(&list));
	buf_free(&list);
}

enum rewritten event_rewrite(
	struct event *ev, enum field f, bool (*change)(struct text in, struct buf *out), struct buf *scratch)
{
	struct value v = event_value(ev, f);

	if (f == F_EXTRA) {
		rewrite_extra(ev, change);
		return REWRITE_DONE;
	}
	if (v.kind == VALUE_NONE)
		return REWRITE_ABSENT;
	if (v.kind == VALUE_ARRAY && !field_is_extra(f)) {
		rewrite_values(ev, f, change, scratch);
		return REWRITE_DONE;
	}
	if (v.kind != VALUE_STRING)
		return REWRITE_NOT_TEXT;
	buf_clear(scratch);
	if (change(value_text(v, event_arena(ev)), scratch))
		event_add(ev, f, buf_view(scratch), OVERWRITE_YES);
	return REWRITE_DONE;
}
