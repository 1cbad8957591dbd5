/* XML: every element of the name that the definition gives in `records` is a record. It becomes a JSON object: child
 * elements by name, as text, as objects where they have attributes or children of their own, as arrays where a name
 * repeats; attributes as `@name`, text beside children as `#text`. The reader goes through the document once and
 * holds one record; entities of the document's own are not expanded, nothing is fetched, and libxml2's limits hold. */
#include <libxml/xmlreader.h>
#include <limits.h>

#include "markup.h"

static void add_value(struct session *s, const xmlNode *node, struct buf *out);

/* Text of the node's own, stripped where it stands beside elements. */
static void own_text(const xmlNode *node, struct buf *out)
{
	for (const xmlNode *child = node->children; child; child = child->next)
		if ((child->type == XML_TEXT_NODE || child->type == XML_CDATA_SECTION_NODE) && child->content)
			buf_string(out, (const char *)child->content);
}

static bool is_plain(const xmlNode *node)
{
	if (node->properties)
		return false;
	for (const xmlNode *child = node->children; child; child = child->next)
		if (child->type == XML_ELEMENT_NODE)
			return false;
	return true;
}

static bool same_name(const xmlNode *a, const xmlNode *b)
{
	return b->type == XML_ELEMENT_NODE && xmlStrEqual(a->name, b->name);
}

enum { SIBLINGS_MAX = 4096 /* looked at for one of the same name; beyond, a name twice rejects the record */ };

static bool named_before(const xmlNode *node)
{
	size_t n = 0;

	for (const xmlNode *other = node->prev; other && n < SIBLINGS_MAX; other = other->prev, n++)
		if (same_name(node, other))
			return true;
	return false;
}

static const xmlNode *next_named(const xmlNode *node)
{
	size_t n = 0;

	for (const xmlNode *other = node->next; other && n < SIBLINGS_MAX; other = other->next, n++)
		if (same_name(node, other))
			return other;
	return NULL;
}

static void add_name(struct buf *out, const char *before, const xmlChar *name, bool *first)
{
	struct buf whole = BUF_INIT;

	buf_string(&whole, before);
	buf_string(&whole, (const char *)name);
	buf_string(out, *first ? "" : ",");
	buf_json(out, buf_view(&whole));
	buf_char(out, ':');
	buf_free(&whole);
	*first = false;
}

static void add_children(struct session *s, const xmlNode *node, bool *first, struct buf *out)
{
	for (const xmlNode *child = node->children; child; child = child->next) {
		const xmlNode *more;
		bool many;

		if (child->type != XML_ELEMENT_NODE || named_before(child))
			continue;
		add_name(out, "", child->name, first);
		more = next_named(child);
		many = more != NULL;
		if (many)
			buf_char(out, '[');
		add_value(s, child, out);
		for (; more; more = next_named(more)) {
			buf_char(out, ',');
			add_value(s, more, out);
		}
		if (many)
			buf_char(out, ']');
	}
}

static void add_object(struct session *s, const xmlNode *node, struct buf *out)
{
	struct buf text = BUF_INIT;
	bool first = true;

	buf_char(out, '{');
	for (const xmlAttr *a = node->properties; a; a = a->next) {
		buf_clear(&text);
		for (const xmlNode *t = a->children; t; t = t->next)
			if (t->content)
				buf_string(&text, (const char *)t->content);
		add_name(out, "@", a->name, &first);
		buf_json(out, buf_view(&text));
	}
	add_children(s, node, &first, out);
	buf_clear(&text);
	own_text(node, &text);
	if (text_trim(buf_view(&text)).len) {
		add_name(out, "#", (const xmlChar *)"text", &first);
		buf_json(out, text_trim(buf_view(&text)));
	}
	buf_char(out, '}');
	buf_free(&text);
}

static void add_value(struct session *s, const xmlNode *node, struct buf *out)
{
	struct buf text = BUF_INIT;

	if (is_plain(node)) {
		own_text(node, &text);
		buf_json(out, buf_view(&text));
	} else {
		add_object(s, node, out);
	}
	buf_free(&text);
}

/* The record in hand: its JSON in header_text, its text in glue. */
static void finish(struct session *s, long line)
{
	struct record r = { .source = buf_view(&s->glue), .line = line };
	struct value_error error;

	if (!s->glue.len)
		return;
	if (value_parse(buf_view(&s->header_text), &r.json, &error))
		session_record(s, &r);
	else
		session_reject(s, r.source, line, error.reason);
	buf_clear(&s->glue);
}

static bool is_blank(int type)
{
	return type == XML_READER_TYPE_TEXT || type == XML_READER_TYPE_SIGNIFICANT_WHITESPACE ||
		type == XML_READER_TYPE_WHITESPACE;
}

/* One node of the document. Returns what the reader's next move said: 1 on, 0 end, -1 broken. */
static int take_node(struct session *s, xmlTextReader *reader, long *line)
{
	int type = xmlTextReaderNodeType(reader);
	const xmlNode *node;

	if (s->glue.len && is_blank(type) && !xmlTextReaderHasAttributes(reader)) {
		struct text tail = text_of((const char *)xmlTextReaderConstValue(reader));

		if (text_trim(tail).len == 0)
			buf_text(&s->glue, tail);
	}
	finish(s, *line);
	if (type != XML_READER_TYPE_ELEMENT ||
		!text_eq(text_of((const char *)xmlTextReaderConstLocalName(reader)), s->program->record_name))
		return xmlTextReaderRead(reader);
	*line = xmlTextReaderGetParserLineNumber(reader);
	node = xmlTextReaderExpand(reader);
	if (!node)
		return -1;
	buf_clear(&s->header_text);
	add_object(s, node, &s->header_text);
	markup_write(node, false, &s->glue);
	return xmlTextReaderNext(reader);
}

static void ignore_error(void *context, const char *message, xmlParserSeverities severity, xmlTextReaderLocatorPtr where)
{
	(void)context;
	(void)message;
	(void)severity;
	(void)where;
}

size_t frame_xml(struct session *s, struct text data, bool last)
{
	struct text trimmed = text_trim(data);
	xmlTextReader *reader;
	long line = 1;
	int state;

	if (!last || trimmed.len == 0)
		return last ? data.len : 0;
	reader = trimmed.len > INT_MAX ? NULL :
		xmlReaderForMemory(trimmed.at, (int)trimmed.len, NULL, "UTF-8", 
			XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	if (!reader) {
		session_reject(s, data, 1, "a document of more than 2 GiB");
		return data.len;
	}
	xmlTextReaderSetErrorHandler(reader, ignore_error, NULL);
	buf_clear(&s->glue);
	for (state = xmlTextReaderRead(reader); state == 1;)
		state = take_node(s, reader, &line);
	finish(s, line);
	if (state < 0) {
		xmlError *error = xmlGetLastError();
		struct buf reason = BUF_INIT;

		buf_string(&reason, "not XML: ");
		buf_text(&reason, error && error->message ? text_trim(text_of(error->message)) : TEXT("broken"));
		session_reject(s, TEXT(""), error ? error->line : line, buf_cstr(&reason));
		buf_free(&reason);
	}
	xmlFreeTextReader(reader);
	return data.len;
}
