#include "answer.h"

#include <ctype.h>

static bool is_uuid(const char *s)
{
	size_t i;

	for (i = 0; s && s[i]; i++)
		if (i == 8 || i == 13 || i == 18 || i == 23 ? s[i] != '-' : !isxdigit((unsigned char)s[i]))
			return false;
	return i == 36;
}

enum rest_verdict misp_read(const struct http_reply *reply, struct buf *answer, struct problem *problem)
{
	json_t *root = rest_object(reply, problem);
	const json_t *attributes = json_object_get(json_object_get(root, "response"), "Attribute"),
		     *first = json_array_get(attributes, 0);
	const char *attribute = json_string_value(json_object_get(first, "uuid")),
		   *event = json_string_value(json_object_get(json_object_get(first, "Event"), "uuid"));
	enum rest_verdict verdict = REST_FOUND;

	if (!root)
		return REST_BROKEN;
	if (!json_is_array(attributes))
		verdict = rest_broken(problem, "the answer has no list of attributes");
	else if (json_array_size(attributes) == 0)
		verdict = REST_NOTHING;
	else if (!is_uuid(attribute) || !is_uuid(event))
		verdict = rest_broken(problem, "an attribute in the answer has no UUID, or none of its event");
	else
		buf_printf(answer, "%s %s", attribute, event);
	json_decref(root);
	return verdict;
}
