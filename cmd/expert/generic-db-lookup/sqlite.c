#include <stdio.h>

#include "database.h"
#include "sqlite.h"
#include "unicode.h"

static sqlite3 *connection;
static sqlite3_stmt *statement;

static void close_sqlite(void)
{
	sqlite3_finalize(statement);
	sqlite3_close(connection);
	statement = NULL;
	connection = NULL;
}

static bool open_sqlite(const struct postgresql *server, const char *sql, struct problem *problem)
{
	enum { BUSY_MS = 5000 };

	if (sqlite3_open_v2(server->database, &connection, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK) {
		sqlite3_busy_timeout(connection, BUSY_MS);
		/* A name in quotes that is no column is a mistake, not a text. */
		sqlite3_db_config(connection, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
		if (sqlite3_prepare_v3(connection, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) ==
			SQLITE_OK)
			return true;
	}
	sqlite_problem(connection, server->database, problem);
	close_sqlite();
	return false;
}

static void bind(int number, struct value v, struct arena *scratch)
{
	struct text text = value_text(v, scratch);
	long long integer;
	double real;

	if (value_integer(v, &integer))
		sqlite3_bind_int64(statement, number, integer);
	else if (value_double(v, &real))
		sqlite3_bind_double(statement, number, real);
	else if (v.kind == VALUE_TRUE || v.kind == VALUE_FALSE)
		sqlite3_bind_int(statement, number, v.kind == VALUE_TRUE);
	else
		sqlite3_bind_text64(statement, number, text.at ? text.at : v.raw.at,
			text.at ? text.len : v.raw.len, SQLITE_STATIC, SQLITE_UTF8);
}

static void put_column(int i, struct buf *row)
{
	struct text text;

	switch (sqlite3_column_type(statement, i)) {
	case SQLITE_INTEGER:
		buf_integer(row, sqlite3_column_int64(statement, i));
		break;
	case SQLITE_FLOAT:
		buf_double(row, sqlite3_column_double(statement, i));
		break;
	case SQLITE_NULL:
		buf_string(row, "null");
		break;
	default:
		text.at = sqlite3_column_blob(statement, i);
		text.len = (size_t)sqlite3_column_bytes(statement, i);
		if (!text.at)
			text = TEXT("");
		if (unicode_valid(text))
			buf_json(row, text);
		else
			buf_string(row, "null"); /* bytes that no field could hold */
	}
}

static enum answer ask_sqlite(
	const struct value *values, size_t count, struct buf *row, struct problem *problem)
{
	struct arena scratch = { 0 };
	enum answer answer = ANSWER_NOTHING;
	int status;

	for (size_t i = 0; i < count; i++)
		bind((int)i + 1, values[i], &scratch);
	status = sqlite3_step(statement);
	if (status == SQLITE_ROW) {
		buf_char(row, '[');
		for (int i = 0; i < sqlite3_column_count(statement); i++) {
			if (i)
				buf_char(row, ',');
			put_column(i, row);
		}
		buf_char(row, ']');
		answer = ANSWER_ROW;
		status = sqlite3_step(statement);
		if (status == SQLITE_ROW)
			answer = ANSWER_MANY;
	}
	if (status != SQLITE_ROW && status != SQLITE_DONE) {
		problem_set(problem, "SQLite: %s", sqlite3_errmsg(connection));
		answer = ANSWER_LOST;
	}
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	arena_free(&scratch);
	return answer;
}

const struct database sqlite_database = { open_sqlite, ask_sqlite, close_sqlite, '?' };
