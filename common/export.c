#include "export.h"

#include "nest.h"
#include "repr.h"

bool export_start(const struct export *x, struct problem *problem)
{
	enum field f;

	if (!x->single_key)
		return true;
	f = field_intern(text_of(x->single_key));
	if (f == F_NONE || !field_check(f, problem))
		return problem_set(problem, "--single-key: no such field: \"%s\"", x->single_key);
	return true;
}

void export_text(struct event *ev, struct value v, struct buf *out)
{
	if (v.kind == VALUE_STRING)
		buf_text(out, value_text(v, event_arena(ev)));
	else
		repr_value(out, v);
}

/* `output` holds JSON already; a plain text in it is meant as text. */
static void put_output(struct event *ev, struct text stored, struct buf *out)
{
	struct value v;
	struct value_error unused;

	if (value_parse(stored, &v, &unused) && v.kind == VALUE_STRING)
		buf_text(out, value_text(v, event_arena(ev)));
	else
		buf_text(out, stored);
}

static bool put_single(struct event *ev, const char *key, struct buf *out)
{
	enum field f = field_find(text_of(key));

	if (f == F_EXTRA ? !nest_write(ev, TEXT("extra"), out) : !event_has(ev, f)) {
		event_mark(ev, "%s: absent, and nothing else is to be written", key);
		return false;
	}
	if (f == F_EXTRA)
		return true;
	if (f == F_RAW && event_text(ev, f).at) {
		if (!buf_unbase64(out, event_text(ev, f))) {
			event_mark(ev, "%s: no base64", key);
			return false;
		}
	} else if (f == F_OUTPUT && event_text(ev, f).at) {
		put_output(ev, event_text(ev, f), out);
	} else {
		export_text(ev, event_value(ev, f), out);
	}
	return true;
}

static bool keep_others(enum field f, struct text name)
{
	(void)f;
	return !text_is(name, "extra") && !text_starts(name, TEXT("extra."));
}

/* Puts all of extra into one member, a text of JSON with flat names. */
static void extra_to_string(struct export *x, struct event *ev)
{
	struct buf *object = &x->object;
	size_t cursor = 0;
	struct text name;
	enum field f;
	struct value v;

	buf_clear(object);
	buf_clear(&x->string);
	while (event_next(ev, &cursor, &name, &f, &v))
		if (text_starts(name, TEXT("extra."))) {
			buf_char(object, object->len ? ',' : '{');
			buf_json(object, text_from(name, 6));
			buf_char(object, ':');
			buf_text(object, v.raw);
		}
	if (object->len) {
		buf_char(object, '}');
		buf_json(&x->string, buf_view(object));
		event_retain(ev, keep_others);
		event_set_raw(ev, F_EXTRA, buf_view(&x->string));
	}
}

bool export_event(struct export *x, struct event *ev, struct buf *out)
{
	bool report;

	if (x->single_key)
		return put_single(ev, x->single_key, out);
	report = text_is(event_text(ev, F_MESSAGE_TYPE), "Report");
	event_delete(ev, F_MESSAGE_TYPE);
	event_delete(ev, F_MESSAGE_PATH);
	if (!x->keep_raw)
		event_delete(ev, F_RAW);
	event_flatten(ev);
	event_drop_ignored(ev);
	if (x->jsondict_as_string)
		extra_to_string(x, ev);
	if (x->with_type)
		event_set_raw(ev, F_MESSAGE_TYPE, report ? TEXT("\"Report\"") : TEXT("\"Event\""));
	if (x->hierarchical)
		nest_event(ev, out);
	else
		event_write(ev, out);
	return true;
}

void export_stop(struct export *x)
{
	buf_free(&x->object);
	buf_free(&x->string);
}
