/* Runs a program on an event. */
#include "sieve.h"

#include <stdlib.h>

#include "span.h"
#include "when.h"

static void set(struct program *p, const struct step *step, struct event *ev)
{
	bool present = event_has(ev, step->field);
	struct value v;

	if (step->update ? !present : present && !step->force)
		return;
	if (step->canonical.at) {
		event_set_raw(ev, step->field, step->canonical);
	} else {
		v = operand_value(p, &step->value, ev);
		if (v.kind != VALUE_NONE)
			event_add_value(ev, step->field, v, OVERWRITE_YES);
	}
	facts_changed(&p->facts, step->field);
}

/* += and -=: moves the moment in the field. */
static void shift(struct program *p, const struct step *step, struct event *ev)
{
	struct text text = event_text(ev, step->field);
	int64_t moment, by = step->shift;
	struct buf *out = &p->scratch;

	buf_clear(out);
	if (event_has(ev, step->field) ? !step->force : step->update)
		return;
	if (step->value.variable >= 0) {
		struct text span = value_text(operand_value(p, &step->value, ev), event_arena(ev));
		struct when_limit limit = { .relative = false };

		if (!span.at || !limit_parse(span, &limit) || !limit.relative) {
			event_mark(ev, "a variable holds no span of time");
			return;
		}
		by *= limit.time;
	}
	if (!text.at || !when_parse(text, &moment) || !when_shift(&moment, by)) {
		event_mark(ev, "%.*s: no time that could be moved", TEXT_ARGS(field_name(step->field)));
		return;
	}
	when_write(out, moment);
	event_set(ev, step->field, buf_view(out));
	facts_changed(&p->facts, step->field);
}

/* The value to append as JSON text in the form of the field; NO_TEXT after event_mark(). */
static struct text appended(struct program *p, const struct step *step, struct event *ev)
{
	struct value v = operand_value(p, &step->value, ev);
	struct buf *out = &p->scratch;
	struct text in = event_value_form(ev, v), raw = NO_TEXT;
	enum field_verdict verdict;

	if (step->canonical.at || v.kind == VALUE_NONE)
		return step->canonical;
	buf_clear(out);
	verdict = field_sanitise(step->field, v.kind, in, out);
	if (verdict == FIELD_FINE) {
		raw = arena_text(event_arena(ev), buf_view(out));
	} else {
		field_explain(step->field, verdict, v.kind, in, out);
		event_mark(ev, "%.*s", TEXT_ARGS(buf_view(out)));
	}
	return raw;
}

/* Below extra a list is one value, and `append` leaves what is no list alone; elsewhere a single value is a
 * list of one. */
static void append(struct program *p, const struct step *step, struct event *ev)
{
	struct value old = event_value(ev, step->field), element;
	struct value_walk walk = value_walk(old);
	struct text raw = appended(p, step, ev);
	bool extra = field_is_extra(step->field), repeated = false;
	struct buf *out = &p->scratch;

	if (!raw.at || (extra && !step->force && old.kind != VALUE_NONE && old.kind != VALUE_ARRAY))
		return;
	buf_clear(out);
	buf_char(out, '[');
	if (old.kind == VALUE_ARRAY) {
		while (value_next(&walk, &element)) {
			repeated |= !extra && text_eq(element.raw, raw);
			buf_text(out, element.raw);
			buf_char(out, ',');
		}
	} else if (old.kind != VALUE_NONE) {
		repeated = !extra && text_eq(old.raw, raw);
		buf_text(out, old.raw);
		buf_char(out, ',');
	}
	if (!extra && out->len == 1)
		buf_clear(out); /* of one value, no list */
	buf_text(out, raw);
	if (out->at[0] == '[' && (extra || old.kind != VALUE_NONE))
		buf_char(out, ']');
	if (!repeated)
		event_set_raw(ev, step->field, buf_view(out));
	facts_changed(&p->facts, step->field);
}

static void assign(struct program *p, const struct step *step, struct event *ev)
{
	p->values[step->variable] = facts_value(ev, step->field);
	if (p->values[step->variable].kind == VALUE_NONE)
		event_mark(ev, "%.*s: there is none to give to $%.*s", TEXT_ARGS(field_name(step->field)),
			TEXT_ARGS(p->variables[step->variable]));
}

/* One action. False: it ends the run. */
static bool act(struct program *p, const struct step *step, struct event *ev, struct decision *decision)
{
	switch (step->kind) {
	case STEP_ENTER:
		decision->rule = step->place;
		break;
	case STEP_PATH:
		decision->path = step;
		break;
	case STEP_SET:
		set(p, step, ev);
		break;
	case STEP_SHIFT:
		shift(p, step, ev);
		break;
	case STEP_REMOVE:
		event_delete(ev, step->field);
		facts_changed(&p->facts, step->field);
		break;
	case STEP_APPEND:
		append(p, step, ev);
		break;
	case STEP_ASSIGN:
		assign(p, step, ev);
		break;
	case STEP_DROP:
	case STEP_KEEP:
		decision->what = step->kind == STEP_DROP ? "dropped" : step->place.line ? "kept" : "passed";
		decision->at = step->place;
		return false;
	default:
		break;
	}
	return true;
}

/* memmem() for short texts, which it is slow to get started on. */
static inline bool contains_quickly(const struct code *code, struct text text)
{
	enum { SHORT = 2048 };
	const char *at, *end;

	if (text.len < code->length || code->length == 0)
		return text.at && code->length == 0;
	if (text.len > SHORT)
		return memmem(text.at, text.len, code->value.text, code->length) != NULL;
	at = text.at + code->rare;
	end = text.at + text.len - (code->length - 1 - code->rare);
	while ((at = memchr(at, code->value.text[code->rare], (size_t)(end - at)))) {
		if (memcmp(at - code->rare, code->value.text, code->length) == 0)
			return true;
		at++;
	}
	return false;
}

/* A test of the single value of a fact that is there, in few instructions. */
static inline bool holds_quickly(const struct code *code, struct fact *fact)
{
	struct text text = fact->text;

	switch (code->kind) {
	case CODE_NUMBER:
		return fact_is_number(fact) && fact->number == code->value.number;
	case CODE_NETWORK:
		return fact_is_ip(fact) && net_set_has(code->value.networks, &fact->ip);
	case CODE_TEXTS:
		return text.at && text_set_has(code->value.texts, text, fact_hash(fact));
	case CODE_CONTAINS:
		return contains_quickly(code, text);
	case CODE_PATTERN:
		return regex_may_match(code->value.pattern, fact_pairs(fact)) && regex_search(code->value.pattern, text);
	default:
		/* The last byte first: texts of one length mostly differ there. */
		return text.at && text.len == code->length &&
		       text.at[code->length - 1] == code->value.text[code->length - 1] &&
		       memcmp(text.at, code->value.text, code->length) == 0;
	}
}

/* Whether the test at AT holds. */
static inline bool holds(struct program *p, const struct code *code, size_t at, struct event *ev)
{
	struct fact *fact;

	if (code->kind == CODE_TEST)
		return test_holds(p, p->steps[at].test, ev);
	fact = facts_get(&p->facts, code->fact);
	if (code->kind == CODE_PRESENT)
		return (fact->value.kind != VALUE_NONE) != code->negated;
	if (fact->value.kind == VALUE_NONE)
		return code->absent;
	/* `:contains` and patterns see a text in every kind of value. */
	if (fact->several || (!fact->text.at && (code->kind == CODE_CONTAINS || code->kind == CODE_PATTERN)))
		return test_holds(p, p->steps[at].test, ev);
	return holds_quickly(code, fact) != code->negated;
}

enum verdict program_run(struct program *p, struct event *ev, struct decision *decision)
{
	size_t at = 0;

	facts_start(&p->facts, ev);
	p->has_time = false;
	*decision = (struct decision){ .what = "rejected" };
	for (size_t i = 0; i < p->variable_count; i++)
		p->values[i] = NO_VALUE;
	for (;;) {
		const struct code *code = &p->code[at];

		if (code->kind == CODE_STEP) {
			const struct step *step = &p->steps[at++];

			decision->at = step->place;
			if (!act(p, step, ev, decision))
				break;
		} else if (code->kind == CODE_JUMP) {
			at = code->yes;
			continue;
		} else {
			bool yes = holds(p, code, at, ev);

			if (code->kind == CODE_TEST && event_marked(ev)) {
				decision->at = p->steps[at].place;
				return REJECT;
			}
			at = yes ? code->yes : code->no;
			continue;
		}
		if (event_marked(ev))
			return REJECT;
	}
	if (p->steps[at - 1].kind == STEP_DROP)
		return DROP;
	if (event_changed(ev) && event_is_empty(ev)) {
		decision->what = "dropped, nothing being left of it";
		return DROP;
	}
	for (size_t i = 0; decision->path && i < decision->path->path_count; i++)
		filter_send(ev, decision->path->paths[i]);
	return PASS;
}
