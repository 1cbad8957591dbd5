#include "answer.h"

#include <stdlib.h>

enum rest_verdict splunk_read_job(const struct http_reply *reply, struct buf *answer, struct problem *problem)
{
	json_t *root = rest_object(reply, problem);
	const json_t *sid = json_object_get(root, "sid");
	bool fine = rest_list_add(answer, sid) && answer->len;

	if (!root)
		return REST_BROKEN;
	json_decref(root);
	return fine ? REST_FOUND : rest_broken(problem, "the answer has no \"sid\" of a search");
}

enum rest_verdict splunk_read_results(const struct http_reply *reply, struct buf *answer, struct problem *problem)
{
	json_t *root = rest_object(reply, problem);
	const json_t *rows = json_object_get(root, "results"), *first = json_array_get(rows, 0);
	enum rest_verdict verdict = REST_FOUND;
	char *row;

	if (!root)
		return REST_BROKEN;
	if (!json_is_array(rows) || (first && !json_is_object(first))) {
		verdict = rest_broken(problem, "the answer has no list of \"results\"");
	} else {
		row = first ? json_dumps(first, JSON_COMPACT) : NULL;
		buf_printf(answer, "[%s%s]", row ? row : "", json_array_size(rows) > 1 ? ",null" : "");
		free(row);
	}
	json_decref(root);
	return verdict;
}
