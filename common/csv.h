/* Rows of CSV (RFC 4180) as outputs write them: a field is quoted only where it has to be, as Python's csv module does it. */
#ifndef IMQ_CSV_H
#define IMQ_CSV_H

#include "buf.h"
#include "text.h"

/* Begins a row: the rows of OUT before it stay. */
struct csv_row {
	struct buf *out;
	char delimiter;
	size_t fields, at; /* so far; where the row begins */
};

struct csv_row csv_row(struct buf *out, char delimiter);
/* Appends FIELD, in quotes if it has the delimiter, a quote or a line break in it. */
void csv_put(struct csv_row *row, struct text field);
/* Ends the row with END, `\n` or `\r\n`. A row whose only field is empty becomes `""`, so that it is one. */
void csv_end(struct csv_row *row, const char *end);

#endif
