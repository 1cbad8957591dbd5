/* A connection to PostgreSQL, as IntelMQ's parameters name it. Who includes this is linked with libpq. */
#ifndef IMQ_POSTGRESQL_H
#define IMQ_POSTGRESQL_H

#include <libpq-fe.h>
#include <stdbool.h>

#include "opt.h"
#include "problem.h"

struct postgresql {
	const char *database; /* its name; commands that know SQLite too take a file here for that */
	const char *host, *user, *password, *sslmode;
	long long port;
	double connect_timeout; /* seconds */
};

/* All but the database. */
#define POSTGRESQL_OPTIONS(p) \
	OPT_TEXT(0, "host", &(p)->host, "localhost", "PostgreSQL's host, or the folder of its socket"), \
	OPT_INTEGER(0, "port", &(p)->port, "5432", "its port"), \
	OPT_TEXT(0, "user", &(p)->user, "intelmq", "whom to log in as"), \
	OPT_SECRET("password", &(p)->password, "with which password"), \
	OPT_TEXT(0, "sslmode", &(p)->sslmode, "require", \
		"libpq's sslmode: disable, allow, prefer, require, verify-ca, verify-full"), \
	OPT_SECONDS(0, "connect-timeout", &(p)->connect_timeout, "5", "give up connecting after that long")

/* Connects, in UTF-8; notices are not shown. APPLICATION is what the server's lists call us. NULL with PROBLEM; its `away` says that
 * there is no server, or one that just starts or ends, and not one that refuses us. Free with PQfinish(). */
PGconn *postgresql_open(const struct postgresql *p, const char *application, struct problem *problem);
/* The first line of the last message of CONNECTION's server as PROBLEM; always false. */
bool postgresql_failed(const PGconn *connection, struct problem *problem);

#endif
