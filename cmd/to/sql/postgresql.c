/* Rows go to PostgreSQL by COPY, many at a time. One that the table does not take makes the whole COPY fail: then it is undone to
 * a savepoint and the halves are tried, down to the row in question. */
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "sql.h"

static struct {
	PGconn *connection;
	char *copy; /* the statement */
	size_t columns;
	bool begun;
	struct buf rows;  /* in COPY's text format */
	size_t *starts;   /* where each begins in ROWS */
	size_t count, cap;
} my;

static bool finish(PGresult *result, ExecStatusType wanted, struct problem *problem)
{
	bool fine = PQresultStatus(result) == wanted || postgresql_failed(my.connection, problem);

	PQclear(result);
	return fine;
}

static bool run(const char *sql, struct problem *problem)
{
	return finish(PQexec(my.connection, sql), PGRES_COMMAND_OK, problem);
}

static void close_postgresql(void)
{
	PQfinish(my.connection);
	my.connection = NULL;
	my.begun = false;
}

static bool open_postgresql(const struct postgresql *p, struct problem *problem)
{
	my.connection = postgresql_open(p, "imq-to-sql", problem);
	return my.connection;
}

static bool table_postgresql(const char *table, struct column **columns, size_t *count, struct problem *problem)
{
	static const char sql[] = "SELECT attname, format_type(atttypid, NULL) IN ('json', 'jsonb') FROM pg_attribute "
				  "WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped "
				  "AND NOT atthasdef AND attidentity = '' ORDER BY attnum";
	PGresult *result = PQexecParams(my.connection, sql, 1, NULL, &table, NULL, NULL, 0);
	struct buf copy = BUF_INIT;

	*columns = NULL;
	*count = 0;
	if (PQresultStatus(result) != PGRES_TUPLES_OK) {
		postgresql_failed(my.connection, problem);
		PQclear(result);
		return false;
	}
	*columns = alloc_zero((size_t)PQntuples(result) + 1, sizeof **columns);
	buf_printf(&copy, "COPY %s (", table);
	for (int i = 0; i < PQntuples(result); i++) {
		const char *name = PQgetvalue(result, i, 0);

		(*columns)[(*count)++] = (struct column){ alloc_string(text_of(name)), *PQgetvalue(result, i, 1) == 't' };
		if (i)
			buf_char(&copy, ',');
		buf_sql_name(&copy, text_of(name));
	}
	buf_string(&copy, ") FROM STDIN");
	free(my.copy);
	my.copy = alloc_string(buf_view(&copy));
	my.columns = *count;
	PQclear(result);
	buf_free(&copy);
	return true;
}

/* A cell in COPY's text format. */
static void put_cell(const struct cell *cell)
{
	struct text t = cell->text;

	if (!t.at) {
		buf_string(&my.rows, "\\N");
		return;
	}
	for (size_t i = 0, plain = 0; i <= t.len; i++) {
		if (i < t.len && t.at[i] != '\\' && t.at[i] != '\t' && t.at[i] != '\n' && t.at[i] != '\r')
			continue;
		buf_add(&my.rows, t.at + plain, i - plain);
		plain = i + 1;
		if (i < t.len) {
			buf_char(&my.rows, '\\');
			buf_char(&my.rows, t.at[i] == '\t' ? 't' : t.at[i] == '\n' ? 'n' : t.at[i] == '\r' ? 'r' : '\\');
		}
	}
}

static enum outcome add(const struct cell *cells, struct problem *problem)
{
	for (size_t i = 0; i < my.columns; i++)
		if (cells[i].text.at && memchr(cells[i].text.at, '\0', cells[i].text.len)) {
			problem_set(problem, "PostgreSQL has no NUL in texts");
			return ROW_REFUSED;
		}
	alloc_grow(&my.starts, &my.cap, my.count + 1, sizeof *my.starts);
	my.starts[my.count++] = my.rows.len;
	for (size_t i = 0; i < my.columns; i++) {
		if (i)
			buf_char(&my.rows, '\t');
		put_cell(&cells[i]);
	}
	buf_char(&my.rows, '\n');
	return ROW_HELD;
}

/* One COPY of the rows from FIRST up to END. */
static bool copy_rows(size_t first, size_t end, struct problem *problem)
{
	const char *at = my.rows.at + my.starts[first];
	size_t left = (end < my.count ? my.starts[end] : my.rows.len) - my.starts[first];
	bool fine = finish(PQexec(my.connection, my.copy), PGRES_COPY_IN, problem);
	PGresult *result;

	if (!fine)
		return false;
	while (left && fine) {
		int piece = left > 1 << 20 ? 1 << 20 : (int)left;

		fine = PQputCopyData(my.connection, at, piece) == 1;
		at += piece;
		left -= (size_t)piece;
	}
	if (PQputCopyEnd(my.connection, NULL) != 1)
		return postgresql_failed(my.connection, problem);
	fine = true;
	while ((result = PQgetResult(my.connection)))
		if (PQresultStatus(result) != PGRES_COMMAND_OK && fine)
			fine = finish(result, PGRES_COMMAND_OK, problem);
		else
			PQclear(result);
	return fine;
}

/* Copies the rows from FIRST up to END, all but those that are refused. False: the connection is lost. */
static bool copy_halves(size_t first, size_t end, void (*refused)(size_t index, const char *reason), struct problem *problem)
{
	if (first == end)
		return true;
	if (!run("SAVEPOINT imq_rows", problem))
		return false;
	if (copy_rows(first, end, problem))
		return run("RELEASE SAVEPOINT imq_rows", problem);
	if (PQstatus(my.connection) != CONNECTION_OK)
		return false;
	if (end - first == 1)
		refused(first, problem->text);
	if (!run("ROLLBACK TO SAVEPOINT imq_rows", problem))
		return false;
	if (end - first == 1)
		return true;
	return copy_halves(first, first + (end - first) / 2, refused, problem) &&
	       copy_halves(first + (end - first) / 2, end, refused, problem);
}

static bool flush(void (*refused)(size_t index, const char *reason), struct problem *problem)
{
	if (!my.count)
		return true;
	if (!my.begun && !run("BEGIN", problem))
		return false;
	my.begun = true;
	if (!copy_halves(0, my.count, refused, problem))
		return false;
	my.count = 0;
	buf_clear(&my.rows);
	return true;
}

static bool commit(const char *name, long long number, struct problem *problem)
{
	static const char note[] = "INSERT INTO imq_batches VALUES ($1, $2::bigint) ON CONFLICT (name) DO UPDATE SET number = excluded.number";
	char digits[24];
	const char *const values[] = { name, digits };

	if (!my.begun)
		return true;
	snprintf(digits, sizeof digits, "%lld", number);
	if (name && !finish(PQexecParams(my.connection, note, 2, NULL, values, NULL, NULL, 0), PGRES_COMMAND_OK, problem))
		return false;
	if (!run("COMMIT", problem))
		return false;
	my.begun = false;
	return true;
}

static bool batch(const char *name, long long *number, struct problem *problem)
{
	static const char ask[] = "SELECT number FROM imq_batches WHERE name = $1";
	PGresult *result = PQexecParams(my.connection, ask, 1, NULL, &name, NULL, NULL, 0);

	*number = -1;
	/* Users that may only insert get the table from --create-schema. */
	if (PQresultStatus(result) != PGRES_TUPLES_OK) {
		PQclear(result);
		return run(BATCH_TABLE, problem);
	}
	if (PQntuples(result))
		text_integer(text_of(PQgetvalue(result, 0, 0)), number);
	PQclear(result);
	return true;
}

static bool alive(void)
{
	return PQstatus(my.connection) == CONNECTION_OK;
}

static void stop(void)
{
	close_postgresql();
	free(my.copy);
	free(my.starts);
	buf_free(&my.rows);
}

const struct sink postgresql_sink = { open_postgresql, run, table_postgresql, add, flush, commit, batch, alive, close_postgresql,
	stop };
