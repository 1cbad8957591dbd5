/* default_fields: checked at the start, for at run time nobody could do anything about a bad one. */
#include "intake.h"

/* Appends a member, which must be acceptable. */
static bool add(struct buf *json, struct text name, struct value v, struct problem *problem)
{
	enum field f = field_intern(name);
	struct buf scratch = BUF_INIT;
	struct arena arena = { 0 };
	struct cell cell = json_cell(v, &arena);
	enum field_verdict verdict = FIELD_UNKNOWN;

	if (f != F_NONE && f != F_MESSAGE_TYPE && f != F_MESSAGE_PATH)
		verdict = value_ignored(v) ? FIELD_FINE : field_sanitise(f, cell.kind, cell.text, &scratch);
	if (verdict != FIELD_FINE) {
		buf_clear(&scratch);
		field_explain(f, verdict, cell.kind, cell.text, &scratch);
		problem_set(problem, "--default-fields: %.*s", TEXT_ARGS(buf_view(&scratch)));
	}
	buf_free(&scratch);
	arena_free(&arena);
	buf_string(json, json->len > 1 ? "," : "");
	buf_json(json, name);
	buf_char(json, ':');
	buf_text(json, v.raw);
	return verdict == FIELD_FINE;
}

static bool add_type(struct buf *json, const char *type, struct problem *problem)
{
	struct buf quoted = BUF_INIT, scratch = BUF_INIT;
	bool fine = field_sanitise(F_CLASSIFICATION_TYPE, VALUE_STRING, text_of(type), &scratch) == FIELD_FINE;

	buf_json(&quoted, text_of(type));
	if (fine)
		add(json, TEXT("classification.type"), (struct value){ buf_view(&quoted), VALUE_STRING, true },
			problem);
	else
		problem_set(problem, "--type: no classification.type: \"%s\"", type);
	buf_free(&quoted);
	buf_free(&scratch);
	return fine;
}

bool defaults_read(struct text given, const char *type, struct buf *json, struct problem *problem)
{
	struct value map = NO_VALUE, key, member;
	struct value_walk walk;
	struct value_error error;
	struct arena arena = { 0 };
	bool fine = true;

	if (given.at)
		value_parse(given, &map, &error);
	if (map.kind == VALUE_STRING && !value_parse(value_text(map, &arena), &map, &error))
		map = NO_VALUE;
	if (map.kind != VALUE_NONE && map.kind != VALUE_NULL && map.kind != VALUE_OBJECT)
		fine = problem_set(problem, "--default-fields: a map of fields is wanted");
	buf_char(json, '{');
	for (walk = value_walk(map); fine && map.kind == VALUE_OBJECT && value_next_member(&walk, &key, &member);) {
		struct text name = value_text(key, &arena);

		if (!type || !text_is(name, "classification.type"))
			fine = add(json, name, member, problem);
	}
	if (fine && type)
		fine = add_type(json, type, problem);
	buf_char(json, '}');
	arena_free(&arena);
	return fine;
}
