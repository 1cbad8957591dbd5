/* Shadowserver's reports: the provider publishes a schema that says, for each of its report types, which column becomes
 * which field by which converter (parsers-2.md 3.13, IEP 10). */
#ifndef IMQ_PARSE_SHADOWSERVER_H
#define IMQ_PARSE_SHADOWSERVER_H

#include <jansson.h>
#include <sys/stat.h>

#include "driver.h"

/* What a converter makes of a cell. */
enum converted { CONVERTED, CONVERTED_NOTHING, CONVERTED_BADLY };

/* The columns that converters of whole rows look at; SIZE_MAX: there is none. */
struct row_columns {
	size_t cc_dns, http_host, hostname, ip, url, http_url, application, category, detail;
};

struct converter {
	const char *name;
	/* Changes *CELL, a text; the result stands in the session's arena or in the row. */
	enum converted (*run)(struct session *s, const struct record *r, const struct row_columns *columns,
		struct cell *cell);
	bool row;     /* looks at other columns, and is to be marked so in the schema */
	bool checked; /* accepts just what the type of field named TYPE does: not run where that follows anyway */
	const char *type;
};

/* NULL: there is none called NAME. */
const struct converter *converter_find(struct text name);

enum target_kind {
	TARGET_FIELD,
	TARGET_EXTRA,   /* extra.NAME, of any value */
	TARGET_COLUMN,  /* extra.<column> */
	TARGET_IGNORED, /* false in the schema */
	TARGET_UNKNOWN, /* not in the data format */
};

struct assignment {
	enum target_kind kind;
	struct text target, column;
	const struct converter *converter;
	const char *broken; /* why no row can be mapped by it; NULL: it is fine */
};

struct report_type {
	struct text feed_name, file_name, url;
	json_t *constants; /* NULL: none */
	struct assignment *assignments;
	size_t required, count; /* the first REQUIRED of COUNT are */
	const char *broken;     /* why no row of it can be mapped; NULL: it is fine */
};

struct schema {
	char *path;
	struct stat seen;
	json_t *root; /* owns the texts */
	struct text created;
	struct report_type *types;
	size_t count;
};

/* Reads the schema at PATH. NULL with PROBLEM filled in. What is in it that the driver does not know is told on stderr,
 * once for each, if TELL. */
struct schema *schema_load(const char *path, bool tell, struct problem *problem);
void schema_free(struct schema *schema);
const struct report_type *schema_by_feed(const struct schema *schema, struct text feed_name);
const struct report_type *schema_by_file(const struct schema *schema, struct text file_name);
/* The path of the schema that the parameters ask for; the caller frees. */
char *schema_path(void);

/* Puts TEXT in place of the schema at PATH if it is a good one of another version; says what was done. The
 * result is the exit status. */
int schema_install(const char *path, struct text text);
/* Downloads the schema and installs it, unless that was tried less than an hour ago. */
void schema_refresh(const char *path);
/* imq-parse shadowserver --update-schema [FILE]: from FILE, `-` being stdin, or downloaded. */
int schema_update(const char *file);

#endif
