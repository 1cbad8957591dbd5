#include <stdlib.h>

#include "alloc.h"
#include "database.h"

enum { PARAMETERS = 64 };

static PGconn *connection;

static void close_postgresql(void)
{
	PQfinish(connection);
	connection = NULL;
}

static bool open_postgresql(const struct postgresql *server, const char *sql, struct problem *problem)
{
	PGresult *result;
	bool fine;

	connection = postgresql_open(server, "imq-generic-db-lookup", problem);
	if (!connection)
		return false;
	result = PQprepare(connection, "lookup", sql, 0, NULL);
	fine = PQresultStatus(result) == PGRES_COMMAND_OK || postgresql_failed(connection, problem);
	PQclear(result);
	if (!fine)
		close_postgresql();
	return fine;
}

/* By the type's number in PostgreSQL's catalogue, which never changes. */
static void put_column(const PGresult *result, int i, struct buf *row)
{
	enum {
		BOOL = 16,
		INT8 = 20,
		INT2 = 21,
		INT4 = 23,
		OID = 26,
		FLOAT4 = 700,
		FLOAT8 = 701,
		NUMERIC = 1700
	};
	struct text text = { PQgetvalue(result, 0, i), (size_t)PQgetlength(result, 0, i) };
	struct value v;
	struct value_error unused;

	if (PQgetisnull(result, 0, i)) {
		buf_string(row, "null");
		return;
	}
	switch (PQftype(result, i)) {
	case BOOL:
		buf_string(row, text_is(text, "t") ? "true" : "false");
		return;
	case INT8:
	case INT2:
	case INT4:
	case OID:
	case FLOAT4:
	case FLOAT8:
	case NUMERIC:
		if (value_parse(text, &v, &unused) && v.kind == VALUE_NUMBER) {
			buf_text(row, text);
			return;
		}
		break;
	default:
		break;
	}
	buf_json(row, text);
}

static enum answer read_result(const PGresult *result, struct buf *row, struct problem *problem)
{
	if (PQresultStatus(result) != PGRES_TUPLES_OK) {
		postgresql_failed(connection, problem);
		return PQstatus(connection) == CONNECTION_OK ? ANSWER_REFUSED : ANSWER_LOST;
	}
	if (PQntuples(result) != 1)
		return PQntuples(result) ? ANSWER_MANY : ANSWER_NOTHING;
	buf_char(row, '[');
	for (int i = 0; i < PQnfields(result); i++) {
		if (i)
			buf_char(row, ',');
		put_column(result, i, row);
	}
	buf_char(row, ']');
	return ANSWER_ROW;
}

static enum answer ask_postgresql(
	const struct value *values, size_t count, struct buf *row, struct problem *problem)
{
	char *texts[PARAMETERS];
	struct arena scratch = { 0 };
	enum answer answer = ANSWER_REFUSED;
	size_t n = 0;
	bool nul = false;

	for (; n < count && n < PARAMETERS; n++) {
		struct text text = value_text(values[n], &scratch);

		text = text.at ? text : values[n].raw;
		nul |= memchr(text.at, '\0', text.len) != NULL;
		texts[n] = alloc_string(text);
	}
	if (nul) {
		problem_set(problem, "PostgreSQL has no NUL in texts");
	} else {
		PGresult *result = PQexecPrepared(
			connection, "lookup", (int)n, (const char *const *)texts, NULL, NULL, 0);

		answer = read_result(result, row, problem);
		PQclear(result);
	}
	while (n)
		free(texts[--n]);
	arena_free(&scratch);
	return answer;
}

const struct database postgresql_database = { open_postgresql, ask_postgresql, close_postgresql, '$' };
