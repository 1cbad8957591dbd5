#include "answer.h"

/* Older versions send the bare UUID, newer ones a JSON string. */
enum rest_verdict lookyloo_read(const struct http_reply *reply, struct buf *answer, struct problem *problem)
{
	static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-";
	enum { LONGEST = 64 };
	struct text uuid = text_trim(reply->body);
	bool fine;

	if (!rest_is_fine(reply, problem))
		return REST_BROKEN;
	if (uuid.len >= 2 && uuid.at[0] == '"' && uuid.at[uuid.len - 1] == '"')
		uuid = (struct text){ uuid.at + 1, uuid.len - 2 };
	fine = uuid.len > 0 && uuid.len <= LONGEST;
	for (size_t i = 0; fine && i < uuid.len; i++)
		fine = uuid.at[i] && strchr(letters, uuid.at[i]);
	if (!fine)
		return rest_broken(problem, "the answer is not the UUID of a capture");
	buf_text(answer, uuid);
	return REST_FOUND;
}
