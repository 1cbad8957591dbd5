#include "yaml_json.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>

#include "alloc.h"
#include "yaml_tree.h"

enum { DEPTH = 64 };

/* A map that has been entered, up to which item. */
struct level {
	const struct yaml_node *map;
	size_t next;
};

struct yaml_reader {
	struct yaml_tree tree;
	struct problem problem; /* of a document that is none */
	bool broken;
	const char *file;
	const struct yaml_node *value; /* the current one; NULL: none */
	struct level levels[DEPTH];
	size_t depth;
};

struct yaml_reader *yaml_open(struct text text, const char *file)
{
	struct yaml_reader *y = alloc_zero(1, sizeof *y);

	y->file = file;
	y->broken = !yaml_tree_read(&y->tree, text, file, &y->problem);
	y->value = y->tree.root;
	return y;
}

void yaml_close(struct yaml_reader *y)
{
	if (y)
		yaml_tree_free(&y->tree);
	free(y);
}

/* Keys of a map are unique (YAML 1.2, 3.2.1.3). */
static bool check_keys(const struct yaml_reader *y, const struct yaml_node *map, struct problem *problem)
{
	const struct yaml_node *key = yaml_repeated(map);

	return !key || problem_at(problem, y->file, key->line, 0, "key \"%.*s\": given twice", TEXT_ARGS(key->text));
}

bool yaml_enter_map(struct yaml_reader *y, struct problem *problem)
{
	const struct yaml_node *value = y->value;

	problem->text[0] = '\0';
	if (y->broken) {
		*problem = y->problem;
		return false;
	}
	if (!value || (value->kind == YAML_TEXT && value->text.len == 0))
		return false;
	if (value->kind != YAML_MAP)
		return problem_at(problem, y->file, value->line, 0, "a map of names and values is wanted here");
	if (y->depth == DEPTH)
		return problem_at(problem, y->file, value->line, 0, "nested too deeply");
	if (!check_keys(y, value, problem))
		return false;
	y->levels[y->depth++] = (struct level){ value, 0 };
	return true;
}

bool yaml_next_key(struct yaml_reader *y, struct text *key, long *line, struct problem *problem)
{
	struct level *level = y->depth ? &y->levels[y->depth - 1] : NULL;

	problem->text[0] = '\0';
	if (!level)
		return false;
	if (level->next == level->map->count) {
		y->depth--;
		return false;
	}
	*key = level->map->items[level->next]->text;
	*line = level->map->items[level->next]->line;
	y->value = level->map->items[level->next + 1];
	level->next += 2;
	return true;
}

/* ---- scalars (YAML 1.2, 10.3.2) ---- */

static size_t digits_at(const char *at)
{
	return strspn(at, "0123456789");
}

/* DIGITS of BASE, all of them. False: they are none, or too many. */
static bool append_based(const char *digits, int base, struct buf *json)
{
	uint64_t n = 0;

	for (const char *p = digits; *p; p++) {
		int digit = *p <= '9' ? *p - '0' : (*p | 0x20) - 'a' + 10;

		if (!isxdigit((unsigned char)*p) || digit >= base || __builtin_mul_overflow(n, (uint64_t)base, &n) ||
			__builtin_add_overflow(n, (uint64_t)digit, &n))
			return false;
	}
	buf_printf(json, "%ju", (uintmax_t)n);
	return *digits;
}

/* What is a number here but not in JSON (`017`, `5.`, `.5`) as one that is. */
static bool append_decimal(const char *t, struct buf *json)
{
	size_t whole = digits_at(t), fraction = 0, exponent = 0, sign = 0;
	const char *point = t + whole, *rest = point;

	if (*point == '.') {
		fraction = digits_at(point + 1);
		rest = point + 1 + fraction;
	}
	if (whole + fraction == 0)
		return false;
	if (*rest == 'e' || *rest == 'E') {
		sign = rest[1] == '-' || rest[1] == '+';
		exponent = 1 + sign + digits_at(rest + 1 + sign);
	}
	if (rest[exponent] || exponent == 1 + sign)
		return false;
	for (; whole > 1 && *t == '0'; whole--)
		t++;
	buf_text(json, whole ? (struct text){ t, whole } : TEXT("0"));
	if (*point == '.')
		buf_printf(json, ".%.*s", fraction ? (int)fraction : 1, fraction ? point + 1 : "0");
	buf_string(json, rest);
	return true;
}

/* NUMBER has no sign and no underscores. */
static bool append_unsigned(const char *number, bool old, struct buf *json)
{
	if (number[0] == '0' && number[1] == 'x')
		return append_based(number + 2, 16, json);
	if (number[0] == '0' && number[1] == 'o' && !old)
		return append_based(number + 2, 8, json);
	if (number[0] == '0' && number[1] == 'b')
		return append_based(number + 2, 2, json);
	if (old && number[0] == '0' && number[1] && !number[1 + digits_at(number + 1)])
		return append_based(number + 1, 8, json);
	return append_decimal(number, json);
}

/* Appends T if it is a number. False: it is none, and nothing is appended. */
static bool append_number(struct text t, bool old, struct buf *json)
{
	struct buf number = BUF_INIT;
	size_t before = json->len;
	bool negative, fine;

	negative = t.at[0] == '-';
	if (negative || t.at[0] == '+')
		t = text_from(t, 1);
	if (!t.len || !strchr("0123456789.", t.at[0]) || memchr(t.at, '\0', t.len))
		return false;
	for (size_t i = 0; i < t.len; i++)
		if (t.at[i] != '_')
			buf_char(&number, t.at[i]);
	if (negative)
		buf_char(json, '-');
	fine = append_unsigned(buf_cstr(&number), old, json);
	if (!fine)
		json->len = before;
	buf_free(&number);
	return fine;
}

static bool is_one_of(struct text t, const char *const *words)
{
	while (*words && !text_is(t, *words))
		words++;
	return *words;
}

/* What a plain scalar is. */
static void append_plain(struct text t, bool old, struct buf *json)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL", NULL };
	static const char *const trues[] = { "true", "True", "TRUE", NULL }, *const falses[] = { "false", "False", "FALSE", NULL };
	static const char *const old_trues[] = { "yes", "Yes", "YES", "on", "On", "ON", NULL };
	static const char *const old_falses[] = { "no", "No", "NO", "off", "Off", "OFF", NULL };

	if (is_one_of(t, nulls))
		buf_string(json, "null");
	else if (is_one_of(t, trues) || (old && is_one_of(t, old_trues)))
		buf_string(json, "true");
	else if (is_one_of(t, falses) || (old && is_one_of(t, old_falses)))
		buf_string(json, "false");
	else if (!append_number(t, old, json))
		buf_json(json, t);
}

/* ---- values ---- */

static bool append_value(const struct yaml_reader *y, const struct yaml_node *node, struct buf *json, int depth,
	struct problem *problem)
{
	bool map = node->kind == YAML_MAP;

	if (node->kind == YAML_TEXT && node->plain)
		append_plain(node->text, y->tree.old, json);
	else if (node->kind == YAML_TEXT)
		buf_json(json, node->text);
	if (node->kind == YAML_TEXT)
		return true;
	if (depth == DEPTH)
		return problem_at(problem, y->file, node->line, 0, "nested too deeply");
	if (map && !check_keys(y, node, problem))
		return false;
	buf_char(json, map ? '{' : '[');
	for (size_t i = 0; i < node->count; i++) {
		bool key = map && i % 2 == 0;

		if (i)
			buf_char(json, map && !key ? ':' : ',');
		if (key)
			buf_json(json, node->items[i]->text);
		else if (!append_value(y, node->items[i], json, depth + 1, problem))
			return false;
	}
	buf_char(json, map ? '}' : ']');
	return true;
}

bool yaml_value(struct yaml_reader *y, struct buf *json, struct problem *problem)
{
	return append_value(y, y->value, json, 0, problem);
}

bool yaml_to_json(struct text text, const char *file, struct buf *json, struct problem *problem)
{
	struct yaml_reader *y = yaml_open(text, file);
	bool fine = !y->broken;

	if (!fine)
		*problem = y->problem;
	else if (!y->value)
		buf_string(json, "null");
	else
		fine = append_value(y, y->value, json, 0, problem);
	yaml_close(y);
	return fine;
}
