/* One question, asked of SQLite or PostgreSQL again and again. */
#ifndef DATABASE_H
#define DATABASE_H

#include "buf.h"
#include "postgresql.h"
#include "problem.h"
#include "value.h"

enum answer {
	ANSWER_NOTHING,
	ANSWER_ROW,
	ANSWER_MANY,    /* more than one row */
	ANSWER_REFUSED, /* this question cannot be answered (a value that the column does not take): PROBLEM */
	ANSWER_LOST,    /* the connection or the file is gone: PROBLEM */
};

struct database {
	/* Connects (to SQLite with SERVER's database alone) and prepares SQL, whose parameters are ?1, ?2 … or $1, $2 … False with PROBLEM. */
	bool (*open)(const struct postgresql *server, const char *sql, struct problem *problem);
	/* Asks with COUNT values; ROW gets the one row's columns as a JSON array. */
	enum answer (*ask)(
		const struct value *values, size_t count, struct buf *row, struct problem *problem);
	void (*close)(void);
	char parameter; /* the sign before a parameter's number */
};

extern const struct database sqlite_database, postgresql_database;

#endif
