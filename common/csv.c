#include "csv.h"

struct csv_row csv_row(struct buf *out, char delimiter)
{
	return (struct csv_row){ out, delimiter, 0, out->len };
}

void csv_put(struct csv_row *row, struct text field)
{
	struct buf *out = row->out;
	bool quoted = false;

	for (size_t i = 0; i < field.len && !quoted; i++)
		quoted = field.at[i] == row->delimiter || field.at[i] == '"' || field.at[i] == '\n' || field.at[i] == '\r';
	if (row->fields++)
		buf_char(out, row->delimiter);
	if (!quoted) {
		buf_text(out, field);
		return;
	}
	buf_char(out, '"');
	for (size_t i = 0; i < field.len; i++) {
		if (field.at[i] == '"')
			buf_char(out, '"');
		buf_char(out, field.at[i]);
	}
	buf_char(out, '"');
}

void csv_end(struct csv_row *row, const char *end)
{
	if (row->fields == 1 && row->out->len == row->at)
		buf_string(row->out, "\"\"");
	buf_string(row->out, end);
}
