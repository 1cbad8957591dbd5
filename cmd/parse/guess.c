/* A definition for a feed that nobody has described yet: what its format is, which column is which field, by the names
 * and the contents of the columns. It looks at the beginning of the feed only. */
#include <stdlib.h>

#include "alloc.h"
#include "guess.h"

enum { ROWS_MAX = 200, COLUMNS_MAX = 64, LINE_MAX_LOOKED = 65536 };

enum kind { KIND_IP, KIND_NETWORK, KIND_URL, KIND_EMAIL, KIND_MD5, KIND_SHA1, KIND_SHA256, KIND_FQDN, KIND_EPOCH,
	KIND_MILLIS, KIND_TIME, KIND_ASN, KIND_PORT, KIND_CC, KIND_TEXT, KIND_COUNT };

struct column {
	struct text name;  /* of the column, or the path in an object */
	size_t values;     /* that are not empty */
	size_t fits[KIND_COUNT];
};

struct guess {
	struct text sample;
	bool whole;        /* the sample is all there is */
	enum format format;
	char delimiter;
	bool header;
	struct text records; /* the path of the array, where the document is an object */
	const char *comment; /* what comment lines begin with; NULL: none */
	struct column columns[COLUMNS_MAX];
	size_t count;
	struct arena arena;
};

/* ---- what a value may be ---- */

static bool taken(enum field f, struct text t)
{
	struct buf out = BUF_INIT;
	bool fine = field_sanitise(f, VALUE_STRING, t, &out) == FIELD_FINE;

	buf_free(&out);
	return fine;
}

static bool all_of(struct text t, const char *set)
{
	for (size_t i = 0; i < t.len; i++)
		if (!t.at[i] || !strchr(set, t.at[i]))
			return false;
	return t.len > 0;
}

static bool has(struct text t, char c)
{
	return memchr(t.at, c, t.len) != NULL;
}

#define DIGITS "0123456789"
#define HEX DIGITS "abcdefABCDEF"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

static bool is_name(struct text t)
{
	const char *dot = t.len ? memrchr(t.at, '.', t.len) : NULL;

	return dot && all_of(text_from(t, (size_t)(dot - t.at) + 1), LETTERS "-") && t.at + t.len - dot > 2 &&
		!has(t, ' ') && !has(t, '/') && !has(t, '@') && taken(F_SOURCE_FQDN, t);
}

static bool is_time(struct text t)
{
	int64_t unused;

	return t.len >= 8 && !all_of(t, DIGITS) && strpbrk("-/:", "-") && (has(t, '-') || has(t, '/') || has(t, ':')) &&
		t.at[0] >= '0' && (t.at[0] <= '9' || has(t, ':')) && !has(t, '@') && when_parse(t, &unused);
}

static bool fits(enum kind kind, struct text t)
{
	long long n;

	switch (kind) {
	case KIND_IP:
		return (has(t, '.') || has(t, ':')) && taken(F_SOURCE_IP, t);
	case KIND_NETWORK:
		return has(t, '/') && taken(F_SOURCE_NETWORK, t);
	case KIND_URL:
		return memmem(t.at, t.len, "://", 3) && taken(F_SOURCE_URL, t);
	case KIND_EMAIL:
		return has(t, '@') && !has(t, ' ') && is_name((struct text){ (const char *)memrchr(t.at, '@', t.len) + 1,
			(size_t)(t.at + t.len - (const char *)memrchr(t.at, '@', t.len)) - 1 });
	case KIND_MD5:
		return t.len == 32 && all_of(t, HEX);
	case KIND_SHA1:
		return t.len == 40 && all_of(t, HEX);
	case KIND_SHA256:
		return t.len == 64 && all_of(t, HEX);
	case KIND_FQDN:
		return is_name(t);
	case KIND_EPOCH:
		return t.len == 10 && all_of(t, DIGITS);
	case KIND_MILLIS:
		return t.len == 13 && all_of(t, DIGITS);
	case KIND_TIME:
		return is_time(t);
	case KIND_ASN:
		return t.len > 2 && (t.at[0] | 0x20) == 'a' && (t.at[1] | 0x20) == 's' && all_of(text_from(t, 2), DIGITS);
	case KIND_PORT:
		return all_of(t, DIGITS) && text_integer(t, &n) && n > 0 && n < 65536;
	case KIND_CC:
		return t.len == 2 && all_of(t, LETTERS);
	default:
		return true;
	}
}

/* ---- names ---- */

/* What columns are called. Where a kind is given, their values must be of it. */
static const struct { const char *word, *field; int kind; } words[] = {
	{ "dst_ip", "destination.ip", KIND_IP }, { "dest_ip", "destination.ip", KIND_IP },
	{ "destination_ip", "destination.ip", KIND_IP }, { "dstip", "destination.ip", KIND_IP },
	{ "src_ip", "source.ip", KIND_IP }, { "source_ip", "source.ip", KIND_IP }, { "srcip", "source.ip", KIND_IP },
	{ "ip", "source.ip", KIND_IP }, { "ip_address", "source.ip", KIND_IP }, { "address", "source.ip", KIND_IP },
	{ "dst_port", "destination.port", KIND_PORT }, { "destination_port", "destination.port", KIND_PORT },
	{ "src_port", "source.port", KIND_PORT }, { "source_port", "source.port", KIND_PORT },
	{ "port", "source.port", KIND_PORT }, { "asn", "source.asn", -1 }, { "as_number", "source.asn", -1 },
	{ "as", "source.asn", -1 }, { "as_name", "source.as_name", -1 }, { "asname", "source.as_name", -1 },
	{ "country", "source.geolocation.cc", KIND_CC }, { "cc", "source.geolocation.cc", KIND_CC },
	{ "country_code", "source.geolocation.cc", KIND_CC }, { "city", "source.geolocation.city", -1 },
	{ "region", "source.geolocation.region", -1 }, { "hostname", "source.fqdn", KIND_FQDN },
	{ "host", "source.fqdn", KIND_FQDN }, { "domain", "source.fqdn", KIND_FQDN }, { "fqdn", "source.fqdn", KIND_FQDN },
	{ "rdns", "source.reverse_dns", KIND_FQDN }, { "reverse_dns", "source.reverse_dns", KIND_FQDN },
	{ "url", "source.url", KIND_URL }, { "timestamp", "time.source", -2 }, { "time", "time.source", -2 },
	{ "date", "time.source", -2 }, { "datetime", "time.source", -2 }, { "last_seen", "time.source", -2 },
	{ "first_seen", "time.source", -2 }, { "dateadded", "time.source", -2 }, { "malware", "malware.name", -1 },
	{ "family", "malware.name", -1 }, { "signature", "malware.name", -1 }, { "md5", "malware.hash.md5", KIND_MD5 },
	{ "sha1", "malware.hash.sha1", KIND_SHA1 }, { "sha256", "malware.hash.sha256", KIND_SHA256 },
	{ "description", "event_description.text", -1 }, { "comment", "event_description.text", -1 },
	{ "protocol", "protocol.transport", -1 }, { "proto", "protocol.transport", -1 }, { "status", "status", -1 },
	{ "email", "source.account", KIND_EMAIL }, { "user", "source.account", -1 }, { "username", "source.account", -1 } };

/* Where the name says nothing. */
static const struct { enum kind kind; const char *fields[2]; } by_kind[] = {
	{ KIND_IP, { "source.ip", "destination.ip" } }, { KIND_NETWORK, { "source.network", NULL } },
	{ KIND_URL, { "source.url", "destination.url" } }, { KIND_MD5, { "malware.hash.md5", NULL } },
	{ KIND_SHA1, { "malware.hash.sha1", NULL } }, { KIND_SHA256, { "malware.hash.sha256", NULL } },
	{ KIND_EMAIL, { "source.account", NULL } }, { KIND_FQDN, { "source.fqdn", "destination.fqdn" } },
	{ KIND_TIME, { "time.source", NULL } }, { KIND_EPOCH, { "time.source", NULL } },
	{ KIND_MILLIS, { "time.source", NULL } }, { KIND_ASN, { "source.asn", NULL } } };

/* Letters, digits and underscores, as words of names are compared. */
static struct text plain_name(struct guess *g, struct text name, bool last_only)
{
	const char *dot = last_only && name.len ? memrchr(name.at, '.', name.len) : NULL;
	struct text from = dot ? text_from(name, (size_t)(dot - name.at) + 1) : name;
	char *p = arena_bytes(&g->arena, from.len + 2);
	size_t n = 0;

	for (size_t i = 0; i < from.len; i++) {
		char c = from.at[i];

		if (c >= 'A' && c <= 'Z')
			c |= 0x20;
		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c == '.' && n && p[n - 1] != '.'))
			p[n++] = c;
		else if (n && p[n - 1] != '_' && p[n - 1] != '.')
			p[n++] = '_';
	}
	while (n && (p[n - 1] == '_' || p[n - 1] == '.'))
		n--;
	return n ? (struct text){ p, n } : TEXT("column");
}

/* Nearly all of the column's values are of the kind. */
static bool is_of(const struct column *c, enum kind kind)
{
	return c->values && c->fits[kind] * 10 >= c->values * 8;
}

static bool is_some_time(const struct column *c)
{
	return is_of(c, KIND_TIME) || is_of(c, KIND_EPOCH) || is_of(c, KIND_MILLIS);
}

static bool free_field(const char *const *fields, size_t count, const char *field)
{
	for (size_t i = 0; i < count; i++)
		if (fields[i] && strcmp(fields[i], field) == 0)
			return false;
	return true;
}

/* The field of each column; NULL: none, it is an extra. Names count more than contents, on all columns. */
static void choose_fields(struct guess *g, const char **fields)
{
	for (size_t w = 0; w < LENGTH(words); w++)
		for (size_t i = 0; i < g->count; i++) {
			const struct column *c = &g->columns[i];
			bool right = words[w].kind == -1 || (words[w].kind == -2 ? is_some_time(c) :
				is_of(c, (enum kind)words[w].kind));

			if (!fields[i] && right && text_is(plain_name(g, c->name, true), words[w].word) &&
				free_field(fields, g->count, words[w].field))
				fields[i] = words[w].field;
		}
	for (size_t k = 0; k < LENGTH(by_kind); k++)
		for (size_t i = 0; i < g->count; i++)
			for (size_t f = 0; f < 2 && !fields[i]; f++)
				if (is_of(&g->columns[i], by_kind[k].kind) && by_kind[k].fields[f] &&
					free_field(fields, g->count, by_kind[k].fields[f]))
					fields[i] = by_kind[k].fields[f];
}

/* ---- reading the sample ---- */

static void look_at(struct column *c, struct text t)
{
	t = text_trim(t);
	if (t.len == 0 || t.len > 2048 || text_is(t, "-") || text_is(t, "null"))
		return;
	c->values++;
	for (enum kind kind = 0; kind < KIND_COUNT; kind++)
		c->fits[kind] += fits(kind, t);
}

/* The next line that is complete, or the last of a whole sample. */
static bool next_line(struct guess *g, struct text *rest, struct text *line)
{
	const char *next, *stop = rest->len ? line_end(rest->at, rest->at + rest->len, g->whole, false, &next) : NULL;

	if (!stop)
		return false;
	*line = (struct text){ rest->at, (size_t)(stop - rest->at) };
	*rest = text_from(*rest, (size_t)(next - rest->at));
	return true;
}

/* The cells of a line, quotes taken off. */
static size_t cut(struct text line, char delimiter, struct text *cells)
{
	size_t n = 0, i = 0;

	for (; n < COLUMNS_MAX; n++) {
		size_t start = i;
		bool quoted = i < line.len && line.at[i] == '"';

		for (i += quoted; i < line.len && (quoted || line.at[i] != delimiter); i++)
			if (quoted && line.at[i] == '"') {
				if (i + 1 < line.len && line.at[i + 1] == '"')
					i++;
				else
					quoted = false;
			}
		cells[n] = (struct text){ line.at + start, i - start };
		if (cells[n].len > 1 && cells[n].at[0] == '"' && cells[n].at[cells[n].len - 1] == '"')
			cells[n] = (struct text){ cells[n].at + 1, cells[n].len - 2 };
		if (i >= line.len)
			return n + 1;
		i++;
	}
	return n;
}

static const char *const comments[] = { "#", ";", "//" };

static bool is_comment(const struct guess *g, struct text line)
{
	return g->comment && text_starts(line, text_of(g->comment));
}

static void find_comment(struct guess *g)
{
	struct text rest = g->sample, line;

	while (!g->comment && next_line(g, &rest, &line)) {
		line = text_trim(line);
		for (size_t i = 0; i < LENGTH(comments) && line.len; i++)
			if (text_starts(line, text_of(comments[i])))
				g->comment = comments[i];
		if (line.len && !g->comment)
			return;
	}
}

/* The delimiter that gives most lines the same number of columns, the more columns the better. */
static void find_delimiter(struct guess *g)
{
	static const char delimiters[] = ",;\t|";
	size_t best = 0;

	g->delimiter = ',';
	for (const char *d = delimiters; *d; d++) {
		struct text rest = g->sample, line, cells[COLUMNS_MAX];
		size_t counts[COLUMNS_MAX + 1] = { 0 }, lines = 0;

		while (lines < ROWS_MAX && next_line(g, &rest, &line))
			if (text_trim(line).len && line.len < LINE_MAX_LOOKED && !is_comment(g, line)) {
				counts[cut(line, *d, cells)]++;
				lines++;
			}
		for (size_t n = 2; n <= COLUMNS_MAX; n++)
			if (counts[n] * n * 10 / (lines + 1) > best && counts[n] * 10 >= lines * 7) {
				best = counts[n] * n * 10 / (lines + 1);
				g->delimiter = *d;
			}
	}
}

/* A row of names: none of its cells is of a kind that names are not of, and no two are alike. */
static bool is_header(struct guess *g, const struct text *cells, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct text t = text_trim(cells[i]);

		if (t.len == 0 || t.len > 64)
			return false;
		for (enum kind kind = 0; kind < KIND_PORT; kind++)
			if (fits(kind, t))
				return false;
		if (all_of(t, DIGITS ".-"))
			return false;
		for (size_t j = 0; j < i; j++)
			if (text_eq(t, text_trim(cells[j])))
				return false;
	}
	for (size_t w = 0; w < LENGTH(words); w++)
		for (size_t i = 0; i < count; i++)
			if (text_is(plain_name(g, cells[i], false), words[w].word))
				return true;
	return count > 1;
}

static void read_rows(struct guess *g)
{
	struct text rest = g->sample, line, cells[COLUMNS_MAX];
	size_t rows = 0, n;

	while (rows < ROWS_MAX && next_line(g, &rest, &line)) {
		if (text_trim(line).len == 0 || line.len > LINE_MAX_LOOKED || is_comment(g, line))
			continue;
		n = cut(line, g->delimiter, cells);
		if (rows++ == 0 && is_header(g, cells, n)) {
			g->header = true;
			for (g->count = 0; g->count < n; g->count++)
				g->columns[g->count].name = text_trim(cells[g->count]);
			continue;
		}
		for (; !g->header && g->count < n; g->count++) {
			struct buf name = BUF_INIT;

			buf_printf(&name, "column%zu", g->count + 1);
			g->columns[g->count].name = arena_text(&g->arena, buf_view(&name));
			buf_free(&name);
		}
		for (size_t i = 0; i < n && i < g->count; i++)
			look_at(&g->columns[i], cells[i]);
	}
}

static struct column *column_of(struct guess *g, struct text path)
{
	for (size_t i = 0; i < g->count; i++)
		if (text_eq(g->columns[i].name, path))
			return &g->columns[i];
	if (g->count == COLUMNS_MAX)
		return NULL;
	g->columns[g->count].name = arena_text(&g->arena, path);
	return &g->columns[g->count++];
}

static void look_into(struct guess *g, struct value v, struct text before, int depth)
{
	struct value_walk walk = value_walk(v);
	struct value key, member;

	while (value_next_member(&walk, &key, &member)) {
		struct text name = value_text(key, &g->arena);
		struct buf path = BUF_INIT;
		struct column *c;

		buf_text(&path, before);
		if (before.len)
			buf_char(&path, '.');
		if (all_of(name, LETTERS DIGITS "_-") && name.at[0] != '*') {
			buf_text(&path, name);
		} else {
			if (before.len)
				path.len--;
			buf_string(&path, "[\"");
			buf_text(&path, name);
			buf_string(&path, "\"]");
		}
		if (member.kind == VALUE_OBJECT && depth < 3)
			look_into(g, member, arena_text(&g->arena, buf_view(&path)), depth + 1);
		else if ((c = column_of(g, buf_view(&path))) && member.kind != VALUE_NULL)
			look_at(c, json_cell(member, &g->arena).text);
		buf_free(&path);
	}
}

/* The key of an array of objects in an object that is the document; the sample begins there then. */
static void find_records(struct guess *g)
{
	const char *p = g->sample.at, *end = p + g->sample.len, *after;
	struct value key = NO_VALUE, string;
	struct value_error unused;
	size_t depth = 0;

	for (; p < end; p++) {
		if (*p == '"') {
			after = value_scan_string(p, end, &string, &unused);
			if (!after)
				return;
			if (depth == 1 && *value_space(after, end - 1) == ':')
				key = string;
			p = after - 1;
		} else if (*p == '[' && depth == 1 && key.kind == VALUE_STRING && p + 1 < end &&
			*value_space(p + 1, end - 1) == '{') {
			g->records = value_text(key, &g->arena);
			g->sample = text_from(g->sample, (size_t)(p - g->sample.at));
			return;
		} else if (*p == '{' || *p == '[') {
			depth++;
		} else if ((*p == '}' || *p == ']') && --depth == 0) {
			return;
		}
	}
}

/* Objects one after the other, whatever stands between them. */
static void read_objects(struct guess *g)
{
	const char *p = g->sample.at, *end = p + g->sample.len, *after;
	struct value_error unused;
	struct value v;
	size_t rows = 0;

	while (rows < ROWS_MAX && p < end && (p = memchr(p, '{', (size_t)(end - p)))) {
		after = value_scan(p, end, &v, &unused);
		if (!after)
			break;
		look_into(g, v, TEXT(""), 0);
		rows++;
		p = after;
	}
}

/* ---- writing it down ---- */

static void write_field(struct guess *g, size_t i, const char *field, struct buf *out)
{
	const struct column *c = &g->columns[i];

	buf_printf(out, "  %s: {from: ", field);
	buf_json(out, c->name);
	if (strcmp(field, "time.source") == 0 && is_of(c, KIND_EPOCH))
		buf_string(out, ", steps: [{time: timestamp}]");
	else if (strcmp(field, "time.source") == 0 && is_of(c, KIND_MILLIS))
		buf_string(out, ", steps: [{time: epoch_millis}]");
	buf_string(out, ", optional: true}\n");
}

static void write_extra(struct guess *g, size_t i, struct buf *out)
{
	struct text name = plain_name(g, g->columns[i].name, false);

	for (size_t j = 0; j < i; j++)
		if (text_eq(plain_name(g, g->columns[j].name, false), name))
			return;
	buf_string(out, "  extra.");
	buf_text(out, name);
	buf_string(out, ": ");
	buf_json(out, g->columns[i].name);
	buf_char(out, '\n');
}

static void write_framing(struct guess *g, struct buf *out)
{
	buf_printf(out, "format: %s\n", format_names[g->format]);
	if (g->records.at) {
		buf_string(out, "records: ");
		buf_json(out, g->records);
		buf_char(out, '\n');
	}
	if (g->format != FORMAT_CSV)
		return;
	buf_string(out, "delimiter: ");
	buf_json(out, (struct text){ &g->delimiter, 1 });
	buf_char(out, '\n');
	if (g->comment)
		buf_printf(out, "comments: \"%s\"\n", g->comment);
	if (g->header) {
		buf_string(out, "header: true\n");
		return;
	}
	buf_string(out, "columns: [");
	for (size_t i = 0; i < g->count; i++) {
		buf_string(out, i ? ", " : "");
		buf_json(out, g->columns[i].name);
	}
	buf_string(out, "]\n");
}

bool guess_definition(struct text sample, bool whole, struct buf *out)
{
	struct guess *g = alloc_zero(1, sizeof *g);
	const char *fields[COLUMNS_MAX] = { NULL };
	struct text start = text_trim(sample);
	const char *second;
	bool fine;

	g->sample = text_starts(sample, TEXT("\xef\xbb\xbf")) ? text_from(sample, 3) : sample;
	g->whole = whole;
	start = text_trim(g->sample);
	g->format = FORMAT_CSV;
	if (start.len && (start.at[0] == '[' || start.at[0] == '{')) {
		second = memchr(start.at, '\n', start.len);
		g->format = start.at[0] == '{' && second && second > start.at + 1 && second[-1] == '}' && second + 1 < start.at + start.len &&
			second[1] == '{' ? FORMAT_JSONL : FORMAT_JSON;
		if (g->format == FORMAT_JSON && start.at[0] == '{')
			find_records(g);
		read_objects(g);
	} else {
		find_comment(g);
		find_delimiter(g);
		read_rows(g);
	}
	choose_fields(g, fields);
	fine = g->count > 0;
	buf_string(out, "# Guessed by imq-parse --guess: check every line.\nprovider: Unknown\nfeed: Unknown\n");
	write_framing(g, out);
	buf_string(out, "constants:\n  classification.type: undetermined\nfields:\n");
	for (size_t i = 0; i < g->count; i++)
		if (fields[i])
			write_field(g, i, fields[i], out);
	for (size_t i = 0; i < g->count; i++)
		if (!fields[i])
			write_extra(g, i, out);
	arena_free(&g->arena);
	free(g);
	return fine;
}
