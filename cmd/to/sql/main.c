/* imq-to-sql: a row for each event, in a table of SQLite or PostgreSQL.
 *
 * Rows are committed at barriers, and otherwise when nothing more has come in or many have. Under imq-pump a batch is one
 * transaction; with --batch-name its number is committed with it, so that a batch that comes again is not stored again. */
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"
#include "filter.h"
#include "log.h"
#include "opt.h"
#include "sql.h"
#include "stream.h"

enum { MAX_ROWS = 5000, MAX_BYTES = 8 << 20, TRIES = 8 };

/* A record whose row is held; to be told of if it is refused. */
struct held {
	size_t at, len; /* in my.records */
	const char *file;
	long line;
	char *reason; /* not NULL: it was refused */
};

static struct {
	int engine;
	struct postgresql sql;
	const char *table, *batch_name;
	struct list fields;
	bool jsondict_as_string, unused_jsondict, autocommit, fail_on_errors;
	bool create_schema, print_schema;
	struct schema schema;
	double reconnect_delay;

	const struct sink *sink;
	struct buf table_name;
	struct column *columns;
	struct cell *cells;
	size_t count;
	int *column_of; /* by field, -1: none; FIELD_MAX of them */
	bool *wanted;   /* by column: --fields has it, or there are no --fields */
	struct buf extra;
	bool numbered, stored_already; /* under imq-pump; the batch at hand is in the database */
	long long last_batch;

	struct held held[MAX_ROWS];
	size_t held_count;
	struct buf records;
	size_t uncommitted;
} my;

static const char *const engines[] = { "sqlite", "postgresql", NULL };

static const struct opt options[] = {
	OPT_CHOICE('e', "engine", &my.engine, engines, "sqlite", "kind of database"),
	OPT_TEXT('d', "database", &my.sql.database, "intelmq-events", "its name, for SQLite the file"),
	POSTGRESQL_OPTIONS(&my.sql),
	OPT_TEXT('t', "table", &my.table, "events", "table to put rows into"),
	OPT_LIST('f', "fields", &my.fields, "", "only these fields (default: all that an event has)"),
	OPT_BOOL(0, "message-jsondict-as-string", &my.jsondict_as_string, true, "all of extra goes into the column extra, as JSON"),
	OPT_BOOL(0, "jsondict-as-string", &my.unused_jsondict, true, "without effect, as in IntelMQ"),
	OPT_BOOL(0, "autocommit", &my.autocommit, true, "without effect: rows are committed as described in imq-to-sql(1)"),
	OPT_SECONDS(0, "reconnect-delay", &my.reconnect_delay, "0", "wait so long before connecting again"),
	OPT_BOOL(0, "fail-on-errors", &my.fail_on_errors, false, "end when the connection is lost, do not connect again"),
	OPT_TEXT(0, "batch-name", &my.batch_name, NULL, "under imq-pump: skip batches that were stored under this name"),
	OPT_BOOL(0, "create-schema", &my.create_schema, false, "create the table and its indexes, where they are not there"),
	OPT_BOOL(0, "print-schema", &my.print_schema, false, "print the statements for that, and end"),
	OPT_BOOL(0, "jsonb", &my.schema.jsonb, false, "in the schema: jsonb, not json"),
	OPT_BOOL(0, "separate-raws", &my.schema.separate_raws, false, "in the schema: raw in a table of its own, joined by a view"),
	OPT_TEXT(0, "partition-key", &my.schema.partition_key, NULL, "in the schema: this field becomes part of the primary key"),
	OPT_END
};

/* ---- one event ---- */

/* PostgreSQL's JSON has no NUL: \u0000 becomes the six characters. */
static void put_json(struct buf *out, struct text json)
{
	for (size_t i = 0; i < json.len; i++) {
		if (my.engine && json.at[i] == '\\' && i + 1 < json.len) {
			if (text_starts(text_from(json, i), TEXT("\\u0000")))
				buf_char(out, '\\');
			else
				buf_char(out, json.at[i++]);
		}
		buf_char(out, json.at[i]);
	}
}

static struct cell cell_of(struct event *ev, const struct column *column, struct value v)
{
	struct cell cell = { NO_TEXT, CELL_TEXT };

	if (!column->json)
		v = value_first(v);
	switch (v.kind) {
	case VALUE_STRING:
		cell.text = value_text(v, event_arena(ev));
		break;
	case VALUE_NUMBER:
		cell = (struct cell){ v.raw, CELL_NUMBER };
		break;
	case VALUE_TRUE:
	case VALUE_FALSE:
		cell = (struct cell){ v.raw, CELL_BOOLEAN };
		break;
	case VALUE_ARRAY:
	case VALUE_OBJECT:
		cell.text = v.raw;
		break;
	case VALUE_NONE:
	case VALUE_NULL:
		break;
	}
	return cell;
}

/* The column of a field; -1: none. Sub-keys of extra that nobody has a number for have none. */
static int column_of(enum field f)
{
	return f == F_NONE ? -1 : my.column_of[f];
}

static void add_extra(struct text key, struct value v)
{
	buf_char(&my.extra, my.extra.len ? ',' : '{');
	put_json(&my.extra, key);
	buf_char(&my.extra, ':');
	put_json(&my.extra, v.raw);
}

/* Fills in the cells. False: EV is marked. */
static bool make_row(struct event *ev)
{
	struct buf key = BUF_INIT;
	size_t cursor = 0;
	struct text name;
	enum field f;
	struct value v;
	bool any = false;

	for (size_t i = 0; i < my.count; i++)
		my.cells[i].text = NO_TEXT;
	buf_clear(&my.extra);
	event_delete(ev, F_MESSAGE_TYPE);
	event_delete(ev, F_MESSAGE_PATH);
	event_flatten(ev);
	while (event_next(ev, &cursor, &name, &f, &v)) {
		int column = column_of(f);

		if (value_ignored(v))
			continue;
		if (my.jsondict_as_string && text_starts(name, TEXT("extra."))) {
			buf_clear(&key);
			buf_json(&key, text_from(name, 6));
			add_extra(buf_view(&key), v);
		} else if (column >= 0 && my.wanted[column]) {
			my.cells[column] = cell_of(ev, &my.columns[column], v);
			any = true;
		} else if (!my.fields.count) {
			event_mark(ev, "no column \"%.*s\" in %s", TEXT_ARGS(name), my.table);
		}
	}
	buf_free(&key);
	if (my.extra.len) {
		int column = column_of(F_EXTRA);

		buf_char(&my.extra, '}');
		if (column >= 0 && my.wanted[column]) {
			my.cells[column] = (struct cell){ buf_view(&my.extra), CELL_TEXT };
			any = true;
		} else if (!my.fields.count) {
			event_mark(ev, "no column \"extra\" in %s", my.table);
		}
	}
	if (!any)
		event_mark(ev, "nothing in it for %s", my.table);
	return !event_marked(ev);
}

/* ---- what is held ---- */

static void on_refused(size_t index, const char *reason)
{
	if (!my.held[index].reason)
		my.held[index].reason = alloc_string(text_of(reason));
}

/* The rows are in the transaction, or refused: tell who is what. */
static void let_go(void)
{
	uint64_t delivered = 0;

	for (size_t i = 0; i < my.held_count; i++) {
		struct held *h = &my.held[i];

		if (h->reason)
			filter_refuse(h->file, h->line, text_of(h->reason), (struct text){ my.records.at + h->at, h->len });
		else
			delivered++;
		free(h->reason);
	}
	filter_delivered(delivered);
	my.held_count = 0;
	buf_clear(&my.records);
}

static bool connect_database(struct problem *problem)
{
	struct column *columns = NULL;
	size_t count = 0;
	bool fine = my.sink->open(&my.sql, problem) && my.sink->table(buf_cstr(&my.table_name), &columns, &count, problem);

	/* The columns were read at the start; this is for the statements. */
	if (fine && my.columns && count != my.count)
		fine = problem_set(problem, "the table %s has other columns now", my.table);
	if (fine && !my.columns) {
		my.columns = columns;
		my.count = count;
		return true;
	}
	for (size_t i = 0; i < count; i++)
		free(columns[i].name);
	free(columns);
	return fine;
}

/* Sends what is held. A lost connection is made again, unless rows before these went with it. False: PROBLEM. */
static bool flush(struct problem *problem)
{
	struct timespec delay = { (time_t)my.reconnect_delay, 0 };

	for (int tries = 0;; tries++) {
		if (my.sink->flush(on_refused, problem))
			break;
		if (my.sink->alive() || my.fail_on_errors || my.uncommitted || tries == TRIES || run_stopping())
			return false;
		if (tries == 0)
			log_problem(problem);
		do {
			my.sink->close();
			if (delay.tv_sec || tries)
				nanosleep(&delay, NULL);
			delay.tv_sec = delay.tv_sec ? delay.tv_sec * 2 : 1;
			*problem = (struct problem){ .line = 0 };
		} while (!connect_database(problem) && ++tries < TRIES && !run_stopping());
	}
	my.uncommitted += my.held_count;
	let_go();
	return true;
}

static void lost(const struct problem *problem)
{
	filter_fail(my.engine ? EXIT_REMOTE : EXIT_IO, problem);
}

/* Ends the transaction, with the batch's NUMBER if it has one. */
static bool commit(long long number, struct problem *problem)
{
	if (!flush(problem) || !my.sink->commit(number >= 0 ? my.batch_name : NULL, number, problem))
		return false;
	my.uncommitted = 0;
	return true;
}

static enum verdict hold(struct event *ev)
{
	struct held *h = &my.held[my.held_count++];
	struct text line = event_line(ev);

	*h = (struct held){ .at = my.records.len, .len = line.len };
	filter_place(&h->file, &h->line);
	buf_text(&my.records, line);
	return MERGE;
}

static enum verdict store(struct event *ev)
{
	struct problem problem = { .line = 0 };
	enum verdict verdict = PASS;

	if (my.stored_already)
		return PASS;
	if (!make_row(ev))
		return REJECT;
	switch (my.sink->add(my.cells, &problem)) {
	case ROW_ADDED:
		my.uncommitted++;
		break;
	case ROW_HELD:
		verdict = hold(ev);
		break;
	case ROW_REFUSED:
		event_mark(ev, "%s", problem.text);
		return REJECT;
	case ROW_LOST:
		filter_fail(EXIT_IO, &problem);
		event_mark(ev, "%s", problem.text);
		return REJECT;
	}
	return verdict;
}

/* The records before EV have been counted by now: are they enough to be sent? */
static enum verdict store_event(struct event *ev)
{
	struct problem problem = { .line = 0 };
	bool many = my.held_count >= MAX_ROWS || my.records.len >= MAX_BYTES || my.uncommitted >= MAX_ROWS;

	if (many && !(my.numbered ? flush(&problem) : commit(-1, &problem))) {
		lost(&problem);
		return MERGE;
	}
	return store(ev);
}

static void idle(void)
{
	struct problem problem = { .line = 0 };

	if (!my.numbered && !commit(-1, &problem))
		lost(&problem);
}

static void look_at_batch(long long number)
{
	my.stored_already = my.numbered && my.batch_name && number <= my.last_batch;
}

static bool barrier(const struct batch *batch, struct problem *problem)
{
	/* The end under imq-pump is no commit: nobody waits for it. */
	if (batch->numbered && batch->last)
		return true;
	if (my.stored_already) {
		look_at_batch(batch->number + 1);
	} else if (!commit(batch->numbered ? batch->number : -1, problem)) {
		lost(problem);
		return false;
	}
	return true;
}

/* ---- the start ---- */

static bool write_schema(struct problem *problem)
{
	struct buf sql = BUF_INIT;
	bool fine;

	my.schema.postgresql = my.engine;
	schema_write(&my.schema, my.table, &sql);
	if (my.print_schema)
		exit(write_all(STDOUT_FILENO, sql.at, sql.len) ? EXIT_FINE : EXIT_IO);
	fine = my.sink->run(buf_cstr(&sql), problem);
	buf_free(&sql);
	return fine;
}

static bool check_schema_options(struct problem *problem)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
	bool schema = my.create_schema || my.print_schema;

	if (!schema && (my.schema.jsonb || my.schema.separate_raws || my.schema.partition_key))
		return problem_set(problem, "--jsonb, --separate-raws and --partition-key go with --create-schema or --print-schema");
	if (!my.engine && (my.schema.jsonb || my.schema.separate_raws || my.schema.partition_key))
		return problem_set(problem, "--jsonb, --separate-raws and --partition-key are for PostgreSQL");
	if (schema && (!*my.table || my.table[strspn(my.table, letters)] || my.table[0] <= '9'))
		return problem_set(problem, "--table: not a name for a schema: \"%s\"", my.table);
	return true;
}

static bool map_columns(struct problem *problem)
{
	my.cells = alloc_zero(my.count + 1, sizeof *my.cells);
	my.wanted = alloc_zero(my.count + 1, sizeof *my.wanted);
	my.column_of = alloc_zero(FIELD_MAX, sizeof *my.column_of);
	for (size_t i = 0; i < FIELD_MAX; i++)
		my.column_of[i] = -1;
	for (size_t i = 0; i < my.count; i++) {
		struct text name = text_of(my.columns[i].name);
		enum field f = field_intern(name);

		my.wanted[i] = !my.fields.count || list_has(&my.fields, name);
		if (f != F_NONE)
			my.column_of[f] = (int)i;
	}
	for (size_t i = 0; i < my.fields.count; i++) {
		enum field f = field_find(my.fields.items[i]);

		if (f == F_NONE || my.column_of[f] < 0)
			return problem_set(problem, "--fields: no column \"%.*s\" in %s", TEXT_ARGS(my.fields.items[i]), my.table);
	}
	return true;
}

static bool start(struct problem *problem)
{
	const char *number = getenv("IMQ_BATCH");
	long long first = 0;

	my.sink = my.engine ? &postgresql_sink : &sqlite_sink;
	sql_table(&my.table_name, text_of(my.table));
	my.numbered = number && text_integer(text_of(number), &first);
	my.last_batch = -1;
	if (!check_schema_options(problem))
		return false;
	if (my.print_schema)
		write_schema(problem);
	if (!my.sink->open(&my.sql, problem) || (my.create_schema && !write_schema(problem)) ||
		!my.sink->table(buf_cstr(&my.table_name), &my.columns, &my.count, problem) || !map_columns(problem))
		return false;
	if (my.numbered && my.batch_name && !my.sink->batch(my.batch_name, &my.last_batch, problem))
		return false;
	look_at_batch(first);
	return true;
}

static void stop(void)
{
	if (my.sink)
		my.sink->stop();
	for (size_t i = 0; i < my.held_count; i++)
		free(my.held[i].reason);
	for (size_t i = 0; i < my.count; i++)
		free(my.columns[i].name);
	free(my.columns);
	free(my.cells);
	free(my.wanted);
	free(my.column_of);
	buf_free(&my.table_name);
	buf_free(&my.extra);
	buf_free(&my.records);
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv, &(struct filter){ .name = "imq-to-sql",
		.module = "intelmq.bots.outputs.sql.output intelmq.bots.outputs.postgresql.output",
		.summary = "store events in tables of SQLite or PostgreSQL", .options = options, .sink = true, .start = start,
		.event = store_event, .idle = idle, .barrier = barrier, .stop = stop });
}
