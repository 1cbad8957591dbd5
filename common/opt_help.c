/* What a command says of itself: --help for people, --describe for programs. */
#include <stdio.h>

#include "opt_priv.h"

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

bool opt_is_switch(const struct opt *row)
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

void opt_print_help(const struct command *command)
{
	struct buf b = BUF_INIT;
	const struct opt *row;

	buf_printf(&b, "usage: %s [OPTION]...%s%s\n%s: %s\n\n", command->name, command->operands[0] ? " " : "",
		command->operands, command->name, command->summary);
	for (size_t i = 0; (row = opt_row(command, i)); i++) {
		print_row(&b, row->letter, row->name, opt_is_switch(row) ? "" : argument_word(row), row->help);
		if (row->kind == OPT_KIND_CHOICE) {
			buf_string(&b, " (");
			for (int c = 0; row->choices[c]; c++)
				buf_printf(&b, "%s%s", c ? ", " : "", row->choices[c]);
			buf_char(&b, ')');
		}
		if (row->fallback && row->fallback[0] && !(opt_is_switch(row) && strcmp(row->fallback, "false") == 0))
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
	else if (opt_is_switch(row))
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

void opt_print_description(const struct command *command)
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
	for (size_t i = 0; (row = opt_row(command, i)); i++) {
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
	if (command->rate_limit)
		buf_printf(&b, ",\"rate_limit\":%d", command->rate_limit);
	if (command->describe)
		command->describe(&b);
	buf_string(&b, "}\n");
	fwrite(b.at, 1, b.len, stdout);
	buf_free(&b);
}
