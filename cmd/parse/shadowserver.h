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

/* ---- the driver's own: shadowserver.c compiles, shadowserver_row.c runs ---- */

/* Where a value goes: a member of the event. */
struct output {
	enum field field; /* F_NONE: below extra, any value as it is */
	unsigned slot;
	struct text key;  /* `,"source.ip":` */
	bool hidden;      /* a constant stands there in the end: only whether the value fits matters */
};

struct operation {
	const struct assignment *assignment;
	size_t column;   /* SIZE_MAX: the report has no such column */
	bool direct;     /* the field's type does what the converter would check */
	struct output to;
};

struct shadowserver {
	struct schema *schema;
	const struct report_type *fixed; /* by --feedname */
	/* Of the report in hand: */
	const struct report_type *type; /* NULL: to be told by the header */
	struct program program;
	struct mapping nothing; /* the program's: it has no rules */
	struct operation *operations;
	size_t operation_cap;
	struct output *leftovers; /* one per column */
	size_t leftover_cap, columns;
	bool *listed;             /* the last column of its name */
	bool *used;               /* of the row in hand */
	size_t flag_cap, used_cap;
	struct row_columns row;
	struct buf constants;     /* `,"key":value` pieces */
	struct slot {
		struct text name;
		bool constant; /* has a value in all events */
	} *slots;
	size_t slot_cap, target_cap;
	struct written { size_t at, len; } *written; /* where each slot's member stands in the output */
	size_t written_cap;
	struct buf header;        /* the header, every name quoted, with its line end, as raw has it */
	struct buf encoded;       /* its first bytes in base64 */
	const char *broken;       /* why no row can be mapped */
	struct arena memory;
};

static inline struct shadowserver *shadowserver_state(struct session *s)
{
	return s->driver_state;
}

/* Makes an event of a row, or rejects it. */
void shadowserver_row(struct session *s, const struct record *r);

#endif
