/* What the parts of imq-compile share: the configuration, the commands, the graph of queues, and what is written. */
#ifndef IMQ_COMPILE_H
#define IMQ_COMPILE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "problem.h"
#include "text.h"

/* A setting as the file has it. */
struct parameter {
	char *name, *json;
	long line; /* 0: not from the file */
};

/* One path of a bot's destination_queues to one queue. */
struct link {
	char *path, *queue;
	long line;
};

struct bot {
	char *id, *module;
	char *group, *display_name, *description, *run_mode; /* NULL: not given */
	char *unknown_key; /* of the entry, the first; NULL: none */
	long line, module_line, unknown_line;
	bool enabled, enabled_given;
	struct parameter *parameters;
	size_t count, cap;
	/* Filled in by graph_build(): */
	json_t *command; /* its --describe; NULL: none of ours, it stays with IntelMQ */
	char *source_queue;
	struct link *links; /* `_on_error` is not among them */
	size_t link_count, link_cap;
	char *on_error; /* the queue of that path, NULL: none */
	bool collector, output;
	bool inlined;  /* runs behind another bot in the same pipeline */
	int joining;   /* of graph.c: whether all its links are inlined */
};

/* config.c */
struct config {
	const char *file;
	char *folder;         /* of the file */
	char *harmonization;  /* path of the harmonization.conf beside it, NULL: none */
	struct bot global;
	struct bot environment; /* INTELMQ_* variables: they beat everything (runtime.md 2.4) */
	struct bot **bots;
	size_t count, cap;
};

/* Reads FILE, and defaults.conf and pipeline.conf beside a runtime.conf of IntelMQ 2. */
bool config_read(struct config *c, const char *file, struct problem *problem);
void config_free(struct config *c);
struct bot *config_bot(const struct config *c, const char *id);
/* The parameter of BOT that is in force: from the environment, the bot, or the global section; NULL: none. */
const struct parameter *config_parameter(const struct config *c, const struct bot *bot, const char *name);
/* As that, without the global section. */
const struct parameter *config_own(const struct config *c, const struct bot *bot, const char *name);
/* Its text (a string's characters, else its JSON), to be freed; NULL: none, or null. */
char *config_text(const struct config *c, const struct bot *bot, const char *name);
/* Whether it is true. */
bool config_true(const struct config *c, const struct bot *bot, const char *name);

/* commands.c: the commands beside this one, as they describe themselves. */
bool commands_load(struct problem *problem);
void commands_free(void);
/* The command that stands for MODULE, or NULL. */
json_t *commands_for(const char *module);
/* The known module that looks most like MODULE, or NULL. */
const char *commands_like(const char *module);
/* The row of PARAMETER in a command's description, or NULL. */
json_t *commands_parameter(json_t *command, const char *parameter);
/* A member of a description that is a text; "" without it. */
const char *member(json_t *object, const char *key);

/* words.c: command lines. */
/* Appends a word so that sh reads it back as it is. */
void append_word(struct buf *line, struct text word);
/* Appends NAME=VALUE as one word, without a blank before it. */
void append_assignment(struct buf *line, struct text name, struct text value);
/* Appends WORD in double quotes, in which sh replaces the script's own $IMQ_STATE/ and $here/, and nothing else. */
void append_expanded(struct buf *line, const char *word);
/* Whether ITEM can stand in a list between commas; else the list must be a JSON array. */
bool is_plain_item(struct text item);
/* Whether imq-route and imq-pump can be told PATH, in NAME=COMMAND and NAME=QUEUE. */
bool is_path_name(const char *path);
/* What becomes of values that are no plain scalars, and of secrets. */
struct config_file {
	bool wanted;     /* collect them in JSON, else they stand in the command line */
	struct buf json; /* a map, which is YAML too */
	const char *secret; /* the first secret that is in the command line all the same; NULL: none */
};
/* Puts a parameter that must not, or cannot well, stand in a command line into the config file. */
void add_to_file(struct config_file *file, const char *name, struct text json);
/* Appends the command and options that stand for BOT. False: PROBLEM. */
bool command_line(const struct config *c, const struct bot *bot, struct buf *line, struct config_file *file,
	struct problem *problem);

/* Whether each of IntelMQ's bots has a setting of that name, used or not (runtime.md 2.3, 2.5), and whether it is one that pipes,
 * pumps and the shell take care of here. */
bool is_common_setting(const char *name);
bool is_run_time(const char *name);

/* redis.c */
/* Appends --cache, or the --state of a deduplicator with IntelMQ's keys, from redis_cache_*. */
void append_redis(const struct config *c, const struct bot *bot, struct buf *line, struct config_file *file);
/* Whether BOT keeps its state in IntelMQ's own Redis (keys: intelmq). */
bool uses_intelmq_keys(const struct config *c, const struct bot *bot);

/* graph.c */
/* Resolves commands and queues, and finds out which bots can run in one pipeline. */
bool graph_build(struct config *c, struct problem *problem);
/* How many links of running or disabled bots lead to QUEUE, and how many bots read it; *READER is the last of these. */
size_t graph_writers(const struct config *c, const char *queue);
size_t graph_readers(const struct config *c, const char *queue, struct bot **reader);
/* Whether everything BOT sends stays in its pipeline: its readers follow it there. */
bool graph_joins(const struct bot *bot);
/* The bot that can follow BOT by LINK in one pipeline; NULL: there must be a queue between. */
struct bot *graph_next(const struct config *c, const struct bot *bot, const struct link *link);
/* Whether BOT runs when a timer says so, not all the time. */
bool graph_scheduled(const struct bot *bot);
/* How many seconds BOT, a collector, rests between its runs: its rate_limit, or what its command says; 0: not at all. */
double graph_pause(const struct config *c, const struct bot *bot);
/* Whether BOT begins a pipeline. */
bool graph_heads(const struct bot *bot);
/* The ids of bots whose records can come back to them, to be freed; NULL: there are none. */
char *graph_loop(const struct config *c);

/* check.c: says on stderr what is wrong. STRICT: a module that looks like a slip is wrong too, not one of IntelMQ's that imq does
 * not have. False: something is wrong. */
bool check_all(struct config *c, bool strict);
/* What the name of a bot consists of (runtime.md 2.2); it names functions of the shell and files too. */
extern const char id_letters[];

/* queues.c */
/* The URL of QUEUE, for BOT to read (SIDE "source") or write ("destination"), of the KIND that --queue said; it may begin with
 * $IMQ_STATE. To be freed; NULL: PROBLEM. */
char *queues_url(const struct config *c, const char *kind, const struct bot *bot, const char *side, const char *queue,
	struct problem *problem);
/* Whether URL holds a password, which must not stand in a command line. */
bool queues_has_password(const char *url);
/* Whether HOST, of a Redis, is the path of a socket, and its URL, with the settings that are not NULL. */
bool is_socket(const char *host);
void append_socket(struct buf *url, const char *host, const char *db, const char *password);

/* script.c */
struct script {
	const char *folder; /* where config files go, NULL: none may be written */
	const char *state;  /* folder of queues and states */
	const char *queues; /* "sqlite", "intelmq", or a URL that a queue's name is put behind */
	const char *name;   /* how the script calls itself */
};
/* Appends the shell script for all of C to OUT. */
bool script_write(const struct config *c, const struct script *s, struct buf *out, struct problem *problem);
/* Appends a script that runs BOT alone, with the queues of S. */
bool script_bot(const struct config *c, const struct script *s, struct bot *bot, struct buf *out, struct problem *problem);
/* Writes an executable or a secret file by way of a temporary one. */
bool script_file(const char *folder, const char *name, unsigned mode, struct text text, struct problem *problem);

/* units.c: systemd units for the pipelines of the script at PATH, into FOLDER. */
bool units_write(const struct config *c, const char *folder, const char *path, const char *state, struct problem *problem);

/* dot.c: the graph for graphviz. */
void dot_write(const struct config *c, struct buf *out);

#endif
