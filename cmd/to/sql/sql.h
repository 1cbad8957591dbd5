/* What the parts of imq-to-sql share: rows for one table, in SQLite or PostgreSQL. */
#ifndef SQL_H
#define SQL_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "postgresql.h"
#include "problem.h"
#include "text.h"

/* A column that events may fill: one without a default of its own. */
struct column {
	char *name;
	bool json; /* takes any JSON value */
};

/* What stands in a column of a row. A text without .at is NULL; BOOLEAN is the text `true` or `false`. */
struct cell {
	struct text text;
	enum { CELL_TEXT, CELL_NUMBER, CELL_BOOLEAN } kind;
};

enum outcome {
	ROW_ADDED,   /* it is in the transaction */
	ROW_HELD,    /* it is in the transaction after flush(), unless that refuses it */
	ROW_REFUSED, /* PROBLEM says why */
	ROW_LOST,    /* the connection or the file is gone: PROBLEM */
};

/* TABLE is quoted as far as it needs it. A transaction begins with the first row, and ends with commit() or close(). */
struct sink {
	/* Connects, to SQLite with OPTIONS' database alone. */
	bool (*open)(const struct postgresql *options, struct problem *problem);
	/* Runs statements that answer nothing. */
	bool (*run)(const char *sql, struct problem *problem);
	/* Reads the table's columns, for the caller to free, and prepares for rows of them. */
	bool (*table)(const char *table, struct column **columns, size_t *count, struct problem *problem);
	/* Adds a row: a cell for each column. */
	enum outcome (*add)(const struct cell *cells, struct problem *problem);
	/* Sends the rows held; those that the table does not take are REFUSED by their index among them. The rows stay held if it
	 * fails, for another try after open(). */
	bool (*flush)(void (*refused)(size_t index, const char *reason), struct problem *problem);
	/* Ends the transaction; with NAME (not NULL) it notes that NUMBER is NAME's last batch. */
	bool (*commit)(const char *name, long long number, struct problem *problem);
	/* The last batch of NAME, -1 for none. The table for that is made if need be. */
	bool (*batch)(const char *name, long long *number, struct problem *problem);
	/* Whether the connection still works: a statement failed, but not for want of one. */
	bool (*alive)(void);
	/* Rolls back and disconnects; rows held are kept. */
	void (*close)(void);
	/* Forgets the rows held, and frees everything. */
	void (*stop)(void);
};

extern const struct sink sqlite_sink, postgresql_sink;

/* The table of batches, the same for both. */
#define BATCH_TABLE "CREATE TABLE IF NOT EXISTS imq_batches(name text PRIMARY KEY, number bigint NOT NULL)"

/* schema.c: the EventDB's tables (see imq-to-sql(1)). */
struct schema {
	bool postgresql; /* else SQLite */
	bool jsonb, separate_raws;
	const char *partition_key; /* NULL: none */
};

/* Appends the statements that make TABLE. */
void schema_write(const struct schema *s, const char *table, struct buf *out);
/* Appends a table's name, parts between dots: words as they are, others in quotes. */
void sql_table(struct buf *out, struct text name);

#endif
