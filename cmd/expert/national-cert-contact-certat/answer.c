#include "answer.h"

#include "unicode.h"

static bool has_control(struct text t)
{
	for (size_t i = 0; i < t.len; i++)
		if ((unsigned char)t.at[i] < ' ' || t.at[i] == 0x7f)
			return true;
	return false;
}

enum rest_verdict certat_read(const struct http_reply *reply, struct buf *answer, struct problem *problem)
{
	enum { COUNTRY = 1, CONTACT = 3, COLUMNS, LONGEST = 1000 };
	struct text rest = unicode_strip(reply->body), columns[COLUMNS];
	size_t count = 0;

	if (!rest_is_fine(reply, problem))
		return REST_BROKEN;
	if (!reply->body.len)
		return REST_NOTHING;
	while (count < COLUMNS && text_split(&rest, ';', &columns[count]))
		count++;
	if (count < COLUMNS || !unicode_valid(reply->body))
		return rest_broken(problem, "the answer is not of the form address;country;name;contact");
	if (has_control(columns[COUNTRY]) || has_control(columns[CONTACT]))
		return rest_broken(problem, "the answer has a control character");
	if (columns[COUNTRY].len > 2 || columns[CONTACT].len > LONGEST)
		return rest_broken(problem, "a column of the answer is too long");
	buf_text(answer, columns[COUNTRY]);
	buf_char(answer, ';');
	buf_text(answer, columns[CONTACT]);
	return REST_FOUND;
}
