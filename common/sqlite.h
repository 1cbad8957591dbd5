/* What several users of SQLite say alike. */
#ifndef IMQ_SQLITE_H
#define IMQ_SQLITE_H

#include <sqlite3.h>

#include "problem.h"

/* False, with what went wrong with DB, the database in the file PATH; NULL: there was no memory for one. */
bool sqlite_problem(sqlite3 *db, const char *path, struct problem *problem);

#endif
