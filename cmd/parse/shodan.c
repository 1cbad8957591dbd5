/* The driver of Shodan's banners (parsers-2.md 3.14): passes each on as it is, with two members more that no mapping can work
 * out: `@unique_keys`, which services and modules it has, and `@verified`, the vulnerabilities that were verified. */
#include <stdlib.h>

#include "driver.h"

static const char *const common_keys[] = { "_id", "_shodan", "asn", "data", "device", "devicetype", "domains", "hash",
	"hostnames", "html", "ip", "ip_str", "isp", "location", "opts", "org", "os", "port", "tags", "timestamp",
	"transport" };

static int by_text(const void *a, const void *b)
{
	return text_cmp(*(const struct text *)a, *(const struct text *)b);
}

static bool is_common(struct text key)
{
	for (size_t i = 0; i < LENGTH(common_keys); i++)
		if (text_is(key, common_keys[i]))
			return true;
	return false;
}

static void add_keys(struct session *s, struct value banner, struct buf *json)
{
	struct value_walk walk = value_walk(banner);
	struct value key, member;
	struct text *names;
	size_t count = 0, n = 0;

	while (value_next_member(&walk, &key, &member))
		count++;
	names = arena_zero(&s->arena, (count + 1) * sizeof *names);
	for (walk = value_walk(banner); value_next_member(&walk, &key, &member);) {
		names[n] = value_text(key, &s->arena);
		n += !is_common(names[n]);
	}
	qsort(names, n, sizeof *names, by_text);
	buf_string(json, ",\"@unique_keys\":[");
	for (size_t i = 0; i < n; i++) {
		buf_string(json, i ? "," : "");
		buf_json(json, names[i]);
	}
	buf_char(json, ']');
}

static void add_verified(struct value banner, struct buf *json)
{
	struct path_step vulns = { TEXT("vulns"), -1 }, verified = { TEXT("verified"), -1 };
	struct value map = json_path(banner, &vulns, 1), key, member;
	struct value_walk walk = value_walk(map);
	size_t n = 0;

	if (map.kind != VALUE_OBJECT)
		return;
	buf_string(json, ",\"@verified\":[");
	while (value_next_member(&walk, &key, &member))
		if (value_is_true(json_path(member, &verified, 1))) {
			buf_string(json, n++ ? "," : "");
			buf_text(json, key.raw);
		}
	buf_char(json, ']');
}

static void take(struct session *s, struct value banner, long line)
{
	struct buf *json = &s->glue;
	struct text body = banner.raw;

	buf_clear(json);
	body.len--;
	buf_text(json, body);
	if (value_space(body.at + 1, body.at + body.len) == body.at + body.len)
		buf_string(json, "\"@\":0"); /* an empty object has no comma to go on from */
	add_keys(s, banner, json);
	add_verified(banner, json);
	buf_char(json, '}');
	driver_events(s, banner.raw, line, buf_view(json));
}

static size_t feed(struct session *s, struct text data, bool last)
{
	return driver_values(s, data, last, take);
}

const struct driver shodan_driver = { .name = "shodan", .feed = feed };
