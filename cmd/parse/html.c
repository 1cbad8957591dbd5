/* HTML tables: rows are records, cells are columns (parsers-1.md 4.4). The document is parsed as a whole. */
#include <libxml/HTMLparser.h>
#include <libxml/parser.h>
#include <limits.h>

#include "markup.h"

/* White space as Unicode has it, as far as it stands around cells: U+00A0 too. */
static struct text stripped(struct text t)
{
	for (;;) {
		struct text before = t;

		t = text_trim(t);
		if (text_starts(t, TEXT("\xc2\xa0")))
			t = text_from(t, 2);
		if (text_ends(t, TEXT("\xc2\xa0")))
			t.len -= 2;
		if (t.len == before.len)
			return t;
	}
}

static bool is_element(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE && text_eq_nocase(markup_name(node), text_of(name));
}

/* `class` has one of the words, or all of them in order; other attributes are equal. */
static bool has_attribute(const xmlNode *node, struct text name, struct text value)
{
	char *wanted = strndup(name.at, name.len);
	xmlChar *found = xmlGetProp(node, (const xmlChar *)wanted);
	struct text t = text_of((const char *)found), rest = t, word;
	bool has = found && text_eq(t, value);

	if (found && text_is(name, "class"))
		while (!has && text_split(&rest, ' ', &word))
			has = text_eq(text_trim(word), value);
	xmlFree(found);
	free(wanted);
	return has;
}

/* The table that the program wants; a negative index counts from the end. */
static const xmlNode *find_table(const struct program *p, const xmlNode *root)
{
	const xmlNode *found = NULL;
	long count = 0, wanted = p->table_index;

	if (wanted < 0) {
		for (const xmlNode *node = root; node; node = markup_next(node, root, true))
			count += is_element(node, "table") &&
				(!p->attribute.len || has_attribute(node, p->attribute, p->attribute_value));
		wanted += count;
	}
	for (const xmlNode *node = root; node && wanted >= 0 && !found; node = markup_next(node, root, true))
		if (is_element(node, "table") &&
			(!p->attribute.len || has_attribute(node, p->attribute, p->attribute_value)) && wanted-- == 0)
			found = node;
	return found;
}

/* The cells' texts one behind the other in the row's buffer; the cells point there when all are there. */
static size_t read_cells(struct session *s, const xmlNode *row)
{
	size_t n = 0, start = 0;

	buf_clear(&s->row.text);
	for (const xmlNode *node = markup_next(row, row, true); node; node = markup_next(node, row, true))
		if (is_element(node, "td") || (s->program->header && is_element(node, "th"))) {
			markup_text(node, &s->row.text);
			session_cells(s, n + 1)[n] =
				cell_of((struct text){ NULL, s->row.text.len });
			n++;
		}
	for (size_t i = 0; i < n; i++) {
		size_t end = s->row.at[i].text.len;

		s->row.at[i] = cell_of(
			stripped((struct text){ buf_view(&s->row.text).at + start, end - start }));
		start = end;
	}
	return n;
}

static void take_row(struct session *s, const xmlNode *row)
{
	const struct program *p = s->program;
	struct record r = { .line = xmlGetLineNo(row) };

	buf_clear(&s->glue);
	markup_write(row, true, &s->glue);
	r.source = buf_view(&s->glue);
	r.count = read_cells(s, row);
	if (p->header && !s->header_seen) {
		r.cells = s->row.at;
		csv_read_header(s, &r);
		return;
	}
	if (s->skipped < p->skip_first) {
		s->skipped++;
		return;
	}
	if (r.count < p->min_columns) {
		if (p->skip_short)
			s->done(s, 0);
		else
			session_reject(s, r.source, r.line, "too few columns");
		return;
	}
	r.cells = s->row.at;
	session_record(s, &r);
}

size_t frame_html(struct session *s, struct text data, bool last)
{
	const xmlNode *root, *table;
	xmlDoc *document;

	if (!last || text_trim(data).len == 0)
		return last ? data.len : 0;
	if (data.len > INT_MAX) {
		session_reject(s, data, 1, "a document of more than 2 GiB");
		return data.len;
	}
	document = htmlReadMemory(data.at, (int)data.len, NULL, "UTF-8",
		HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | HTML_PARSE_NONET);
	root = document ? xmlDocGetRootElement(document) : NULL;
	table = root ? find_table(s->program, root) : NULL;
	if (!table)
		session_reject(s, data, 1, "the document has no such table");
	for (const xmlNode *node = table; node; node = markup_next(node, table, true))
		if (is_element(node, "tr"))
			take_row(s, node);
	xmlFreeDoc(document);
	return data.len;
}
