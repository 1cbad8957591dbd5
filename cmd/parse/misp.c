/* The driver of MISP's events (parsers-2.md 3.7): passes each on as it is, with members more that need a look at all its tags
 * and attributes: `@type` and `@identifier`, which the first known tag tells, and `@malware`, which the last attribute of the
 * category "Payload type" names. */
#include "driver.h"

static const struct {
	const char *tag, *type;
} tags[] = {
	{ "ecsirt:fraud=\"phishing\"", "phishing" },
	{ "ecsirt:availability=\"ddos\"", "ddos" },
	{ "ecsirt:abusive-content=\"spam\"", "spam" },
	{ "ecsirt:information-gathering=\"scanner\"", "scanner" },
	{ "ecsirt:information-content-security=\"dropzone\"", "other" },
	{ "ecsirt:malicious-code=\"malware\"", "infected-system" },
	{ "ecsirt:malicious-code=\"botnet-drone\"", "infected-system" },
	{ "ecsirt:malicious-code=\"ransomware\"", "infected-system" },
	{ "ecsirt:malicious-code=\"malware-configuration\"", "malware-configuration" },
	{ "ecsirt:malicious-code=\"c2server\"", "c2-server" },
	{ "ecsirt:intrusion-attempts=\"exploit\"", "exploit" },
	{ "ecsirt:intrusion-attempts=\"brute-force\"", "brute-force" },
	{ "ecsirt:intrusion-attempts=\"ids-alert\"", "ids-alert" },
	{ "ecsirt:intrusions=\"defacement\"", "unauthorised-information-modification" },
	{ "ecsirt:intrusions=\"compromised\"", "system-compromise" },
	{ "ecsirt:intrusions=\"backdoor\"", "system-compromise" },
	{ "ecsirt:vulnerable=\"vulnerable-service\"", "vulnerable-system" },
	{ "ecsirt:other=\"blacklist\"", "blacklist" },
	{ "ecsirt:other=\"unknown\"", "undetermined" },
	{ "ecsirt:test=\"test\"", "test" },
};

static struct value member_of(struct value object, struct text name)
{
	struct path_step step = { name, -1 };

	return json_path(object, &step, 1);
}

static const char *type_of(struct text tag)
{
	for (size_t i = 0; i < LENGTH(tags); i++)
		if (text_is(tag, tags[i].tag))
			return tags[i].type;
	return NULL;
}

/* A tag `dropzone` counts only before the one that tells the type. */
static void add_type(struct session *s, struct value event, struct buf *json)
{
	struct value list = member_of(event, TEXT("Tag")), tag;
	struct value_walk walk = value_walk(list);
	const char *type = NULL;
	bool dropzone = false;

	while (list.kind == VALUE_ARRAY && !type && value_next(&walk, &tag)) {
		struct text name = value_text(member_of(tag, TEXT("name")), &s->arena);

		dropzone |= text_is(name, "dropzone");
		type = type_of(name);
	}
	if (type)
		buf_printf(json, ",\"@type\":\"%s\"", type);
	if (dropzone)
		buf_string(json, ",\"@identifier\":\"dropzone\"");
}

/* The value of the last attribute in LIST that names the malware, or FOUND. */
static struct value payload_type(struct session *s, struct value list, struct value found)
{
	struct value_walk walk = value_walk(list);
	struct value attribute;

	while (list.kind == VALUE_ARRAY && value_next(&walk, &attribute))
		if (text_is(value_text(member_of(attribute, TEXT("category")), &s->arena), "Payload type"))
			found = member_of(attribute, TEXT("value"));
	return found;
}

static void add_malware(struct session *s, struct value event, struct buf *json)
{
	struct value malware = payload_type(s, member_of(event, TEXT("Attribute")), NO_VALUE);
	struct value objects = member_of(event, TEXT("Object")), object;
	struct value_walk walk = value_walk(objects);

	while (objects.kind == VALUE_ARRAY && value_next(&walk, &object))
		malware = payload_type(s, member_of(object, TEXT("Attribute")), malware);
	if (malware.kind == VALUE_STRING) {
		buf_string(json, ",\"@malware\":");
		buf_text(json, malware.raw);
	}
}

static void take(struct session *s, struct value event, long line)
{
	struct buf *json = &s->glue;
	struct text body = event.raw;

	if (member_of(event, TEXT("Attribute")).kind != VALUE_ARRAY) {
		session_reject(s, event.raw, line, "the event has no list of attributes");
		return;
	}
	buf_clear(json);
	body.len--;
	buf_text(json, body);
	add_type(s, event, json);
	add_malware(s, event, json);
	buf_char(json, '}');
	driver_events(s, event.raw, line, buf_view(json));
}

static size_t feed(struct session *s, struct text data, bool last)
{
	return driver_values(s, data, last, take);
}

const struct driver misp_driver = { .name = "misp", .feed = feed };
