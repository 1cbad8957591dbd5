#include <stdlib.h>

#include "alloc.h"
#include "sql.h"
#include "sqlite.h"

enum { BUSY_MS = 60000 };

static struct {
	sqlite3 *db;
	sqlite3_stmt *insert;
	char *sql; /* of INSERT */
	size_t columns;
	bool begun;
} my;

static bool failed(struct problem *problem)
{
	struct problem plain;

	sqlite_problem(my.db, NULL, &plain);
	problem_set(problem, "SQLite: %s", plain.text);
	problem->disk = plain.disk;
	return false;
}

static void close_sqlite(void)
{
	sqlite3_finalize(my.insert);
	sqlite3_close(my.db);
	my.insert = NULL;
	my.db = NULL;
	my.begun = false;
}

static bool run(const char *sql, struct problem *problem)
{
	return sqlite3_exec(my.db, sql, NULL, NULL, NULL) == SQLITE_OK || failed(problem);
}

static bool prepare(struct problem *problem)
{
	return !my.sql || sqlite3_prepare_v2(my.db, my.sql, -1, &my.insert, NULL) == SQLITE_OK || failed(problem);
}

static bool open_sqlite(const struct postgresql *o, struct problem *problem)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;

	if (sqlite3_open_v2(o->database, &my.db, flags, NULL) != SQLITE_OK) {
		sqlite_problem(my.db, o->database, problem);
		close_sqlite();
		return false;
	}
	sqlite3_busy_timeout(my.db, BUSY_MS);
	/* A commit is durable: synchronous=FULL, with a journal or a write-ahead log, whichever the file has. */
	return run("PRAGMA synchronous=FULL", problem) && prepare(problem);
}

/* The columns without a default that are not the row's number. */
static bool read_columns(const char *table, struct column **columns, size_t *count, struct problem *problem)
{
	struct buf sql = BUF_INIT;
	sqlite3_stmt *rows = NULL;
	size_t cap = 0;
	bool fine;

	*columns = NULL;
	*count = 0;
	buf_printf(&sql, "PRAGMA table_info(%s)", table);
	fine = sqlite3_prepare_v2(my.db, buf_cstr(&sql), -1, &rows, NULL) == SQLITE_OK || failed(problem);
	while (fine && sqlite3_step(rows) == SQLITE_ROW) {
		const char *type = (const char *)sqlite3_column_text(rows, 2);

		if (sqlite3_column_type(rows, 4) != SQLITE_NULL || sqlite3_column_int(rows, 5))
			continue;
		alloc_grow(columns, &cap, *count + 1, sizeof **columns);
		(*columns)[(*count)++] = (struct column){
			alloc_string(text_of((const char *)sqlite3_column_text(rows, 1))),
			type && (sqlite3_stricmp(type, "json") == 0 || sqlite3_stricmp(type, "jsonb") == 0) };
	}
	sqlite3_finalize(rows);
	buf_free(&sql);
	return fine && (*count || problem_set(problem, "SQLite: no table %s", table));
}

static bool table_sqlite(const char *table, struct column **columns, size_t *count, struct problem *problem)
{
	struct buf sql = BUF_INIT;

	if (!read_columns(table, columns, count, problem))
		return false;
	buf_printf(&sql, "INSERT INTO %s (", table);
	for (size_t i = 0; i < *count; i++) {
		if (i)
			buf_char(&sql, ',');
		buf_sql_name(&sql, text_of((*columns)[i].name));
	}
	for (size_t i = 0; i < *count; i++)
		buf_string(&sql, i ? ",?" : ") VALUES (?");
	buf_char(&sql, ')');
	free(my.sql);
	my.sql = alloc_string(buf_view(&sql));
	my.columns = *count;
	buf_free(&sql);
	return prepare(problem);
}

static void bind(int i, const struct cell *cell)
{
	if (!cell->text.at)
		sqlite3_bind_null(my.insert, i);
	else if (cell->kind == CELL_BOOLEAN)
		sqlite3_bind_int(my.insert, i, cell->text.at[0] == 't');
	else
		/* A number as text: the column's affinity makes of it what it can hold without loss. */
		sqlite3_bind_text64(my.insert, i, cell->text.at, cell->text.len, SQLITE_STATIC, SQLITE_UTF8);
}

static enum outcome add(const struct cell *cells, struct problem *problem)
{
	int code;

	if (!my.begun && !run("BEGIN IMMEDIATE", problem))
		return ROW_LOST;
	my.begun = true;
	for (size_t i = 0; i < my.columns; i++)
		bind((int)i + 1, &cells[i]);
	code = sqlite3_step(my.insert);
	if (code != SQLITE_DONE)
		failed(problem);
	sqlite3_reset(my.insert);
	if (code == SQLITE_DONE)
		return ROW_ADDED;
	/* What is wrong with the row undoes the row; everything else undoes the transaction. */
	return code == SQLITE_CONSTRAINT || code == SQLITE_MISMATCH || code == SQLITE_TOOBIG ? ROW_REFUSED : ROW_LOST;
}

static bool flush(void (*refused)(size_t index, const char *reason), struct problem *problem)
{
	(void)refused;
	(void)problem;
	return true;
}

static bool note_batch(const char *name, long long number, struct problem *problem)
{
	sqlite3_stmt *note = NULL;
	bool fine = sqlite3_prepare_v2(my.db, "INSERT OR REPLACE INTO imq_batches VALUES (?, ?)", -1, &note, NULL) == SQLITE_OK;

	if (fine) {
		sqlite3_bind_text(note, 1, name, -1, SQLITE_STATIC);
		sqlite3_bind_int64(note, 2, number);
		fine = sqlite3_step(note) == SQLITE_DONE;
	}
	if (!fine)
		failed(problem);
	sqlite3_finalize(note);
	return fine;
}

static bool commit(const char *name, long long number, struct problem *problem)
{
	if (!my.begun)
		return true;
	if ((name && !note_batch(name, number, problem)) || !run("COMMIT", problem))
		return false;
	my.begun = false;
	return true;
}

static bool batch(const char *name, long long *number, struct problem *problem)
{
	sqlite3_stmt *ask = NULL;
	bool fine = run(BATCH_TABLE, problem);

	*number = -1;
	if (fine && sqlite3_prepare_v2(my.db, "SELECT number FROM imq_batches WHERE name = ?", -1, &ask, NULL) != SQLITE_OK)
		fine = failed(problem);
	if (fine) {
		sqlite3_bind_text(ask, 1, name, -1, SQLITE_STATIC);
		if (sqlite3_step(ask) == SQLITE_ROW)
			*number = sqlite3_column_int64(ask, 0);
	}
	sqlite3_finalize(ask);
	return fine;
}

static bool alive(void)
{
	return my.db != NULL;
}

static void stop(void)
{
	close_sqlite();
	free(my.sql);
}

const struct sink sqlite_sink = { open_sqlite, run, table_sqlite, add, flush, commit, batch, alive, close_sqlite, stop };
