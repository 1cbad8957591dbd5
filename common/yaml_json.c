#include "yaml_json.h"

#include <stdlib.h>
#include <yaml.h>

#include "alloc.h"
#include "value.h"

enum { DEPTH = 64 };

struct yaml_reader {
	yaml_parser_t parser;
	yaml_event_t event; /* the last one read */
	bool have_event;
	bool started;
	const char *file;
};

struct yaml_reader *yaml_open(struct text text, const char *file)
{
	struct yaml_reader *y = alloc_zero(1, sizeof *y);

	if (!yaml_parser_initialize(&y->parser)) {
		free(y);
		return NULL;
	}
	yaml_parser_set_input_string(&y->parser, (const unsigned char *)text.at, text.len);
	y->file = file;
	return y;
}

void yaml_close(struct yaml_reader *y)
{
	if (!y)
		return;
	if (y->have_event)
		yaml_event_delete(&y->event);
	yaml_parser_delete(&y->parser);
	free(y);
}

/* Reads the next event into Y. */
static bool advance(struct yaml_reader *y, struct problem *problem)
{
	if (y->have_event)
		yaml_event_delete(&y->event);
	y->have_event = yaml_parser_parse(&y->parser, &y->event);
	if (!y->have_event)
		return problem_at(problem, y->file, (long)y->parser.problem_mark.line + 1,
			(long)y->parser.problem_mark.column + 1, "%s",
			y->parser.problem ? y->parser.problem : "not YAML");
	return true;
}

static long line_of(const struct yaml_reader *y)
{
	return (long)y->event.start_mark.line + 1;
}

static bool start_document(struct yaml_reader *y, struct problem *problem)
{
	y->started = true;
	do
		if (!advance(y, problem))
			return false;
	while (y->event.type == YAML_STREAM_START_EVENT || y->event.type == YAML_DOCUMENT_START_EVENT);
	return true;
}

bool yaml_enter_map(struct yaml_reader *y, struct problem *problem)
{
	problem->text[0] = '\0';
	if (!y->started ? !start_document(y, problem) : !advance(y, problem))
		return false;
	if (y->event.type == YAML_STREAM_END_EVENT)
		return false;
	if (y->event.type == YAML_SCALAR_EVENT && y->event.data.scalar.length == 0)
		return false;
	if (y->event.type != YAML_MAPPING_START_EVENT)
		return problem_at(problem, y->file, line_of(y), 0, "a map of names and values is wanted here");
	return true;
}

bool yaml_next_key(struct yaml_reader *y, struct text *key, long *line, struct problem *problem)
{
	problem->text[0] = '\0';
	if (!advance(y, problem) || y->event.type == YAML_MAPPING_END_EVENT)
		return false;
	if (y->event.type != YAML_SCALAR_EVENT)
		return problem_at(problem, y->file, line_of(y), 0, "a name is wanted here");
	*key = (struct text){ (const char *)y->event.data.scalar.value, y->event.data.scalar.length };
	*line = line_of(y);
	return true;
}

/* YAML 1.2, 10.3.2: what a plain scalar without tag is. */
static void plain_scalar(struct text t, struct buf *json)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL" };
	static const char *const trues[] = { "true", "True", "TRUE" }, *const falses[] = { "false", "False", "FALSE" };
	struct value v;
	struct value_error unused;
	struct text digits = t;

	for (size_t i = 0; i < LENGTH(nulls); i++)
		if (text_is(t, nulls[i])) {
			buf_string(json, "null");
			return;
		}
	for (size_t i = 0; i < LENGTH(trues); i++)
		if (text_is(t, trues[i]) || text_is(t, falses[i])) {
			buf_string(json, text_is(t, trues[i]) ? "true" : "false");
			return;
		}
	if (digits.at[0] == '+')
		digits = text_from(digits, 1);
	while (digits.len > 1 && digits.at[0] == '0' && digits.at[1] >= '0' && digits.at[1] <= '9')
		digits = text_from(digits, 1);
	if (value_parse(digits, &v, &unused) && v.kind == VALUE_NUMBER)
		buf_text(json, digits);
	else
		buf_json(json, t);
}

static bool append_scalar(struct yaml_reader *y, struct buf *json, bool key)
{
	struct text t = { (const char *)y->event.data.scalar.value, y->event.data.scalar.length };

	if (!key && y->event.data.scalar.plain_implicit)
		plain_scalar(t, json);
	else
		buf_json(json, t);
	return true;
}

/* Appends the value whose first event has been read. */
static bool append_value(struct yaml_reader *y, struct buf *json, int depth, struct problem *problem)
{
	bool map = y->event.type == YAML_MAPPING_START_EVENT, first = true;

	if (y->event.type == YAML_SCALAR_EVENT)
		return append_scalar(y, json, false);
	if (y->event.type == YAML_ALIAS_EVENT)
		return problem_at(problem, y->file, line_of(y), 0, "aliases are not supported");
	if (!map && y->event.type != YAML_SEQUENCE_START_EVENT)
		return problem_at(problem, y->file, line_of(y), 0, "a value is missing");
	if (depth == DEPTH)
		return problem_at(problem, y->file, line_of(y), 0, "nested too deeply");
	buf_char(json, map ? '{' : '[');
	for (;; first = false) {
		if (!advance(y, problem))
			return false;
		if (y->event.type == YAML_MAPPING_END_EVENT || y->event.type == YAML_SEQUENCE_END_EVENT)
			break;
		if (!first)
			buf_char(json, ',');
		if (map) {
			if (y->event.type != YAML_SCALAR_EVENT)
				return problem_at(problem, y->file, line_of(y), 0, "a name is wanted here");
			append_scalar(y, json, true);
			buf_char(json, ':');
			if (!advance(y, problem))
				return false;
		}
		if (!append_value(y, json, depth + 1, problem))
			return false;
	}
	buf_char(json, map ? '}' : ']');
	return true;
}

bool yaml_value(struct yaml_reader *y, struct buf *json, struct problem *problem)
{
	return advance(y, problem) && append_value(y, json, 0, problem);
}

bool yaml_to_json(struct text text, const char *file, struct buf *json, struct problem *problem)
{
	struct yaml_reader *y = yaml_open(text, file);
	bool fine = y && start_document(y, problem);

	if (fine && y->event.type == YAML_STREAM_END_EVENT)
		buf_string(json, "null");
	else
		fine = fine && append_value(y, json, 0, problem);
	yaml_close(y);
	return fine;
}
