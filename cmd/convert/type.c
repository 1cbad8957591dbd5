/* imq-type: tell what a field type makes of values. For trying out a format, and for tests. */
#include <stdio.h>

#include "log.h"
#include "opt.h"
#include "stream.h"
#include "type.h"
#include "value.h"

enum { RECORD_MAX = 16 << 20 };

static bool list;

static const struct opt options[] = { OPT_BOOL('l', "list", &list, false, "list the types and end"),
	OPT_END };

static const struct command command = { .name = "imq-type",
	.summary = "tell what a field type makes of values",
	.operands = "TYPE [FILE]...",
	.options = options };

static void list_types(void)
{
	size_t count;
	const struct type *const *types = type_list(&count);

	for (size_t i = 0; i < count; i++)
		puts(types[i]->name);
}

/* Appends `{"value":…,"valid":…,"sanitised":…}`. */
static void judge(const struct type *type, struct value v, struct arena *scratch, struct buf *out)
{
	struct text text = v.kind == VALUE_STRING ? value_text(v, scratch) : v.raw;

	buf_string(out, "{\"value\":");
	buf_text(out, v.raw);
	buf_string(out, ",\"valid\":");
	buf_string(out, type->valid(v.kind, text) ? "true" : "false");
	buf_string(out, ",\"sanitised\":");
	if (!type->sanitise(v.kind, text, out))
		buf_string(out, "null");
	buf_string(out, "}\n");
}

static int judge_all(const struct type *type, char *const *files)
{
	struct arena scratch = { 0 };
	struct value_error error;
	struct reader in;
	struct writer out;
	struct text line;
	struct value v;
	int status = 0;

	reader_init(&in, files, RECORD_MAX);
	writer_init(&out, 1);
	for (enum reader_state state; (state = reader_next(&in, &line)) != READER_END && !out.failure;) {
		switch (state) {
		case READER_WAIT:
			writer_flush(&out);
			reader_wait(&in, -1);
			break;
		case READER_RECORD:
			if (value_parse(line, &v, &error)) {
				judge(type, v, &scratch, &out.buffer);
				arena_clear(&scratch);
			} else {
				log_record(in.file, in.line, text_of(error.reason));
				buf_string(
					&out.buffer, "{\"value\":null,\"valid\":false,\"sanitised\":null}\n");
				status = 3;
			}
			break;
		case READER_BARRIER:
			buf_char(&out.buffer, '\n');
			writer_flush(&out);
			break;
		case READER_LONG:
			log_record(in.file, in.line, TEXT("the record is too long"));
			status = 3;
			break;
		default:
			log_problem(&in.problem);
			status = 4;
		}
		writer_added(&out);
	}
	if (!writer_flush(&out))
		status = 4;
	arena_free(&scratch);
	writer_free(&out);
	reader_free(&in);
	log_flush();
	return status;
}

int main(int argc, char **argv)
{
	const struct type *type;
	int operands, status;

	if (!opt_start(&command, argc, argv, &operands, &status))
		return status;
	if (list) {
		list_types();
		return opt_flush() ? 0 : 4;
	}
	type = operands < argc ? type_named(text_of(argv[operands])) : NULL;
	if (!type) {
		log_message(operands < argc ? "no such type: \"%s\" (--list lists them)" : "which type?%s",
			operands < argc ? argv[operands] : "");
		return 2;
	}
	return judge_all(type, argv + operands + 1);
}
