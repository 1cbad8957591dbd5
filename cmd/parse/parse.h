/* imq-parse: how its pieces fit together.
 *
 * definition.c reads a feed's definition (imq-feed(5)) with entries.c, framing.c, rules.c and build.c, or generic.c
 * makes one from options, into a struct program: rules over numbered inputs. decode.c makes UTF-8 of what comes in;
 * csv.c, lines.c and json.c cut it into records and hand each, as cells, to session_record(), which runs the program
 * (map.c, source.c, test.c, pass.c, steps.c) and writes events straight into the output buffer. Nothing is allocated
 * per record once the buffers have their size. */
#ifndef IMQ_PARSE_H
#define IMQ_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#include "arena.h"
#include "buf.h"
#include "event.h"
#include "field.h"
#include "opt.h"
#include "problem.h"
#include "regex.h"
#include "text.h"
#include "value.h"
#include "when.h"

/* A value of a record: for VALUE_STRING its characters, else JSON text. VALUE_NONE: the record has no such value. */
struct cell {
	struct text text;
	enum value_kind kind;
};

#define NO_CELL ((struct cell){ NO_TEXT, VALUE_NONE })

static inline struct cell cell_of(struct text t)
{
	return (struct cell){ t, VALUE_STRING };
}

/* ---- the program ---- */

enum step_kind {
	STEP_STRIP,      /* TEXT: characters, NO_TEXT: white space */
	STEP_LOWER,
	STEP_UPPER,
	STEP_BEFORE,     /* the part before the first TEXT (all of it, if there is none) */
	STEP_AFTER,
	STEP_BEFORE_LAST,
	STEP_AFTER_LAST,
	STEP_PART,       /* part INDEX (negative: from the end) of those between TEXT; OF parts are wanted, 0: any number */
	STEP_CUT,        /* the first INDEX characters; negative: all but the last -INDEX */
	STEP_PREFIX,
	STEP_SUFFIX,
	STEP_SCHEME,     /* TEXT in front, where there is no "://" */
	STEP_REMOVE,     /* every TEXT */
	STEP_REPLACE,    /* every match of REGEX by TEXT */
	STEP_SEARCH,     /* the first match of REGEX: group 1 if it has one, else the match; without a match nothing */
	STEP_MAP,        /* through TABLE */
	STEP_INTEGER,
	STEP_FLOAT,
	STEP_BOOLEAN,    /* yes, true, 1, enabled and their opposites; other words are nothing */
	STEP_TEXT,       /* a number, or what it may be, as its text */
	STEP_JSON,       /* the text is JSON */
	STEP_TIME,       /* through the first of WHENS that reads it */
	STEP_WORD,       /* word INDEX between runs of white space */
	STEP_UNPAD,      /* an IPv4 address without leading zeros */
	STEP_MULTIPLY,   /* by NUMBER, or by SOURCE */
	STEP_DIVIDE,
	STEP_ADD,
	STEP_BASE64,
	STEP_UNBASE64,
	STEP_URL,        /* the part PART of a URL */
	STEP_RESOLVE,    /* relative to the URL SOURCE (RFC 3986, 5) */
	STEP_NONE,       /* the values of TEST stand for nothing */
	STEP_ONLY,       /* what fails TEST is nothing */
	STEP_EXCEPT,     /* what passes TEST is nothing */
	STEP_ASSERT,     /* what fails TEST rejects the record */
	STEP_FIRST,      /* the first element that passes TEST */
	STEP_SINGLE,     /* the element of an array of one */
	STEP_LIST,       /* a value alone becomes an array of one */
	STEP_KEYS,       /* an object's keys */
	STEP_ENTRIES,    /* an object of objects as an array of these, each with its key as TEXT */
	STEP_JOIN,       /* the elements of an array with TEXT between */
};

enum url_part { URL_SCHEME, URL_HOST, URL_PORT, URL_LOCATION, URL_PATH, URL_QUERY, URL_FRAGMENT, URL_WHOLE };

enum unmapped { UNMAPPED_KEEP, UNMAPPED_SKIP, UNMAPPED_REJECT, UNMAPPED_DEFAULT };

struct table {
	struct table_row { struct text key; struct cell value; } *rows;
	size_t count;
	enum unmapped unmapped;
	struct cell fallback; /* for UNMAPPED_DEFAULT: also what an empty value becomes */
};

struct step {
	enum step_kind kind;
	struct text text;
	long index, of;
	bool generic; /* as the generic parser does it */
	struct regex *regex;
	struct when_format **whens;
	size_t when_count;
	struct table *table;
	struct conditions *test; /* of the value in hand */
	double number;
	struct source *source;   /* NULL: NUMBER */
	enum url_part part;
};

struct steps {
	struct step *at;
	size_t count;
};

/* A step into a JSON value: to the member KEY, the element INDEX, or with wildcards to all. */
struct path_step {
	struct text key;
	long index;
};

enum { PATH_KEY = -1, PATH_ELEMENTS = -2, PATH_MEMBERS = -3 }; /* instead of an index */

enum source_kind {
	SOURCE_VALUE,   /* a constant */
	SOURCE_INPUT,   /* a column or path: program->inputs[number] */
	SOURCE_RECORD,  /* the record's text */
	SOURCE_LAST,    /* the last column */
	SOURCE_PIECE,   /* what the fan is at, or what is at PATH in it */
	SOURCE_KEY,     /* the key of the innermost `*` of the fan or of `records` */
	SOURCE_NUMBER,  /* of the piece, from 1 */
	SOURCE_CAPTURE, /* program->captures[number] */
	SOURCE_REPORT,  /* FIELD of the report */
	SOURCE_PARAMETER, /* PARAMETER's value */
	SOURCE_EVENT,   /* FIELD as the event has it by now */
	SOURCE_CURRENT, /* the value in hand, in the tests of steps */
	SOURCE_FIRST,   /* the first character of the document, for choosing a variant */
	SOURCE_TEMPLATE,
};

struct source {
	enum source_kind kind;
	unsigned number;
	enum field field;
	unsigned slot; /* of SOURCE_EVENT */
	struct cell value;
	struct template *template;
	const struct opt *parameter;
	struct path_step *path;
	size_t depth;
};

/* Pieces of text and sources in turn. */
struct template {
	struct template_part {
		struct text text;
		struct source source;
		bool constant;
		int width;
		char align, fill;
	} *parts;
	size_t count;
};

enum test_kind { TEST_IS, TEST_STARTS, TEST_ENDS, TEST_CONTAINS, TEST_MATCHES, TEST_FILE, TEST_EMPTY, TEST_PRESENT,
	TEST_TRUE, TEST_VALID, TEST_SAME, TEST_LEAST, TEST_MOST, TEST_COUNT };

struct condition {
	struct source source;
	enum test_kind kind;
	bool negated;
	unsigned group;      /* one group of conditions must hold as a whole */
	struct text *values; /* any of them */
	size_t count;
	struct regex *regex;
	enum field field;    /* of TEST_VALID */
	struct source *other; /* of TEST_SAME; of numbers: instead of NUMBER */
	double number;
};

struct conditions { /* none at all hold always */
	struct condition *at;
	size_t count;
};

/* The first choice whose conditions hold and whose source has something in it gives the value. */
struct choice {
	struct source source;
	struct conditions when;
	struct steps steps;
	bool or_next; /* where it has no usable value, the next choice may */
};

struct target {
	enum field field; /* F_NONE: the value is used up */
	unsigned slot;    /* program->targets[slot]: one per field */
	struct text key;  /* `,"source.ip":` */
	bool free;        /* below extra: any value as it is */
	struct steps steps; /* change the value for this target and those after it */
};

struct rule {
	struct target *targets; /* the first that takes the value */
	size_t target_count;
	struct choice *choices;
	size_t choice_count;
	bool optional;   /* a value that no target takes is left out */
	const struct opt *optional_by; /* the same, where this parameter is set; NULL: none */
	bool required;   /* having no value fails the record */
	bool keep_empty; /* "", "-", "N/A", null are values */
	bool overwrite;  /* replaces a value that the event has */
	bool keep;       /* leaves a value that the event has */
	bool ignored_next; /* such values are for the next target, and fail at the last */
	bool as_is;      /* a value that is valid is not sanitised */
	bool constant;   /* one unconditional constant: already in the session's prefix */
};

/* Rules chosen by a value. */
struct choosing {
	struct source source;
	struct steps steps;
	struct conditions when;
	struct chosen {
		struct text key;
		enum { CASE_RULES, CASE_DROP, CASE_REJECT } action;
		struct rule *rules;
		size_t rule_count;
	} *cases, other; /* OTHER: for values without a case, and for none */
	size_t case_count;
};

/* Members of the record, or of an object in it, that become fields of a name made of PREFIX and their own. */
struct pass {
	struct source source;
	bool whole;  /* the record itself */
	bool unused; /* only what no rule looks at */
	struct text prefix;
	struct text fallback; /* where PREFIX and name are no field, or do not take the value; NO_TEXT: an error */
	struct text *except;
	size_t except_count;
	struct table rename; /* to null: left out */
	bool optional, overwrite, keep, keep_empty, lower, any_name, as_is;
};

/* One event for each piece of a text, or each value that paths find. */
struct fan {
	enum { FAN_NONE, FAN_SPLIT, FAN_EACH } kind;
	struct source source;
	struct text at;
	struct steps steps; /* on the text before it is split */
	struct fan_path { struct path_step *path; size_t depth; } *paths;
	size_t path_count;
	struct conditions when; /* otherwise the value is one piece */
	bool strip, skip_empty, sorted, or_once, isolate;
};

enum raw_policy { RAW_RECORD, RAW_COMMENTS, RAW_FIRST_LINE, RAW_CSV, RAW_CSV_STRIPPED, RAW_HEADER_LINE, RAW_JSON,
	RAW_JSON_SORTED, RAW_JSON_ARRAY, RAW_JSON_ARRAY_SORTED, RAW_PIECE, RAW_PIECE_SORTED, RAW_DOCUMENT, RAW_NONE };

/* How an event is made; a program may make several of one record. */
struct mapping {
	struct conditions when;    /* else no event */
	struct conditions require; /* else the record is rejected */
	struct conditions drop;    /* then no event: before it is made … */
	struct conditions discard; /* … and after */
	struct fan fan;
	struct choosing *choosings;
	size_t choosing_count;
	struct rule *rules;
	size_t rule_count;
	struct pass *passes;
	size_t pass_count;
	enum raw_policy raw;
	bool drop_empty; /* no event where no rule but constants has set anything */
};

/* A column or path. */

struct input {
	struct text name;
	struct path_step *path; /* JSON */
	size_t depth;
	size_t column; /* where its cell is; SIZE_MAX: the record has no such column */
	bool wanted; /* by `header: [...]` */
};

struct capture {
	struct text name;
	struct regex *regex;
	bool once; /* the first hit stays */
	long line; /* only this line, from 1; 0: any that is no record */
};

enum format { FORMAT_CSV, FORMAT_LINES, FORMAT_JSON, FORMAT_JSONL, FORMAT_KV, FORMAT_HTML, FORMAT_XML, FORMAT_DRIVER };

extern const char *const format_names[]; /* NULL-terminated */

struct program {
	enum format format;
	const struct driver *driver; /* of FORMAT_DRIVER */
	int encoding;                /* an enum encoding */
	/* framing */
	char delimiter;
	bool quotes, header, header_complete, strip;
	bool generic;             /* the preparations of IntelMQ's generic CSV parser */
	struct text *comments;    /* prefixes */
	size_t comment_count;
	struct text *separators;  /* of lines */
	size_t separator_count;
	struct regex *pattern;    /* of lines; its groups are the columns */
	bool skip_unmatched, skip_short;
	size_t min_columns;
	bool reject_long; /* records with more columns than have names */
	size_t column_count; /* that have names */
	size_t skip_first;
	size_t skip_lines, skip_last; /* physical lines */
	struct regex *start, *stop;   /* only lines between such lines are looked at */
	size_t lines_per_record;      /* that match; 0 and 1: one */
	struct steps repair;          /* of lines; of JSON that does not parse */
	struct path_step *records; /* of a JSON document */
	size_t records_depth;
	struct jq_program *jq;     /* changes each JSON record before it is mapped */
	struct text record_name;   /* of the elements of an XML document that are records */
	long table_index;          /* of HTML: which of the tables with this value of the attribute */
	struct text attribute, attribute_value;
	struct text pair_separator, kv_separator; /* of FORMAT_KV */
	bool strip_quotes;
	struct text filter;       /* rows with it (or without): NO_TEXT: all */
	bool filter_drops;
	struct capture *captures;
	size_t capture_count;
	/* mapping */
	struct input *inputs;
	size_t input_count;
	size_t width; /* columns to be kept of each record */
	bool last_used;
	bool dynamic; /* some fields are named by the input */
	bool values;  /* records need not be objects */
	bool places;  /* where fields stand in the event must be known */
	enum { OTHERS_IGNORE, OTHERS_REJECT, OTHERS_REJECT_SET } others; /* unknown keys and columns */
	struct mapping *mappings;
	size_t mapping_count;
	enum field *targets;
	size_t target_count;
	/* what becomes of fields of the report before they are copied */
	struct change { enum field field; struct steps steps; } *changes;
	size_t change_count;
	/* choosing between variants of a definition, by the report or by a comment line */
	struct conditions when;
	struct regex *when_line;
};

struct feed {
	struct text id, name, url, code, documentation;
	struct cell accuracy;
	bool dead; /* as of the definition, of this one of its feeds */
};

struct sample {
	struct text feed, input;
	struct value report;     /* fields of a report that the input is the raw of; NO_VALUE: it is raw input */
	struct value parameters; /* set while the sample is tried */
	struct value events;
	long long rejected;
	long line;
};

struct definition {
	char *file;
	struct text provider, module, documentation;
	bool dead; /* the feed is no more */
	struct feed *feeds;
	size_t feed_count;
	struct program *programs; /* variants: the first whose conditions hold */
	size_t program_count;
	struct sample *samples;
	size_t sample_count;
	struct regex **regexes;
	size_t regex_count;
	struct when_format **times;
	size_t time_count;
	struct arena memory;
};

/* Reads a definition. NULL with PROBLEM filled in. */
struct definition *definition_load(const char *file, struct problem *problem);
/* As definition_load(), from TEXT. */
struct definition *definition_read(struct text text, const char *file, struct problem *problem);
void definition_free(struct definition *d);

/* What the definition loader and generic.c build programs with (build.c); memory is the definition's. */
struct builder {
	struct definition *d;
	struct program *p;
	struct mapping *m;
	const struct entries *layers[3]; /* what keys are looked up in: event, variant, definition */
	struct problem *problem;
	const char *file;
	long line;
	bool python; /* regular expressions are Python's, as in IntelMQ's configurations */
};

void *build_zero(struct builder *b, size_t count, size_t size);
struct text build_text(struct builder *b, struct text t);
/* Appends a zeroed element to the array *ITEMS of *COUNT elements, and returns it. */
void *build_more(struct builder *b, void *items, size_t *count, size_t size);
/* False with the problem's place and text filled in. */
bool build_fail(struct builder *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
unsigned build_input(struct builder *b, struct text name);
bool build_source(struct builder *b, struct text name, struct source *source);
/* With BY_NUMBER `{0}` counts columns, as in Python; else `{name}`. */
bool build_template(struct builder *b, struct text text, bool by_number, struct template **result);
bool build_target(struct builder *b, struct text name, struct target *target);
bool build_regex(struct builder *b, struct text pattern, struct regex **regex);
bool build_time(struct builder *b, struct text name, struct when_format **when);
/* Adds a time format to those of STEP. */
bool build_when(struct builder *b, struct text name, struct step *step);
/* Takes `a.b[0]["c.d"]` apart; with WILD also `[]` and `*`. */
bool build_path(struct builder *b, struct text name, bool wild, struct path_step **path, size_t *depth);
bool build_steps(struct builder *b, struct value list, struct steps *steps);
bool build_conditions(struct builder *b, struct value map, struct conditions *conditions);
/* C's values: those of a list, or the one. */
bool build_values(struct builder *b, struct value v, struct condition *c);
/* Tests of the value in hand, or of SOURCE where it is not NULL, without naming a source. */
bool build_tests(struct builder *b, struct value map, const struct source *source, struct conditions *conditions);
unsigned build_slot(struct builder *b, enum field f);
bool build_table(struct builder *b, struct value map, struct table *table);
struct cell build_cell(struct builder *b, struct value v);
/* Numbers targets, marks constants, counts columns: when all rules are there. */
bool build_finish(struct builder *b);

enum generic_kind { GENERIC_CSV, GENERIC_REGEX, GENERIC_HTML, GENERIC_KV, GENERIC_JSON };

/* The generic parsers' parameters (generic.c, generic_keys.c). */
struct generic {
	struct list columns, columns_required;
	const char *delimiter, *default_url_protocol, *time_format, *type, *filter_text;
	int filter_type; /* 0: whitelist, 1: blacklist, -1: neither */
	struct text skip_header, type_translation, data_type, column_regex_search, compose_fields;
	const char *pattern;
	bool skip_unmatched;
	struct list ignore_values;
	const char *attribute_name, *attribute_value, *split_column, *split_separator, *split_index;
	long long table_index;
	bool skip_table_head, skip_head;
	const char *html_parser, *timestamp_key; /* what IntelMQ documents, or has, without effect */
	struct text keys;
	const char *pair_separator, *kv_separator;
	bool strip_quotes, splitlines;
};

/* The kind that NAME, a word or a module, stands for. False: none. */
bool generic_find(const char *name, enum generic_kind *kind);
/* The modules of all kinds, separated by blanks. */
extern const char generic_modules[];
/* The definition that OPTIONS make. NULL with PROBLEM filled in. */
struct definition *generic_definition(const struct generic *options, enum generic_kind kind, struct problem *problem);
/* Those without columns. */
bool generic_keys(struct builder *b, const struct generic *g);
bool generic_json(struct builder *b, const struct generic *g);

/* ---- running it ---- */

struct record {
	struct text source; /* as it stands in the input */
	long line;          /* in its document, from 1 */
	const struct cell *cells;
	size_t count;
	struct value json;  /* of JSON formats */
	struct value original; /* what jq has made `json` of */
	struct cell self;   /* of JSON formats, where the record is no object */
	struct text line_end; /* what stood behind it */
};

enum { LINES_PER_RECORD = 16, RECORDS_DEPTH = 16 }; /* at most */

struct session {
	const struct definition *definition;
	struct program *program; /* NULL: no variant fits the report */
	const struct feed *feed; /* for raw input */
	struct buf *out;
	/* Called after every record with what came of it. */
	void (*done)(struct session *s, size_t events);
	void (*reject)(struct session *s, const struct record *r, struct text reason);
	size_t max_record;
	/* What every event gets: default_fields, and copies from the report. */
	struct value defaults;
	const struct list *copy;
	struct buf observation;
	void *driver_state;      /* the driver's */
	const char *file;        /* the name of the file being read; NULL: unknown */
	/* Per document: */
	struct event *report;    /* NULL: raw input */
	struct buf prefix;       /* `{"feed.name":…,` and constants, without what rules may set */
	struct buf late;         /* `,"key":value` pieces for fields that rules left unset */
	struct late { enum field field; size_t slot, at, len; } *lates; /* SLOT may be SIZE_MAX */
	size_t late_count, late_cap;
	unsigned char *set_at_first, *set;
	struct placed { size_t at, len; } *placed; /* by slot: `,"key":value` in the output, LEN 0: not there */
	struct text first;       /* the first character of the document that is no white space */
	struct text document;    /* the base64 text of the report's raw */
	struct buf comments;     /* comment or header lines so far, joined by LF; for raw and rejects */
	struct buf first_line;
	struct buf csv_header;   /* lines skipped by skip_first, with line ends */
	struct buf header_text;  /* the header row's names, one behind the other, and where they are: */
	struct text *header;
	size_t header_count, header_cap;
	struct buf *captured;    /* one per capture */
	bool *has_capture;
	size_t skipped, capture_room, target_room;
	bool undecided;          /* no comment line has chosen a variant yet */
	bool started, stopped;   /* at the lines that start and stop want */
	size_t glued, glue_at[LINES_PER_RECORD]; /* lines of the record in hand, and where they end */
	struct buf glue;
	struct text header_lacks; /* the first column that header_complete misses */
	bool header_seen;
	bool skipping;           /* the rest of a record that is too long */
	const char *line_end;    /* that of the document, as far as known */
	long line;
	struct json_state {
		enum { JSON_START, JSON_DOCUMENT, JSON_ELEMENT, JSON_COMMA, JSON_END, JSON_JUNK } place;
		size_t searched; /* bytes of the value in hand that have been looked at, and the state there: */
		size_t depth;
		bool string, escape;
		/* Below a path (json_path.c): */
		enum { PATH_AT_VALUE, PATH_KEY_OR_END, PATH_ELEMENT_OR_END, PATH_BEHIND, PATH_TAKE, PATH_SKIP } step;
		size_t level, counts[RECORDS_DEPTH];
		bool below, wanted, inside, found;
	} json;
	/* Per record, kept for reuse: */
	struct cells {
		struct cell *at;
		size_t cap;
		struct buf text; /* of quoted cells */
	} row, again;            /* AGAIN: for writing a row anew while its cells are in use */
	struct arena arena;
	struct buf work, composed, reason;
	const struct record *record;
	struct cell piece, current;
	struct value piece_value;  /* of a fan over JSON */
	struct buf key_text;
	struct text key;           /* that the last wildcard over members went by */
	size_t piece_number;
	struct value *pieces;      /* of a fan in order */
	size_t piece_count, piece_cap, pieces_rejected;
	bool raw_given, anything;  /* whether a rule has set raw; whether one has set any field */
	size_t event_start, record_start; /* in the output */
	struct names {             /* of fields that the input names: open addressing */
		struct text *at;
		size_t count, cap;
	} names;
};

void session_init(struct session *s, const struct definition *d, struct buf *out);
void session_free(struct session *s);
/* A new document begins; REPORT is it, or NULL. False: no program for it; the session's reason says why. */
bool session_start(struct session *s, struct event *report);
/* Makes P, which is not of a definition, the program of the document begun: anew, what comes from the report and from
 * default_fields is put where P's targets do not lie. False: the session's reason says why. */
bool session_use(struct session *s, struct program *p);
/* Cuts DATA, which is UTF-8 and writable, into records and maps them; returns the bytes used up. LAST: nothing follows. */
size_t session_feed(struct session *s, struct text data, bool last);
/* Maps a record: writes its events or rejects it. */
void session_record(struct session *s, const struct record *r);
void session_reject(struct session *s, struct text source, long line, const char *reason);
/* Any line: for captures of certain lines. */
void session_line(struct session *s, struct text line);
/* A comment or header line. */
void session_comment(struct session *s, struct text line);
bool session_is_comment(const struct session *s, struct text line);
/* Room for N cells of the record in hand. */
struct cell *session_cells(struct session *s, size_t n);

size_t frame_csv(struct session *s, struct text data, bool last);
size_t frame_lines(struct session *s, struct text data, bool last);
size_t frame_json(struct session *s, struct text data, bool last);
/* The same for records below a path. */
size_t frame_json_path(struct session *s, struct text data, bool last);
/* The end of the value that starts at P, brackets and strings balanced; goes on where it stopped. NULL: not complete. */
const char *json_skip(struct json_state *j, const char *p, const char *end, bool last);
void json_forget(struct json_state *j);
/* A record, which need not be good JSON. */
void json_take(struct session *s, struct text element);
/* The same of the value V, which stands as SOURCE in the document; {}, [], 0, "" and null are no records. */
void json_take_value(struct session *s, struct value v, struct text source);
size_t frame_html(struct session *s, struct text data, bool last);
size_t frame_xml(struct session *s, struct text data, bool last);
/* A line of pairs. */
void take_pairs(struct session *s, struct text line);
/* Takes the columns' names from a header row. */
void csv_read_header(struct session *s, const struct record *r);
/* Whether NULs are deleted before anything is looked at. */
bool format_drops_nul(enum format format);
/* The end of the line that starts at P: where its line end begins; *NEXT is behind it. LF, CR and CRLF, with UNICODE
 * also the other line ends of Unicode. NULL: the line is not complete. */
const char *line_end(const char *p, const char *end, bool last, bool unicode, const char **next);
/* How many line feeds there are. */
long line_feeds(const char *p, const char *end);
/* Appends the record's row as CSV (data-format.md 7.3), with the line end. */
void csv_rewrite(struct session *s, const struct record *r, struct buf *out);
/* Fills R's cells from its object. */
void json_extract(struct session *s, struct record *r);
struct cell json_cell(struct value v, struct arena *arena);
struct value json_path(struct value v, const struct path_step *path, size_t depth);

enum outcome { STEP_FINE, STEP_NOTHING, STEP_NEXT, STEP_FAIL };
/* Changes CELL by STEPS. STEP_FAIL: the session's reason says why. */
enum outcome steps_run(struct session *s, const struct steps *steps, struct cell *cell);
struct cell source_get(struct session *s, const struct source *source, const struct record *r);
bool conditions_hold(struct session *s, const struct conditions *conditions, const struct record *r);
/* As conditions_hold(), CELL being what tests without a source look at. */
bool tests_hold(struct session *s, const struct conditions *tests, struct cell cell);
/* Whether a value counts as true: neither null, false, zero nor empty. */
bool cell_true(struct cell c);
/* Null, "", "-" and "N/A" stand for nothing (data-format.md 3.1). */
bool cell_ignored(struct cell c);
/* Runs the program on a record: appends its events as lines to the output. False: none of them, the session's reason says why. */
bool map_record(struct session *s, const struct record *r, size_t *events);
/* Adds to the event in hand the members that PASS is about. False: the session's reason says why. */
bool pass_run(struct session *s, const struct mapping *m, const struct pass *pass, const struct record *r);
/* Whether the record has no keys or columns that no rule looks at. False: the session's reason says why. */
bool others_checked(struct session *s, const struct record *r);
/* Puts a field of the event in hand into the output: KEY is `,"name":`. SLOT may be SIZE_MAX. */
enum field_verdict field_put(struct session *s, enum field f, size_t slot, struct text key, struct cell cell, bool as_is);
/* Takes it out again. */
void field_remove(struct session *s, size_t slot);
size_t slot_of(const struct program *p, enum field f);
bool fail_field(struct session *s, struct text name, const char *what);
/* Remembers NAME for the event in hand. False: it is there already. */
bool names_add(struct session *s, struct text name);
bool names_has(const struct session *s, struct text name);
void names_clear(struct session *s);
/* The last part of a URL's path, without query and fragment. */
struct text url_file(struct text url);
/* A value of the feed's definition, for raw input. */
struct cell feed_value(const struct session *s, enum field f);
/* Changes a field of the report as the program says, before it is copied. */
struct cell changed(struct session *s, enum field f, struct cell cell);
/* Calls EACH for all values at PATH in V. False as soon as EACH returns false. */
bool path_each(struct session *s, struct value v, const struct path_step *path, size_t depth,
	bool (*each)(struct session *s, struct value v, void *context), void *context);

/* ---- bytes to UTF-8 ---- */

/* ENCODING_AUTO: UTF-16 where it looks like that, else UTF-8. ENCODING_MIXED: UTF-8, and bytes that are none are Windows-1252. */
enum encoding { ENCODING_AUTO, ENCODING_UTF_8, ENCODING_LATIN_1, ENCODING_WINDOWS_1252, ENCODING_UTF_16, ENCODING_MIXED };

extern const char *const encoding_names[]; /* NULL-terminated */

struct decoder {
	enum encoding encoding, found; /* wanted, and that of the document */
	bool drop_nul;
	bool started;       /* behind a byte-order mark */
	bool big_endian;
	unsigned char kept[4];
	size_t kept_len;
	uint64_t undecodable; /* bytes dropped */
};

/* A new document begins. */
void decode_start(struct decoder *d);
/* Appends BYTES as UTF-8 to OUT; LAST: nothing follows. Bytes that stand for nothing are dropped and counted. */
void decode(struct decoder *d, struct text bytes, bool last, struct buf *out);

/* ---- the catalogue ---- */

/* The definition called NAME, a path, a feed or a module; *FEED is the feed meant, or the first. */
struct definition *catalogue_find(struct text name, const struct feed **feed, struct problem *problem);
/* All modules, separated by blanks; the caller frees. */
char *catalogue_modules(void);
int catalogue_list(void);
int catalogue_check(char *const *files);
int catalogue_test(char *const *names);

#endif
