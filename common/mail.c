#include "mail.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "unicode.h"

enum {
	LINE = 76,        /* characters of a line, where that can be had (RFC 5322, 2.1.1; RFC 2045, 6.8) */
	LINE_LIMIT = 998, /* where it must be (RFC 5322, 2.1.1) */
	WORD_BYTES = 39,  /* of an encoded word, so that it fits behind every name of a header (RFC 2047, 2) */
	HASH = 32
};

/* ---- names made of what is in a mail ---- */

struct digest {
	EVP_MD_CTX *context;
};

static struct digest digest_start(void)
{
	struct digest d = { EVP_MD_CTX_new() };

	EVP_DigestInit_ex(d.context, EVP_sha256(), NULL);
	return d;
}

/* With its length, so that two texts are never one. */
static void digest_add(struct digest *d, struct text t)
{
	EVP_DigestUpdate(d->context, &t.len, sizeof t.len);
	EVP_DigestUpdate(d->context, t.at ? t.at : "", t.len);
}

/* Appends the first 128 bits. */
static void digest_end(struct digest *d, struct buf *out)
{
	unsigned char hash[HASH];

	EVP_DigestFinal_ex(d->context, hash, NULL);
	EVP_MD_CTX_free(d->context);
	for (size_t i = 0; i < HASH / 2; i++)
		buf_printf(out, "%02x", hash[i]);
}

/* ---- headers ---- */

/* How far the line that OUT ends with has got. */
static size_t column(const struct buf *out)
{
	const char *end = out->len ? memrchr(out->at, '\n', out->len) : NULL;

	return end ? (size_t)(out->at + out->len - end) - 1 : out->len;
}

/* Begins a new line of the same header. */
static void fold(struct buf *out)
{
	buf_string(out, "\r\n ");
}

/* T with controls, line breaks above all, as blanks; in OUT. */
static void put_clean(struct buf *out, struct text t)
{
	for (size_t i = 0; i < t.len; i++)
		buf_char(out, (unsigned char)t.at[i] < ' ' || t.at[i] == 0x7f ? ' ' : t.at[i]);
}

/* Appends T in encoded words (RFC 2047, 2 and 4.1), cut between characters. */
static void put_encoded(struct buf *out, struct text t)
{
	for (bool first = true; t.len; first = false) {
		size_t n = t.len < WORD_BYTES ? t.len : WORD_BYTES;

		while (n < t.len && n > 1 && ((unsigned char)t.at[n] & 0xc0) == 0x80)
			n--;
		if (!first)
			fold(out);
		buf_string(out, "=?utf-8?b?");
		buf_base64(out, (struct text){ t.at, n });
		buf_string(out, "?=");
		t = text_from(t, n);
	}
}

/* Whether T is fit to be folded at its blanks and read back as it is. */
static bool is_plain(struct text t)
{
	size_t word = 0;

	if (!unicode_ascii(t) || memmem(t.at, t.len, "=?", 2) || (t.len && (t.at[0] == ' ' || t.at[t.len - 1] == ' ')))
		return false;
	for (size_t i = 0; i < t.len; i++) {
		bool begins = t.at[i] == ' ' && i && t.at[i - 1] != ' ';

		word = begins ? 1 : word + 1;
		if (word > LINE - 2)
			return false;
	}
	return true;
}

/* Appends T, clean, folded before its words. */
static void put_folded(struct buf *out, struct text t)
{
	while (t.len) {
		size_t n = 0;

		while (n < t.len && t.at[n] == ' ')
			n++;
		while (n < t.len && t.at[n] != ' ')
			n++;
		if (t.at[0] == ' ' && column(out) + n > LINE)
			buf_string(out, "\r\n");
		buf_add(out, t.at, n);
		t = text_from(t, n);
	}
}

static void put_subject(struct buf *out, struct text subject)
{
	struct buf clean = BUF_INIT;

	put_clean(&clean, subject);
	buf_string(out, "Subject: ");
	if (is_plain(buf_view(&clean)))
		put_folded(out, buf_view(&clean));
	else
		put_encoded(out, buf_view(&clean));
	buf_string(out, "\r\n");
	buf_free(&clean);
}

/* A display name: words as they are, quoted, or encoded. */
static void put_name(struct buf *out, struct text name)
{
	bool bare = true;

	if (!is_plain(name) || name.len > LINE / 2) {
		put_encoded(out, name);
		fold(out);
		return;
	}
	for (size_t i = 0; i < name.len; i++)
		bare &= name.at[i] == ' ' || !strchr("()<>[]:;@\\,.\"", name.at[i]);
	if (!bare)
		buf_char(out, '"');
	for (size_t i = 0; i < name.len; i++) {
		if (name.at[i] == '"' || name.at[i] == '\\')
			buf_char(out, '\\');
		buf_char(out, name.at[i]);
	}
	buf_string(out, bare ? " " : "\" ");
}

/* Appends box I, in a new line if it is too long for this one. */
static void put_box(struct buf *out, const struct mailboxes *m, size_t i)
{
	const struct mailbox *b = &m->items[i];

	if (i && column(out) + b->name_len + b->address_len + 3 > LINE)
		fold(out);
	if (b->name_len)
		put_name(out, (struct text){ m->text.at + b->name, b->name_len });
	if (b->name_len && column(out) + b->address_len + 2 > LINE)
		fold(out);
	buf_printf(out, b->name_len ? "<%s>" : "%s", mailbox_address(m, i));
}

static void put_boxes(struct buf *out, const char *name, const struct mailboxes *m, size_t count)
{
	buf_printf(out, "%s: ", name);
	for (size_t i = 0; i < count; i++) {
		if (i)
			buf_char(out, ',');
		put_box(out, m, i);
	}
	buf_string(out, "\r\n");
}

/* RFC 5322, 3.3; %a and %b would depend on the locale. */
static void put_date(struct buf *out, int64_t date)
{
	static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	time_t seconds = (time_t)(date / 1000000);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	buf_printf(out, "Date: %s, %d %s %d %02d:%02d:%02d +0000\r\n", days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900,
		tm.tm_hour, tm.tm_min, tm.tm_sec);
}

void mail_id(struct buf *out, const struct mail *mail)
{
	struct digest d = digest_start();

	digest_add(&d, mail->subject);
	digest_add(&d, buf_view(&mail->from->text));
	digest_add(&d, buf_view(&mail->to->text));
	digest_add(&d, mail->identity.at ? mail->identity : mail->entity);
	digest_end(&d, out);
}

/* In the domain of the sender, or on this machine (RFC 5322, 3.6.4). */
static void put_id(struct buf *out, const struct mail *mail)
{
	const char *domain = strrchr(mailbox_address(mail->from, 0), '@');
	char host[256] = "";

	buf_string(out, "Message-ID: <");
	mail_id(out, mail);
	if (!domain && (gethostname(host, sizeof host - 1) != 0 || !host[0]))
		snprintf(host, sizeof host, "localhost");
	buf_printf(out, "@%s>\r\n", domain ? domain + 1 : host);
}

void mail_write(struct buf *out, const struct mail *mail)
{
	const char *end = memmem(mail->entity.at, mail->entity.len, "\r\n\r\n", 4);
	size_t head = (size_t)(end - mail->entity.at) + 2;

	buf_add(out, mail->entity.at, head);
	buf_string(out, "MIME-Version: 1.0\r\n");
	put_subject(out, mail->subject);
	put_boxes(out, "From", mail->from, 1);
	put_boxes(out, "To", mail->to, mail->to->count);
	put_date(out, mail->date);
	put_id(out, mail);
	buf_text(out, text_from(mail->entity, head));
}

/* ---- parts ---- */

/* Whether T goes through every server and every signature as it is: short lines of printable ASCII, that neither end with blanks nor
 * begin with `From ` (RFC 3156, 3). */
static bool is_seven_bit(struct text t)
{
	struct text line;

	if (!unicode_ascii(t))
		return false;
	while (text_split(&t, '\n', &line)) {
		if (t.at && line.len && line.at[line.len - 1] == '\r')
			line.len--;
		if (line.len > LINE_LIMIT || text_starts(line, TEXT("From ")))
			return false;
		for (size_t i = 0; i < line.len; i++)
			if (((unsigned char)line.at[i] < ' ' && line.at[i] != '\t') || line.at[i] == 0x7f)
				return false;
		if (line.len && (line.at[line.len - 1] == ' ' || line.at[line.len - 1] == '\t'))
			return false;
	}
	return true;
}

/* Appends T with every line ended by CRLF but the last one, which may have no end. */
static void put_lines(struct buf *out, struct text t)
{
	for (size_t i = 0; i < t.len; i++) {
		if (t.at[i] == '\n' && (i == 0 || t.at[i - 1] != '\r'))
			buf_char(out, '\r');
		buf_char(out, t.at[i]);
	}
}

/* Appends T in base64, in lines (RFC 2045, 6.8). */
static void put_base64(struct buf *out, struct text t)
{
	const size_t bytes = LINE / 4 * 3;

	for (; t.len; t = text_from(t, bytes)) {
		buf_base64(out, (struct text){ t.at, t.len < bytes ? t.len : bytes });
		if (t.len > bytes)
			buf_string(out, "\r\n");
	}
}

static void put_part(struct buf *out, const struct mail_part *part)
{
	bool is_text = strncmp(part->type, "text/", 5) == 0, plain = is_text && is_seven_bit(part->body);
	struct buf lines = BUF_INIT;

	buf_printf(out, "Content-Type: %s", part->type);
	if (is_text)
		buf_printf(out, "; charset=\"%s\"", unicode_ascii(part->body) ? "us-ascii" : "utf-8");
	buf_printf(out, "\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: %s\r\n", plain ? "7bit" : "base64");
	if (part->filename)
		buf_printf(out, "Content-Disposition: attachment; filename=\"%s\"\r\n", part->filename);
	buf_string(out, "\r\n");
	if (plain) {
		put_lines(out, part->body);
	} else if (part->filename) { /* a file is kept byte by byte */
		put_base64(out, part->body);
	} else {
		put_lines(&lines, part->body);
		put_base64(out, buf_view(&lines));
	}
	buf_free(&lines);
}

void mail_parts(struct buf *out, const struct mail_part *parts, size_t count)
{
	struct digest d = digest_start();
	struct buf boundary = BUF_INIT;

	for (size_t i = 0; i < count; i++)
		digest_add(&d, parts[i].body);
	digest_end(&d, &boundary);
	buf_printf(out, "Content-Type: multipart/mixed; boundary=\"=_%s\"\r\n\r\n", buf_cstr(&boundary));
	for (size_t i = 0; i < count; i++) {
		buf_printf(out, "--=_%s\r\n", boundary.at);
		put_part(out, &parts[i]);
		buf_string(out, "\r\n");
	}
	buf_printf(out, "--=_%s--\r\n", boundary.at);
	buf_free(&boundary);
}

void mail_signed(struct buf *out, struct text entity, struct text signature, const char *hash)
{
	struct digest d = digest_start();
	struct buf boundary = BUF_INIT;

	digest_add(&d, entity);
	digest_add(&d, signature);
	digest_end(&d, &boundary);
	buf_printf(out, "Content-Type: multipart/signed; micalg=\"%s\"; protocol=\"application/pgp-signature\";\r\n boundary=\"=_%s\"\r\n\r\n",
		hash, buf_cstr(&boundary));
	buf_printf(out, "--=_%s\r\n", boundary.at);
	buf_text(out, entity);
	buf_printf(out, "\r\n--=_%s\r\nContent-Type: application/pgp-signature; name=\"signature.asc\"\r\n\r\n", boundary.at);
	put_lines(out, signature);
	buf_printf(out, "\r\n--=_%s--\r\n", boundary.at);
	buf_free(&boundary);
}
