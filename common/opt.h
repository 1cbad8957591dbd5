/* Options: one table per command, from which parsing, --help, --describe, --config and the man page check come.
 *
 * A row's destination is typed, so that a row that points at the wrong kind of variable does not compile. The long
 * option `--http-proxy` is IntelMQ's parameter `http_proxy`. An option beats the --config file, that beats the default. */
#ifndef IMQ_OPT_H
#define IMQ_OPT_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "problem.h"
#include "text.h"

/* A list of texts; the texts belong to the options and live as long as the process. */
struct list {
	struct text *items;
	size_t count;
};

bool list_has(const struct list *list, struct text item);

enum tristate { TRISTATE_UNSET, TRISTATE_NO, TRISTATE_YES };

enum opt_kind {
	OPT_KIND_END,
	OPT_KIND_BOOLEAN,
	OPT_KIND_TRISTATE,
	OPT_KIND_INTEGER,
	OPT_KIND_NUMBER,
	OPT_KIND_SECONDS,
	OPT_KIND_BYTES,
	OPT_KIND_TEXT,
	OPT_KIND_CHOICE,
	OPT_KIND_LIST,
	OPT_KIND_JSON,
	OPT_KIND_VALUE,
	OPT_KIND_MIXIN,
};

struct mixin; /* filter.h */

struct opt {
	enum opt_kind kind;
	char letter; /* 0: none */
	const char *name;
	union {
		bool *boolean;
		enum tristate *tristate;
		long long *integer;
		double *number; /* also seconds */
		size_t *bytes;
		const char **text;
		int *choice;
		struct list *list;
		struct text *json;
		void *mixin;
	} to;
	/* The default as one would write it on the command line; NULL: none. */
	const char *fallback;
	const char *help;
	const char *const *choices; /* of OPT_KIND_CHOICE, NULL-terminated */
	const char *parameter;      /* IntelMQ's name where it is not the option's with underscores */
	const char *argument;       /* what --help calls the value; NULL: a word for its kind */
	bool adds;                  /* of OPT_KIND_LIST: given again, it adds to the list */
	bool secret;                /* never shown; stands in files, not in argv */
	const struct mixin *mixin;
};

#define OPT_BOOL(l, n, destination, byDefault, h) \
	{ .kind = OPT_KIND_BOOLEAN, .letter = l, .name = n, .to.boolean = destination, .fallback = (byDefault) ? "true" : "false", .help = h }
/* --name, --no-name, or neither. BYDEFAULT: NULL, "true" or "false". */
#define OPT_TRISTATE(l, n, destination, byDefault, h) \
	{ .kind = OPT_KIND_TRISTATE, .letter = l, .name = n, .to.tristate = destination, .fallback = byDefault, .help = h }
#define OPT_INTEGER(l, n, destination, byDefault, h) \
	{ .kind = OPT_KIND_INTEGER, .letter = l, .name = n, .to.integer = destination, .fallback = byDefault, .help = h }
#define OPT_NUMBER(l, n, destination, byDefault, h) \
	{ .kind = OPT_KIND_NUMBER, .letter = l, .name = n, .to.number = destination, .fallback = byDefault, .help = h }
/* Seconds as a double; `90`, `1.5`, `10m`, `2h` and `1d` are understood. */
#define OPT_SECONDS(l, n, destination, byDefault, h) \
	{ .kind = OPT_KIND_SECONDS, .letter = l, .name = n, .to.number = destination, .fallback = byDefault, .help = h }
/* Bytes; `64K`, `16M`, `1G` (and KiB, MiB, GiB) are powers of 1024. */
#define OPT_BYTES(l, n, destination, byDefault, h) \
	{ .kind = OPT_KIND_BYTES, .letter = l, .name = n, .to.bytes = destination, .fallback = byDefault, .help = h }
#define OPT_TEXT(l, n, destination, byDefault, h) \
	{ .kind = OPT_KIND_TEXT, .letter = l, .name = n, .to.text = destination, .fallback = byDefault, .help = h }
#define OPT_FILE(l, n, destination, h) \
	{ .kind = OPT_KIND_TEXT, .letter = l, .name = n, .to.text = destination, .argument = "FILE", .help = h }
#define OPT_SECRET(n, destination, h) \
	{ .kind = OPT_KIND_TEXT, .name = n, .to.text = destination, .help = h, .secret = true }
/* One word out of CHOICELIST, stored as its index; -1 without a default. */
#define OPT_CHOICE(l, n, destination, choiceList, byDefault, h) \
	{ .kind = OPT_KIND_CHOICE, .letter = l, .name = n, .to.choice = destination, .choices = choiceList, .fallback = byDefault, .help = h }
/* Comma-separated with blanks trimmed, or a JSON array. */
#define OPT_LIST(l, n, destination, byDefault, h) \
	{ .kind = OPT_KIND_LIST, .letter = l, .name = n, .to.list = destination, .fallback = byDefault, .help = h }
/* As OPT_LIST() without a default; given again, it adds to the list instead of replacing it. */
#define OPT_LIST_MORE(l, n, destination, h) \
	{ .kind = OPT_KIND_LIST, .letter = l, .name = n, .to.list = destination, .help = h, .adds = true }
/* Any JSON value (maps above all), kept as JSON text that has been checked; NO_TEXT without a default. */
#define OPT_JSON(l, n, destination, byDefault, h) \
	{ .kind = OPT_KIND_JSON, .letter = l, .name = n, .to.json = destination, .fallback = byDefault, .help = h }
/* As OPT_JSON(), and what is no JSON is a text: `80` is a number, `AT` and `"80"` are texts. */
#define OPT_VALUE(l, n, destination, byDefault, h) \
	{ .kind = OPT_KIND_VALUE, .letter = l, .name = n, .to.json = destination, .fallback = byDefault, .help = h }
/* Names a mixin in the table: it is started, run and stopped with the command. Used by the mixins' own macros. */
#define OPT_MIXIN(class, instance) { .kind = OPT_KIND_MIXIN, .mixin = class, .to.mixin = instance }
#define OPT_END { .kind = OPT_KIND_END }

/* What a command says of itself. */
struct command {
	const char *name;     /* imq-url */
	const char *modules;  /* IntelMQ's modules that it stands for, separated by blanks; NULL: none */
	const char *summary;  /* "take URLs apart", for --help and the man page's NAME */
	const char *operands; /* "[FILE]..." */
	const struct opt *options;
	const struct opt *common; /* those all commands of its kind have; NULL: none */
	/* Appends further members (`,"paths":…`) to --describe; NULL: none. */
	void (*describe)(struct buf *json);
	/* What it does with records, for --describe: "source", "parser", "filter", "sink"; NULL: "tool", something else. */
	const char *kind;
	const char *compiled; /* see struct filter; NULL: none */
	int rate_limit;       /* of a source: seconds that IntelMQ's bot rests between two runs, for imq-compile */
};

enum opt_outcome {
	OPT_GO,   /* all set */
	OPT_DONE, /* --help and the like were printed: exit 0 */
	OPT_BAD,  /* PROBLEM says what is wrong: exit 2 */
};

/* Sets every destination from ARGV, --config files and defaults. OPERANDS is where in ARGV the operands start. */
enum opt_outcome opt_parse(const struct command *command, int argc, char **argv, int *operands, struct problem *problem);
/* All of a beginning for commands that read no records: names messages, parses options, tells what is wrong with them. False: exit
 * with *STATUS. */
bool opt_start(const struct command *command, int argc, char **argv, int *operands, int *status);
/* Writes out what was printed to stdout, as after OPT_DONE. False with a message: some of it could not be written. */
bool opt_flush(void);
/* Sets one option from text as on the command line. False with PROBLEM's text filled in. */
bool opt_set(const struct opt *row, struct text value, struct problem *problem);
/* Sets the option NAME, unless the command line or a --config file has, as a file with the value JSON would. One that
 * the command does not have is passed over. False with PROBLEM's text filled in. */
bool opt_fall_back(const struct command *command, struct text name, struct text json, struct problem *problem);
/* The row of a parameter or option name, dashes and underscores being the same; NULL: none. */
const struct opt *opt_find(const struct command *command, struct text name);
/* The name in the NULL-free array NAMES of COUNT that looks most like WRONG, or NULL if none does. */
const char *suggest(struct text wrong, const char *const *names, size_t count);

#endif
