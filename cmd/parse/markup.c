/* Trees of libxml2, walked without recursion: how deep they are, strangers say. */
#include <stdlib.h>

#include "markup.h"

struct text markup_name(const xmlNode *node)
{
	return text_of((const char *)node->name);
}

const xmlNode *markup_next(const xmlNode *node, const xmlNode *root, bool deep)
{
	if (deep && node->children && node->type == XML_ELEMENT_NODE)
		return node->children;
	while (node != root && !node->next)
		node = node->parent;
	return node == root ? NULL : node->next;
}

static bool is_text(const xmlNode *node)
{
	return node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE;
}

static bool is_silent(const xmlNode *node)
{
	return node->type == XML_ELEMENT_NODE &&
		(text_eq_nocase(markup_name(node), TEXT("script")) || text_eq_nocase(markup_name(node), TEXT("style")));
}

void markup_text(const xmlNode *root, struct buf *out)
{
	for (const xmlNode *node = root; node; node = markup_next(node, root, !is_silent(node)))
		if (is_text(node) && node->content)
			buf_string(out, (const char *)node->content);
}

static void add_escaped(struct buf *out, const xmlChar *text, bool attribute)
{
	for (const char *p = (const char *)text; p && *p; p++) {
		if (*p == '&')
			buf_string(out, "&amp;");
		else if (*p == '<')
			buf_string(out, "&lt;");
		else if (*p == '>')
			buf_string(out, "&gt;");
		else if (attribute && *p == '"')
			buf_string(out, "&quot;");
		else
			buf_char(out, *p);
	}
}

static int by_name(const void *a, const void *b)
{
	const xmlAttr *const *left = a, *const *right = b;

	return strcmp((const char *)(*left)->name, (const char *)(*right)->name);
}

enum { ATTRIBUTES_MAX = 256 /* of an element, written again */ };

static void add_attributes(struct buf *out, const xmlNode *node, bool sorted)
{
	const xmlAttr *list[ATTRIBUTES_MAX];
	size_t n = 0;

	for (const xmlAttr *a = node->properties; a && n < ATTRIBUTES_MAX; a = a->next)
		list[n++] = a;
	if (sorted)
		qsort(list, n, sizeof *list, by_name);
	for (size_t i = 0; i < n; i++) {
		buf_char(out, ' ');
		buf_string(out, (const char *)list[i]->name);
		buf_string(out, "=\"");
		for (const xmlNode *t = list[i]->children; t; t = t->next)
			add_escaped(out, t->content, true);
		buf_char(out, '"');
	}
}

static bool is_void(const xmlNode *node)
{
	static const char *const names[] = { "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta",
		"param", "source", "track", "wbr" };

	for (size_t i = 0; i < LENGTH(names); i++)
		if (text_is(markup_name(node), names[i]))
			return true;
	return false;
}

/* Whether there is nothing between the tags. Of XML, comments and empty CDATA sections are not written. */
static bool is_empty(const xmlNode *node, bool html)
{
	const xmlNode *child = node->children;

	while (child && !html && (is_text(child) ? !child->content || !*child->content : child->type == XML_COMMENT_NODE))
		child = child->next;
	return !child;
}

static void open_tag(struct buf *out, const xmlNode *node, bool html)
{
	buf_char(out, '<');
	buf_text(out, markup_name(node));
	add_attributes(out, node, html);
	if (!is_empty(node, html) || (html && !is_void(node)))
		buf_char(out, '>');
	else
		buf_string(out, html ? "/>" : " />");
}

static void close_tag(struct buf *out, const xmlNode *node, bool html)
{
	if (is_empty(node, html) && (!html || is_void(node)))
		return;
	buf_string(out, "</");
	buf_text(out, markup_name(node));
	buf_char(out, '>');
}

static void add_node(struct buf *out, const xmlNode *node, bool html)
{
	if (node->type == XML_ELEMENT_NODE) {
		open_tag(out, node, html);
	} else if (html && is_text(node) && node->content && text_trim(text_of((const char *)node->content)).len == 0) {
		/* White space alone is a line feed or a blank in IntelMQ's rows. */
		buf_char(out, strchr((const char *)node->content, '\n') ? '\n' : ' ');
	} else if (is_text(node)) {
		add_escaped(out, node->content, false);
	} else if (html && node->type == XML_COMMENT_NODE) {
		buf_string(out, "<!--");
		buf_string(out, (const char *)node->content);
		buf_string(out, "-->");
	} else if (node->type == XML_ENTITY_REF_NODE) {
		buf_char(out, '&');
		buf_text(out, markup_name(node));
		buf_char(out, ';');
	}
}

void markup_write(const xmlNode *root, bool html, struct buf *out)
{
	const xmlNode *node = root;

	for (;;) {
		add_node(out, node, html);
		if (node->type == XML_ELEMENT_NODE && node->children) {
			node = node->children;
			continue;
		}
		if (node->type == XML_ELEMENT_NODE)
			close_tag(out, node, html);
		while (node != root && !node->next) {
			node = node->parent;
			close_tag(out, node, html);
		}
		if (node == root)
			return;
		node = node->next;
	}
}
