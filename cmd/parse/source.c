/* Where values come from: columns, paths, captures, the report, pieces of a fan, templates. */
#include "driver.h"
#include "parse.h"

/* A template's result, in the arena. */
static struct cell expand(struct session *s, const struct template *t, const struct record *r)
{
	struct buf *out = &s->composed;

	buf_clear(out);
	for (size_t i = 0; i < t->count; i++) {
		const struct template_part *part = &t->parts[i];
		struct cell cell;
		int pad;

		if (part->constant) {
			buf_text(out, part->text);
			continue;
		}
		cell = source_get(s, &part->source, r);
		if (cell.kind == VALUE_NONE || cell.kind == VALUE_NULL)
			return NO_CELL;
		pad = part->width - (int)(cell.text.len < 1024 ? cell.text.len : 1024);
		for (int n = part->align == '>' ? pad : part->align == '^' ? pad / 2 : 0; n > 0; n--)
			buf_char(out, part->fill);
		buf_text(out, cell.text);
		for (int n = part->align == '<' ? pad : part->align == '^' ? pad - pad / 2 : 0; n > 0; n--)
			buf_char(out, part->fill);
	}
	return cell_of(arena_text(&s->arena, buf_view(out)));
}

struct cell feed_value(const struct session *s, enum field f)
{
	const struct feed *feed = s->feed;
	struct text t = NO_TEXT;

	if (f == F_TIME_OBSERVATION)
		t = buf_view(&s->observation);
	else if (feed && f == F_FEED_ACCURACY)
		return feed->accuracy;
	else if (feed && f == F_FEED_CODE)
		t = feed->code;
	else if (feed && f == F_FEED_DOCUMENTATION)
		t = feed->documentation.at ? feed->documentation : s->definition->documentation;
	else if (feed && f == F_FEED_NAME)
		t = feed->name;
	else if (feed && f == F_FEED_PROVIDER)
		t = s->definition->provider;
	else if (feed && f == F_FEED_URL)
		t = feed->url;
	return t.at && t.len ? cell_of(t) : NO_CELL;
}

struct cell changed(struct session *s, enum field f, struct cell cell)
{
	const struct program *p = s->program;

	for (size_t i = 0; i < p->change_count && cell.kind != VALUE_NONE; i++)
		if (p->changes[i].field == f && steps_run(s, &p->changes[i].steps, &cell) != STEP_FINE) {
			buf_clear(&s->reason);
			return NO_CELL;
		}
	return cell;
}

static struct cell of_report(struct session *s, enum field f)
{
	struct value v;

	if (!s->report)
		return changed(s, f, feed_value(s, f));
	v = event_value(s->report, f);
	return v.kind == VALUE_NONE ? NO_CELL : json_cell(v, &s->arena);
}

/* What the event in hand has by now. */
static struct cell of_event(struct session *s, const struct source *source)
{
	const struct placed *placed = &s->placed[source->slot];
	struct text member;
	struct value v;
	struct value_error error;

	if (!placed->len)
		return NO_CELL;
	member = (struct text){ s->out->at + placed->at, placed->len };
	/* Behind the quoted name and its colon; names of fields have no quotes inside. */
	member = text_from(member, 2 + field_name(source->field).len + 2);
	if (!value_parse(member, &v, &error))
		return NO_CELL;
	return json_cell((struct value){ arena_text(&s->arena, v.raw), v.kind, v.escaped }, &s->arena);
}

static struct cell of_piece(struct session *s, const struct source *source)
{
	if (!source->depth)
		return s->piece;
	return json_cell(json_path(s->piece_value, source->path, source->depth), &s->arena);
}

static struct cell of_number(struct session *s)
{
	buf_clear(&s->work);
	buf_integer(&s->work, (long long)s->piece_number);
	return (struct cell){ arena_text(&s->arena, buf_view(&s->work)), VALUE_NUMBER };
}

struct cell source_get(struct session *s, const struct source *source, const struct record *r)
{
	size_t column;

	switch (source->kind) {
	case SOURCE_VALUE:
		return source->value;
	case SOURCE_INPUT:
		column = s->program->inputs[source->number].column;
		return column < r->count ? r->cells[column] : NO_CELL;
	case SOURCE_RECORD:
		/* A record that is no object is its own value. */
		return r->self.kind != VALUE_NONE ? r->self : cell_of(r->source);
	case SOURCE_LAST:
		return r->count ? r->cells[r->count - 1] : NO_CELL;
	case SOURCE_PIECE:
		return of_piece(s, source);
	case SOURCE_KEY:
		return s->key.at ? cell_of(s->key) : NO_CELL;
	case SOURCE_NUMBER:
		return of_number(s);
	case SOURCE_CAPTURE:
		return s->has_capture[source->number] ? cell_of(buf_view(&s->captured[source->number])) : NO_CELL;
	case SOURCE_REPORT:
		return of_report(s, source->field);
	case SOURCE_PARAMETER:
		return parameter_get(source->parameter);
	case SOURCE_EVENT:
		return of_event(s, source);
	case SOURCE_CURRENT:
		return s->current;
	case SOURCE_FIRST:
		return s->first.at ? cell_of(s->first) : NO_CELL;
	case SOURCE_TEMPLATE:
		return expand(s, source->template, r);
	}
	return NO_CELL;
}
