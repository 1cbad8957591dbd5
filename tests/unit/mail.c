/* Mail addresses and headers. */
#include <stdlib.h>

#include "check.h"
#include "csv.h"
#include "mail.h"

/* The addresses of LIST with their names, or the problem. */
static const char *addresses(const char *list)
{
	static struct buf out;
	struct mailboxes boxes = { .items = NULL };
	struct problem problem = { .line = 0 };

	buf_clear(&out);
	if (!mailboxes_add(&boxes, text_of(list), &problem))
		buf_string(&out, problem.text);
	for (size_t i = 0; i < boxes.count; i++)
		buf_printf(&out, "%s%s|%s", i ? ", " : "", boxes.text.at + boxes.items[i].name, mailbox_address(&boxes, i));
	mailboxes_free(&boxes);
	return buf_cstr(&out);
}

/* The lines of a mail's header that begin with NAME. */
static const char *header(const char *name, const char *to, const char *subject)
{
	static struct buf out;
	struct mailboxes from = { .items = NULL }, boxes = { .items = NULL };
	struct problem problem = { .line = 0 };
	struct buf entity = BUF_INIT, message = BUF_INIT;
	const char *at, *end;

	mailboxes_add(&from, TEXT("cert@example.com"), &problem);
	mailboxes_add(&boxes, text_of(to), &problem);
	mail_parts(&entity, &(struct mail_part){ .type = "text/plain", .body = TEXT("text") }, 1);
	mail_write(&message, &(struct mail){ .from = &from, .to = &boxes, .subject = text_of(subject), .entity = buf_view(&entity),
		.date = INT64_C(951782399) * 1000000 });
	buf_clear(&out);
	at = strstr(buf_cstr(&message), name);
	for (end = at ? strchr(at, '\n') : NULL; end && end[1] == ' '; end = strchr(end + 1, '\n'))
		;
	if (end)
		buf_add(&out, at, (size_t)(end - at) - 1);
	buf_free(&entity);
	buf_free(&message);
	mailboxes_free(&from);
	mailboxes_free(&boxes);
	return buf_cstr(&out);
}

static const char *csv(const char *a, const char *b)
{
	static struct buf out;
	struct csv_row row;

	buf_clear(&out);
	row = csv_row(&out, ',');
	csv_put(&row, text_of(a));
	if (b)
		csv_put(&row, text_of(b));
	csv_end(&row, "\r\n");
	return buf_cstr(&out);
}

int main(void)
{
	CHECK_SAME(addresses("a@example.com"), "|a@example.com");
	CHECK_SAME(addresses(" , you, Me <me@[192.0.2.1]> ,"), "|you, Me|me@[192.0.2.1]");
	CHECK_SAME(addresses("\"a, \\\"b\\\"\" <c@example.com>, <d+e=f@x_y.example>"), "a, \"b\"|c@example.com, |d+e=f@x_y.example");
	CHECK_SAME(addresses("\"a b\"@example.com"), "|\"a b\"@example.com");
	CHECK_SAME(addresses("Ö <a@\xc3\xa4.example>"), "Ö|a@xn--4ca.example");
	CHECK_SAME(addresses("a@example.com, b c"), "not a mail address: \"b c\"");
	CHECK_SAME(addresses("a@-x.example"), "not a mail address: \"a@-x.example\"");
	CHECK_SAME(addresses("a@\xff"), "not a mail address: \"a@\xff\"");
	CHECK_SAME(addresses("\"a@example.com"), "not a mail address: \"\"a@example.com\"");
	CHECK_SAME(addresses("\"a\\"), "not a mail address: \"\"a\\\"");
	CHECK_SAME(addresses("a\tb <c@example.com>"), "not a mail address: \"a\tb <c@example.com>\"");
	CHECK_SAME(addresses("12345678901234567890123456789012345678901234567890123456789012345@example.com"),
		"not a mail address: \"12345678901234567890123456789012345678901234567890123456789012345@example.com\"");

	CHECK_SAME(header("Subject", "a", "b\r\nc"), "Subject: b  c");
	CHECK_SAME(header("Subject", "a", ""), "Subject: ");
	CHECK_SAME(header("Subject", "a", " b"), "Subject: =?utf-8?b?IGI=?=");
	CHECK_SAME(header("Subject", "a", "\xc3\xa4"), "Subject: =?utf-8?b?w6Q=?=");
	CHECK_SAME(header("Subject", "a", "a =?us-ascii?q?b?="), "Subject: =?utf-8?b?YSA9P3VzLWFzY2lpP3E/Yj89?=");
	CHECK_SAME(header("Subject", "a", "12345678901234567890123456789012345678\xc3\xa4"),
		"Subject: =?utf-8?b?MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg=?=\r\n =?utf-8?b?w6Q=?=");
	CHECK_SAME(header("Subject", "a", "one two three four five six seven eight nine ten eleven twelve thirteen"),
		"Subject: one two three four five six seven eight nine ten eleven twelve\r\n thirteen");
	CHECK_SAME(header("To", "a, \"b, c\" <d@example.com>, e f <g>, \xc3\xa4 <h>", ""),
		"To: a,\"b, c\" <d@example.com>,e f <g>,=?utf-8?b?w6Q=?=\r\n <h>");
	CHECK_SAME(header("Date", "a", ""), "Date: Mon, 28 Feb 2000 23:59:59 +0000");
	CHECK_SAME(csv("a", "b"), "a,b\r\n");
	CHECK_SAME(csv("", NULL), "\"\"\r\n");
	CHECK_SAME(csv("", ""), ",\r\n");
	CHECK_SAME(csv("a\"b", "c,d"), "\"a\"\"b\",\"c,d\"\r\n");
	CHECK_SAME(csv("a;b", "c\rd"), "a;b,\"c\rd\"\r\n");
	return check_end();
}
