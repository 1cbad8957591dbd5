/* What the HTML and XML formats share. */
#ifndef IMQ_PARSE_MARKUP_H
#define IMQ_PARSE_MARKUP_H

#include <libxml/tree.h>

#include "parse.h"

/* The node behind NODE in document order, below ROOT; NULL: no more. With DEEP the nodes below NODE come first. */
const xmlNode *markup_next(const xmlNode *node, const xmlNode *root, bool deep);
/* Appends all text at and below NODE, without comments, scripts and styles. */
void markup_text(const xmlNode *node, struct buf *out);
/* Appends the node as text again. HTML: attributes sorted by name, void tags as `<br/>`; else `<x />`. */
void markup_write(const xmlNode *root, bool html, struct buf *out);
struct text markup_name(const xmlNode *node);

#endif
