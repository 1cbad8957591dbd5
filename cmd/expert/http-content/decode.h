/* The text of a web page. */
#ifndef IMQ_HTTP_CONTENT_DECODE_H
#define IMQ_HTTP_CONTENT_DECODE_H

#include "buf.h"

/* Appends BODY as UTF-8. The character set is the one that CONTENT_TYPE (the header, NULL: none) names or the
 * byte order mark tells (RFC 3629, 6); without these what is valid UTF-8 is UTF-8, the rest ISO-8859-1. Bytes
 * that stand for nothing, and those of unknown sets outside of ASCII, become U+FFFD. */
void decode_page(struct text body, const char *content_type, struct buf *out);

#endif
