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
	d = shadowserver_state(s);
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
	const struct stat *seen = &shadowserver_state(s)->schema->seen;
	struct stat now;

	if (stat(shadowserver_state(s)->schema->path, &now) != 0 ||
		(now.st_ino == seen->st_ino && now.st_size == seen->st_size &&
			now.st_mtim.tv_sec == seen->st_mtim.tv_sec && now.st_mtim.tv_nsec == seen->st_mtim.tv_nsec))
		return;
	shadowserver_state(s)->schema->seen = now;
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
	struct shadowserver *d = shadowserver_state(s);
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

	if (!shadowserver_state(s) && !load(s, &problem)) {
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
	struct shadowserver *d = shadowserver_state(s);
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
	struct shadowserver *d = shadowserver_state(s);
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
	struct shadowserver *d = shadowserver_state(s);
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
	struct shadowserver *d = shadowserver_state(s);

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
	struct shadowserver *d = shadowserver_state(s);
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

static void stop(struct session *s)
{
	struct shadowserver *d = shadowserver_state(s);
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
	.feed = frame_csv, .header = header, .row = shadowserver_row, .stop = stop };
