/* Jinja2 templates: reading what stands between texts, and rendering. */
#include "template.h"

#include <stdlib.h>

#include "alloc.h"
#include "template_priv.h"
#include "unicode.h"

static struct node *new_node(struct template_reader *r, enum node_kind kind)
{
	struct node *n = arena_zero(&r->template->arena, sizeof *n);

	n->kind = kind;
	n->variables[0] = n->variables[1] = -1;
	return n;
}

/* What the tag at AT is: '{', '%' or '#'; 0: none. */
static char tag_at(const struct template_reader *r, size_t at)
{
	if (at + 1 >= r->source.len || r->source.at[at] != '{')
		return 0;
	return strchr("{%#", r->source.at[at + 1]) && r->source.at[at + 1] ? r->source.at[at + 1] : 0;
}

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Behind the sign that closes a tag: one that has a minus before it swallows the white space that follows. */
static bool close_tag(struct template_reader *r, const char *sign)
{
	bool trim;

	template_space(r);
	trim = r->at < r->source.len && r->source.at[r->at] == '-';
	if (trim)
		r->at++;
	if (!text_starts(text_from(r->source, r->at), text_of(sign)))
		return template_wrong(r, "%s expected", sign);
	r->at += strlen(sign);
	while (trim && r->at < r->source.len && blank(r->source.at[r->at]))
		r->at++;
	return true;
}

/* The text up to the next tag, as a node in *OUT, NULL if it is empty; then the tag's opening. *TAG is 0 at
 * the end. */
static bool text_and_tag(struct template_reader *r, struct node **out, char *tag)
{
	size_t start = r->at, end;
	struct text text;

	while (r->at < r->source.len && !tag_at(r, r->at))
		r->at++;
	*tag = r->at < r->source.len ? tag_at(r, r->at) : 0;
	end = r->at;
	if (*tag) {
		char modifier = r->at + 2 < r->source.len ? r->source.at[r->at + 2] : 0;

		r->at += 2;
		if (modifier == '-' || modifier == '+')
			r->at++;
		while (modifier == '-' && end > start && blank(r->source.at[end - 1]))
			end--;
	}
	text = (struct text){ r->source.at + start, end - start };
	*out = NULL;
	if (text.len) {
		*out = new_node(r, NODE_TEXT);
		(*out)->text = arena_text(&r->template->arena, text);
	}
	return true;
}

static bool comment(struct template_reader *r)
{
	const char *end = memmem(r->source.at + r->at, r->source.len - r->at, "#}", 2);

	if (!end)
		return template_wrong(r, "comment without end");
	r->at = (size_t)(end - r->source.at);
	if (r->source.at[r->at - 1] == '-')
		r->at--;
	return close_tag(r, "#}");
}

static bool nodes(struct template_reader *r, struct node **out, struct text *word, int depth);

static bool condition(struct template_reader *r, struct node *n, int depth)
{
	struct text word;

	for (;;) {
		if (!(n->expr = template_expression(r)) || !close_tag(r, "%}") ||
			!nodes(r, &n->body, &word, depth))
			return false;
		if (text_is(word, "endif"))
			return close_tag(r, "%}");
		n = n->other = new_node(r, NODE_IF);
		if (text_is(word, "elif"))
			continue;
		if (!text_is(word, "else"))
			return template_wrong(r, "elif, else or endif expected");
		if (!close_tag(r, "%}") || !nodes(r, &n->body, &word, depth))
			return false;
		return text_is(word, "endif") ? close_tag(r, "%}") : template_wrong(r, "endif expected");
	}
}

static bool take_variable(struct template_reader *r, int *variable)
{
	struct text name = template_peek_name(r);

	if (!name.len || text_is(name, "msg") || text_is(name, "loop"))
		return template_wrong(r, "the name of a variable expected");
	*variable = template_variable(r, name, true);
	if (*variable < 0)
		return template_wrong(r, "more than %d variables", TEMPLATE_VARIABLES);
	r->at += name.len;
	return true;
}

static bool loop(struct template_reader *r, struct node *n, int depth)
{
	struct text word;
	bool fine;

	if (!take_variable(r, &n->variables[0]) ||
		(template_sign(r, ",") && !take_variable(r, &n->variables[1])))
		return false;
	if (!template_word(r, "in"))
		return template_wrong(r, "in expected");
	if (!(n->expr = template_expression(r)) || !close_tag(r, "%}"))
		return false;
	r->loops++;
	fine = nodes(r, &n->body, &word, depth);
	r->loops--;
	if (fine && text_is(word, "else")) {
		n->other = new_node(r, NODE_IF);
		fine = close_tag(r, "%}") && nodes(r, &n->other->body, &word, depth);
	}
	if (fine && !text_is(word, "endfor"))
		return template_wrong(r, "endfor expected");
	return fine && close_tag(r, "%}");
}

static bool assignment(struct template_reader *r, struct node *n)
{
	size_t before;

	template_space(r);
	before = r->at;
	if (!take_variable(r, &n->variables[0]))
		return false;
	if (!template_sign(r, "=")) {
		r->at = before;
		return template_wrong(r, "set NAME = EXPRESSION expected");
	}
	return (n->expr = template_expression(r)) && close_tag(r, "%}");
}

/* Behind `{%`. *WORD is the one that ends what is read: elif, else, endif, endfor; no text where the tag was
 * complete. */
static bool statement(struct template_reader *r, struct node **out, struct text *word, int depth)
{
	static const char *const ends[] = { "elif", "else", "endif", "endfor" };
	struct text name = template_peek_name(r);

	for (size_t i = 0; i < LENGTH(ends); i++)
		if (text_is(name, ends[i])) {
			if (!depth)
				return template_wrong(r, "%s without its beginning", ends[i]);
			*word = name;
			r->at += name.len;
			return true;
		}
	if (depth == TEMPLATE_DEPTH)
		return template_wrong(r, "nested too deeply");
	*word = NO_TEXT;
	if (template_word(r, "if"))
		return condition(r, *out = new_node(r, NODE_IF), depth + 1);
	if (template_word(r, "for"))
		return loop(r, *out = new_node(r, NODE_FOR), depth + 1);
	if (template_word(r, "set"))
		return assignment(r, *out = new_node(r, NODE_SET));
	return template_wrong(r, "if, for or set expected%s%.*s", name.len ? ", found " : "",
		(int)(name.len < 60 ? name.len : 60), name.at);
}

/* Nodes up to the end or to the word of a tag that ends a block (*WORD, at DEPTH above 0). */
static bool nodes(struct template_reader *r, struct node **out, struct text *word, int depth)
{
	char tag;

	*word = NO_TEXT;
	do {
		if (!text_and_tag(r, out, &tag))
			return false;
		if (*out)
			out = &(*out)->next;
		if (tag == '#' && !comment(r))
			return false;
		if (tag == '{') {
			*out = new_node(r, NODE_PRINT);
			if (!((*out)->expr = template_expression(r)) || !close_tag(r, "}}"))
				return false;
			out = &(*out)->next;
		}
		if (tag == '%') {
			if (!statement(r, out, word, depth))
				return false;
			if (word->at)
				return true;
			while (*out)
				out = &(*out)->next;
		}
	} while (tag);
	return !depth || template_wrong(r, "the end of the if or for expected, found that of the template");
}

struct template *template_jinja(struct text source, const char *name, struct problem *problem)
{
	struct template *t = alloc_zero(1, sizeof *t);
	struct template_reader r = { .template = t, .source = source, .problem = problem };
	struct text word;

	t->name = alloc_string(text_of(name));
	problem->text[0] = '\0';
	/* One line feed at the end does not count. */
	if (text_ends(r.source, TEXT("\n")))
		r.source.len--;
	if (source.len > TEMPLATE_SOURCE)
		template_wrong(&r, "longer than %d KiB", TEMPLATE_SOURCE / 1024);
	else if (!unicode_valid(source))
		template_wrong(&r, "not UTF-8");
	else if (nodes(&r, &t->first, &word, 0))
		return t;
	template_free(t);
	return NULL;
}

void template_free(struct template *t)
{
	if (!t)
		return;
	arena_free(&t->arena);
	free(t->name);
	free(t);
}

struct text template_constant(const struct template *t)
{
	if (!t->first)
		return TEXT("");
	return t->first->kind == NODE_TEXT && !t->first->next ? t->first->text : NO_TEXT;
}

static void render_nodes(struct render *r, const struct node *n, struct buf *out);

/* The two parts of an element, for `for k, v`. */
static bool unpack(struct render *r, const struct node *n, struct value element)
{
	struct value_walk walk = value_walk(element);
	struct value rest;

	if (n->variables[1] < 0) {
		r->variables[n->variables[0]] = element;
		return true;
	}
	if (element.kind == VALUE_ARRAY && value_next(&walk, &r->variables[n->variables[0]]) &&
		value_next(&walk, &r->variables[n->variables[1]]) && !value_next(&walk, &rest))
		return true;
	template_fail(r, n->expr, "pairs wanted: items() gives them");
	return false;
}

/* What `for` goes through: a list's elements, a map's keys; nothing for what is absent. */
static struct value elements(struct render *r, const struct expr *e)
{
	struct value v = template_eval(r, e), key, member;
	struct value_walk walk = value_walk(v);
	struct buf json = BUF_INIT;

	if (v.kind == VALUE_OBJECT) {
		buf_char(&json, '[');
		while (value_next_member(&walk, &key, &member)) {
			if (json.len > 1)
				buf_char(&json, ',');
			buf_text(&json, key.raw);
		}
		buf_char(&json, ']');
		v = template_of_json(r, &json);
		buf_free(&json);
	} else if (v.kind != VALUE_ARRAY && v.kind != VALUE_NONE && !r->failed) {
		template_fail(r, e, "a list or a map wanted");
	}
	return v;
}

static void render_loop(struct render *r, const struct node *n, struct buf *out)
{
	struct value list = elements(r, n->expr), v;
	struct value_walk walk = value_walk(list);
	long long index = r->loop_index, length = r->loop_length, count = 0;
	/* What is set inside of a loop is gone behind it. */
	size_t variables = (size_t)r->template->variable_count * sizeof(struct value);
	struct value *saved = (struct value *)arena_zero(event_arena(r->ev), variables);

	memcpy(saved, r->variables, variables);
	if (list.kind == VALUE_ARRAY)
		for (struct value_walk w = walk; value_next(&w, &v);)
			count++;
	r->loop_length = count;
	for (r->loop_index = 0; list.kind == VALUE_ARRAY && !r->failed && value_next(&walk, &v);
		r->loop_index++) {
		if (!unpack(r, n, v))
			break;
		render_nodes(r, n->body, out);
		r->loop_length = count;
	}
	memcpy(r->variables, saved, variables);
	r->loop_index = index;
	r->loop_length = length;
	if (count == 0 && n->other && !r->failed)
		render_nodes(r, n->other->body, out);
}

static void render_condition(struct render *r, const struct node *n, struct buf *out)
{
	for (; n && !r->failed; n = n->other)
		if (!n->expr || value_is_true(template_eval(r, n->expr))) {
			render_nodes(r, n->body, out);
			return;
		}
}

static void render_nodes(struct render *r, const struct node *n, struct buf *out)
{
	for (; n && !r->failed; n = n->next) {
		if (++r->steps > TEMPLATE_STEPS || out->len > TEMPLATE_TEXT) {
			r->failed = true;
			event_mark(r->ev, "%s: the template goes on for too long", r->template->name);
			return;
		}
		switch (n->kind) {
		case NODE_TEXT:
			buf_text(out, n->text);
			break;
		case NODE_PRINT:
			buf_text(out, template_text(r, template_eval(r, n->expr)));
			break;
		case NODE_IF:
			render_condition(r, n, out);
			break;
		case NODE_FOR:
			render_loop(r, n, out);
			break;
		case NODE_SET:
			r->variables[n->variables[0]] = template_eval(r, n->expr);
			break;
		}
	}
}

bool template_render(const struct template *t, struct event *ev, const struct text *matches, struct buf *out)
{
	struct render r = { .template = t, .ev = ev, .matches = matches };

	render_nodes(&r, t->first, out);
	return !r.failed;
}
