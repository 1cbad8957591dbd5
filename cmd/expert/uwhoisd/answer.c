#include "answer.h"

#include "unicode.h"

void whois_clean(struct text answer, struct buf *out)
{
	struct buf valid = BUF_INIT;
	struct text rest, here;
	uint32_t rune;

	unicode_repair(answer, &valid);
	rest = here = buf_view(&valid);
	while (unicode_next(&rest, &rune)) {
		bool harmless = (rune >= ' ' && rune < 0x7f) || rune > 0x9f || rune == '\n' || rune == '\r' ||
				rune == '\t';

		if (harmless)
			buf_add(out, here.at, here.len - rest.len);
		else
			buf_string(out, "\xef\xbf\xbd");
		here = rest;
	}
	buf_free(&valid);
}

/* Takes FROM to TO if they are around ABOUT, and inside what was found before. */
static bool narrow(
	bool found, const struct ip *about, const struct ip range[2], struct ip *from, struct ip *to)
{
	if (range[0].bits != about->bits || range[1].bits != about->bits || ip_cmp(&range[0], about) > 0 ||
		ip_cmp(about, &range[1]) > 0)
		return found;
	if (found && (ip_cmp(&range[0], from) < 0 || ip_cmp(&range[1], to) > 0))
		return found;
	*from = range[0];
	*to = range[1];
	return true;
}

static bool read_prefix(struct text t, struct ip range[2])
{
	unsigned prefix;

	if (!memchr(t.at, '/', t.len) || !ip_parse_network(t, &range[0], &prefix))
		return false;
	ip_mask(&range[0], prefix);
	range[1] = range[0];
	for (unsigned bit = prefix; bit < range[1].bits; bit++)
		range[1].bytes[bit / 8] |= (unsigned char)(0x80 >> bit % 8);
	return true;
}

bool whois_range(struct text answer, const struct ip *about, struct ip *from, struct ip *to)
{
	static const char *const names[] = { "inetnum", "netrange", "inet6num", "cidr" };
	bool found = false;
	struct text line, name, part;

	while (text_split(&answer, '\n', &line)) {
		bool known = false;

		if (!text_split(&line, ':', &name) || !line.at)
			continue;
		for (size_t i = 0; i < LENGTH(names); i++)
			known |= text_eq_nocase(name, text_of(names[i]));
		while (known && text_split(&line, ',', &part)) {
			struct text first, last = part;
			struct ip range[2];

			text_split(&last, '-', &first);
			if (read_prefix(text_trim(part), range) ||
				(last.at && ip_parse(text_trim(first), &range[0]) &&
					ip_parse(text_trim(last), &range[1])))
				found = narrow(found, about, range, from, to);
		}
	}
	return found;
}
