/* The field table: names to numbers, numbers to rules. Loading a local table is in field_load.c. */
#include "field.h"

#include <stdlib.h>

#include "alloc.h"
#include "field_priv.h"
#include "regex.h"

static const struct field_row rows[F_COUNT] = {
#include "field_rows.h"
	[F_MESSAGE_TYPE] = { .name = "__type" },
	[F_MESSAGE_PATH] = { .name = "__path" },
};

/* One table for the process: the numbers are compiled into it, and a process has one data format. */
static struct {
	struct field_rule rules[FIELD_MAX];
	unsigned count;
	uint16_t slots[2 * FIELD_MAX]; /* hash table over the names: field number, 0 is free */
} table;

static size_t slot_of(struct text name)
{
	/* A few bytes tell field names apart; the full comparison follows anyway. */
	uint64_t head = 0, tail = 0;

	if (name.len >= 8) {
		memcpy(&head, name.at, 8);
		memcpy(&tail, name.at + name.len - 8, 8);
	} else if (name.len >= 4) {
		memcpy(&head, name.at, 4);
		memcpy(&tail, name.at + name.len - 4, 4);
	} else if (name.len) {
		head = (unsigned char)name.at[0];
		tail = (unsigned char)name.at[name.len - 1];
	}
	head = (head ^ name.len) * 0x9e3779b97f4a7c15 ^ tail * 0xc2b2ae3d27d4eb4f;
	return (size_t)(head >> 32 ^ head) & (LENGTH(table.slots) - 1);
}

static uint16_t *find_slot(struct text name)
{
	size_t at = slot_of(name);

	while (table.slots[at] && !text_eq(table.rules[table.slots[at]].name, name))
		at = (at + 1) & (LENGTH(table.slots) - 1);
	return &table.slots[at];
}

/* Regular expressions of the built-in table that a few lines of C match faster. */
static bool printable(struct text t)
{
	for (size_t i = 0; i < t.len; i++)
		if (t.at[i] < ' ' || t.at[i] > '~')
			return false;
	return t.len > 0;
}

static bool no_dot_at_end(struct text t)
{
	return t.len && t.at[t.len - 1] != '.' && !memchr(t.at, '\n', t.len);
}

static bool alphanumeric_pair(struct text t)
{
	for (size_t i = 0; i < t.len; i++)
		if (!((t.at[i] >= '0' && t.at[i] <= '9') || ((t.at[i] | 32) >= 'a' && (t.at[i] | 32) <= 'z')))
			return false;
	return t.len == 2;
}

static bool common_transport(struct text t)
{
	return text_is(t, "tcp") || text_is(t, "udp") || text_is(t, "icmp");
}

static const struct native {
	const char *regex;
	bool (*match)(struct text);
	bool decides; /* false: a "no" must be asked of the regular expression */
} natives[] = {
	{ "^[ -~]+$", printable, true },
	{ "^.*[^\\.]$", no_dot_at_end, true },
	{ "^[a-zA-Z0-9]{2}$", alphanumeric_pair, true },
	{ "^(ip|icmp|", common_transport, false },
};

void field_rule_set(struct field_rule *rule, const struct type *type, unsigned length, const char *regex, bool nocase)
{
	rule->type = type;
	rule->length = length;
	rule->pattern = regex;
	regex_free(rule->regex);
	rule->regex = NULL;
	rule->nocase = nocase;
	rule->native = NULL;
	for (size_t i = 0; regex && !nocase && i < LENGTH(natives); i++) {
		size_t n = natives[i].decides ? strlen(regex) + 1 : strlen(natives[i].regex);

		if (strncmp(regex, natives[i].regex, n) == 0) {
			rule->native = natives[i].match;
			rule->native_decides = natives[i].decides;
		}
	}
}

/* The part of NAME before the first dot; `extra.a` is below `extra`. */
static enum field parent_of(struct text name)
{
	const char *dot = memchr(name.at, '.', name.len);

	return dot ? (enum field)*find_slot((struct text){ name.at, (size_t)(dot - name.at) }) : F_NONE;
}

static void prepare(void)
{
	if (table.count)
		return;
	table.count = F_COUNT;
	for (unsigned f = F_NONE + 1; f < F_COUNT; f++) {
		struct field_rule *rule = &table.rules[f];

		rule->name = text_of(rows[f].name);
		rule->well_formed = field_well_formed(rule->name);
		rule->known = rows[f].type != NULL;
		rule->report = rows[f].report;
		rule->parent = F_NONE;
		field_rule_set(rule, type_named(text_of(rows[f].type)), rows[f].length, rows[f].regex, false);
		*find_slot(rule->name) = (uint16_t)f;
	}
}

enum field field_find(struct text name)
{
	prepare();
	return (enum field)*find_slot(name);
}

enum field field_intern(struct text name)
{
	uint16_t *slot;

	prepare();
	slot = find_slot(name);
	if (*slot)
		return (enum field)*slot;
	if (table.count == FIELD_MAX || name.len > 255 || name.len == 0)
		return F_NONE;
	table.rules[table.count].name = (struct text){ alloc_string(name), name.len };
	table.rules[table.count].parent = parent_of(name);
	table.rules[table.count].well_formed = field_well_formed(name);
	*slot = (uint16_t)table.count;
	return (enum field)table.count++;
}

struct field_rule *field_rule(enum field f)
{
	prepare();
	return &table.rules[f];
}

unsigned field_count(void)
{
	prepare();
	return table.count;
}

struct text field_name(enum field f)
{
	return field_rule(f)->name;
}

bool field_is_well_formed(enum field f)
{
	return field_rule(f)->well_formed;
}

const char *field_meaning(enum field f)
{
	return f < F_COUNT && rows[f].meaning ? rows[f].meaning : "";
}

const struct field_row *field_row(enum field f)
{
	return &rows[f];
}

bool field_well_formed(struct text name)
{
	bool start = true;

	for (size_t i = 0; i < name.len; i++) {
		char c = name.at[i];

		if (c == '.') {
			if (start)
				return false;
			start = true;
			continue;
		}
		if (!(c == '_' || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9' && i > 0)))
			return false;
		start = false;
	}
	/* The first part has two characters at least. */
	return !start && name.len >= 2 && name.at[1] != '.';
}

/* Whether F is below a field whose members are free. */
static bool free_member(const struct field_rule *rule)
{
	const struct type *type = rule->parent ? field_rule(rule->parent)->type : NULL;

	return type && strcmp(type->name, "JSONDict") == 0;
}

bool field_check(enum field f, struct problem *problem)
{
	const struct field_rule *rule = field_rule(f);

	if (f == F_NONE)
		return problem_set(problem, "no such field");
	if (rule->known || (free_member(rule) && rule->well_formed))
		return true;
	return problem_set(problem, "no such field: \"%.*s\"", TEXT_ARGS(rule->name));
}

const struct type *field_type(enum field f)
{
	const struct field_rule *rule = field_rule(f);

	return rule->known ? rule->type : NULL;
}

bool field_in_report(enum field f)
{
	const struct field_rule *rule = field_rule(f);

	return rule->known ? rule->report : free_member(rule) && field_in_report(rule->parent);
}

bool field_is_extra(enum field f)
{
	return f == F_EXTRA || field_rule(f)->parent == F_EXTRA;
}

static size_t characters(struct text t)
{
	size_t count = 0;

	for (size_t i = 0; i < t.len; i++)
		count += ((unsigned char)t.at[i] & 0xc0) != 0x80;
	return count;
}

static bool rule_matches(struct field_rule *rule, struct text form)
{
	if (rule->native) {
		if (rule->native(form))
			return true;
		if (rule->native_decides)
			return false;
	}
	if (!rule->regex) {
		struct problem unused;

		rule->regex = regex_new(text_of(rule->pattern), rule->nocase ? REGEX_NOCASE : 0, &unused);
	}
	return rule->regex && regex_search(rule->regex, form);
}

/* Length and regular expression, against the text form of the JSON value in FORM. */
static enum field_verdict measure(struct field_rule *rule, struct value v)
{
	struct arena scratch = { 0 };
	enum field_verdict verdict = FIELD_FINE;
	struct text form;

	form = v.kind == VALUE_STRING ? value_text(v, &scratch) : v.raw;
	if (rule->length && form.len > rule->length && characters(form) > rule->length)
		verdict = FIELD_TOO_LONG;
	else if (rule->pattern && !rule_matches(rule, form))
		verdict = FIELD_MISMATCH;
	arena_free(&scratch);
	return verdict;
}

enum field_verdict field_sanitise(enum field f, enum value_kind kind, struct text in, struct buf *out)
{
	struct field_rule *rule = field_rule(f);
	size_t before = out->len;
	struct value v = NO_VALUE;
	enum field_verdict verdict;

	if (!rule->known) {
		if (!free_member(rule) || !rule->well_formed)
			return FIELD_UNKNOWN;
		if (kind == VALUE_STRING)
			buf_json(out, in);
		else
			buf_text(out, in);
		return FIELD_FINE;
	}
	if (!rule->type || !rule->type->accept(kind, in, out))
		return FIELD_REFUSED;
	if (!rule->length && !rule->pattern)
		return FIELD_FINE;
	v.raw = (struct text){ out->at + before, out->len - before };
	v.kind = v.raw.at[0] == '"' ? VALUE_STRING : VALUE_NUMBER;
	v.escaped = v.kind == VALUE_STRING && memchr(v.raw.at, '\\', v.raw.len) != NULL;
	verdict = measure(rule, v);
	if (verdict != FIELD_FINE)
		out->len = before;
	return verdict;
}

enum field_verdict field_valid(enum field f, enum value_kind kind, struct text in)
{
	struct field_rule *rule = field_rule(f);

	if (!rule->known)
		return free_member(rule) && rule->well_formed ? FIELD_FINE : FIELD_UNKNOWN;
	if (!rule->type || !rule->type->valid(kind, in))
		return FIELD_REFUSED;
	if (rule->length && in.len > rule->length && characters(in) > rule->length)
		return FIELD_TOO_LONG;
	return !rule->pattern || rule_matches(rule, in) ? FIELD_FINE : FIELD_MISMATCH;
}

void field_explain(enum field f, enum field_verdict verdict, enum value_kind kind, struct text in, struct buf *out)
{
	enum { SHOWN = 80 };
	const struct field_rule *rule = field_rule(f);
	bool cut = in.len > SHOWN;

	buf_text(out, rule->name);
	if (verdict == FIELD_UNKNOWN) {
		buf_string(out, ": no such field");
		return;
	}
	if (verdict == FIELD_REFUSED)
		buf_printf(out, ": not %s: ", rule->type ? rule->type->noun : "acceptable");
	else if (verdict == FIELD_TOO_LONG)
		buf_printf(out, ": longer than %u characters: ", rule->length);
	else
		buf_printf(out, ": does not match %.80s: ", rule->pattern);
	if (cut)
		for (in.len = SHOWN; in.len && ((unsigned char)in.at[in.len] & 0xc0) == 0x80; in.len--)
			;
	if (kind == VALUE_STRING)
		buf_json(out, in);
	else
		buf_text(out, in);
	if (cut)
		buf_string(out, "...");
}
