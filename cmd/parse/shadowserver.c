/* The driver of Shadowserver's reports. When the header has come, the report type's assignments are compiled into a list
 * of operations over column numbers, which each row then runs through, writing straight into the output.
 *
 * What upstream does and this does not (parsers-2.md 4): D8 the whole row is in `raw`, however many lines it has; D9 extra
 * fields of all origins are merged; D10 no date is invented; D18 a changed schema is noticed. */
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "log.h"
#include "shadowserver.h"

/* Where a value goes: a member of the event. */
struct output {
	enum field field; /* F_NONE: below extra, any value as it is */
	unsigned slot;
	struct text key;  /* `,"source.ip":` */
	bool hidden;      /* a constant stands there in the end: only whether the value fits matters */
};

struct operation {
	const struct assignment *assignment;
	size_t column;   /* SIZE_MAX: the report has no such column */
	bool direct;     /* the field's type does what the converter would check */
	struct output to;
};

struct shadowserver {
	struct schema *schema;
	const struct report_type *fixed; /* by --feedname */
	/* Of the report in hand: */
	const struct report_type *type; /* NULL: to be told by the header */
	struct program program;
	struct mapping nothing; /* the program's: it has no rules */
	struct operation *operations;
	size_t operation_cap;
	struct output *leftovers; /* one per column */
	size_t leftover_cap, columns;
	bool *listed;             /* the last column of its name */
	bool *used;               /* of the row in hand */
	size_t flag_cap, used_cap;
	struct row_columns row;
	struct buf constants;     /* `,"key":value` pieces */
	struct slot {
		struct text name;
		bool constant; /* has a value in all events */
	} *slots;
	size_t slot_cap, target_cap;
	struct written { size_t at, len; } *written; /* where each slot's member stands in the output */
	size_t written_cap;
	struct buf header;        /* the header, every name quoted, with its line end, as raw has it */
	struct buf encoded;       /* its first bytes in base64 */
	const char *broken;       /* why no row can be mapped */
	struct arena memory;
};

static struct shadowserver *state(struct session *s)
{
	return s->driver_state;
}

/* ---- which report ---- */

static bool load(struct session *s, struct problem *problem)
{
	struct shadowserver *d;
	char *path = schema_path();
	struct schema *schema;

	if (parameters.auto_update && !parameters.test_mode)
		schema_refresh(path);
	schema = schema_load(path, true, problem);
	free(path);
	if (!schema)
		return false;
	if (!s->driver_state)
		s->driver_state = alloc_zero(1, sizeof *d);
	d = state(s);
	schema_free(d->schema);
	d->schema = schema;
	d->fixed = parameters.feedname ? schema_by_feed(schema, text_of(parameters.feedname)) : NULL;
	if (parameters.feedname && *parameters.feedname && !d->fixed)
		log_message("the schema has no report type with the feed_name \"%s\"", parameters.feedname);
	return true;
}

/* A schema that was replaced is read again; a bad one changes nothing. */
static void load_again(struct session *s)
{
	struct problem problem = { .line = 0 };
	const struct stat *seen = &state(s)->schema->seen;
	struct stat now;

	if (stat(state(s)->schema->path, &now) != 0 ||
		(now.st_ino == seen->st_ino && now.st_size == seen->st_size &&
			now.st_mtim.tv_sec == seen->st_mtim.tv_sec && now.st_mtim.tv_nsec == seen->st_mtim.tv_nsec))
		return;
	state(s)->schema->seen = now;
	if (!load(s, &problem))
		log_problem(&problem);
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
	       (unsigned char)c >= 0x80;
}

static bool is_date(struct text t)
{
	static const char form[] = "NNNN-NN-NN-";

	for (size_t i = 0; i < sizeof form - 1; i++)
		if (i >= t.len || (form[i] == 'N' ? t.at[i] < '0' || t.at[i] > '9' : t.at[i] != form[i]))
			return false;
	return true;
}

/* NAME of `[DATE-]NAME{-PART}.csv`; NO_TEXT: not of that form. */
static struct text type_in(struct text file)
{
	struct text rest, part, name = NO_TEXT;

	if (!text_ends(file, TEXT(".csv")))
		return NO_TEXT;
	file.len -= 4;
	rest = is_date(file) ? text_from(file, 11) : file;
	while (text_split(&rest, '-', &part)) {
		for (size_t i = 0; i < part.len; i++)
			if (!is_word(part.at[i]))
				return NO_TEXT;
		if (part.len == 0)
			return NO_TEXT;
		name = name.at ? name : part;
	}
	return name;
}

static bool refuse(struct session *s, const char *what, struct text subject)
{
	buf_clear(&s->reason);
	buf_string(&s->reason, what);
	if (subject.at)
		buf_json(&s->reason, subject);
	return false;
}

/* By the name of the file; raw input may leave it to the header. */
static bool choose(struct session *s)
{
	struct shadowserver *d = state(s);
	struct text file, name;

	d->type = d->fixed;
	if (d->type)
		return true;
	if (s->report) {
		file = event_text(s->report, field_intern(TEXT("extra.file_name")));
		if (!file.at)
			return refuse(s, "no --feedname was given, and the report has no extra.file_name", NO_TEXT);
	} else {
		const char *slash = s->file ? strrchr(s->file, '/') : NULL;

		file = s->file ? text_of(slash ? slash + 1 : s->file) : TEXT("");
	}
	name = type_in(file);
	if (name.at)
		d->type = schema_by_file(d->schema, name);
	if (d->type || !s->report)
		return true;
	return name.at ? refuse(s, "the schema has no report type for the file name ", file) :
			 refuse(s, "not the name of a report: ", file);
}

static bool start(struct session *s)
{
	struct problem problem = { .line = 0 };

	if (!state(s) && !load(s, &problem)) {
		buf_clear(&s->reason);
		buf_string(&s->reason, problem.text);
		return false;
	}
	load_again(s);
	return choose(s);
}

static size_t column_called(const struct session *s, size_t count, struct text name)
{
	while (count-- > 0)
		if (text_eq(s->row.at[count].text, name))
			return count;
	return SIZE_MAX;
}

/* How well the header fits a type: its columns that the type knows count most, then how few the type misses. -1: a required
 * column is missing. */
static long fit(const struct session *s, size_t count, const struct report_type *type)
{
	long known = 0;

	for (size_t i = 0; i < type->count; i++) {
		bool there = column_called(s, count, type->assignments[i].column) != SIZE_MAX;

		if (!there && i < type->required)
			return -1;
		known += there ? 10000 : -1;
	}
	return known;
}

/* The report type whose columns these are. */
static bool recognise(struct session *s, size_t count)
{
	struct shadowserver *d = state(s);
	long best = 0, second = 0;
	const struct report_type *other = NULL;

	for (size_t i = 0; i < d->schema->count; i++) {
		long this = fit(s, count, &d->schema->types[i]);

		if (this > best) {
			second = best;
			other = d->type;
			best = this;
			d->type = &d->schema->types[i];
		} else if (this > second || (this == best && best > 0)) {
			second = this;
			other = &d->schema->types[i];
		}
	}
	if (best > 0 && second < best)
		return true;
	d->type = NULL;
	refuse(s, best > 0 ? "the columns are those of several report types, among them " :
			     "the columns are those of no report type",
		best > 0 ? other->feed_name : NO_TEXT);
	buf_string(&s->reason, "; --feedname or the file's own name tells");
	return false;
}

/* ---- compiling ---- */

/* The slot of the member NAME, a new one if there is none; what is fixed at the start of the session and has the name
 * becomes replaceable by FIELD being a target. */
static unsigned member_slot(struct shadowserver *d, struct text name)
{
	struct program *p = &d->program;
	enum field f = field_find(name);

	for (size_t i = 0; i < p->target_count; i++)
		if (text_eq(d->slots[i].name, name))
			return (unsigned)i;
	alloc_grow(&d->slots, &d->slot_cap, p->target_count + 1, sizeof *d->slots);
	alloc_grow(&p->targets, &d->target_cap, p->target_count + 1, sizeof *p->targets);
	d->slots[p->target_count] = (struct slot){ name, false };
	p->targets[p->target_count] = f;
	return (unsigned)p->target_count++;
}

static struct output output_to(struct shadowserver *d, enum field field, struct text name)
{
	struct output to = { .field = field };
	struct buf key = BUF_INIT;

	to.slot = member_slot(d, arena_text(&d->memory, name));
	buf_char(&key, ',');
	buf_json(&key, name);
	buf_char(&key, ':');
	to.key = arena_text(&d->memory, buf_view(&key));
	buf_free(&key);
	return to;
}

static struct output extra_output(struct shadowserver *d, struct text below)
{
	struct buf name = BUF_INIT;
	struct output to;

	buf_string(&name, "extra.");
	buf_text(&name, below);
	to = output_to(d, F_NONE, buf_view(&name));
	buf_free(&name);
	return to;
}

static void compile_assignment(struct session *s, const struct assignment *m, struct operation *op)
{
	struct shadowserver *d = state(s);
	const struct type *type;

	*op = (struct operation){ .assignment = m, .column = column_called(s, d->columns, m->column) };
	switch (m->kind) {
	case TARGET_FIELD:
		op->to = output_to(d, field_intern(m->target), m->target);
		type = field_type(op->to.field);
		op->direct = m->converter && m->converter->checked && type && strcmp(type->name, m->converter->type) == 0;
		break;
	case TARGET_EXTRA:
		op->to = output_to(d, F_NONE, m->target);
		break;
	case TARGET_COLUMN:
		op->to = extra_output(d, m->column);
		break;
	case TARGET_UNKNOWN:
		if (m->target.at && m >= d->type->assignments + d->type->required)
			op->to = extra_output(d, m->target);
		break;
	case TARGET_IGNORED:
		break;
	}
}

/* A member that all events have, whatever the columns say. */
static void add_constant(struct shadowserver *d, struct text name, struct cell cell)
{
	bool extra = text_starts(name, TEXT("extra."));
	enum field f = extra ? F_NONE : field_intern(name);
	struct output to = output_to(d, f, name);
	struct problem unused;

	for (size_t i = 0; i < d->type->count; i++)
		d->operations[i].to.hidden |= d->operations[i].to.key.at && d->operations[i].to.slot == to.slot;
	d->slots[to.slot].constant = true;
	if (cell.kind == VALUE_NULL || (cell.kind == VALUE_STRING && (cell.text.len == 0 || text_is(cell.text, "-") ||
		text_is(cell.text, "N/A"))))
		return; /* takes the field away */
	buf_text(&d->constants, to.key);
	if (extra && cell.kind == VALUE_STRING)
		buf_json(&d->constants, cell.text);
	else if (extra)
		buf_text(&d->constants, cell.text);
	else if (!field_check(f, &unused) || field_sanitise(f, cell.kind, cell.text, &d->constants) != FIELD_FINE)
		d->broken = "a constant of the schema does not fit its field";
}

static void add_constants(struct session *s)
{
	struct shadowserver *d = state(s);
	const struct report_type *type = d->type;
	bool named = s->report ? event_has(s->report, F_FEED_NAME) : s->feed && s->feed->name.at;
	bool documented = s->report && event_has(s->report, F_FEED_DOCUMENTATION);
	const char *name;
	json_t *v;

	json_object_foreach(type->constants, name, v) {
		char *json = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);
		struct value_error unused;
		struct value value;

		if (json && value_parse(text_of(json), &value, &unused)) {
			struct cell cell = json_cell(value, &d->memory);

			cell.text = arena_text(&d->memory, cell.text);
			add_constant(d, text_of(name), cell);
		}
		free(json);
	}
	if (!named || parameters.overwrite == TRISTATE_YES || !s->report)
		add_constant(d, TEXT("feed.name"), cell_of(type->feed_name));
	if (!documented && type->url.len)
		add_constant(d, TEXT("feed.documentation"), cell_of(type->url));
}

/* `"ip","port"` and the line end; its base64 is kept as far as it does not depend on what follows. */
static void keep_header(struct session *s, size_t count)
{
	struct shadowserver *d = state(s);

	buf_clear(&d->header);
	buf_clear(&d->encoded);
	for (size_t c = 0; c < count; c++) {
		struct text name = s->row.at[c].text;

		buf_string(&d->header, c ? ",\"" : "\"");
		for (size_t i = 0; i < name.len; i++) {
			if (name.at[i] == '"')
				buf_char(&d->header, '"');
			buf_char(&d->header, name.at[i]);
		}
		buf_char(&d->header, '"');
	}
	buf_string(&d->header, s->line_end ? s->line_end : "\r\n");
	buf_base64(&d->encoded, (struct text){ d->header.at, d->header.len - d->header.len % 3 });
}

static void tell_missing(const struct shadowserver *d)
{
	struct buf names = BUF_INIT;

	for (size_t i = d->type->required; i < d->type->count; i++)
		if (d->operations[i].column == SIZE_MAX)
			buf_printf(&names, "%s%.*s", names.len ? ", " : "", TEXT_ARGS(d->type->assignments[i].column));
	if (names.len)
		log_message("%.*s: the report lacks columns that the schema has: %s", TEXT_ARGS(d->type->feed_name),
			buf_cstr(&names));
	buf_free(&names);
}

static void size_for(struct shadowserver *d, size_t count)
{
	alloc_grow(&d->operations, &d->operation_cap, d->type->count + 1, sizeof *d->operations);
	alloc_grow(&d->leftovers, &d->leftover_cap, count + 1, sizeof *d->leftovers);
	alloc_grow(&d->listed, &d->flag_cap, count + 1, sizeof *d->listed);
	alloc_grow(&d->used, &d->used_cap, count + 1, sizeof *d->used);
}

static void find_row_columns(struct session *s, size_t count, struct row_columns *row)
{
	const struct { const char *name; size_t *to; } names[] = { { "cc_dns", &row->cc_dns },
		{ "http_host", &row->http_host }, { "hostname", &row->hostname }, { "ip", &row->ip }, { "url", &row->url },
		{ "http_url", &row->http_url }, { "application", &row->application }, { "category", &row->category },
		{ "detail", &row->detail } };

	for (size_t i = 0; i < LENGTH(names); i++)
		*names[i].to = column_called(s, count, text_of(names[i].name));
}

/* The header has come: everything that can be known before the rows is worked out. */
static void header(struct session *s, size_t count)
{
	struct shadowserver *d = state(s);
	struct program *p = &d->program;

	arena_clear(&d->memory);
	d->broken = NULL;
	d->columns = count;
	p->target_count = 0;
	buf_clear(&d->constants);
	keep_header(s, count);
	if (!d->type && !recognise(s, count)) {
		d->broken = arena_bytes(&d->memory, s->reason.len + 1);
		memcpy((char *)d->broken, buf_cstr(&s->reason), s->reason.len + 1);
		return;
	}
	d->broken = d->type->broken;
	size_for(d, count);
	find_row_columns(s, count, &d->row);
	for (size_t i = 0; i < d->type->count; i++)
		compile_assignment(s, &d->type->assignments[i], &d->operations[i]);
	for (size_t c = 0; c < count; c++) {
		d->listed[c] = column_called(s, count, s->row.at[c].text) == c;
		if (d->listed[c])
			d->leftovers[c] = extra_output(d, s->row.at[c].text);
	}
	add_constants(s);
	alloc_grow(&d->written, &d->written_cap, p->target_count + 1, sizeof *d->written);
	tell_missing(d);
	p->format = FORMAT_DRIVER;
	p->driver = &shadowserver_driver;
	p->mappings = &d->nothing;
	p->mapping_count = 1;
	p->header = p->quotes = true;
	p->delimiter = ',';
	if (!session_use(s, p))
		d->broken = "default_fields do not fit";
}

/* ---- rows ---- */

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
	struct shadowserver *d = state(s);
	struct written gone = d->written[slot];

	memmove(s->out->at + gone.at, s->out->at + gone.at + gone.len, s->out->len - gone.at - gone.len);
	s->out->len -= gone.len;
	for (size_t i = 0; i < d->program.target_count; i++)
		if (s->set[i] && d->written[i].at > gone.at)
			d->written[i].at -= gone.len;
}

static void put_extra(struct session *s, const struct output *to, struct cell cell)
{
	struct shadowserver *d = state(s);
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
	struct shadowserver *d = state(s);
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
	return c->run(s, r, &state(s)->row, cell);
}

static bool required(struct session *s, const struct operation *op, const struct record *r)
{
	struct shadowserver *d = state(s);
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
	struct shadowserver *d = state(s);
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
	struct shadowserver *d = state(s);
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
	struct shadowserver *d = state(s);
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

static void row(struct session *s, const struct record *r)
{
	struct shadowserver *d = state(s);
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

static void stop(struct session *s)
{
	struct shadowserver *d = state(s);
	void *const memory[] = { d->operations, d->leftovers, d->listed, d->used, d->slots, d->written,
		d->program.targets };

	schema_free(d->schema);
	for (size_t i = 0; i < LENGTH(memory); i++)
		free(memory[i]);
	buf_free(&d->constants);
	buf_free(&d->header);
	buf_free(&d->encoded);
	arena_free(&d->memory);
	free(d);
	s->driver_state = NULL;
}

static bool open_schema(struct session *s, struct problem *problem)
{
	return load(s, problem);
}

const struct driver shadowserver_driver = { .name = "shadowserver", .looks_at = "extra.file_name", .open = open_schema, .start = start,
	.feed = frame_csv, .header = header, .row = row, .stop = stop };
