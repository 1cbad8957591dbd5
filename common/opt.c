#include "opt.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "config.h"
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

/* The Ith settable row of COMMAND, its own first; NULL behind the last. */
static const struct opt *row_at(const struct command *command, size_t i)
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

	for (size_t i = 0; (row = row_at(command, i)); i++)
		if (same_name(name, text_of(row->name)) || (row->parameter && text_is(name, row->parameter)))
			return row;
	return NULL;
}

static bool bad_value(const struct opt *row, const char *wanted, struct text value, struct problem *problem)
{
	if (row->secret)
		return problem_set(problem, "--%s: not %s", row->name, wanted);
	return problem_set(problem, "--%s: not %s: \"%.*s\"", row->name, wanted, TEXT_ARGS(value));
}

static bool parse_boolean(struct text value, bool *result)
{
	*result = text_eq_nocase(value, TEXT("true")) || text_eq_nocase(value, TEXT("yes")) ||
	          text_eq_nocase(value, TEXT("on")) || text_is(value, "1");
	return *result || text_eq_nocase(value, TEXT("false")) || text_eq_nocase(value, TEXT("no")) ||
	       text_eq_nocase(value, TEXT("off")) || text_is(value, "0");
}

/* A decimal number, and what follows it. */
static bool parse_number(struct text value, double *number, struct text *rest)
{
	char copy[64], *end;

	if (value.len == 0 || value.len >= sizeof copy || value.at[0] == ' ')
		return false;
	memcpy(copy, value.at, value.len);
	copy[value.len] = '\0';
	*number = strtod(copy, &end);
	*rest = text_from(value, (size_t)(end - copy));
	return end != copy && isfinite(*number);
}

static bool parse_bytes(struct text value, size_t *bytes)
{
	static const struct { const char *unit; double factor; } units[] = { { "", 1 }, { "K", 1024 }, { "KiB", 1024 },
		{ "M", 1 << 20 }, { "MiB", 1 << 20 }, { "G", 1 << 30 }, { "GiB", 1 << 30 } };
	struct text unit;
	double number;

	if (!parse_number(value, &number, &unit) || number < 0)
		return false;
	for (size_t i = 0; i < LENGTH(units); i++)
		if (text_eq_nocase(unit, text_of(units[i].unit)) && number * units[i].factor < 9e18) {
			*bytes = (size_t)(number * units[i].factor);
			return true;
		}
	return false;
}

static bool parse_seconds(struct text value, double *seconds)
{
	static const struct { const char *unit; double factor; } units[] = { { "", 1 }, { "s", 1 }, { "ms", 0.001 },
		{ "m", 60 }, { "h", 3600 }, { "d", 86400 } };
	struct text unit;
	double number;

	if (!parse_number(value, &number, &unit) || number < 0)
		return false;
	for (size_t i = 0; i < LENGTH(units); i++)
		if (text_is(unit, units[i].unit)) {
			*seconds = number * units[i].factor;
			return true;
		}
	return false;
}

/* The texts of options live as long as the process, those that a later option replaced too: leak checkers find them here. */
static void remember(void *memory)
{
	static void **all;
	static size_t count, cap;

	alloc_grow(&all, &cap, count + 1, sizeof *all);
	all[count++] = memory;
}

static struct text keep(struct text t)
{
	char *copy = alloc_string(t);

	remember(copy);
	return (struct text){ copy, t.len };
}

/* T as a JSON string. */
static struct text quoted(struct text t)
{
	struct buf json = BUF_INIT;
	struct text kept;

	buf_json(&json, t);
	kept = keep(buf_view(&json));
	buf_free(&json);
	return kept;
}

static bool takes_json(const struct opt *row)
{
	return row->kind == OPT_KIND_JSON || row->kind == OPT_KIND_VALUE;
}

static void list_add(struct list *list, size_t *cap, struct text item)
{
	alloc_grow(&list->items, cap, list->count + 1, sizeof *list->items);
	list->items[list->count++] = keep(item);
}

/* Reads VALUE into LIST, behind what it has if it ADDS. */
static bool parse_list(struct text value, struct list *list, bool adds)
{
	struct list fresh = { NULL, 0 };
	struct value array, element;
	struct value_error unused;
	struct arena arena = { 0 };
	struct text item;
	size_t cap = 0;
	bool fine = true;

	for (size_t i = 0; adds && i < list->count; i++)
		list_add(&fresh, &cap, list->items[i]);
	if (value.len && value.at[0] == '[' && value_parse(value, &array, &unused)) {
		struct value_walk walk = value_walk(array);

		while (value_next(&walk, &element)) {
			fine &= element.kind != VALUE_ARRAY && element.kind != VALUE_OBJECT;
			list_add(&fresh, &cap, element.kind == VALUE_STRING ? value_text(element, &arena) : element.raw);
		}
	} else {
		while (text_split(&value, ',', &item))
			if (text_trim(item).len || value.at || fresh.count)
				list_add(&fresh, &cap, text_trim(item));
	}
	arena_free(&arena);
	remember(fresh.items);
	*list = fresh;
	return fine;
}

bool opt_set(const struct opt *row, struct text value, struct problem *problem)
{
	struct value json;
	struct value_error error;
	struct text rest;
	bool yes;

	switch (row->kind) {
	case OPT_KIND_BOOLEAN:
		return parse_boolean(value, row->to.boolean) || bad_value(row, "true or false", value, problem);
	case OPT_KIND_TRISTATE:
		if (text_is(value, "null") || value.len == 0) {
			*row->to.tristate = TRISTATE_UNSET;
			return true;
		}
		if (!parse_boolean(value, &yes))
			return bad_value(row, "true or false", value, problem);
		*row->to.tristate = yes ? TRISTATE_YES : TRISTATE_NO;
		return true;
	case OPT_KIND_INTEGER:
		return text_integer(value, row->to.integer) || bad_value(row, "an integer", value, problem);
	case OPT_KIND_NUMBER:
		return (parse_number(value, row->to.number, &rest) && rest.len == 0) ||
		       bad_value(row, "a number", value, problem);
	case OPT_KIND_SECONDS:
		return parse_seconds(value, row->to.number) || bad_value(row, "a time in seconds", value, problem);
	case OPT_KIND_BYTES:
		return parse_bytes(value, row->to.bytes) || bad_value(row, "a size in bytes", value, problem);
	case OPT_KIND_TEXT:
		if (memchr(value.at, '\0', value.len))
			return bad_value(row, "a text without NUL", value, problem);
		*row->to.text = keep(value).at;
		return true;
	case OPT_KIND_CHOICE:
		for (int i = 0; row->choices[i]; i++)
			if (text_is(value, row->choices[i])) {
				*row->to.choice = i;
				return true;
			}
		return bad_value(row, "one of the choices", value, problem);
	case OPT_KIND_LIST:
		return parse_list(value, row->to.list, row->adds) || bad_value(row, "a list", value, problem);
	case OPT_KIND_JSON:
		if (value.len == 0) { /* IntelMQ's configurations write no map as an empty text */
			*row->to.json = NO_TEXT;
			return true;
		}
		if (!value_parse(value, &json, &error))
			return problem_set(problem, "--%s: character %td: %s", row->name, error.at - value.at + 1, error.reason);
		*row->to.json = keep(value);
		return true;
	case OPT_KIND_VALUE:
		*row->to.json = value_parse(value, &json, &error) ? keep(value) : quoted(value);
		return true;
	case OPT_KIND_MIXIN:
	case OPT_KIND_END:
		break;
	}
	return true;
}

static bool set_defaults(const struct command *command, struct problem *problem)
{
	const struct opt *row;

	for (size_t i = 0; (row = row_at(command, i)); i++) {
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

	while ((row = row_at(command, count)) && count < MAX_ROWS)
		names[count++] = row->name;
	like = suggest(name, names, count);
	if (like)
		return problem_set(problem, "unknown %s \"%.*s\": did you mean \"%s%s\"?", what, TEXT_ARGS(name), prefix, like);
	return problem_set(problem, "unknown %s \"%.*s\"", what, TEXT_ARGS(name));
}

bool file_read(const char *path, size_t limit, struct buf *out, struct problem *problem)
{
	int fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 0;

	if (fd < 0)
		return problem_at(problem, path, 0, 0, "%s", strerror(errno));
	while (out->len <= limit && (n = read(fd, buf_room(out, 65536), 65536)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		out->len += (size_t)n;
	}
	if (fd != STDIN_FILENO)
		close(fd);
	if (n < 0)
		return problem_at(problem, path, 0, 0, "%s", strerror(errno));
	return out->len <= limit || problem_at(problem, path, 0, 0, "larger than %zu bytes", limit);
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
	if (v.kind == VALUE_NULL && !takes_json(row)) {
		fine = true; /* as if it were not there: the default stays */
		if (row->kind == OPT_KIND_TRISTATE)
			*row->to.tristate = TRISTATE_UNSET;
	} else if (takes_json(row) || v.kind != VALUE_STRING) {
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

	while (row_at(command, i) != row)
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

static const char *argument_word(const struct opt *row)
{
	if (row->argument)
		return row->argument;
	switch (row->kind) {
	case OPT_KIND_INTEGER:
		return "N";
	case OPT_KIND_NUMBER:
		return "NUMBER";
	case OPT_KIND_SECONDS:
		return "SECONDS";
	case OPT_KIND_BYTES:
		return "BYTES";
	case OPT_KIND_LIST:
		return "LIST";
	case OPT_KIND_JSON:
		return "JSON";
	case OPT_KIND_VALUE:
		return "VALUE";
	case OPT_KIND_CHOICE:
		return "WORD";
	default:
		return "TEXT";
	}
}

static bool is_switch(const struct opt *row)
{
	return row->kind == OPT_KIND_BOOLEAN || row->kind == OPT_KIND_TRISTATE;
}

static void print_row(struct buf *b, char letter, const char *name, const char *argument, const char *help)
{
	size_t start = b->len;

	buf_string(b, "  ");
	if (letter)
		buf_printf(b, "-%c, ", letter);
	else
		buf_string(b, "    ");
	buf_printf(b, "--%s%s%s", name, argument[0] ? " " : "", argument);
	if (b->len - start > 30)
		buf_printf(b, "\n%32s", "");
	else
		buf_printf(b, "%*s", (int)(32 - (b->len - start)), "");
	buf_string(b, help);
}

static void print_help(const struct command *command)
{
	struct buf b = BUF_INIT;
	const struct opt *row;

	buf_printf(&b, "usage: %s [OPTION]...%s%s\n%s: %s\n\n", command->name, command->operands[0] ? " " : "",
		command->operands, command->name, command->summary);
	for (size_t i = 0; (row = row_at(command, i)); i++) {
		print_row(&b, row->letter, row->name, is_switch(row) ? "" : argument_word(row), row->help);
		if (row->kind == OPT_KIND_CHOICE) {
			buf_string(&b, " (");
			for (int c = 0; row->choices[c]; c++)
				buf_printf(&b, "%s%s", c ? ", " : "", row->choices[c]);
			buf_char(&b, ')');
		}
		if (row->fallback && row->fallback[0] && !(is_switch(row) && strcmp(row->fallback, "false") == 0))
			buf_printf(&b, " [%s]", row->fallback);
		buf_char(&b, '\n');
	}
	print_row(&b, 0, "config", "FILE", "read parameters from a YAML file\n");
	print_row(&b, 0, "describe", "", "print what this command is and takes, as JSON\n");
	print_row(&b, 'h', "help", "", "print this\n");
	print_row(&b, 'V', "version", "", "print the version\n");
	fwrite(b.at, 1, b.len, stdout);
	buf_free(&b);
}

static void describe_row(struct buf *b, const struct opt *row, bool common)
{
	static const char *const kinds[] = { "", "boolean", "tristate", "integer", "number", "seconds", "bytes", "text",
		"choice", "list", "json", "value", "" };
	struct text name = text_of(row->parameter ? row->parameter : row->name);

	buf_string(b, "{\"name\":\"");
	for (size_t i = 0; i < name.len; i++)
		buf_char(b, name.at[i] == '-' ? '_' : name.at[i]);
	buf_printf(b, "\",\"option\":\"--%s\",\"type\":\"%s\"", row->name, kinds[row->kind]);
	if (row->letter)
		buf_printf(b, ",\"letter\":\"%c\"", row->letter);
	buf_string(b, ",\"default\":");
	if (!row->fallback)
		buf_string(b, "null");
	else if (is_switch(row))
		buf_string(b, row->fallback);
	else
		buf_json(b, text_of(row->fallback));
	if (row->kind == OPT_KIND_CHOICE) {
		buf_string(b, ",\"choices\":[");
		for (int c = 0; row->choices[c]; c++)
			buf_printf(b, "%s\"%s\"", c ? "," : "", row->choices[c]);
		buf_char(b, ']');
	}
	if (row->secret)
		buf_string(b, ",\"secret\":true");
	if (common)
		buf_string(b, ",\"common\":true");
	buf_string(b, ",\"help\":");
	buf_json(b, text_of(row->help));
	buf_char(b, '}');
}

static void print_description(const struct command *command)
{
	struct buf b = BUF_INIT;
	struct text rest = text_of(command->modules), module;
	const struct opt *row;
	bool first = true;

	buf_printf(&b, "{\"name\":\"%s\",\"version\":\"%s\",\"kind\":\"%s\",\"modules\":[", command->name, IMQ_VERSION,
		command->kind ? command->kind : "tool");
	for (; text_split(&rest, ' ', &module); first = false) {
		buf_string(&b, first ? "" : ",");
		buf_json(&b, module);
	}
	buf_string(&b, "],\"summary\":");
	buf_json(&b, text_of(command->summary));
	buf_string(&b, ",\"operands\":");
	buf_json(&b, text_of(command->operands));
	buf_string(&b, ",\"parameters\":[");
	for (size_t i = 0; (row = row_at(command, i)); i++) {
		bool common = command->common;

		for (const struct opt *own = command->options; common && own && own->kind != OPT_KIND_END; own++)
			common = own != row;
		buf_string(&b, i ? "," : "");
		describe_row(&b, row, common);
	}
	buf_char(&b, ']');
	if (command->compiled) {
		buf_string(&b, ",\"compiled\":");
		buf_json(&b, text_of(command->compiled));
	}
	if (command->describe)
		command->describe(&b);
	buf_string(&b, "}\n");
	fwrite(b.at, 1, b.len, stdout);
	buf_free(&b);
}

/* getopt_long's tables from ours: value i*2 is row i, i*2+1 its --no- form. */
static void make_tables(const struct command *command, struct option *longs, char *shorts, char **negations)
{
	static const struct option fixed[] = { { "help", no_argument, NULL, HELP }, { "version", no_argument, NULL, VERSION },
		{ "describe", no_argument, NULL, DESCRIBE }, { "config", required_argument, NULL, CONFIG } };
	const struct opt *row;

	shorts += sprintf(shorts, ":hV");
	for (size_t i = 0; (row = row_at(command, i)) && i < MAX_ROWS; i++) {
		*longs++ = (struct option){ row->name, is_switch(row) ? no_argument : required_argument, NULL, HELP + 100 + (int)i * 2 };
		if (is_switch(row)) {
			negations[i] = alloc_zero(strlen(row->name) + 4, 1);
			sprintf(negations[i], "no-%s", row->name);
			*longs++ = (struct option){ negations[i], no_argument, NULL, HELP + 101 + (int)i * 2 };
		}
		if (row->letter)
			shorts += sprintf(shorts, "%c%s", row->letter, is_switch(row) ? "" : ":");
	}
	memcpy(longs, fixed, sizeof fixed);
	longs[LENGTH(fixed)] = (struct option){ NULL, 0, NULL, 0 };
}

static size_t row_of_letter(const struct command *command, int letter)
{
	const struct opt *row;
	size_t i = 0;

	while ((row = row_at(command, i)) && row->letter != letter)
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
		print_help(p->command);
		return OPT_DONE;
	case 'V':
	case VERSION:
		printf("%s %s\n", p->command->name, IMQ_VERSION);
		return OPT_DONE;
	case DESCRIBE:
		print_description(p->command);
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
	row = row_at(p->command, i);
	value = is_switch(row) ? (choice >= HELP && choice & 1 ? TEXT("false") : TEXT("true")) : text_of(optarg);
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

static bool readable_at(struct buf *path, const char *folder, const char *file)
{
	buf_clear(path);
	buf_printf(path, "%s/%s", folder, file);
	return access(buf_cstr(path), R_OK) == 0;
}

char *own_folder(void)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	char *slash;

	self[n > 0 ? n : 0] = '\0';
	slash = strrchr(self, '/');
	return alloc_string((struct text){ self, slash ? (size_t)(slash - self) : 0 });
}

char *share_path(const char *file)
{
	const char *chosen = getenv("IMQ_SHARE");
	struct buf path = BUF_INIT, beside = BUF_INIT;
	char *folder;
	bool there;

	if (chosen && *chosen) {
		readable_at(&path, chosen, file);
		return path.at;
	}
	folder = own_folder();
	buf_printf(&beside, "%s/../share", folder);
	free(folder);
	/* Only the build tree has its field table there; /usr/share is not ours. */
	there = readable_at(&path, buf_cstr(&beside), "fields.tsv") && readable_at(&path, beside.at, file);
	buf_free(&beside);
	if (!there)
		readable_at(&path, IMQ_SHARE_DIR, file);
	return path.at;
}
