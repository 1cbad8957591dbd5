/* IDNA 2003 by libidn, which is asked only for labels that are not ASCII. */
#include "host.h"

#include <idna.h>
#include <stdlib.h>

#include "unicode.h"

enum { LABEL_MAX = 63 };

bool host_labels(struct text name)
{
	struct text label;

	while (text_split(&name, '.', &label))
		if (label.len > LABEL_MAX || (label.len == 0 && name.at))
			return false;
	return true;
}

/* Every character is a label's at most; a longer name has no ASCII form anyway. */
enum { NAME_MAX_RUNES = 1024 };

static bool label_to_ascii(const uint32_t *label, size_t n, struct buf *out)
{
	char ascii[LABEL_MAX + 1];
	bool plain = true;

	for (size_t i = 0; i < n; i++)
		plain = plain && label[i] < 0x80;
	if (plain) {
		for (size_t i = 0; i < n; i++)
			buf_char(out, (char)label[i]);
		return n >= 1 && n <= LABEL_MAX;
	}
	if (idna_to_ascii_4i(label, n, ascii, IDNA_ALLOW_UNASSIGNED) != IDNA_SUCCESS)
		return false;
	buf_string(out, ascii);
	return true;
}

bool host_to_ascii(struct text name, struct buf *out)
{
	uint32_t label[NAME_MAX_RUNES], rune;
	size_t n = 0, before = out->len;

	if (unicode_ascii(name)) {
		if (!host_labels(name))
			return false;
		buf_text(out, name);
		return true;
	}
	while (name.len) {
		/* libidn reads labels as strings that end with a NUL. */
		if (n == NAME_MAX_RUNES || !unicode_next(&name, &rune) || rune == 0)
			goto refused;
		if (rune == '.' || rune == 0x3002 || rune == 0xff0e || rune == 0xff61) {
			if (!label_to_ascii(label, n, out))
				goto refused;
			buf_char(out, '.');
			n = 0;
		} else {
			label[n++] = rune;
		}
	}
	if (n == 0 || label_to_ascii(label, n, out))
		return true;
refused:
	out->len = before;
	return false;
}
