/* imq-idea: write events as IDEA0 objects (idea.cesnet.cz) into the field `output`.
 * The text is that of IntelMQ: keys in order, blanks behind commas and colons, everything outside of ASCII
 * escaped. */
#include <stdio.h>
#include <sys/random.h>

#include "event.h"
#include "filter.h"
#include "idea.h"
#include "repr.h"

static struct {
	bool test_mode;
	struct buf quoted, raw;
	unsigned char random[256]; /* as many as getrandom() gives in one piece */
	size_t random_left;
} my;

static const struct opt options[] = {
	OPT_BOOL('t', "test-mode", &my.test_mode, false, "add the category Test"),
	OPT_END
};

/* The members of Source and Target that are lists of a field's values, in the order of their names. Proto and
 * Type come between. */
struct side {
	const char *name;
	enum field asn, account, fqdn, ip, local_hostname, local_ip, reverse_dns, port, tor_node, url;
	bool typed; /* has the kind that classification.type gives */
};

static const struct side source = { "Source", F_SOURCE_ASN, F_SOURCE_ACCOUNT, F_SOURCE_FQDN, F_SOURCE_IP,
	F_SOURCE_LOCAL_HOSTNAME, F_SOURCE_LOCAL_IP, F_SOURCE_REVERSE_DNS, F_SOURCE_PORT, F_SOURCE_TOR_NODE,
	F_SOURCE_URL, true };
static const struct side target = { "Target", F_DESTINATION_ASN, F_DESTINATION_ACCOUNT, F_DESTINATION_FQDN,
	F_DESTINATION_IP, F_DESTINATION_LOCAL_HOSTNAME, F_DESTINATION_LOCAL_IP, F_DESTINATION_REVERSE_DNS,
	F_DESTINATION_PORT, F_DESTINATION_TOR_NODE, F_DESTINATION_URL, false };

/* PREFIX, the text of F, BETWEEN and SUFFIX, both texts as in the query of a URL, into my.quoted. False:
 * there is no F. */
static bool quote(struct event *ev, const char *prefix, enum field f, const char *between, struct text suffix)
{
	struct text parts[] = { event_form(ev, f), suffix };

	if (!parts[0].at)
		return false;
	buf_clear(&my.quoted);
	buf_string(&my.quoted, prefix);
	for (size_t p = 0; p < LENGTH(parts); p++) {
		if (p)
			buf_string(&my.quoted, between);
		for (size_t i = 0; i < parts[p].len; i++) {
			unsigned char c = (unsigned char)parts[p].at[i];

			if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
				(c && strchr("_.-~", c)))
				buf_char(&my.quoted, (char)c);
			else if (c == ' ')
				buf_char(&my.quoted, '+');
			else
				buf_printf(&my.quoted, "%%%02X", c);
		}
	}
	return true;
}

static void put_quoted(struct event *ev, const char *prefix, enum field f)
{
	if (quote(ev, prefix, f, "", NO_TEXT))
		out_text(buf_view(&my.quoted));
}

/* The values of F as items; WANTED picks some. */
static void put_values(struct event *ev, enum field f, bool (*wanted)(struct text value))
{
	struct event_values values = event_values(ev, f);
	struct value v;

	while (event_next_value(&values, &v)) {
		if (wanted && !wanted(event_value_form(ev, v)))
			continue;
		if (v.kind == VALUE_NUMBER) {
			out_comma();
			repr_number(&out, v.raw);
		} else {
			out_text(event_value_form(ev, v));
		}
	}
}

static void list(struct event *ev, const char *name, enum field f, bool (*wanted)(struct text value))
{
	size_t mark = out_open(name, '[');

	put_values(ev, f, wanted);
	out_close(mark, ']');
}

static bool is_ip6(struct text ip)
{
	return memchr(ip.at, ':', ip.len) != NULL;
}

static bool is_ip4(struct text ip)
{
	return !is_ip6(ip);
}

static void put_side(struct event *ev, const struct side *side)
{
	const char *kind = side->typed ? idea_type(event_text(ev, F_CLASSIFICATION_TYPE))->source : NULL;
	size_t mark = out_open(side->name, '['), object = out_open(NULL, '{'), inner;
	bool tor = false;

	list(ev, "ASN", side->asn, NULL);
	list(ev, "Account", side->account, NULL);
	list(ev, "Hostname", side->fqdn, NULL);
	list(ev, "IP4", side->ip, is_ip4);
	list(ev, "IP6", side->ip, is_ip6);
	list(ev, "LocalHostname", side->local_hostname, NULL);
	list(ev, "LocalIP4", side->local_ip, is_ip4);
	list(ev, "LocalIP6", side->local_ip, is_ip6);
	out_member("Note", event_form(ev, F_STATUS));
	list(ev, "PTR", side->reverse_dns, NULL);
	list(ev, "Port", side->port, NULL);
	inner = out_open("Proto", '[');
	put_values(ev, F_PROTOCOL_TRANSPORT, NULL);
	put_values(ev, F_PROTOCOL_APPLICATION, NULL);
	out_close(inner, ']');
	inner = out_open("Type", '[');
	if (kind)
		out_text(text_of(kind));
	if (event_boolean(ev, side->tor_node, &tor) && tor)
		out_text(TEXT("Tor"));
	out_close(inner, ']');
	list(ev, "URL", side->url, NULL);
	out_close(object, '}');
	out_close(mark, ']');
}

static void put_malware(struct event *ev)
{
	size_t object = out_open(NULL, '{'), inner = out_open("Hash", '[');

	put_quoted(ev, "md5:", F_MALWARE_HASH_MD5);
	put_quoted(ev, "sha1:", F_MALWARE_HASH_SHA1);
	out_close(inner, ']');
	inner = out_open("Ref", '[');
	if (quote(ev, "malware:", F_MALWARE_NAME, "-", event_form(ev, F_MALWARE_VERSION)))
		out_text(buf_view(&my.quoted));
	out_close(inner, ']');
	out_close(object, '}');
}

/* The bytes of raw as characters of ISO 8859-1. */
static void put_content(struct text bytes)
{
	buf_clear(&my.quoted);
	for (size_t i = 0; i < bytes.len; i++) {
		unsigned char c = (unsigned char)bytes.at[i];

		if (c < 0x80) {
			buf_char(&my.quoted, (char)c);
		} else {
			buf_char(&my.quoted, (char)(0xc0 | c >> 6));
			buf_char(&my.quoted, (char)(0x80 | (c & 0x3f)));
		}
	}
	out_member("Content", buf_view(&my.quoted));
}

static void put_attachments(struct event *ev)
{
	struct text raw = event_text(ev, F_RAW);
	size_t mark = out_open("Attach", '['), object, inner;
	bool has_raw;

	put_malware(ev);
	object = out_open(NULL, '{');
	buf_clear(&my.raw);
	has_raw = raw.at && buf_unbase64(&my.raw, raw);
	if (has_raw)
		put_content(buf_view(&my.raw));
	list(ev, "Ref", F_FEED_URL, NULL);
	inner = out_open("Type", '[');
	if (has_raw)
		out_text(TEXT("OrigData"));
	out_close(inner, ']');
	out_close(object, '}');
	out_close(mark, ']');
}

static void put_references(struct event *ev)
{
	size_t mark = out_open("Ref", '[');
	long long ticket = 0;
	char number[32];

	put_quoted(ev, "malid:", F_CLASSIFICATION_IDENTIFIER);
	put_values(ev, F_EVENT_DESCRIPTION_URL, NULL);
	put_quoted(ev, "intelmq_feed:", F_FEED_CODE);
	put_quoted(ev, "misp_attr:", F_MISP_ATTRIBUTE_UUID);
	put_quoted(ev, "misp_event:", F_MISP_EVENT_UUID);
	if (event_integer(ev, F_RTIR_ID, &ticket) && ticket)
		out_text((struct text){
			number, (size_t)snprintf(number, sizeof number, "rtir:%lld", ticket) });
	put_values(ev, F_SCREENSHOT_URL, NULL);
	out_close(mark, ']');
}

static void put_description(struct event *ev)
{
	static const enum field fields[] = { F_EVENT_DESCRIPTION_TEXT, F_COMMENT, F_CLASSIFICATION_TYPE };
	struct text name = event_form(ev, F_FEED_NAME), what = NO_TEXT;

	if (!name.at)
		return;
	for (size_t i = 0; i < LENGTH(fields) && !what.at; i++)
		what = event_form(ev, fields[i]);
	buf_clear(&my.quoted);
	buf_text(&my.quoted, name);
	buf_string(&my.quoted, ": ");
	buf_text(&my.quoted, what.at ? what : TEXT("undetermined"));
	out_member("Description", buf_view(&my.quoted));
}

/* From 0 to 1; both ends without a point, as IntelMQ has them. */
static void put_confidence(struct event *ev)
{
	double accuracy;

	if (!event_double(ev, F_FEED_ACCURACY, &accuracy))
		return;
	out_key("Confidence");
	if (accuracy <= 0 || accuracy >= 100)
		buf_char(&out, accuracy <= 0 ? '0' : '1');
	else
		buf_double(&out, accuracy / 100);
}

/* A random UUID (RFC 4122, 4.4). */
static void put_id(void)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char bytes[16];
	char uuid[36];
	size_t n = 0;

	if (my.random_left < sizeof bytes) {
		if (getrandom(my.random, sizeof my.random, 0) != (ssize_t)sizeof my.random)
			return;
		my.random_left = sizeof my.random;
	}
	my.random_left -= sizeof bytes;
	memcpy(bytes, my.random + my.random_left, sizeof bytes);
	bytes[6] = (unsigned char)((bytes[6] & 0x0f) | 0x40);
	bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80);
	for (size_t i = 0; i < sizeof bytes; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			uuid[n++] = '-';
		uuid[n++] = digits[bytes[i] >> 4];
		uuid[n++] = digits[bytes[i] & 15];
	}
	out_member("ID", (struct text){ uuid, n });
}

static void put_categories(struct event *ev)
{
	size_t mark = out_open("Category", '[');

	out_text(text_of(idea_type(event_text(ev, F_CLASSIFICATION_TYPE))->category));
	if (my.test_mode)
		out_text(TEXT("Test"));
	out_close(mark, ']');
}

static enum verdict convert(struct event *ev)
{
	buf_clear(&out);
	buf_char(&out, '{');
	put_attachments(ev);
	put_categories(ev);
	put_confidence(ev);
	put_description(ev);
	out_member("DetectTime", event_form(ev, F_TIME_OBSERVATION));
	out_member("EventTime", event_form(ev, F_TIME_SOURCE));
	out_member("Format", TEXT("IDEA0"));
	put_id();
	out_member("Note", event_form(ev, F_COMMENT));
	put_references(ev);
	if (quote(ev, "hash:", F_EVENT_HASH, "", NO_TEXT))
		out_member("RelID", buf_view(&my.quoted));
	put_side(ev, &source);
	put_side(ev, &target);
	buf_char(&out, '}');
	event_add(ev, F_OUTPUT, buf_view(&out), OVERWRITE_UNSET);
	return PASS;
}

static void stop(void)
{
	buf_free(&out);
	buf_free(&my.quoted);
	buf_free(&my.raw);
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv,
		&(struct filter){ .name = "imq-idea",
			.module = "intelmq.bots.experts.idea.expert",
			.summary = "write events as IDEA objects into output",
			.options = options,
			.event = convert,
			.stop = stop });
}
