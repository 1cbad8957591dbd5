#include "answer.h"

/* The portal tells by this message, a list in Python's notation, that it does not know the address. */
static bool knows_no_network(const struct http_reply *reply)
{
	json_t *root = json_loadb(reply->body.at, reply->body.len, 0, NULL);
	const char *message = json_string_value(json_object_get(root, "message"));
	bool unknown = message && strncmp(message, "('no such cidr'", 15) == 0;

	json_decref(root);
	return unknown;
}

enum rest_verdict do_portal_read(const struct http_reply *reply, struct buf *answer, struct problem *problem)
{
	const json_t *contacts, *contact;
	bool fine = true;
	json_t *root;
	size_t i;

	if (reply->status == 404 && knows_no_network(reply))
		return REST_NOTHING;
	root = rest_object(reply, problem);
	if (!root)
		return REST_BROKEN;
	contacts = json_object_get(root, "abusecs");
	fine = json_is_array(contacts);
	json_array_foreach(contacts, i, contact) fine = fine && rest_list_add(answer, contact);
	json_decref(root);
	if (!fine)
		return rest_broken(problem, "the answer has no list of addresses \"abusecs\"");
	return answer->len ? REST_FOUND : REST_NOTHING;
}
