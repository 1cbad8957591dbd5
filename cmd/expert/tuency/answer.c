#include "answer.h"

/* The seconds of an interval {"unit": "days", "length": 1}. False: it is none. */
static bool interval_seconds(const json_t *interval, long long *seconds)
{
	static const struct {
		const char *name;
		long long seconds;
	} units[] = { { "second", 1 }, { "minute", 60 }, { "hour", 3600 }, { "day", 86400 },
		{ "week", 604800 }, { "month", 30 * 86400 }, { "year", 365 * 86400 } };
	const json_t *length = json_object_get(interval, "length");
	struct text unit = text_of(json_string_value(json_object_get(interval, "unit")));
	long long count = json_integer_value(length);

	if (!unit.at)
		return false;
	if (text_is(unit, "immediate")) {
		*seconds = 0;
		return true;
	}
	if (json_is_string(length) ? !text_integer(text_of(json_string_value(length)), &count)
				   : !json_is_integer(length))
		return false;
	if (unit.len && unit.at[unit.len - 1] == 's')
		unit.len--;
	for (size_t i = 0; i < LENGTH(units); i++)
		if (text_is(unit, units[i].name))
			return count >= 0 && !__builtin_mul_overflow(count, units[i].seconds, seconds);
	return false;
}

/* Appends the addresses of {"destinations": [{"contacts": [{"email": "a@x.example"}]}]}. What is missing has
 * none; false: a wrong type. */
static bool add_contacts(struct buf *list, const json_t *side)
{
	const json_t *destinations = json_object_get(side, "destinations"), *destination, *contact;
	size_t i, j;

	if (!side || json_is_null(side))
		return true;
	if (!json_is_object(side) || (destinations && !json_is_array(destinations)))
		return false;
	json_array_foreach(destinations, i, destination)
	{
		const json_t *contacts = json_object_get(destination, "contacts");

		if (!json_is_object(destination) || (contacts && !json_is_array(contacts)))
			return false;
		json_array_foreach(contacts, j,
			contact) if (!rest_list_add(list, json_object_get(contact, "email"))) return false;
	}
	return true;
}

enum rest_verdict tuency_read(const struct http_reply *reply, struct buf *answer, struct problem *problem)
{
	json_t *root = rest_object(reply, problem);
	const json_t *interval = json_object_get(root, "interval");
	enum rest_verdict verdict = REST_FOUND;
	struct buf list = BUF_INIT;
	long long seconds;

	if (!root)
		return REST_BROKEN;
	if (json_is_true(json_object_get(root, "suppress")))
		buf_string(answer, "suppress\n");
	else if (!interval || json_is_null(interval))
		verdict = REST_NOTHING;
	else if (interval_seconds(interval, &seconds))
		buf_printf(answer, "%lld\n", seconds);
	else
		verdict = rest_broken(problem, "the answer has an interval that is none");
	if (verdict == REST_FOUND && (!add_contacts(&list, json_object_get(root, "ip")) ||
					     !add_contacts(&list, json_object_get(root, "domain"))))
		verdict = rest_broken(problem, "the contacts in the answer are not of the documented form");
	buf_text(answer, buf_view(&list));
	buf_free(&list);
	json_decref(root);
	return verdict;
}
