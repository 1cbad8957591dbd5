/* Records whose structure changes by a jq program before they are mapped. libjq 1.6 keeps numbers as doubles and writes
 * 17 digits: numbers of its results that are numbers of the record are written as they stand there. */
#include <jq.h>
#include <stdlib.h>

#include "alloc.h"
#include "jq_program.h"

struct jq_program {
	jq_state *state;
	struct buf failure; /* what libjq says of the program */
	struct number { double value; struct text text; bool used; } *numbers;
	size_t count, cap;
	struct buf dump, restored;
};

static void hear(void *context, jv message)
{
	struct jq_program *p = context;
	jv text = jv_get_kind(message) == JV_KIND_STRING ? jv_copy(message) : jv_dump_string(jv_copy(message), 0);

	if (!p->failure.len)
		buf_string(&p->failure, jv_string_value(text));
	jv_free(text);
	jv_free(message);
}

struct jq_program *jq_program_new(struct text text, struct problem *problem)
{
	struct jq_program *p = alloc_zero(1, sizeof *p);
	char *program = alloc_string(text);
	bool fine;

	p->state = jq_init();
	jq_set_error_cb(p->state, hear, p);
	/* `import` would read files from wherever the program is started. */
	jq_set_attr(p->state, jv_string("JQ_LIBRARY_PATH"), jv_array());
	fine = jq_compile(p->state, program) != 0;
	free(program);
	if (fine)
		return p;
	problem_set(problem, "jq: %s", p->failure.len ? buf_cstr(&p->failure) : "the program does not compile");
	for (char *c = problem->text; *c; c++)
		*c = *c == '\n' ? ' ' : *c;
	jq_program_free(p);
	return NULL;
}

void jq_program_free(struct jq_program *p)
{
	if (!p)
		return;
	jq_teardown(&p->state);
	buf_free(&p->failure);
	buf_free(&p->dump);
	buf_free(&p->restored);
	free(p->numbers);
	free(p);
}

/* The next number outside of strings, from *AT on; false: none. */
static bool next_number(struct text json, size_t *at, struct text *number)
{
	bool string = false;
	size_t i = *at;

	for (; i < json.len; i++) {
		char c = json.at[i];

		if (string && c == '\\')
			i++;
		else if (c == '"')
			string = !string;
		else if (!string && (c == '-' || (c >= '0' && c <= '9')))
			break;
	}
	if (i >= json.len)
		return false;
	*number = (struct text){ json.at + i, 0 };
	while (i < json.len && json.at[i] && strchr("+-.eE0123456789", json.at[i])) {
		number->len++;
		i++;
	}
	*at = i;
	return true;
}

/* Whether jq gives the number back as it is. */
static bool is_safe(struct text number)
{
	if (number.len > 15 || number.at[0] == '-')
		return false;
	for (size_t i = 0; i < number.len; i++)
		if (number.at[i] < '0' || number.at[i] > '9')
			return false;
	return true;
}

static double double_of(struct text number)
{
	struct value v = { number, VALUE_NUMBER, false };
	double d;

	return value_double(v, &d) ? d : 0;
}

static int by_value(const void *a, const void *b)
{
	double left = ((const struct number *)a)->value, right = ((const struct number *)b)->value;

	if (left != right)
		return left < right ? -1 : 1;
	return ((const struct number *)a)->text.at < ((const struct number *)b)->text.at ? -1 : 1;
}

static void remember_numbers(struct jq_program *p, struct text json)
{
	struct text number;
	size_t at = 0;

	p->count = 0;
	while (next_number(json, &at, &number))
		if (!is_safe(number)) {
			alloc_grow(&p->numbers, &p->cap, p->count + 1, sizeof *p->numbers);
			p->numbers[p->count++] = (struct number){ double_of(number), number, false };
		}
	if (p->count)
		qsort(p->numbers, p->count, sizeof *p->numbers, by_value);
}

/* The record's text for NUMBER; the next one where several are the same double. NO_TEXT: none has this value. */
static struct text original(struct jq_program *p, struct text number)
{
	double value = double_of(number);
	size_t low = 0, high = p->count, first;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (p->numbers[middle].value < value)
			low = middle + 1;
		else
			high = middle;
	}
	first = low;
	while (low < p->count && p->numbers[low].value == value && p->numbers[low].used)
		low++;
	if (low == p->count || p->numbers[low].value != value)
		low = first;
	if (low == p->count || p->numbers[low].value != value)
		return NO_TEXT;
	p->numbers[low].used = true;
	return p->numbers[low].text;
}

static struct text restored(struct jq_program *p, struct text json)
{
	size_t at = 0, done = 0;
	struct text number;

	if (!p->count)
		return json;
	for (size_t i = 0; i < p->count; i++)
		p->numbers[i].used = false;
	buf_clear(&p->restored);
	while (next_number(json, &at, &number)) {
		struct text text = original(p, number);

		if (!text.at)
			continue;
		buf_add(&p->restored, json.at + done, (size_t)(number.at - json.at) - done);
		buf_text(&p->restored, text);
		done = at;
	}
	buf_text(&p->restored, text_from(json, done));
	return buf_view(&p->restored);
}

/* Maps one result. False: the session's reason says why not. */
static bool take_result(struct session *s, struct jq_program *p, const struct record *whole, jv result, size_t *events)
{
	struct record r = *whole;
	jv text = jv_dump_string(result, 0);
	struct value_error error;
	size_t more = 0;
	bool fine;

	/* Cells point into the result: the arena keeps it as long as the record. */
	r.original = whole->json;
	fine = value_parse(arena_text(&s->arena,
		restored(p, (struct text){ jv_string_value(text), (size_t)jv_string_length_bytes(jv_copy(text)) })),
		&r.json, &error);
	jv_free(text);
	buf_clear(&s->reason);
	if (!fine)
		buf_printf(&s->reason, "the result of jq: %s", error.reason);
	else if (r.json.kind != VALUE_OBJECT && !s->program->values)
		fine = false, buf_string(&s->reason, "the result of jq is not an object");
	if (!fine)
		return false;
	json_extract(s, &r);
	fine = map_record(s, &r, &more);
	*events += more;
	return fine;
}

void jq_program_run(struct session *s, const struct record *r)
{
	struct jq_program *p = s->program->jq;
	size_t start = s->out->len, events = 0;
	bool fine = true;
	jv result;

	remember_numbers(p, r->json.raw);
	jq_start(p->state, jv_parse_sized(r->json.raw.at, (int)r->json.raw.len), 0);
	while (jv_is_valid(result = jq_next(p->state)))
		if (fine)
			fine = take_result(s, p, r, result, &events);
		else
			jv_free(result);
	if (fine && jv_invalid_has_msg(jv_copy(result))) {
		jv message = jv_invalid_get_msg(result);
		jv text = jv_get_kind(message) == JV_KIND_STRING ? message : jv_dump_string(message, 0);

		buf_clear(&s->reason);
		buf_printf(&s->reason, "jq: %.200s", jv_string_value(text));
		jv_free(text);
		fine = false;
	} else {
		jv_free(result);
	}
	if (fine) {
		s->done(s, events);
	} else {
		s->out->len = start;
		s->reject(s, r, buf_view(&s->reason));
	}
	arena_clear(&s->arena);
}
