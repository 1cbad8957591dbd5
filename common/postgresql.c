#include "postgresql.h"

#include <stdio.h>

#include "text.h"

/* libpq's messages end with a line feed and may have several lines. */
bool postgresql_failed(const PGconn *connection, struct problem *problem)
{
	struct text message = text_of(PQerrorMessage(connection)), line = NO_TEXT;

	text_split(&message, '\n', &line);
	return problem_set(problem, "PostgreSQL: %.*s", (int)line.len, line.at ? line.at : "");
}

/* Notices (`relation exists, skipping`) are no news. */
static void ignore(void *unused, const char *message)
{
	(void)unused;
	(void)message;
}

PGconn *postgresql_open(const struct postgresql *p, const char *application, struct problem *problem)
{
	char port[24], timeout[24];
	const char *const names[] = { "host", "port", "user", "password", "dbname", "sslmode", "connect_timeout",
		"client_encoding", "fallback_application_name", NULL };
	const char *const values[] = { p->host, port, p->user, p->password, p->database, p->sslmode, timeout, "UTF8", application,
		NULL };
	PGconn *connection;
	PGPing there;

	snprintf(port, sizeof port, "%lld", p->port);
	snprintf(timeout, sizeof timeout, "%.0f", p->connect_timeout);
	connection = PQconnectdbParams(names, values, 0);
	if (PQstatus(connection) == CONNECTION_OK) {
		PQsetNoticeProcessor(connection, ignore, NULL);
		return connection;
	}
	postgresql_failed(connection, problem);
	PQfinish(connection);
	/* If it is there, and does not just start or end, it refuses us. */
	there = PQpingParams(names, values, 0);
	problem->away = there == PQPING_REJECT || there == PQPING_NO_RESPONSE;
	return NULL;
}
