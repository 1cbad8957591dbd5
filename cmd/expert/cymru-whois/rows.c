#include "rows.h"

#include "unicode.h"

enum { ROW_MAX = 4096 };
enum column { AS, NETWORK, COUNTRY, REGISTRY, ALLOCATED, NEEDED };

void cymru_clear(struct cymru_row *best)
{
	best->any = best->bad = false;
	best->prefix = 0;
	best->asn = -1;
	buf_clear(&best->answer);
}

size_t cymru_split(struct text row, struct buf *bytes, struct text columns[CYMRU_COLUMNS])
{
	struct text rest, column;
	size_t n = 0;

	buf_clear(bytes);
	for (size_t i = 0; i < row.len && i < ROW_MAX; i++)
		if (row.at[i] != '"')
			buf_char(bytes, row.at[i]);
	rest = buf_view(bytes);
	while (n < CYMRU_COLUMNS && rest.at) {
		if (n + 1 < CYMRU_COLUMNS) {
			text_split(&rest, '|', &column);
		} else {
			column = rest;
			rest = NO_TEXT;
		}
		column = text_trim(column);
		columns[n++] = text_is(column, "NA") ? TEXT("") : column;
	}
	return n;
}

void cymru_put(struct buf *answer, const char *name, struct text value)
{
	if (!value.len || !unicode_valid(value))
		return;
	for (size_t i = 0; i < value.len; i++)
		if ((unsigned char)value.at[i] < ' ' || value.at[i] == 0x7f)
			return; /* they come from a stranger and may end on a terminal */
	buf_string(answer, name);
	buf_char(answer, ' ');
	buf_text(answer, value);
	buf_char(answer, '\n');
}

/* YYYY-MM-DD: the field's type would take nearly anything for a time. */
static bool is_date(struct text t)
{
	static const char form[] = "0000-00-00";

	for (size_t i = 0; i < t.len && i < sizeof form - 1; i++)
		if (form[i] == '0' ? t.at[i] < '0' || t.at[i] > '9' : t.at[i] != form[i])
			return false;
	return t.len == sizeof form - 1;
}

void cymru_origin(struct cymru_row *best, struct text row, const struct ip *ip)
{
	struct buf bytes = BUF_INIT, date = BUF_INIT;
	struct text columns[CYMRU_COLUMNS], asn;
	unsigned prefix = 0;
	struct ip network;
	long long n;

	if (cymru_split(row, &bytes, columns) < NEEDED) {
		best->bad = true;
		goto out;
	}
	/* One that does not hold the address would be about something else. */
	if (!ip_parse_network(columns[NETWORK], &network, &prefix) || prefix == 0 || network.bits != ip->bits ||
		!ip_same_network(&network, ip, prefix)) {
		prefix = 0;
		columns[NETWORK] = TEXT("");
	}
	if (best->any && prefix <= best->prefix)
		goto out;
	cymru_clear(best);
	best->any = true;
	best->prefix = prefix;
	text_split(&columns[AS], ' ', &asn);
	if (text_integer(asn, &n) && n >= 0 && n <= UINT32_MAX) {
		best->asn = n;
		cymru_put(&best->answer, "asn", asn);
	}
	cymru_put(&best->answer, "network", columns[NETWORK]);
	cymru_put(&best->answer, "geolocation.cc", columns[COUNTRY]);
	if (!text_is(columns[REGISTRY], "other"))
		cymru_put(&best->answer, "registry", columns[REGISTRY]);
	if (is_date(columns[ALLOCATED])) {
		buf_text(&date, columns[ALLOCATED]);
		buf_string(&date, "T00:00:00+00:00");
		cymru_put(&best->answer, "allocated", buf_view(&date));
	}
out:
	buf_free(&bytes);
	buf_free(&date);
}

void cymru_name(struct buf *out, struct text name)
{
	struct buf once = BUF_INIT;
	struct text rest = name;
	bool twice = true;
	uint32_t rune;

	if (unicode_ascii(name)) {
		buf_text(out, name);
		return;
	}
	if (!unicode_valid(name)) { /* then it is Latin-1 */
		for (size_t i = 0; i < name.len; i++) {
			unsigned char c = (unsigned char)name.at[i];

			if (c >= 0x80)
				buf_char(out, (char)(0xc0 | c >> 6));
			buf_char(out, c < 0x80 ? (char)c : (char)(0x80 | (c & 0x3f)));
		}
		return;
	}
	while (twice && unicode_next(&rest, &rune)) {
		twice = rune <= 0xff;
		buf_char(&once, (char)rune);
	}
	buf_text(out, twice && unicode_valid(buf_view(&once)) ? buf_view(&once) : name);
	buf_free(&once);
}
