#include "rest.h"

#include <stdarg.h>
#include <stdio.h>

void rest_settle(struct lookup_question *question, const struct http_reply *reply,
	enum rest_verdict (*read)(const struct http_reply *reply, struct buf *answer, struct problem *problem),
	double ttl)
{
	struct buf answer = BUF_INIT;
	struct problem problem = { .line = 0 };
	enum rest_verdict verdict = REST_BROKEN;

	if (reply->error)
		problem_set(&problem, "%s", reply->error);
	else
		verdict = read(reply, &answer, &problem);
	if (verdict == REST_FOUND)
		lookup_found(question, buf_view(&answer), ttl);
	else if (verdict == REST_NOTHING)
		lookup_nothing(question, ttl);
	else
		lookup_failed(question, problem.text);
	buf_free(&answer);
}

enum rest_verdict rest_broken(struct problem *problem, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(problem->text, sizeof problem->text, format, arguments);
	va_end(arguments);
	return REST_BROKEN;
}

bool rest_is_fine(const struct http_reply *reply, struct problem *problem)
{
	return (reply->status >= 200 && reply->status <= 299) ||
	       problem_set(problem, "HTTP status %ld", reply->status);
}

json_t *rest_object(const struct http_reply *reply, struct problem *problem)
{
	json_error_t error;
	json_t *root;

	if (!rest_is_fine(reply, problem))
		return NULL;
	root = json_loadb(reply->body.at, reply->body.len, 0, &error);
	if (json_is_object(root))
		return root;
	problem_set(problem, "%s", root ? "the answer is not a JSON object" : "the answer is not JSON");
	json_decref(root);
	return NULL;
}

bool rest_list_add(struct buf *list, const json_t *string)
{
	enum { LONGEST = 320 }; /* bytes of an address: RFC 5321, 4.5.3.1 */
	struct text t = { json_string_value(string), json_string_length(string) };

	if (!t.at || t.len > LONGEST)
		return false;
	for (size_t i = 0; i < t.len; i++)
		if ((unsigned char)t.at[i] < ' ' || t.at[i] == 0x7f)
			return false;
	if (t.len && list->len)
		buf_char(list, ',');
	buf_text(list, t);
	return true;
}

bool rest_check_url(const char *option, const char *value, struct problem *problem)
{
	if (!value || !value[0])
		return problem_set(problem, "%s is missing", option);
	if (strncmp(value, "http://", 7) != 0 && strncmp(value, "https://", 8) != 0)
		return problem_set(problem, "%s: no http or https URL: \"%s\"", option, value);
	return true;
}

bool rest_base(const char *option, const char *value, struct buf *base, struct problem *problem)
{
	if (!rest_check_url(option, value, problem))
		return false;
	buf_clear(base);
	buf_string(base, value);
	if (base->at[base->len - 1] != '/')
		buf_char(base, '/');
	return true;
}

bool rest_check_secret(const char *option, const char *value, struct problem *problem)
{
	if (!value || !value[0])
		return problem_set(problem, "%s is missing", option);
	for (const char *p = value; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return problem_set(problem, "%s: a control character", option);
	return true;
}
