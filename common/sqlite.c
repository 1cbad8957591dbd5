#include "sqlite.h"

bool sqlite_problem(sqlite3 *db, const char *path, struct problem *problem)
{
	int code = db ? sqlite3_errcode(db) & 0xff : SQLITE_NOMEM;

	problem_at(problem, path, 0, 0, "%s", db ? sqlite3_errmsg(db) : "out of memory");
	problem->disk = code == SQLITE_FULL || code == SQLITE_IOERR;
	return false;
}
