/* MaxMind databases (MaxMind DB File Format 2.0), by libmaxminddb. */
#ifndef IMQ_MMDB_H
#define IMQ_MMDB_H

#include <maxminddb.h>
#include <stdbool.h>

#include "ip.h"
#include "problem.h"
#include "text.h"

struct mmdb {
	MMDB_s db;
	bool open;
	const char *path;
};

/* PATH must live as long as M. False with PROBLEM filled in: it cannot be opened, or (*FOREIGN, which may be
 * NULL) is no such database. */
bool mmdb_open(struct mmdb *m, const char *path, bool *foreign, struct problem *problem);
/* M may never have been opened. */
void mmdb_close(struct mmdb *m);
/* What kind of database it is: "GeoLite2-City". */
struct text mmdb_type(const struct mmdb *m);
/* Finds the record of IP, and the length of the prefix it is for. False: there is none, or PROBLEM's text,
 * empty at first, says that the database is broken. */
bool mmdb_find(const struct mmdb *m, const struct ip *ip, MMDB_entry_s *record, unsigned *prefix,
	struct problem *problem);
/* The value at the NULL-terminated PATH in RECORD. False: there is none. Its texts belong to M. */
bool mmdb_value(MMDB_entry_s *record, const char *const *path, MMDB_entry_data_s *value);

#endif
