/* The converters of Shadowserver's schema (parsers-2.md 3.13.5): from a cell's text to a value, to nothing, or to an
 * error. */
#include <math.h>
#include <stdlib.h>

#include "shadowserver.h"

static enum converted number_text(struct cell *cell, struct text t)
{
	*cell = (struct cell){ t, VALUE_NUMBER };
	return CONVERTED;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* An integer as Python reads it: blanks around it, a sign, underscores between digits, any length. */
static enum converted integer(struct session *s, struct cell *cell)
{
	enum { DIGITS_MAX = 4300 /* Python's own limit */ };
	struct text t = text_trim(cell->text);
	bool minus = t.len && t.at[0] == '-', plain = !minus;
	size_t n = 0;
	char *digits;

	if (t.len && (minus || t.at[0] == '+'))
		t = text_from(t, 1);
	if (t.len == 0 || t.len > DIGITS_MAX)
		return CONVERTED_BADLY;
	for (size_t i = 0; i < t.len; i++) {
		bool between = i > 0 && i + 1 < t.len && is_digit(t.at[i - 1]) && is_digit(t.at[i + 1]);

		if (!is_digit(t.at[i]) && !(t.at[i] == '_' && between))
			return CONVERTED_BADLY;
		plain &= is_digit(t.at[i]);
	}
	while (t.len > 1 && (t.at[0] == '0' || t.at[0] == '_'))
		t = text_from(t, 1);
	if (plain || (t.len == 1 && t.at[0] == '0'))
		return number_text(cell, t);
	digits = arena_bytes(&s->arena, t.len + 1);
	if (minus)
		digits[n++] = '-';
	for (size_t i = 0; i < t.len; i++)
		if (t.at[i] != '_')
			digits[n++] = t.at[i];
	return number_text(cell, (struct text){ digits, n });
}

static enum converted convert_int(
	struct session *s, const struct record *r, const struct row_columns *columns, struct cell *cell)
{
	(void)r;
	(void)columns;
	return cell->text.len ? integer(s, cell) : CONVERTED_NOTHING;
}

static enum converted invalidate_zero(
	struct session *s, const struct record *r, const struct row_columns *columns, struct cell *cell)
{
	enum converted result = convert_int(s, r, columns, cell);

	return result == CONVERTED && text_is(cell->text, "0") ? CONVERTED_NOTHING : result;
}

/* "nan" and "inf", which JSON has no numbers for, are nothing. */
static enum converted convert_float(
	struct session *s, const struct record *r, const struct row_columns *columns, struct cell *cell)
{
	struct text t = text_trim(cell->text);
	char copy[64], *end;
	double d;

	(void)r;
	(void)columns;
	if (cell->text.len == 0)
		return CONVERTED_NOTHING;
	if (t.len == 0 || t.len >= sizeof copy || memchr(t.at, 'x', t.len) || memchr(t.at, 'X', t.len) ||
		memchr(t.at, '(', t.len))
		return CONVERTED_BADLY;
	memcpy(copy, t.at, t.len);
	copy[t.len] = '\0';
	d = strtod(copy, &end);
	if (end != copy + t.len)
		return CONVERTED_BADLY;
	if (!isfinite(d))
		return CONVERTED_NOTHING;
	buf_clear(&s->work);
	buf_double(&s->work, d);
	return number_text(cell, arena_text(&s->arena, buf_view(&s->work)));
}

static enum converted convert_bool(
	struct session *s, const struct record *r, const struct row_columns *columns, struct cell *cell)
{
	static const char *const words[][5] = { { "n", "no", "false", "disabled", "0" },
		{ "y", "yes", "true", "enabled", "1" } };

	(void)s;
	(void)r;
	(void)columns;
	for (size_t yes = 0; yes < 2; yes++)
		for (size_t i = 0; i < LENGTH(words[yes]); i++)
			if (text_eq_nocase(cell->text, text_of(words[yes][i]))) {
				*cell = yes ? (struct cell){ TEXT("true"), VALUE_TRUE } :
					      (struct cell){ TEXT("false"), VALUE_FALSE };
				return CONVERTED;
			}
	return CONVERTED_NOTHING;
}

static enum converted validate_to_none(
	struct session *s, const struct record *r, const struct row_columns *columns, struct cell *cell)
{
	struct text t = cell->text;

	(void)s;
	(void)r;
	(void)columns;
	return t.len == 0 || (t.len == 1 && t.at[0] == '0') || text_is(t, "unknown") ? CONVERTED_NOTHING : CONVERTED;
}

/* Whether F takes the text. */
static bool accepted(struct session *s, enum field f, struct text t)
{
	buf_clear(&s->work);
	return field_sanitise(f, VALUE_STRING, t, &s->work) == FIELD_FINE;
}

static enum converted validate_ip(
	struct session *s, const struct record *r, const struct row_columns *columns, struct cell *cell)
{
	(void)r;
	(void)columns;
	return !memchr(cell->text.at, '/', cell->text.len) && accepted(s, F_SOURCE_IP, cell->text) ? CONVERTED :
													 CONVERTED_NOTHING;
}

static enum converted validate_network(
	struct session *s, const struct record *r, const struct row_columns *columns, struct cell *cell)
{
	(void)r;
	(void)columns;
	return memchr(cell->text.at, '/', cell->text.len) && accepted(s, F_SOURCE_NETWORK, cell->text) ?
		       CONVERTED :
		       CONVERTED_NOTHING;
}

static enum converted validate_fqdn(
	struct session *s, const struct record *r, const struct row_columns *columns, struct cell *cell)
{
	(void)r;
	(void)columns;
	return cell->text.len && accepted(s, F_SOURCE_FQDN, cell->text) ? CONVERTED : CONVERTED_NOTHING;
}

static struct text joined(struct session *s, struct text a, const char *b)
{
	size_t n = strlen(b);
	char *p = arena_bytes(&s->arena, a.len + n + 1);

	memcpy(p, a.at, a.len);
	memcpy(p + a.len, b, n);
	return (struct text){ p, a.len + n };
}

static enum converted sanitised_time(struct session *s, struct text t, struct cell *cell)
{
	if (!accepted(s, F_TIME_SOURCE, t) || s->work.len < 2)
		return CONVERTED_NOTHING;
	*cell = cell_of(arena_text(&s->arena, (struct text){ s->work.at + 1, s->work.len - 2 }));
	return CONVERTED;
}

/* `2024-03-01 10:00:00`, which nearly all rows have, is brought into shape here. */
static enum converted add_utc(
	struct session *s, const struct record *r, const struct row_columns *columns, struct cell *cell)
{
	struct text t = cell->text;
	int64_t when;

	(void)r;
	(void)columns;
	if (t.len == 19 && (t.at[10] == ' ' || t.at[10] == 'T') && when_parse_iso(t, &when)) {
		char *p = arena_bytes(&s->arena, 25);

		memcpy(p, t.at, 19);
		p[10] = 'T';
		memcpy(p + 19, "+00:00", 6);
		*cell = cell_of((struct text){ p, 25 });
		return CONVERTED;
	}
	*cell = cell_of(joined(s, t, " UTC"));
	return CONVERTED;
}

static enum converted convert_date(
	struct session *s, const struct record *r, const struct row_columns *columns, struct cell *cell)
{
	(void)r;
	(void)columns;
	return sanitised_time(s, cell->text, cell);
}

/* The offset alone would be read as a date: today. */
static enum converted convert_date_utc(
	struct session *s, const struct record *r, const struct row_columns *columns, struct cell *cell)
{
	(void)r;
	(void)columns;
	if (!accepted(s, F_TIME_SOURCE, cell->text))
		return CONVERTED_NOTHING;
	return sanitised_time(s, joined(s, cell->text, "+00:00"), cell);
}

static bool is_base64(struct text t)
{
	size_t pad = 0;

	if (t.len % 4)
		return false;
	while (pad < 2 && pad < t.len && t.at[t.len - 1 - pad] == '=')
		pad++;
	for (size_t i = 0; i + pad < t.len; i++) {
		char c = t.at[i];

		if (!is_digit(c) && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && c != '+' && c != '/')
			return false;
	}
	return true;
}

static enum converted force_base64(
	struct session *s, const struct record *r, const struct row_columns *columns, struct cell *cell)
{
	(void)r;
	(void)columns;
	if (cell->text.len == 0)
		return CONVERTED_NOTHING;
	if (is_base64(cell->text))
		return CONVERTED;
	buf_clear(&s->work);
	buf_base64(&s->work, cell->text);
	*cell = cell_of(arena_text(&s->arena, buf_view(&s->work)));
	return CONVERTED;
}

static enum converted exchange(struct cell *cell, const char *webshell, const char *other)
{
	*cell = cell_of(text_of(memmem(cell->text.at, cell->text.len, "webshell", 8) ? webshell : other));
	return CONVERTED;
}

static enum converted scan_exchange_taxonomy(
	struct session *s, const struct record *r, const struct row_columns *columns, struct cell *cell)
{
	(void)s;
	(void)r;
	(void)columns;
	return exchange(cell, "intrusions", "vulnerable");
}

static enum converted scan_exchange_type(
	struct session *s, const struct record *r, const struct row_columns *columns, struct cell *cell)
{
	(void)s;
	(void)r;
	(void)columns;
	return exchange(cell, "system-compromise", "vulnerable-system");
}

static enum converted scan_exchange_identifier(
	struct session *s, const struct record *r, const struct row_columns *columns, struct cell *cell)
{
	(void)s;
	(void)r;
	(void)columns;
	return exchange(cell, "exchange-server-webshell", "vulnerable-exchange-server");
}

static int by_text(const void *a, const void *b)
{
	return text_cmp(*(const struct text *)a, *(const struct text *)b);
}

/* cve-DIGITS-DIGITS and nothing else. */
static bool is_cve(struct text t)
{
	size_t i = 4, dash;

	if (!text_starts(t, TEXT("cve-")))
		return false;
	while (i < t.len && is_digit(t.at[i]))
		i++;
	if (i == 4 || i == t.len || t.at[i] != '-')
		return false;
	for (dash = i++; i < t.len && is_digit(t.at[i]);)
		i++;
	return i == t.len && i > dash + 1;
}

static enum converted extract_cve(
	struct session *s, const struct record *r, const struct row_columns *columns, struct cell *cell)
{
	struct text rest = cell->text, item, *items;
	size_t count = 1, n = 0;

	(void)r;
	(void)columns;
	if (!memmem(rest.at, rest.len, "cve-", 4))
		return CONVERTED_NOTHING;
	for (size_t i = 0; i < rest.len; i++)
		count += rest.at[i] == ';';
	items = arena_zero(&s->arena, count * sizeof *items);
	while (text_split(&rest, ';', &item))
		if (is_cve(item))
			items[n++] = item;
	if (n == 0)
		return CONVERTED_NOTHING;
	qsort(items, n, sizeof *items, by_text);
	buf_clear(&s->work);
	for (size_t i = 0; i < n; i++) {
		if (i && text_eq(items[i], items[i - 1]))
			continue;
		buf_string(&s->work, s->work.len ? ";" : "");
		buf_text(&s->work, items[i]);
	}
	*cell = cell_of(arena_text(&s->arena, buf_view(&s->work)));
	return CONVERTED;
}

static struct text column(const struct record *r, size_t number)
{
	return number < r->count ? r->cells[number].text : TEXT("");
}

static enum converted category_or_detail(
	struct session *s, const struct record *r, const struct row_columns *columns, struct cell *cell)
{
	struct text category = column(r, columns->category);

	(void)s;
	*cell = cell_of(category.len ? category : column(r, columns->detail));
	return CONVERTED;
}

/* The path in a request line: from the first slash to white space. */
static struct text path_of(struct text request)
{
	const char *slash = memchr(request.at, '/', request.len);
	size_t end = 0;

	if (!slash)
		return TEXT("");
	request = text_from(request, (size_t)(slash - request.at));
	while (end < request.len && !strchr(" \t\n\r\v\f", request.at[end]))
		end++;
	return (struct text){ request.at, end };
}

static enum converted http_host_and_url(
	struct session *s, const struct record *r, const struct row_columns *columns, struct cell *cell)
{
	const size_t hosts[] = { columns->cc_dns, columns->http_host, columns->hostname, columns->ip };
	struct text host = TEXT(""), application = column(r, columns->application), request;

	for (size_t i = 0; i < LENGTH(hosts) && host.len == 0; i++)
		host = column(r, hosts[i]);
	request = column(r, columns->url != SIZE_MAX ? columns->url : columns->http_url);
	if (host.len == 0 || request.len == 0)
		return CONVERTED;
	buf_clear(&s->work);
	buf_text(&s->work, text_is(application, "http") || text_is(application, "https") ? application : TEXT("http"));
	buf_string(&s->work, "://");
	buf_text(&s->work, host);
	buf_text(&s->work, path_of(request));
	*cell = cell_of(arena_text(&s->arena, buf_view(&s->work)));
	return CONVERTED;
}

static const struct converter converters[] = {
	{ "add_UTC_to_timestamp", add_utc, false, false, NULL },
	{ "convert_bool", convert_bool, false, false, NULL },
	{ "validate_to_none", validate_to_none, false, false, NULL },
	{ "convert_int", convert_int, false, false, NULL },
	{ "convert_float", convert_float, false, false, NULL },
	{ "invalidate_zero", invalidate_zero, false, false, NULL },
	{ "validate_ip", validate_ip, false, true, "IPAddress" },
	{ "validate_network", validate_network, false, false, NULL },
	{ "validate_fqdn", validate_fqdn, false, true, "FQDN" },
	{ "convert_date", convert_date, false, false, NULL },
	{ "convert_date_utc", convert_date_utc, false, false, NULL },
	{ "force_base64", force_base64, false, false, NULL },
	{ "scan_exchange_taxonomy", scan_exchange_taxonomy, false, false, NULL },
	{ "scan_exchange_type", scan_exchange_type, false, false, NULL },
	{ "scan_exchange_identifier", scan_exchange_identifier, false, false, NULL },
	{ "extract_cve_from_tag", extract_cve, false, false, NULL },
	{ "category_or_detail", category_or_detail, true, false, NULL },
	{ "convert_http_host_and_url", http_host_and_url, true, false, NULL },
};

const struct converter *converter_find(struct text name)
{
	for (size_t i = 0; i < LENGTH(converters); i++)
		if (text_is(name, converters[i].name))
			return &converters[i];
	return NULL;
}
