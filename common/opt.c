#include "opt_priv.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "files.h"
#include "filter.h"
#include "log.h"
#include "value.h"
#include "yaml_json.h"

enum { MAX_ROWS = 256, CONFIG_LIMIT = 64 << 20 };

static bool given[MAX_ROWS]; /* rows that the command line or a file has set */

/* The options that every command has and that are not settings. */
enum { HELP = 1000, VERSION, DESCRIBE, CONFIG };

bool list_has(const struct list *list, struct text item)
{
	for (size_t i = 0; i < list->count; i++)
		if (text_eq(list->items[i], item))
			return true;
	return false;
}

const struct opt *opt_row(const struct command *command, size_t i)
{
	const struct opt *tables[] = { command->options, command->common };

	for (size_t t = 0; t < LENGTH(tables); t++)
		for (const struct opt *row = tables[t]; row && row->kind != OPT_KIND_END; row++)
			if (row->kind != OPT_KIND_MIXIN && i-- == 0)
				return row;
	return NULL;
}

static bool same_name(struct text a, struct text b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (a.at[i] != b.at[i] && !((a.at[i] == '-' || a.at[i] == '_') && (b.at[i] == '-' || b.at[i] == '_')))
			return false;
	return true;
}

const struct opt *opt_find(const struct command *command, struct text name)
{
	const struct opt *row;

	for (size_t i = 0; (row = opt_row(command, i)); i++)
		if (same_name(name, text_of(row->name)) || (row->parameter && text_is(name, row->parameter)))
			return row;
	return NULL;
}

static bool set_defaults(const struct command *command, struct problem *problem)
{
	const struct opt *row;

	for (size_t i = 0; (row = opt_row(command, i)); i++) {
		if (row->kind == OPT_KIND_CHOICE)
			*row->to.choice = -1;
		if (row->kind == OPT_KIND_TRISTATE)
			*row->to.tristate = TRISTATE_UNSET;
		if (row->fallback && !opt_set(row, text_of(row->fallback), problem))
			return false;
	}
	return true;
}

/* Levenshtein's distance, enough of it to tell a slip of the fingers. */
static unsigned distance(struct text a, struct text b)
{
	enum { LONGEST = 64 };
	unsigned row[LONGEST + 1];

	if (a.len > LONGEST || b.len > LONGEST)
		return UINT_MAX;
	for (unsigned j = 0; j <= b.len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b.len; j++) {
			bool same = a.at[i - 1] == b.at[j - 1] ||
			            ((a.at[i - 1] == '_' || a.at[i - 1] == '-') && (b.at[j - 1] == '-' || b.at[j - 1] == '_'));
			unsigned best = diagonal + !same;

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[b.len];
}

const char *suggest(struct text wrong, const char *const *names, size_t count)
{
	const char *best = NULL;
	unsigned least = (unsigned)(wrong.len / 3 + 1) + 1;

	for (size_t i = 0; i < count; i++) {
		unsigned d = distance(wrong, text_of(names[i]));

		if (d < least) {
			least = d;
			best = names[i];
		}
	}
	return best;
}

static bool unknown(const struct command *command, const char *what, struct text name, const char *prefix,
	struct problem *problem)
{
	const char *names[MAX_ROWS], *like;
	const struct opt *row;
	size_t count = 0;

	while ((row = opt_row(command, count)) && count < MAX_ROWS)
		names[count++] = row->name;
	like = suggest(name, names, count);
	if (like)
		return problem_set(problem, "unknown %s \"%.*s\": did you mean \"%s%s\"?", what, TEXT_ARGS(name), prefix, like);
	return problem_set(problem, "unknown %s \"%.*s\"", what, TEXT_ARGS(name));
}

/* One value of a --config file. */
static bool set_from_json(const struct opt *row, struct text json, struct problem *problem)
{
	struct value_error unused;
	struct value v;
	struct arena arena = { 0 };
	bool fine;

	if (!value_parse(json, &v, &unused))
		return problem_set(problem, "--%s: %s", row->name, unused.reason);
	if (v.kind == VALUE_NULL && !opt_takes_json(row)) {
		fine = true; /* as if it were not there: the default stays */
		if (row->kind == OPT_KIND_TRISTATE)
			*row->to.tristate = TRISTATE_UNSET;
	} else if (opt_takes_json(row) || v.kind != VALUE_STRING) {
		fine = opt_set(row, json, problem);
	} else {
		fine = opt_set(row, value_text(v, &arena), problem);
	}
	arena_free(&arena);
	return fine;
}

/* Where in the tables ROW stands. */
static size_t index_of(const struct command *command, const struct opt *row)
{
	size_t i = 0;

	while (opt_row(command, i) != row)
		i++;
	return i;
}

bool opt_fall_back(const struct command *command, struct text name, struct text json, struct problem *problem)
{
	const struct opt *row = opt_find(command, name);

	return !row || given[index_of(command, row)] || set_from_json(row, json, problem);
}

/* Sets what FILE names, but for rows that are TAKEN already. */
static bool read_config(const struct command *command, const char *file, bool *taken, struct problem *problem)
{
	struct buf text = BUF_INIT, json = BUF_INIT;
	bool seen[MAX_ROWS] = { false };
	struct yaml_reader *y = NULL;
	struct text key;
	long line = 0;
	bool fine = file_read(file, CONFIG_LIMIT, &text, problem);

	if (fine) {
		y = yaml_open(buf_view(&text), file);
		fine = y && (yaml_enter_map(y, problem) || !problem->text[0]);
	}
	while (fine && yaml_next_key(y, &key, &line, problem)) {
		const struct opt *row = opt_find(command, key);
		size_t i = row ? index_of(command, row) : 0;

		buf_clear(&json);
		if (!row)
			fine = unknown(command, "parameter", key, "", problem);
		else if (seen[i])
			fine = problem_set(problem, "%.*s: given twice", TEXT_ARGS(key));
		else
			fine = yaml_value(y, &json, problem) && (taken[i] || set_from_json(row, buf_view(&json), problem));
		if (!fine && !problem->file[0]) {
			snprintf(problem->file, sizeof problem->file, "%s", file);
			problem->line = line;
		}
		if (row)
			seen[i] = given[i] = true;
	}
	fine = fine && !problem->text[0];
	yaml_close(y);
	buf_free(&text);
	buf_free(&json);
	return fine;
}

/* getopt_long's tables from ours: value i*2 is row i, i*2+1 its --no- form. */
static void make_tables(const struct command *command, struct option *longs, char *shorts, char **negations)
{
	static const struct option fixed[] = { { "help", no_argument, NULL, HELP }, { "version", no_argument, NULL, VERSION },
		{ "describe", no_argument, NULL, DESCRIBE }, { "config", required_argument, NULL, CONFIG } };
	const struct opt *row;

	shorts += sprintf(shorts, ":hV");
	for (size_t i = 0; (row = opt_row(command, i)) && i < MAX_ROWS; i++) {
		*longs++ = (struct option){ row->name, opt_is_switch(row) ? no_argument : required_argument, NULL, HELP + 100 + (int)i * 2 };
		if (opt_is_switch(row)) {
			negations[i] = alloc_zero(strlen(row->name) + 4, 1);
			sprintf(negations[i], "no-%s", row->name);
			*longs++ = (struct option){ negations[i], no_argument, NULL, HELP + 101 + (int)i * 2 };
		}
		if (row->letter)
			shorts += sprintf(shorts, "%c%s", row->letter, opt_is_switch(row) ? "" : ":");
	}
	memcpy(longs, fixed, sizeof fixed);
	longs[LENGTH(fixed)] = (struct option){ NULL, 0, NULL, 0 };
}

static size_t row_of_letter(const struct command *command, int letter)
{
	const struct opt *row;
	size_t i = 0;

	while ((row = opt_row(command, i)) && row->letter != letter)
		i++;
	return i;
}

struct parse {
	const struct command *command;
	bool taken[MAX_ROWS];
	char *configs[16];
	size_t config_count;
};

static enum opt_outcome bad_usage(const struct command *command, int choice, char **argv, struct problem *problem)
{
	const char *word = argv[optind - 1];

	if (choice == ':')
		problem_set(problem, "option %s wants a value", word);
	else if (optopt >= HELP)
		problem_set(problem, "option %s takes no value", word);
	else if (optopt)
		problem_set(problem, "unknown option -%c", optopt);
	else if (strncmp(word, "--", 2) == 0)
		unknown(command, "option", text_of(word + 2), "--", problem);
	else
		problem_set(problem, "unknown option %s", word);
	return OPT_BAD;
}

static enum opt_outcome take_option(struct parse *p, int choice, char **argv, struct problem *problem)
{
	const struct opt *row;
	struct text value;
	size_t i;

	switch (choice) {
	case 'h':
	case HELP:
		opt_print_help(p->command);
		return OPT_DONE;
	case 'V':
	case VERSION:
		printf("%s %s\n", p->command->name, IMQ_VERSION);
		return OPT_DONE;
	case DESCRIBE:
		opt_print_description(p->command);
		return OPT_DONE;
	case CONFIG:
		if (p->config_count == LENGTH(p->configs)) {
			problem_set(problem, "too many --config files");
			return OPT_BAD;
		}
		p->configs[p->config_count++] = optarg;
		return OPT_GO;
	case '?':
	case ':':
		return bad_usage(p->command, choice, argv, problem);
	}
	i = choice >= HELP ? (size_t)(choice - HELP - 100) / 2 : row_of_letter(p->command, choice);
	row = opt_row(p->command, i);
	value = opt_is_switch(row) ? (choice >= HELP && choice & 1 ? TEXT("false") : TEXT("true")) : text_of(optarg);
	p->taken[i] = given[i] = true;
	return opt_set(row, value, problem) ? OPT_GO : OPT_BAD;
}

enum opt_outcome opt_parse(const struct command *command, int argc, char **argv, int *operands, struct problem *problem)
{
	struct parse p = { .command = command };
	struct option longs[2 * MAX_ROWS + 8];
	char shorts[2 * MAX_ROWS + 8], *negations[MAX_ROWS] = { NULL };
	enum opt_outcome outcome = OPT_GO;
	int choice;

	*problem = (struct problem){ .line = 0 };
	if (!set_defaults(command, problem))
		return OPT_BAD;
	make_tables(command, longs, shorts, negations);
	opterr = 0;
	optind = 0;
	while (outcome == OPT_GO && (choice = getopt_long(argc, argv, shorts, longs, NULL)) != -1)
		outcome = take_option(&p, choice, argv, problem);
	*operands = optind;
	for (size_t i = 0; outcome == OPT_GO && i < p.config_count; i++) /* a later file beats an earlier one */
		if (!read_config(command, p.configs[i], p.taken, problem))
			outcome = OPT_BAD;
	for (size_t i = 0; i < MAX_ROWS; i++)
		free(negations[i]);
	return outcome;
}

bool opt_start(const struct command *command, int argc, char **argv, int *operands, int *status)
{
	struct problem problem = { .line = 0 };

	log_name(command->name);
	switch (opt_parse(command, argc, argv, operands, &problem)) {
	case OPT_DONE:
		*status = opt_flush() ? EXIT_FINE : EXIT_IO;
		return false;
	case OPT_BAD:
		log_problem(&problem);
		*status = EXIT_USAGE;
		return false;
	case OPT_GO:
		break;
	}
	return true;
}

bool opt_flush(void)
{
	/* What was printed may have failed before, when the buffer was full. */
	bool failed = ferror(stdout);

	if (fflush(stdout) == 0 && !failed)
		return true;
	log_message("stdout: %s", strerror(errno));
	return false;
}
