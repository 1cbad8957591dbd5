/* --update-database: fetches anew the file that a command looks things up in, checks it, and puts it in the place of the old one
 * in one step. Commands that run notice by themselves (watch.h).
 *
 * Whether there is anything new the server is asked with If-Modified-Since and the time of the file, which is set to what the
 * server said; where the old file is missing or broken it is fetched in any case. Nothing is stored but the file. */
#ifndef IMQ_DATABASE_H
#define IMQ_DATABASE_H

#include <stdbool.h>

#include "filter.h"
#include "http.h"
#include "opt.h"
#include "problem.h"
#include "stream.h"

/* Embed it, name it in the option table with DATABASE_OPTIONS(), and give the filter an update(). */
struct database {
	bool update, verbose, autoupdate;
	const char *url; /* --database-url */
	struct http http;
};

extern const struct mixin database_mixin;

/* clang-format off */
#define DATABASE_OPTIONS(d, byDefault) \
	OPT_BOOL(0, "autoupdate-cached-database", &(d)->autoupdate, true, "no: --update-database leaves the database alone"), \
	DATABASE_OPTIONS_ALWAYS(d, byDefault)
/* For commands whose updates cannot be switched off: they initialise D with autoupdate true. */
#define DATABASE_OPTIONS_ALWAYS(d, byDefault) \
	OPT_BOOL(0, "update-database", &(d)->update, false, "fetch a new database if there is one, then end"), \
	OPT_BOOL(0, "verbose", &(d)->verbose, false, "say what --update-database did"), \
	OPT_TEXT(0, "database-url", &(d)->url, byDefault, "where it comes from"), \
	HTTP_SESSION_OPTIONS(&(d)->http, "1G"), \
	OPT_MIXIN(&database_mixin, d)
/* clang-format on */

/* One file to fetch. */
struct database_file {
	const char *path, *url;
	/* "Name: value", NULL-terminated; NULL: none. */
	const char *const *headers;
	/* What status 401 means here; NULL: nothing special. Then it is EXIT_USAGE. */
	const char *refused;
	/* The answer is an archive: the member whose name contains this, or the one file that it packs; NULL: it is the file. */
	const char *member;
	/* Writes the file to OUT from what came, in IN, which is at its beginning; NULL: it is copied. Failures of OUT
	 * need no look. */
	bool (*convert)(int in, struct writer *out, struct problem *problem);
	/* Whether the file at PATH can be used. */
	bool (*check)(const char *path, struct problem *problem);
};

/* For update(): fetches FILE if there is a newer one. Says by itself what went wrong; EXIT_REMOTE: the server, or what came from
 * there; EXIT_IO: the disk. Directories are made. */
enum exit_status database_fetch(struct database *d, const struct database_file *file);
/* For update(): the body of URL, as http_fetch() has it. A URL's query, where keys may stand, is not shown. */
bool database_page(struct database *d, const char *url, struct http_reply *reply, struct problem *problem);

#endif
