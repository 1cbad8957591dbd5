/* One row of Shadowserver's: runs the operations that the header has been compiled into, with the rules for required, optional and
 * left-over columns (parsers-2.md 3.13.4), writing straight into the output. */
#include "shadowserver.h"

static bool fail(struct session *s, const struct assignment *m, const char *what, struct text value)
{
	buf_text(&s->reason, m->column);
	buf_printf(&s->reason, ": %s", what);
	if (value.at) {
		buf_string(&s->reason, ": ");
		buf_json(&s->reason, value.len > 200 ? TEXT("(long)") : value);
	}
	return false;
}

/* An extra field that is set again takes the place of the former. */
static void erase(struct session *s, unsigned slot)
{
	struct shadowserver *d = shadowserver_state(s);
	struct written gone = d->written[slot];

	memmove(s->out->at + gone.at, s->out->at + gone.at + gone.len, s->out->len - gone.at - gone.len);
	s->out->len -= gone.len;
	for (size_t i = 0; i < d->program.target_count; i++)
		if (s->set[i] && d->written[i].at > gone.at)
			d->written[i].at -= gone.len;
}

static void put_extra(struct session *s, const struct output *to, struct cell cell)
{
	struct shadowserver *d = shadowserver_state(s);
	size_t start;

	if (to->hidden)
		return;
	if (s->set[to->slot])
		erase(s, to->slot);
	start = s->out->len;
	buf_text(s->out, to->key);
	if (cell.kind == VALUE_STRING)
		buf_json(s->out, cell.text);
	else
		buf_text(s->out, cell.text);
	d->written[to->slot] = (struct written){ start, s->out->len - start };
	s->set[to->slot] = 1;
}

static bool is_void(struct cell cell)
{
	return cell.kind == VALUE_STRING && (cell.text.len == 0 || (cell.text.len == 1 && cell.text.at[0] == '-') ||
						    (cell.text.len == 3 && memcmp(cell.text.at, "N/A", 3) == 0));
}

enum put { PUT_FINE, PUT_INVALID, PUT_TWICE };

static enum put put_field(struct session *s, const struct output *to, struct cell cell, enum field_verdict *verdict)
{
	struct shadowserver *d = shadowserver_state(s);
	size_t start = s->out->len;

	if (s->set[to->slot])
		return PUT_TWICE;
	buf_text(s->out, to->key);
	*verdict = field_sanitise(to->field, cell.kind, cell.text, s->out);
	if (*verdict != FIELD_FINE || to->hidden)
		s->out->len = start;
	if (*verdict != FIELD_FINE)
		return PUT_INVALID;
	d->written[to->slot] = (struct written){ start, s->out->len - start };
	s->set[to->slot] = 1;
	return PUT_FINE;
}

static bool put_failed(struct session *s, const struct operation *op, enum put put, enum field_verdict verdict,
	struct cell cell)
{
	if (put == PUT_TWICE)
		return fail(s, op->assignment, "the field has a value already", op->assignment->target);
	buf_text(&s->reason, op->assignment->column);
	buf_string(&s->reason, ": ");
	field_explain(op->to.field, verdict, cell.kind, cell.text, &s->reason);
	return false;
}

static enum converted convert(struct session *s, const struct operation *op, const struct record *r, struct cell *cell)
{
	const struct converter *c = op->assignment->converter;

	if (!c)
		return CONVERTED;
	if (op->direct && !is_void(*cell)) /* the address and the name themselves are checked by put_field() */
		return cell->text.len && !memchr(cell->text.at, '/', cell->text.len) ? CONVERTED : CONVERTED_NOTHING;
	return c->run(s, r, &shadowserver_state(s)->row, cell);
}

static bool required(struct session *s, const struct operation *op, const struct record *r)
{
	struct shadowserver *d = shadowserver_state(s);
	const struct assignment *m = op->assignment;
	enum field_verdict verdict = FIELD_FINE;
	struct cell cell;
	enum put put;

	if (m->broken)
		return fail(s, m, m->broken, NO_TEXT);
	if (op->column == SIZE_MAX)
		return fail(s, m, "the report has no such column, and it is required", NO_TEXT);
	if (op->column >= r->count)
		return true;
	cell = r->cells[op->column];
	switch (convert(s, op, r, &cell)) {
	case CONVERTED_BADLY:
		return fail(s, m, "cannot be converted", cell.text);
	case CONVERTED_NOTHING:
		return true;
	case CONVERTED:
		break;
	}
	d->used[op->column] = true;
	if (m->kind == TARGET_UNKNOWN || is_void(cell))
		return true;
	if (m->kind == TARGET_EXTRA) {
		put_extra(s, &op->to, cell);
		return true;
	}
	put = put_field(s, &op->to, cell, &verdict);
	if (put == PUT_INVALID && op->direct) {
		d->used[op->column] = false;
		return true;
	}
	return put == PUT_FINE || put_failed(s, op, put, verdict, cell);
}

static bool optional(struct session *s, const struct operation *op, const struct record *r)
{
	struct shadowserver *d = shadowserver_state(s);
	const struct assignment *m = op->assignment;
	enum field_verdict verdict;
	struct cell cell;
	enum put put;

	if (op->column == SIZE_MAX)
		return true;
	d->used[op->column] = true;
	if (op->column >= r->count || m->kind == TARGET_IGNORED)
		return true;
	if (m->broken)
		return fail(s, m, m->broken, NO_TEXT);
	cell = r->cells[op->column];
	switch (convert(s, op, r, &cell)) {
	case CONVERTED_BADLY:
		return fail(s, m, "cannot be converted", cell.text);
	case CONVERTED_NOTHING:
		return true;
	case CONVERTED:
		break;
	}
	if (m->kind != TARGET_FIELD) {
		put_extra(s, &op->to, cell);
		return true;
	}
	if (is_void(cell))
		return true;
	put = put_field(s, &op->to, cell, &verdict);
	if (put == PUT_INVALID)
		d->used[op->column] = op->direct;
	return put != PUT_TWICE || put_failed(s, op, put, FIELD_FINE, cell);
}

static void put_raw(struct session *s, const struct record *r)
{
	struct shadowserver *d = shadowserver_state(s);
	size_t rest = d->header.len % 3;
	struct buf *b = &s->work;

	buf_string(s->out, ",\"raw\":\"");
	buf_text(s->out, buf_view(&d->encoded));
	buf_clear(b);
	buf_add(b, d->header.at + d->header.len - rest, rest);
	buf_text(b, r->source);
	while (b->len && strchr(" \t\r\n\v\f", b->at[b->len - 1]))
		b->len--;
	buf_base64(s->out, buf_view(b));
	buf_char(s->out, '"');
}

static bool map(struct session *s, const struct record *r)
{
	struct shadowserver *d = shadowserver_state(s);
	const struct report_type *type = d->type;

	buf_clear(&s->reason);
	if (d->broken) {
		buf_string(&s->reason, d->broken);
		return false;
	}
	memset(d->used, 0, d->columns);
	memcpy(s->set, s->set_at_first, d->program.target_count);
	if (s->prefix.len)
		buf_text(s->out, buf_view(&s->prefix));
	for (size_t i = 0; i < type->count; i++)
		if (!(i < type->required ? required : optional)(s, &d->operations[i], r))
			return false;
	for (size_t c = 0; c < d->columns; c++)
		if (!d->used[c] && d->listed[c]) {
			if (c >= r->count)
				put_extra(s, &d->leftovers[c], (struct cell){ TEXT("null"), VALUE_NULL });
			else if (r->cells[c].text.len)
				put_extra(s, &d->leftovers[c], r->cells[c]);
		}
	return true;
}

void shadowserver_row(struct session *s, const struct record *r)
{
	struct shadowserver *d = shadowserver_state(s);
	size_t start = s->out->len;

	if (!map(s, r)) {
		s->out->len = start;
		s->reject(s, r, buf_view(&s->reason));
		return;
	}
	buf_text(s->out, buf_view(&d->constants));
	put_raw(s, r);
	for (size_t i = 0; i < s->late_count; i++)
		if (!s->set[s->lates[i].slot] && !d->slots[s->lates[i].slot].constant)
			buf_add(s->out, s->late.at + s->lates[i].at, s->lates[i].len);
	if (!s->prefix.len)
		s->out->at[start] = '{';
	buf_string(s->out, "}\n");
	s->done(s, 1);
}
