/* JSON text in a string. data-format.md 2.14 and 2.15.
 * What is taken as JSON is laxer than value_parse(): duplicate keys, lone surrogates and the words NaN and
 * Infinity pass, as they do in the readers of such fields; the text stands in a string, and the event stays
 * valid JSON whatever it is. */
#include <stdlib.h>

#include "alloc.h"
#include "repr.h"
#include "type_priv.h"
#include "unicode.h"

/* Where checking is. DEPTH counts what is open. */
struct check {
	const char *at, *end;
	int depth;
	bool members; /* the outermost value is an object that is not empty */
};

static bool check_string(struct check *c)
{
	while (c->at < c->end && *c->at != '"') {
		if ((unsigned char)*c->at < 0x20)
			return false;
		if (*c->at++ != '\\')
			continue;
		if (c->at == c->end || !one_of(*c->at, "\"\\/bfnrtu"))
			return false;
		if (*c->at++ == 'u')
			for (int i = 0; i < 4; i++)
				if (c->at == c->end || !one_of(*c->at++, "0123456789abcdefABCDEF"))
					return false;
	}
	return c->at++ < c->end;
}

static bool check_scalar(struct check *c)
{
	static const char *const words[] = { "NaN", "Infinity", "-Infinity" };
	struct text rest = { c->at, (size_t)(c->end - c->at) };
	struct value_error unused;
	struct value v;

	for (size_t i = 0; i < LENGTH(words); i++)
		if (text_starts(rest, text_of(words[i]))) {
			c->at += strlen(words[i]);
			return true;
		}
	c->at = value_scan(c->at, c->end, &v, &unused);
	return c->at != NULL;
}

static bool check_value(struct check *c);

static bool check_container(struct check *c, char closer)
{
	c->at = value_space(c->at, c->end);
	if (c->at < c->end && *c->at == closer) {
		c->at++;
		return true;
	}
	for (;;) {
		if (closer == '}') {
			if (c->at == c->end || *c->at++ != '"' || !check_string(c))
				return false;
			c->at = value_space(c->at, c->end);
			if (c->at == c->end || *c->at++ != ':')
				return false;
			c->members = c->members || c->depth == 1;
		}
		if (!check_value(c) || c->at == c->end)
			return false;
		if (*c->at++ == closer)
			return true;
		if (c->at[-1] != ',')
			return false;
		c->at = value_space(c->at, c->end);
	}
}

/* Reads a value and the space around it. */
static bool check_value(struct check *c)
{
	bool good;

	c->at = value_space(c->at, c->end);
	if (c->at == c->end)
		return false;
	if (*c->at == '"') {
		c->at++;
		good = check_string(c);
	} else if (*c->at == '[' || *c->at == '{') {
		if (c->depth == VALUE_DEPTH)
			return false;
		c->depth++;
		good = check_container(c, *c->at++ == '[' ? ']' : '}');
		c->depth--;
	} else {
		good = check_scalar(c);
	}
	if (good)
		c->at = value_space(c->at, c->end);
	return good;
}

static bool is_json(struct text t)
{
	struct check c = { t.at, t.at + t.len, 0, false };

	return check_value(&c) && c.at == c.end;
}

static bool is_filled_object(struct text t)
{
	struct check c = { t.at, t.at + t.len, 0, false };

	return check_value(&c) && c.at == c.end && *value_space(t.at, c.end) == '{' && c.members;
}

/* A member of an object that was written: its key, and where it stands in the output. */
struct member {
	struct text key;
	size_t start, len;
};

static int member_cmp(const void *a, const void *b)
{
	return text_cmp(((const struct member *)a)->key, ((const struct member *)b)->key);
}

static const char *write_value(const char *p, const char *end, struct arena *scratch, struct buf *out);

/* Puts the members, written in the order they came in from START on, into the order of their keys. */
static void sort_members(struct member *members, size_t count, size_t start, struct buf *out)
{
	struct buf sorted = BUF_INIT;
	bool in_order = true;

	for (size_t i = 1; i < count; i++)
		in_order = in_order && member_cmp(&members[i - 1], &members[i]) < 0;
	if (in_order)
		return;
	qsort(members, count, sizeof *members, member_cmp);
	for (size_t i = 0; i < count; i++) {
		if (i)
			buf_string(&sorted, ", ");
		buf_add(&sorted, out->at + members[i].start, members[i].len);
	}
	memcpy(out->at + start, sorted.at, sorted.len);
	buf_free(&sorted);
}

static const char *write_object(const char *p, const char *end, struct arena *scratch, struct buf *out)
{
	struct member *members = NULL;
	size_t count = 0, cap = 0, start;
	struct value_error unused;
	struct value key;

	buf_char(out, '{');
	start = out->len;
	for (p = value_space(p + 1, end); *p != '}'; p = value_space(p, end)) {
		if (*p == ',') {
			buf_string(out, ", ");
			p = value_space(p + 1, end);
		}
		alloc_grow(&members, &cap, count + 1, sizeof *members);
		members[count].start = out->len;
		p = value_scan_string(p, end, &key, &unused);
		members[count].key = value_text(key, scratch);
		buf_json_ascii(out, members[count].key);
		buf_string(out, ": ");
		p = value_space(value_space(p, end) + 1, end);
		p = write_value(p, end, scratch, out);
		members[count].len = out->len - members[count].start;
		count++;
	}
	sort_members(members, count, start, out);
	free(members);
	buf_char(out, '}');
	return p + 1;
}

/* Appends the good JSON value at P with sorted keys, `, ` and `: `, and in ASCII; returns its end. */
static const char *write_value(const char *p, const char *end, struct arena *scratch, struct buf *out)
{
	struct value_error unused;
	struct value v;

	if (*p == '{')
		return write_object(p, end, scratch, out);
	if (*p == '[') {
		buf_char(out, '[');
		for (p = value_space(p + 1, end); *p != ']'; p = value_space(p, end)) {
			if (*p == ',') {
				buf_string(out, ", ");
				p = value_space(p + 1, end);
			}
			p = write_value(p, end, scratch, out);
		}
		buf_char(out, ']');
		return p + 1;
	}
	p = value_scan(p, end, &v, &unused);
	if (v.kind == VALUE_STRING)
		buf_json_ascii(out, value_text(v, scratch));
	else if (v.kind == VALUE_NUMBER)
		repr_number(out, v.raw);
	else
		buf_text(out, v.raw);
	return p;
}

/* Appends, as a JSON string, the JSON text of a value. */
static void put_encoded(enum value_kind kind, struct text in, struct buf *out)
{
	struct arena scratch = { 0 };
	struct buf text = BUF_INIT;

	if (kind == VALUE_STRING)
		buf_json_ascii(&text, in);
	else
		write_value(in.at, in.at + in.len, &scratch, &text);
	buf_json(out, buf_view(&text));
	buf_free(&text);
	arena_free(&scratch);
}

static bool json_sanitise(enum value_kind kind, struct text in, struct buf *out)
{
	struct text stripped;

	if (kind == VALUE_NONE || kind == VALUE_NULL || (kind == VALUE_STRING && !unicode_valid(in)))
		return false;
	stripped = kind == VALUE_STRING ? unicode_strip(in) : NO_TEXT;
	if (stripped.len && is_json(stripped))
		buf_json(out, stripped);
	else
		put_encoded(kind, in, out);
	return true;
}

static bool json_valid(enum value_kind kind, struct text in)
{
	return kind == VALUE_STRING && in.len && unicode_valid(in) && is_json(in);
}

const struct type type_json = { "JSON", "JSON", json_sanitise, json_valid, json_sanitise };

static bool dict_put(enum value_kind kind, struct text in, struct buf *out, bool must_be_valid)
{
	struct form form;

	if (!form_open(kind, in, &form))
		return false;
	form_close(&form);
	if (kind == VALUE_STRING && is_filled_object(unicode_strip(in)))
		buf_json(out, unicode_strip(in));
	else if (kind == VALUE_OBJECT || !must_be_valid)
		put_encoded(kind, in, out);
	else
		return false;
	return true;
}

static bool dict_sanitise(enum value_kind kind, struct text in, struct buf *out)
{
	return dict_put(kind, in, out, false);
}

static bool dict_accept(enum value_kind kind, struct text in, struct buf *out)
{
	return dict_put(kind, in, out, true);
}

static bool dict_valid(enum value_kind kind, struct text in)
{
	return kind == VALUE_STRING && unicode_valid(in) && is_filled_object(in);
}

const struct type type_json_dict = { "JSONDict", "a JSON object", dict_sanitise, dict_valid, dict_accept };
