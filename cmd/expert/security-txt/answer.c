#include "answer.h"

#include "unicode.h"
#include "when.h"

enum { LONGEST_ADDRESS = 320, MOST_ADDRESSES = 20 };

static int hex(char c)
{
	return c >= '0' && c <= '9'                     ? c - '0'
	       : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
							: -1;
}

/* Whether T may stand in a list of mail addresses: one local part, one domain, no separators, no controls. */
static bool is_address(struct text t)
{
	size_t ats = 0;

	if (t.len < 3 || t.len > LONGEST_ADDRESS || t.at[0] == '@' || t.at[t.len - 1] == '@')
		return false;
	for (size_t i = 0; i < t.len; i++) {
		if ((unsigned char)t.at[i] <= ' ' || t.at[i] == 0x7f || strchr(",;<>()[]\\\"", t.at[i]))
			return false;
		ats += t.at[i] == '@';
	}
	return ats == 1 && unicode_valid(t);
}

static bool has_address(const struct buf *list, struct text address, size_t *count)
{
	struct text rest = buf_view(list), one;

	*count = 0;
	if (!list->len)
		return false;
	while (text_split(&rest, ',', &one)) {
		if (text_eq_nocase(one, address))
			return true;
		++*count;
	}
	return false;
}

/* The address of a mailto: URI without its header fields (RFC 6068, 2), percent-decoded. Other ways of
 * contact (https:, tel:) are none for mail. */
static void add_contact(struct buf *list, struct text uri)
{
	struct text scheme;
	char address[LONGEST_ADDRESS];
	size_t n = 0, count;

	if (!text_split(&uri, ':', &scheme) || !text_eq_nocase(scheme, TEXT("mailto")) || !uri.at)
		return;
	for (size_t i = 0; i < uri.len && uri.at[i] != '?'; i++) {
		bool coded = uri.at[i] == '%' && i + 2 < uri.len && hex(uri.at[i + 1]) >= 0 &&
			     hex(uri.at[i + 2]) >= 0;

		if (n == sizeof address)
			return;
		address[n++] = coded ? (char)(hex(uri.at[i + 1]) << 4 | hex(uri.at[i + 2])) : uri.at[i];
		i += coded ? 2 : 0;
	}
	uri = (struct text){ address, n };
	if (!is_address(uri) || has_address(list, uri, &count) || count >= MOST_ADDRESSES)
		return;
	if (list->len)
		buf_char(list, ',');
	buf_text(list, uri);
}

/* The signature's frame (2.3; RFC 9580, 7): what is in it is read, it is not verified. */
static struct text unframe(struct text file)
{
	const char *end;

	if (!text_starts(file, TEXT("-----BEGIN PGP SIGNED MESSAGE-----")))
		return file;
	end = memmem(file.at, file.len, "\n-----BEGIN PGP SIGNATURE-----", 30);
	return end ? (struct text){ file.at, (size_t)(end - file.at) } : file;
}

bool security_txt_read(struct text file, const char *url, struct security_txt *found, struct problem *problem)
{
	bool any = false, canonical = false, ours = false;
	struct text line, name;

	*found = (struct security_txt){ .expires = false };
	if (text_starts(file, TEXT("\xef\xbb\xbf")))
		file = text_from(file, 3);
	file = unframe(file);
	while (text_split(&file, '\n', &line)) {
		line = text_trim(text_starts(line, TEXT("- ")) ? text_from(line, 2) : line);
		if (!line.len || line.at[0] == '#' || !text_split(&line, ':', &name) || !line.at)
			continue;
		line = text_trim(line);
		if (text_eq_nocase(name, TEXT("Contact"))) {
			any = true;
			add_contact(&found->mail, line);
		} else if (text_eq_nocase(name, TEXT("Expires"))) {
			found->expires = when_parse(line, &found->expiry);
		} else if (text_eq_nocase(name, TEXT("Canonical"))) {
			canonical = true;
			ours |= text_is(line, url);
		}
	}
	if (!any)
		return problem_set(problem, "no security.txt: it has no Contact");
	return !canonical || ours || problem_set(problem, "its Canonical field names another place");
}
