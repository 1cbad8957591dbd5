/* The driver of Microsoft's CTIP events from Azure (parsers-2.md 3.6): passes each on, but for the `Payload`, which may be null,
 * JSON, or in base64 JSON or a text: unpacked, an object stays `Payload`, that of plain
 * JSON becomes `PayloadMembers`, and a text `PayloadText`. Members
 * that say nothing (null, "", 0, false, [], {}) are left out, there and one level below, where their name alone would do. */
#include "driver.h"

/* Those whose being empty is a mistake to be seen. */
static bool is_kept(struct text name)
{
	static const char *const kept[] = { "ThreatConfidence", "DateTimeReceivedUtc", "ts", "Payload" };

	for (size_t i = 0; i < LENGTH(kept); i++)
		if (text_is(name, kept[i]))
			return true;
	return false;
}

static void put_name(struct buf *json, struct text quoted)
{
	buf_string(json, json->at[json->len - 1] == '{' ? "" : ",");
	buf_text(json, quoted);
	buf_char(json, ':');
}

/* An object, without its members that say nothing. */
static void put_object(struct session *s, struct buf *json, struct value object)
{
	struct value_walk walk = value_walk(object);
	struct value key, member;

	buf_char(json, '{');
	while (value_next_member(&walk, &key, &member))
		if (value_is_true(member) || is_kept(value_text(key, &s->arena))) {
			put_name(json, key.raw);
			buf_text(json, member.raw);
		}
	buf_char(json, '}');
}

static bool put_unpacked(struct session *s, struct buf *json, struct value payload)
{
	struct text text = value_text(payload, &s->arena);
	struct value_error unused;
	struct value v = NO_VALUE;

	if (payload.kind != VALUE_STRING) {
		buf_string(&s->reason, "Payload: neither a text nor an object");
		return false;
	}
	if (text_is(text, "AA==") || text.len == 0)
		return true;
	if (text.at[0] == '{') {
		if (!value_parse(text, &v, &unused)) {
			buf_printf(&s->reason, "Payload: %s", unused.reason);
			return false;
		}
		put_name(json, TEXT("\"PayloadMembers\""));
		put_object(s, json, v);
		return true;
	}
	buf_clear(&s->composed);
	if (!buf_unbase64(&s->composed, text)) {
		buf_string(&s->reason, "Payload: not base64");
		return false;
	}
	if (!value_parse(buf_view(&s->composed), &v, &unused))
		v = NO_VALUE;
	if (v.kind == VALUE_OBJECT) {
		put_name(json, TEXT("\"Payload\""));
		put_object(s, json, v);
		return true;
	}
	put_name(json, TEXT("\"PayloadText\""));
	if (v.kind == VALUE_NONE) {
		struct decoder decoder = { .encoding = ENCODING_UTF_8, .started = true };

		buf_clear(&s->work);
		decode(&decoder, buf_view(&s->composed), true, &s->work);
		buf_json(json, buf_view(&s->work));
	} else {
		buf_text(json, payload.raw);
	}
	return true;
}

static void take(struct session *s, struct value event, long line)
{
	struct record r = { .source = event.raw, .line = line };
	struct value_walk walk = value_walk(event);
	struct buf *json = &s->glue;
	struct value key, member;
	bool fine = true;

	buf_clear(&s->reason);
	buf_clear(json);
	buf_char(json, '{');
	while (fine && value_next_member(&walk, &key, &member)) {
		struct text name = value_text(key, &s->arena);

		if (text_is(name, "Payload") && member.kind != VALUE_OBJECT) {
			fine = put_unpacked(s, json, member);
		} else if (member.kind == VALUE_OBJECT) {
			put_name(json, key.raw);
			put_object(s, json, member);
		} else if (value_is_true(member) || is_kept(name)) {
			put_name(json, key.raw);
			buf_text(json, member.raw);
		}
	}
	buf_char(json, '}');
	if (fine) {
		driver_events(s, event.raw, line, buf_view(json));
	} else {
		s->reject(s, &r, buf_view(&s->reason));
		arena_clear(&s->arena);
	}
}

static size_t feed(struct session *s, struct text data, bool last)
{
	return driver_values(s, data, last, take);
}

const struct driver ctip_driver = { .name = "microsoft_ctip", .feed = feed };
