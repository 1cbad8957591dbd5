#include "answer.h"

#include "log.h"

static enum rest_verdict wrong_type(struct problem *problem, const char *where)
{
	return rest_broken(problem, "the answer is not of the documented form: %s", where);
}

/* Whether FROM to TO are addresses around ABOUT; then they become the range, if there is none or a wider one.
 */
static void narrow(
	struct ripe_range *range, const struct ip *about, const struct ip *from, const struct ip *to)
{
	if (from->bits != about->bits || to->bits != about->bits || ip_cmp(from, about) > 0 ||
		ip_cmp(about, to) > 0)
		return;
	if (range->known && (ip_cmp(from, &range->from) < 0 || ip_cmp(to, &range->to) > 0))
		return;
	*range = (struct ripe_range){ true, *from, *to };
}

/* A prefix, or two addresses with a dash between them. */
static void read_range(struct ripe_range *range, const struct ip *about, const json_t *string)
{
	struct text t = text_of(json_string_value(string)), first;
	struct ip from, to;
	unsigned prefix;

	if (!about || !t.at)
		return;
	if (ip_parse_network(text_trim(t), &from, &prefix)) {
		ip_mask(&from, prefix);
		to = from;
		for (unsigned bit = prefix; bit < to.bits; bit++)
			to.bytes[bit / 8] |= (unsigned char)(0x80 >> bit % 8);
		narrow(range, about, &from, &to);
	} else if (text_split(&t, '-', &first) && ip_parse(text_trim(first), &from) &&
		   ip_parse(text_trim(t), &to)) {
		narrow(range, about, &from, &to);
	}
}

/* RIPEstat: data.anti_abuse_contacts.abuse_c, a list of objects of which the first counts; since 2020
 * data.abuse_contacts, a list of addresses. */
static enum rest_verdict read_stat(const json_t *root, struct buf *answer, struct problem *problem)
{
	const json_t *data = json_object_get(root, "data"),
		     *old = json_object_get(data, "anti_abuse_contacts"),
		     *contacts = json_object_get(old, "abuse_c"),
		     *fresh = json_object_get(data, "abuse_contacts"),
		     *email = json_object_get(json_array_get(contacts, 0), "email"), *contact;
	size_t i;

	if ((data && !json_is_object(data)) || (old && !json_is_object(old)) ||
		(contacts && !json_is_array(contacts)) || (fresh && !json_is_array(fresh)))
		return wrong_type(problem, "data.anti_abuse_contacts.abuse_c");
	if (email && !rest_list_add(answer, email))
		return wrong_type(problem, "data.anti_abuse_contacts.abuse_c[0].email");
	if (!answer->len)
		json_array_foreach(fresh, i, contact) if (!rest_list_add(answer, contact)) return wrong_type(
			problem, "data.abuse_contacts");
	return answer->len ? REST_FOUND : REST_NOTHING;
}

static enum rest_verdict read_db(const json_t *root, const struct ip *about, struct buf *answer,
	struct ripe_range *range, struct problem *problem)
{
	const json_t *contacts = json_object_get(root, "abuse-contacts"),
		     *email = json_object_get(contacts, "email");

	if (contacts && !json_is_object(contacts))
		return wrong_type(problem, "abuse-contacts");
	if (email && !rest_list_add(answer, email))
		return wrong_type(problem, "abuse-contacts.email");
	read_range(range, about,
		json_object_get(
			json_object_get(json_object_get(root, "parameters"), "primary-key"), "value"));
	return answer->len ? REST_FOUND : REST_NOTHING;
}

static enum rest_verdict read_geolocation(const json_t *root, const struct ip *about, struct buf *answer,
	struct ripe_range *range, struct problem *problem)
{
	static const char *const members[] = { "country", "latitude", "longitude", "city" };
	const json_t *data = json_object_get(root, "data"),
		     *located = json_object_get(data, "located_resources"),
		     *first = json_array_get(located, 0), *locations = json_object_get(first, "locations"),
		     *place = json_array_get(locations, 0), *network;
	json_t *kept;
	char *text;
	size_t i;

	if ((data && !json_is_object(data)) || (located && !json_is_array(located)) ||
		(first && !json_is_object(first)) || (locations && !json_is_array(locations)) ||
		(place && !json_is_object(place)))
		return wrong_type(problem, "data.located_resources[0].locations[0]");
	kept = json_object();
	for (i = 0; i < LENGTH(members); i++) {
		json_t *value = json_object_get(place, members[i]);

		if ((json_is_string(value) && json_string_length(value) < 256 &&
			    strcmp(json_string_value(value), "?") != 0) ||
			json_is_number(value))
			json_object_set(kept, members[i], value);
	}
	if (json_object_size(kept)) {
		text = json_dumps(kept, JSON_COMPACT);
		buf_string(answer, text ? text : "{}");
		free(text);
	}
	json_decref(kept);
	read_range(range, about, json_object_get(first, "resource"));
	json_array_foreach(json_object_get(place, "resources"), i, network) read_range(range, about, network);
	return answer->len ? REST_FOUND : REST_NOTHING;
}

/* The database's way to say that it has no contact. */
static bool is_unknown(const struct http_reply *reply)
{
	json_t *root = json_loadb(reply->body.at, reply->body.len, 0, NULL);
	struct text message = text_of(json_string_value(json_object_get(root, "message")));
	bool unknown = message.at && text_starts(message, TEXT("No abuse contact found for "));

	json_decref(root);
	return unknown;
}

enum rest_verdict ripe_read(enum ripe_service service, const struct http_reply *reply, const struct ip *about,
	struct buf *answer, struct ripe_range *range, struct problem *problem)
{
	enum rest_verdict verdict;
	struct text call;
	json_t *root;

	range->known = false;
	if (reply->status == 404 && is_unknown(reply))
		return REST_NOTHING;
	root = rest_object(reply, problem);
	if (!root)
		return REST_BROKEN;
	call = text_of(json_string_value(json_object_get(root, "data_call_status")));
	if (call.at && text_starts(call, TEXT("maintenance")))
		log_message("%s: RIPEstat says that this service is under maintenance", reply->url);
	if (service == RIPE_STAT)
		verdict = read_stat(root, answer, problem);
	else if (service == RIPE_DB)
		verdict = read_db(root, about, answer, range, problem);
	else
		verdict = read_geolocation(root, about, answer, range, problem);
	json_decref(root);
	return verdict;
}
