/* Members whose names become fields: passing on what a record has beyond the rules, or all of it. Also names that
 * no rule knows, where a definition wants none. */
#include <stdlib.h>

#include "alloc.h"
#include "parse.h"

/* ---- names of the event in hand ---- */

enum { NAMES_KEPT = 4096 };

static size_t place_of(const struct names *names, struct text name)
{
	size_t i = value_hash(name) & (names->cap - 1);

	while (names->at[i].at && !text_eq(names->at[i], name))
		i = (i + 1) & (names->cap - 1);
	return i;
}

bool names_has(const struct session *s, struct text name)
{
	return s->names.count && s->names.at[place_of(&s->names, name)].at != NULL;
}

bool names_add(struct session *s, struct text name)
{
	struct names *names = &s->names;
	size_t i;

	if (2 * (names->count + 1) > names->cap) {
		struct names larger = { .cap = names->cap ? 2 * names->cap : 64 };

		larger.at = alloc_zero(larger.cap, sizeof *larger.at);
		for (i = 0; i < names->cap; i++)
			if (names->at[i].at)
				larger.at[place_of(&larger, names->at[i])] = names->at[i];
		larger.count = names->count;
		free(names->at);
		*names = larger;
	}
	i = place_of(names, name);
	if (names->at[i].at)
		return false;
	names->at[i] = arena_text(&s->arena, name);
	names->count++;
	return true;
}

void names_clear(struct session *s)
{
	struct names *names = &s->names;

	if (names->cap > NAMES_KEPT) {
		free(names->at);
		*names = (struct names){ .count = 0 };
	} else if (names->count) {
		memset(names->at, 0, names->cap * sizeof *names->at);
	}
	names->count = 0;
}

/* ---- passing on ---- */

static struct text spelled(struct session *s, const struct pass *pass, struct text prefix, struct text name)
{
	char *p = arena_bytes(&s->arena, prefix.len + name.len + 1);

	memcpy(p, prefix.at ? prefix.at : "", prefix.len);
	for (size_t i = 0; i < name.len; i++)
		p[prefix.len + i] =
			(char)(pass->lower && name.at[i] >= 'A' && name.at[i] <= 'Z' ? name.at[i] | 0x20 : name.at[i]);
	return (struct text){ p, prefix.len + name.len };
}

/* Whether the event may take a field of this name: *SLOT is its place. */
static bool may_add(struct session *s, const struct pass *pass, struct text name, enum field f, size_t *slot, bool *fine)
{
	bool there;

	*slot = f == F_NONE ? SIZE_MAX : slot_of(s->program, f);
	there = *slot != SIZE_MAX ? s->set[*slot] : names_has(s, name);
	*fine = true;
	if (!there || (pass->overwrite && *slot != SIZE_MAX))
		return true;
	if (!pass->keep)
		*fine = fail_field(s, name, "set twice");
	return false;
}

static enum field_verdict put_named(
	struct session *s, const struct pass *pass, struct text name, enum field f, size_t slot, struct cell cell)
{
	enum field_verdict verdict;

	buf_clear(&s->composed);
	buf_char(&s->composed, ',');
	buf_json(&s->composed, name);
	buf_char(&s->composed, ':');
	verdict = field_put(s, f, slot, arena_text(&s->arena, buf_view(&s->composed)), cell,
		pass->as_is || f == F_RAW);
	if (verdict != FIELD_FINE)
		return verdict;
	if (slot != SIZE_MAX)
		s->set[slot] = 1;
	else
		names_add(s, name);
	if (f == F_RAW)
		s->raw_given = true;
	return FIELD_FINE;
}

/* Below extra any well-formed name will do; with any_name, any at all. */
static bool is_free(const struct pass *pass, struct text name)
{
	return text_starts(name, TEXT("extra.")) && name.len > 6 && (pass->any_name || field_well_formed(name));
}

static bool pass_member(struct session *s, const struct pass *pass, struct text name, struct cell cell);

/* `extra` as an object, or as a text with one: its members one by one. */
static bool pass_extra(struct session *s, const struct pass *pass, struct cell cell)
{
	struct value v = { cell.text, cell.kind, false }, key, member;
	struct value_error unused;
	struct value_walk walk;

	if (cell.kind == VALUE_STRING && !value_parse(cell.text, &v, &unused))
		v.kind = VALUE_NONE;
	if (v.kind != VALUE_OBJECT)
		return fail_field(s, TEXT("extra"), "not an object");
	for (walk = value_walk(v); value_next_member(&walk, &key, &member);)
		if (!pass_member(s, pass, spelled(s, pass, TEXT("extra."), value_text(key, &s->arena)),
			    json_cell(member, &s->arena)))
			return false;
	return true;
}

static bool pass_member(struct session *s, const struct pass *pass, struct text name, struct cell cell)
{
	enum field f = field_find(name);
	enum field_verdict verdict = FIELD_UNKNOWN;
	struct problem unused;
	struct text shown = name;
	size_t slot;
	bool fine;

	if (!pass->keep_empty && cell_ignored(cell))
		return true;
	if (f == F_EXTRA)
		return pass_extra(s, pass, cell);
	if (is_free(pass, name) || (f != F_NONE && f != F_MESSAGE_TYPE && f != F_MESSAGE_PATH && field_check(f, &unused))) {
		if (!may_add(s, pass, name, f, &slot, &fine))
			return fine;
		if (f == F_RAW && field_valid(f, cell.kind, cell.text) != FIELD_FINE)
			return fail_field(s, name, "not base64");
		verdict = put_named(s, pass, name, f, slot, cell);
	}
	if (verdict != FIELD_FINE && pass->fallback.at) {
		name = spelled(s, pass, pass->fallback, name);
		f = field_find(name);
		if (is_free(pass, name)) {
			if (!may_add(s, pass, name, f, &slot, &fine))
				return fine;
			verdict = put_named(s, pass, name, f, slot, cell);
		}
	}
	if (verdict == FIELD_FINE || (pass->optional && verdict != FIELD_UNKNOWN))
		return true;
	if (verdict == FIELD_UNKNOWN)
		return fail_field(s, shown, "no such field");
	field_explain(f, verdict, cell.kind, cell.text, &s->reason);
	return false;
}

static bool pass_name(struct session *s, const struct pass *pass, struct text name, struct cell cell)
{
	struct text to = name;

	for (size_t i = 0; i < pass->except_count; i++)
		if (text_eq(pass->except[i], name))
			return true;
	for (size_t i = 0; i < pass->rename.count; i++)
		if (text_eq(pass->rename.rows[i].key, name)) {
			if (pass->rename.rows[i].value.kind != VALUE_STRING)
				return true;
			return pass_member(s, pass, pass->rename.rows[i].value.text, cell);
		}
	to = spelled(s, pass, pass->prefix, name);
	return pass_member(s, pass, to, cell);
}

/* Whether a rule looks at the member, or into it. */
static bool used(const struct program *p, struct text name)
{
	for (size_t i = 0; i < p->input_count; i++) {
		const struct input *in = &p->inputs[i];

		if (in->depth ? text_eq(in->path[0].key, name) : text_eq(in->name, name))
			return true;
	}
	for (size_t m = 0; m < p->mapping_count; m++)
		for (size_t i = 0; i < p->mappings[m].fan.path_count; i++)
			if (text_eq(p->mappings[m].fan.paths[i].path[0].key, name))
				return true;
	return false;
}

static bool pass_row(struct session *s, const struct pass *pass, const struct record *r)
{
	for (size_t i = 0; i < r->count && i < s->header_count; i++)
		if (!(pass->unused && used(s->program, s->header[i])) &&
			!pass_name(s, pass, s->header[i], r->cells[i]))
			return false;
	return true;
}

bool pass_run(struct session *s, const struct mapping *m, const struct pass *pass, const struct record *r)
{
	struct value v = r->json, key, member;
	struct value_walk walk;

	(void)m;
	if (!pass->whole) {
		struct cell cell = source_get(s, &pass->source, r);

		v = (struct value){ cell.text, cell.kind, false };
	} else if (v.kind == VALUE_NONE) {
		return pass_row(s, pass, r);
	}
	if (v.kind != VALUE_OBJECT)
		return true;
	for (walk = value_walk(v); value_next_member(&walk, &key, &member);) {
		struct text name = value_text(key, &s->arena);

		if (!(pass->unused && used(s->program, name)) &&
			!pass_name(s, pass, name, json_cell(member, &s->arena)))
			return false;
	}
	return true;
}

/* ---- names that nobody knows ---- */

enum { DEPTH_MAX = 32 };

/* Whether the first LEVEL + 1 keys of PATH are those of KEYS. */
static bool along(const struct path_step *path, size_t depth, const struct text *keys, size_t level)
{
	if (depth <= level)
		return false;
	for (size_t i = 0; i <= level; i++)
		if (path[i].index != PATH_KEY || !text_eq(path[i].key, keys[i]))
			return false;
	return true;
}

enum known { KNOWN_NOT, KNOWN_INSIDE, KNOWN_WHOLE };

static enum known known_as(const struct program *p, const struct text *keys, size_t level)
{
	enum known known = KNOWN_NOT;

	for (size_t i = 0; i < p->input_count; i++)
		if (along(p->inputs[i].path, p->inputs[i].depth, keys, level)) {
			if (p->inputs[i].depth == level + 1 || p->inputs[i].path[level + 1].index != PATH_KEY)
				return KNOWN_WHOLE;
			known = KNOWN_INSIDE;
		}
	for (size_t m = 0; m < p->mapping_count; m++)
		for (size_t i = 0; i < p->mappings[m].fan.path_count; i++) {
			const struct fan_path *path = &p->mappings[m].fan.paths[i];

			if (along(path->path, path->depth, keys, level)) {
				if (path->depth == level + 1 || path->path[level + 1].index != PATH_KEY)
					return KNOWN_WHOLE;
				known = KNOWN_INSIDE;
			}
		}
	return known;
}

static bool unknown(struct session *s, const struct text *keys, size_t level, struct cell cell)
{
	if (s->program->others == OTHERS_REJECT_SET && !cell_true(cell))
		return true;
	buf_clear(&s->reason);
	for (size_t i = 0; i <= level; i++) {
		buf_string(&s->reason, i ? "." : "unknown key: ");
		buf_add(&s->reason, keys[i].at, keys[i].len < 80 ? keys[i].len : 80);
	}
	return false;
}

static bool check_object(struct session *s, struct value v, struct text *keys, size_t level)
{
	struct value_walk walk = value_walk(v);
	struct value key, member;

	while (value_next_member(&walk, &key, &member)) {
		enum known known;

		keys[level] = value_text(key, &s->arena);
		known = known_as(s->program, keys, level);
		if (known == KNOWN_NOT && !unknown(s, keys, level, json_cell(member, &s->arena)))
			return false;
		if (known == KNOWN_INSIDE && member.kind == VALUE_OBJECT && level + 1 < DEPTH_MAX &&
			!check_object(s, member, keys, level + 1))
			return false;
	}
	return true;
}

bool others_checked(struct session *s, const struct record *r)
{
	struct text keys[DEPTH_MAX];

	if (r->json.kind == VALUE_OBJECT)
		return check_object(s, r->json, keys, 0);
	for (size_t i = 0; i < r->count && i < s->header_count; i++)
		if (!used(s->program, s->header[i]) && !unknown(s, &s->header[i], 0, r->cells[i]))
			return false;
	return true;
}
