/* The format strings of imq-modify, `{msg[FIELD]}` (elsewhere under another name) and `{matches[FIELD][GROUP]}` with !r, !s and
 * :[[FILL]ALIGN]WIDTH, `{{` and `}}`. */
#include <stdlib.h>

#include "alloc.h"
#include "template_priv.h"

struct format_reader {
	struct template *template;
	struct text rest, event;
	template_resolve *resolve;
	void *context;
	struct problem *problem;
};

static bool wrong(struct format_reader *r, const char *what)
{
	return problem_set(
		r->problem, "%s, at \"%.*s\"", what, (int)(r->rest.len < 40 ? r->rest.len : 40), r->rest.at);
}

static struct expr *new_expr(struct format_reader *r, enum expr_kind kind, struct expr *left)
{
	struct expr *e = arena_zero(&r->template->arena, sizeof *e);

	e->kind = kind;
	e->left = left;
	e->line = 1;
	return e;
}

/* `[NAME]`: everything up to the bracket. */
static bool bracketed(struct format_reader *r, struct text *name)
{
	const char *end = r->rest.len && r->rest.at[0] == '[' ? memchr(r->rest.at, ']', r->rest.len) : NULL;

	if (!end || end == r->rest.at + 1)
		return wrong(r, "a name in brackets expected");
	*name = (struct text){ r->rest.at + 1, (size_t)(end - r->rest.at) - 1 };
	r->rest = text_from(r->rest, name->len + 2);
	return true;
}

/* `msg[…]` or `matches[…][…]`; NULL with PROBLEM. */
static struct expr *named(struct format_reader *r)
{
	struct text field, group;
	struct expr *e;

	if (text_starts(r->rest, r->event) && text_starts(text_from(r->rest, r->event.len), TEXT("["))) {
		e = new_expr(r, EXPR_FIELD, NULL);
		e->required = true;
		r->rest = text_from(r->rest, r->event.len);
		if (!bracketed(r, &field))
			return NULL;
		e->field = field_intern(field);
		if (field_check(e->field, r->problem))
			return e;
		return NULL;
	}
	if (!r->resolve || !text_starts(r->rest, TEXT("matches["))) {
		wrong(r, r->resolve ? "msg[FIELD] or matches[FIELD][GROUP] expected behind { (a brace itself is {{)" :
			"a field of the event expected behind { (a brace itself is {{)");
		return NULL;
	}
	e = new_expr(r, EXPR_MATCH, NULL);
	r->rest = text_from(r->rest, 7);
	if (!bracketed(r, &field) || !bracketed(r, &group))
		return NULL;
	e->number = r->resolve(r->context, field, group, r->problem);
	return e->number >= 0 ? e : NULL;
}

/* Behind a colon: [[FILL]ALIGN][WIDTH][s]. */
static struct expr *padding(struct format_reader *r, struct expr *e)
{
	struct expr *pad = new_expr(r, EXPR_PAD, e);

	pad->fill = ' ';
	if (r->rest.len > 1 && r->rest.at[0] > ' ' && r->rest.at[0] < 0x7f && strchr("<>^", r->rest.at[1])) {
		pad->fill = r->rest.at[0];
		r->rest = text_from(r->rest, 1);
	}
	if (r->rest.len && r->rest.at[0] && strchr("<>^", r->rest.at[0])) {
		pad->align = r->rest.at[0];
		r->rest = text_from(r->rest, 1);
	}
	if (!pad->align && r->rest.len && r->rest.at[0] == '0')
		pad->fill = '0';
	for (int digits = 0; r->rest.len && r->rest.at[0] >= '0' && r->rest.at[0] <= '9'; digits++) {
		if (digits == 4) {
			wrong(r, "a width of up to four digits expected");
			return NULL;
		}
		pad->number = pad->number * 10 + (r->rest.at[0] - '0');
		r->rest = text_from(r->rest, 1);
	}
	if (text_starts(r->rest, TEXT("s}")) || text_starts(r->rest, TEXT("d}")))
		r->rest = text_from(r->rest, 1);
	return pad;
}

/* Behind the opening brace. */
static bool replacement(struct format_reader *r, struct node *n)
{
	struct expr *e = named(r);

	if (e && text_starts(r->rest, TEXT("!"))) {
		char conversion = r->rest.len > 1 ? r->rest.at[1] : '\0';

		if (conversion != 'r' && conversion != 's' && conversion != 'a')
			return wrong(r, "!r or !s expected");
		if (conversion != 's')
			e = new_expr(r, EXPR_REPR, e);
		r->rest = text_from(r->rest, 2);
	}
	if (e && text_starts(r->rest, TEXT(":"))) {
		r->rest = text_from(r->rest, 1);
		e = padding(r, e);
	}
	if (!e)
		return false;
	if (!text_starts(r->rest, TEXT("}")))
		return wrong(r, "} expected");
	r->rest = text_from(r->rest, 1);
	n->kind = NODE_PRINT;
	n->expr = e;
	return true;
}

static bool read_format(struct format_reader *r, struct node **out)
{
	struct buf text = BUF_INIT;
	bool fine = true;

	while (fine) {
		bool end = r->rest.len == 0;
		char c = end ? '\0' : r->rest.at[0], next = r->rest.len > 1 ? r->rest.at[1] : '\0';

		if (!end && ((c != '{' && c != '}') || c == next)) {
			buf_char(&text, c);
			r->rest = text_from(r->rest, c == '{' || c == '}' ? 2 : 1);
			continue;
		}
		if (text.len) {
			*out = arena_zero(&r->template->arena, sizeof **out);
			(*out)->kind = NODE_TEXT;
			(*out)->text = arena_text(&r->template->arena, buf_view(&text));
			out = &(*out)->next;
			buf_clear(&text);
		}
		if (end)
			break;
		if (c == '}') {
			fine = wrong(r, "a single } (a brace itself is }})");
			continue;
		}
		*out = arena_zero(&r->template->arena, sizeof **out);
		r->rest = text_from(r->rest, 1);
		fine = replacement(r, *out);
		out = &(*out)->next;
	}
	buf_free(&text);
	return fine;
}

struct template *template_format(struct text source, const char *event, template_resolve *resolve, void *context,
	struct problem *problem)
{
	struct template *t = alloc_zero(1, sizeof *t);
	struct format_reader r = { t, source, text_of(event), resolve, context, problem };

	t->name = alloc_string(TEXT("format"));
	if (read_format(&r, &t->first))
		return t;
	template_free(t);
	return NULL;
}

void template_print_none(struct template *t)
{
	for (struct node *n = t->first; n; n = n->next) {
		struct expr *e = n->expr;

		while (e && e->left)
			e = e->left;
		if (e && e->kind == EXPR_FIELD && e->field != F_EXTRA) {
			e->required = false;
			e->none = true;
		}
	}
}
