/* The driver of Team Cymru's CAP reports (parsers-1.md 3.12): lines of six columns between bars, of which the fifth is a small
 * language of its own, in an old and a new grammar that a comment line announces. Each line becomes an object
 *
 *     {"grammar":"new","category":"bot","address":"…","asn":"…","time":"…","info":"…","text":"…","notes":{…},"ports":[…]}
 *
 * where `text` is the fifth column and `notes` what it says: destination, protocol, hostname, application, source_port,
 * account, asns, family, identifier, url, and of the old grammar srcport, family, destination, text, version, confidence. The grammar is forgotten with the report (upstream keeps it). */
#include "driver.h"

enum { COLUMNS = 6, CATEGORY = 0, ADDRESS, ASN, TIME, NOTES, INFO };

struct line {
	struct session *s;
	struct text columns[COLUMNS];
	struct buf *notes, *ports;
};

/* Opens the member NAME of the notes. False: there is one already. */
static bool open_note(struct line *l, const char *name)
{
	struct buf *b = l->notes;
	struct text key;
	size_t start = b->len;

	buf_string(b, start ? ",\"" : "\"");
	buf_string(b, name);
	buf_string(b, "\":");
	key = text_from(buf_view(b), start + (start != 0));
	if (start && memmem(b->at, start, key.at, key.len)) {
		buf_printf(&l->s->reason, "the notes say twice what the %s is", name);
		return false;
	}
	return true;
}

static bool note(struct line *l, const char *name, struct text value)
{
	if (!open_note(l, name))
		return false;
	buf_json(l->notes, value);
	return true;
}

static bool fail(struct line *l, const char *what, struct text item)
{
	buf_printf(&l->s->reason, "%s: ", what);
	buf_json(&l->s->reason, item);
	return false;
}

/* ---- the old grammar of bots: keyword, words, keyword, words ---- */

enum keyword { NO_KEYWORD = -1, SRCPORT, MWTYPE, DESTADDR, DSTADDR, KEYWORDS };

static enum keyword keyword_of(struct text word)
{
	static const char *const words[] = { "srcport", "mwtype", "destaddr", "dstaddr" };

	for (int i = 0; i < KEYWORDS; i++)
		if (text_is(word, words[i]))
			return (enum keyword)i;
	return NO_KEYWORD;
}

/* The values of keywords are runs of words, one blank between them, so they are parts of the text. */
static bool bots(struct line *l, struct text notes)
{
	struct text values[KEYWORDS] = { NO_TEXT }, rest = notes, word, address;
	enum keyword now = NO_KEYWORD;
	size_t length;

	while (text_split(&rest, ' ', &word)) {
		enum keyword next = keyword_of(word);

		if (next != NO_KEYWORD) {
			now = next;
			values[now] = NO_TEXT;
		} else if (now != NO_KEYWORD) {
			if (!values[now].at)
				values[now] = word;
			values[now].len = (size_t)(word.at + word.len - values[now].at);
		}
	}
	if (values[SRCPORT].len && !note(l, "srcport", values[SRCPORT]))
		return false;
	if (values[MWTYPE].len && !note(l, "family", values[MWTYPE]))
		return false;
	if (values[DESTADDR].len) {
		for (length = 0; length < values[DESTADDR].len && values[DESTADDR].at[length] != ' ';)
			length++;
		address = (struct text){ values[DESTADDR].at, length };
		if (!note(l, "destination", address))
			return false;
		if (length + 1 < values[DESTADDR].len && !note(l, "text", text_from(values[DESTADDR], length + 1)))
			return false;
	}
	return !values[DSTADDR].len || note(l, "destination", values[DSTADDR]);
}

/* Marks out of five and words about the malware. */
static bool stormworm(struct line *l, struct text notes)
{
	struct text rest = notes, word;

	while (text_split(&rest, ' ', &word)) {
		bool fine = true;

		if (text_is(word, "legacy") || text_is(word, "crypto"))
			fine = note(l, "version", word);
		else if (text_is(word, "srcport") && text_split(&rest, ' ', &word))
			fine = note(l, "srcport", word);
		else if (text_starts(word, TEXT("confidence:")))
			fine = note(l, "confidence", text_from(word, 11));
		if (!fine)
			return false;
	}
	return true;
}

static bool old_notes(struct line *l)
{
	struct text category = l->columns[CATEGORY], notes = l->columns[NOTES];

	if (text_is(category, "bots"))
		return bots(l, notes);
	if (text_is(category, "stormworm"))
		return stormworm(l, notes);
	if (notes.len && (text_is(category, "beagle") || text_is(category, "spam")))
		return fail(l, "comments, where there should be none", notes);
	return true;
}

/* ---- the new grammar: items between semicolons ---- */

/* `80, 443 (total_count:2)`. */
static bool ports(struct line *l, struct text value)
{
	const char *count = memmem(value.at, value.len, " (total_count:", 14);
	struct text rest = value, port;

	if (count && value.at[value.len - 1] == ')') {
		const char *p = count + 14, *end = value.at + value.len - 1;

		while (p < end && *p >= '0' && *p <= '9')
			p++;
		if (p == end && p > count + 14)
			rest.len = (size_t)(count - rest.at);
	}
	while (text_split(&rest, ',', &port)) {
		buf_string(l->ports, l->ports->len ? "," : "");
		buf_json(l->ports, text_trim(port));
	}
	return true;
}

static bool proxy_type(struct line *l, struct text value)
{
	struct text rest = value, application, port;

	if (!memchr(value.at, '-', value.len))
		return note(l, "application", value);
	text_split(&rest, '-', &application);
	text_split(&rest, '-', &port);
	if (rest.at)
		return fail(l, "not a type of proxy", value);
	return note(l, "application", application) && note(l, "source_port", port);
}

static bool additional_asns(struct line *l, struct text value)
{
	struct text rest = value, item;
	long long n;

	if (!text_integer(l->columns[ASN], &n) || n == 0)
		return fail(l, "additional_asns without an asn", value);
	if (!open_note(l, "asns"))
		return false;
	buf_printf(l->notes, "[%lld", n);
	while (text_split(&rest, ',', &item)) {
		if (!text_integer(text_trim(item), &n))
			return fail(l, "not a list of AS numbers", value);
		buf_printf(l->notes, ",%lld", n);
	}
	buf_char(l->notes, ']');
	return true;
}

static bool keyed(struct line *l, struct text key, struct text value)
{
	static const struct {
		const char *key, *note;
		bool (*read)(struct line *l, struct text value);
	} keys[] = { { "family", "family", NULL }, { "dest_addr", "destination", NULL }, { "destaddr", "destination", NULL },
		{ "dest_port", NULL, ports }, { "ports_scanned", NULL, ports }, { "honeypot_port", NULL, ports },
		{ "darknet_port", NULL, ports }, { "destination_port_numbers", NULL, ports },
		{ "protocol", "protocol", NULL }, { "hostname", "hostname", NULL }, { "proxy_type", NULL, proxy_type },
		{ "port", "source_port", NULL }, { "srcport", "source_port", NULL }, { "username", "account", NULL },
		{ "additional_asns", NULL, additional_asns } };

	for (size_t i = 0; i < LENGTH(keys); i++)
		if (text_is(key, keys[i].key))
			return keys[i].note ? note(l, keys[i].note, value) : keys[i].read(l, value);
	return fail(l, "unknown key in the notes", key);
}

/* An item without a key. *STOP: what follows is not looked at. */
static bool bare(struct line *l, struct text item, struct text notes, bool *stop)
{
	struct text category = l->columns[CATEGORY];

	if (text_is(category, "proxy"))
		return proxy_type(l, item);
	*stop = true;
	if (text_is(category, "bruteforce"))
		return note(l, "identifier", item) && note(l, "application", item);
	if (text_is(category, "phishing"))
		return note(l, "url", item);
	if (text_is(category, "bot"))
		return bots(l, notes);
	return fail(l, "cannot be read", item);
}

/* `hostname: a.exampleport: 80` lacks a semicolon. */
static struct text repaired(struct line *l)
{
	struct text notes = l->columns[NOTES];
	const char *end = notes.at + notes.len, *p = memmem(notes.at, notes.len, "hostname: ", 10), *colon;
	char *copy;
	size_t head;

	for (; p; p = memmem(p + 1, (size_t)(end - p - 1), "hostname: ", 10)) {
		colon = memchr(p + 10, ':', (size_t)(end - p - 10));
		if (colon && colon - p > 10 + 4 && memcmp(colon - 4, "port", 4) == 0 && end - colon > 2 && colon[1] == ' ' &&
			colon[2] >= '0' && colon[2] <= '9')
			break;
	}
	if (!p)
		return notes;
	head = (size_t)(colon - 4 - notes.at);
	copy = arena_bytes(&l->s->arena, notes.len + 3);
	memcpy(copy, notes.at, head);
	memcpy(copy + head, "; ", 2);
	memcpy(copy + head + 2, notes.at + head, notes.len - head);
	return (struct text){ copy, notes.len + 2 };
}

static bool new_notes(struct line *l)
{
	struct text notes = repaired(l), rest = notes, item;
	bool stop = false;

	while (!stop && text_split(&rest, ';', &item)) {
		const char *colon = memchr(item.at, ':', item.len);
		struct text key;
		bool fine;

		if (item.len == 0)
			continue;
		key = (struct text){ item.at, colon ? (size_t)(colon - item.at) : 0 };
		if (!colon || text_starts(item, TEXT("http")))
			fine = bare(l, item, notes, &stop);
		else
			fine = keyed(l, text_trim(key), text_trim(text_from(item, key.len + 1)));
		if (!fine)
			return false;
	}
	return true;
}

/* ---- lines ---- */

enum grammar { UNKNOWN, OLD, NEW };

static bool split(struct line *l, struct text line)
{
	size_t n = 0;
	struct text part;

	while (text_split(&line, '|', &part)) {
		if (n < COLUMNS)
			l->columns[n] = part;
		n++;
	}
	return n == COLUMNS;
}

static char grammars[3]; /* the state of this driver is the place of one of them, or NULL */

static bool is_new(const struct session *s)
{
	return s->driver_state == &grammars[NEW];
}

static void take(struct session *s, struct text line)
{
	static const char *const names[] = { "category", "address", "asn", "time", "text", "info" };
	struct buf *notes = &s->work, *port_list = &s->composed, *json = &s->glue;
	struct line l = { .s = s, .notes = notes, .ports = port_list };
	struct record r = { .source = line, .line = s->line };
	bool fine;

	buf_clear(&s->reason);
	buf_clear(notes);
	buf_clear(port_list);
	buf_clear(json);
	fine = s->driver_state && split(&l, line);
	if (!fine)
		buf_string(&s->reason, s->driver_state ? "not six columns" : "no line above says which grammar this is");
	else
		fine = is_new(s) ? new_notes(&l) : old_notes(&l);
	if (!fine) {
		s->reject(s, &r, buf_view(&s->reason));
		arena_clear(&s->arena);
	} else {
		buf_printf(json, "{\"grammar\":\"%s\"", is_new(s) ? "new" : "old");
		for (size_t i = 0; i < COLUMNS; i++) {
			buf_printf(json, ",\"%s\":", names[i]);
			buf_json(json, l.columns[i]);
		}
		buf_string(json, ",\"notes\":{");
		buf_text(json, buf_view(notes));
		buf_string(json, "},\"ports\":[");
		buf_text(json, buf_view(port_list));
		buf_string(json, "]}");
		driver_events(s, line, s->line, buf_view(json));
	}
}

static void comment(struct session *s, struct text line)
{
	if (memmem(line.at, line.len, "generated on", 12))
		s->driver_state = &grammars[NEW];
	else if (memmem(line.at, line.len, "Data file written at", 20))
		s->driver_state = &grammars[OLD];
	session_comment(s, line);
}

static bool start(struct session *s)
{
	s->driver_state = NULL;
	return true;
}

static size_t feed(struct session *s, struct text data, bool last)
{
	const char *p = data.at, *end = p + data.len, *next, *stop;

	while (p < end && (stop = line_end(p, end, last, true, &next))) {
		struct text line = text_trim((struct text){ p, (size_t)(stop - p) });

		if (line.len && line.at[0] == '#')
			comment(s, line);
		else if (line.len)
			take(s, line);
		s->line++;
		p = next;
	}
	if (!last && (size_t)(end - p) > s->max_record) {
		session_reject(s, (struct text){ p, (size_t)(end - p) }, s->line, "longer than --max-record");
		p = end;
	}
	return (size_t)(p - data.at);
}

const struct driver cymru_driver = { .name = "cymru_cap", .start = start, .feed = feed };
