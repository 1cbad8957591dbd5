/* Lists of mail addresses. */
#include <stdlib.h>

#include "alloc.h"
#include "host.h"
#include "mail.h"
#include "unicode.h"

enum { LOCAL_MAX = 64, ADDRESS_MAX = 254 /* RFC 5321, 4.5.3.1 */ };

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* Dots may stand anywhere: mailboxes exist that have them at the end. */
static bool is_local(struct text t)
{
	if (t.len == 0 || t.len > LOCAL_MAX)
		return false;
	if (t.at[0] != '"') {
		for (size_t i = 0; i < t.len; i++)
			if (!is_alnum(t.at[i]) && (!t.at[i] || !strchr("!#$%&'*+-/=?^_`{|}~.", t.at[i])))
				return false;
		return true;
	}
	for (size_t i = 1; i < t.len; i++) {
		if (t.at[i] == '"')
			return i == t.len - 1;
		if (t.at[i] == '\\')
			i++;
		if (i == t.len || t.at[i] < ' ' || t.at[i] > '~')
			return false;
	}
	return false;
}

/* A name, or an address in brackets. */
static bool is_domain(struct text t)
{
	bool literal = t.len > 2 && t.at[0] == '[' && t.at[t.len - 1] == ']';

	if (literal)
		t = (struct text){ t.at + 1, t.len - 2 };
	for (size_t i = 0; i < t.len; i++)
		if (!is_alnum(t.at[i]) && (!t.at[i] || !strchr(literal ? ".:-" : ".-_", t.at[i])))
			return false;
	return t.len > 0 && t.at[0] != '-' && t.at[0] != '.';
}

/* Where the `@` is that ends the local part; the length of T if there is none. */
static size_t find_at(struct text t)
{
	size_t i = t.len;

	while (i > 0 && t.at[i - 1] != '@')
		i--;
	return i ? i - 1 : t.len;
}

/* Appends ADDRESS as it is sent. False: it is none. */
static bool put_address(struct buf *out, struct text address)
{
	size_t at = find_at(address), before = out->len;
	struct text domain = text_from(address, at + 1);

	if (!is_local((struct text){ address.at, at }))
		return false;
	buf_add(out, address.at, at);
	if (at == address.len)
		return true;
	buf_char(out, '@');
	at = out->len;
	if (unicode_ascii(domain))
		buf_text(out, domain);
	else if (!unicode_valid(domain) || !host_to_ascii(domain, out))
		return false;
	return is_domain((struct text){ out->at + at, out->len - at }) && out->len - before <= ADDRESS_MAX;
}

/* Appends NAME, which may be in quotes. False: it cannot stand in a header. */
static bool put_name(struct buf *out, struct text name)
{
	bool quoted = name.len > 1 && name.at[0] == '"' && name.at[name.len - 1] == '"';

	if (!unicode_valid(name))
		return false;
	if (quoted)
		name = (struct text){ name.at + 1, name.len - 2 };
	for (size_t i = 0; i < name.len; i++) {
		if (quoted && name.at[i] == '\\' && i + 1 < name.len)
			i++;
		if ((unsigned char)name.at[i] < ' ' || name.at[i] == 0x7f)
			return false;
		buf_char(out, name.at[i]);
	}
	return true;
}

/* The part of *REST before the first comma that is not in quotes. False: there is no more. */
static bool next_part(struct text *rest, struct text *part)
{
	bool quoted = false;
	size_t i = 0;

	if (!rest->at)
		return false;
	for (; i < rest->len && (quoted || rest->at[i] != ','); i++) {
		if (rest->at[i] == '"')
			quoted = !quoted;
		else if (quoted && rest->at[i] == '\\')
			i++;
	}
	if (i > rest->len)
		i = rest->len;
	*part = (struct text){ rest->at, i };
	*rest = i < rest->len ? text_from(*rest, i + 1) : NO_TEXT;
	return true;
}

static bool add_part(struct mailboxes *m, struct text part)
{
	const char *angle = part.len && part.at[part.len - 1] == '>' ? memrchr(part.at, '<', part.len) : NULL;
	struct mailbox box = { .name = m->text.len };
	struct text name = { part.at, 0 };

	if (angle) {
		name.len = (size_t)(angle - part.at);
		part = (struct text){ angle + 1, part.len - name.len - 2 };
	}
	if (!put_name(&m->text, text_trim(name)))
		return false;
	box.name_len = m->text.len - box.name;
	buf_char(&m->text, '\0');
	box.address = m->text.len;
	if (!put_address(&m->text, part))
		return false;
	box.address_len = m->text.len - box.address;
	buf_char(&m->text, '\0');
	alloc_grow(&m->items, &m->cap, m->count + 1, sizeof *m->items);
	m->items[m->count++] = box;
	return true;
}

bool mailboxes_add(struct mailboxes *m, struct text list, struct problem *problem)
{
	size_t count = m->count, len = m->text.len;
	struct text part;

	while (next_part(&list, &part)) {
		part = text_trim(part);
		if (part.len == 0 || add_part(m, part))
			continue;
		m->count = count;
		m->text.len = len;
		return problem_set(problem, "not a mail address: \"%.*s\"", part.len < 200 ? (int)part.len : 200, part.at);
	}
	return true;
}

void mailboxes_clear(struct mailboxes *m)
{
	m->count = 0;
	buf_clear(&m->text);
}

void mailboxes_free(struct mailboxes *m)
{
	free(m->items);
	buf_free(&m->text);
	*m = (struct mailboxes){ .items = NULL };
}

const char *mailbox_address(const struct mailboxes *m, size_t i)
{
	return m->text.at + m->items[i].address;
}
