/* Fuzz target: any list of addresses, subject and text make a mail with the headers it should have and no other, in lines that are no
 * longer than they may be. The first line is the addresses, the second the subject, the rest the text. */
#include <stdint.h>
#include <stdlib.h>

#include "csv.h"
#include "mail.h"
#include "unicode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[] = { "Content-Type: ", "MIME-Version: ", "Subject: ", "From: ", "To: ", "Date: ", "Message-ID: " };

/* Goes through the lines of the message: first the headers, in their order, folded or not. */
static void check_message(struct text message)
{
	size_t header = 0;
	bool body = false;
	struct text line;

	if (!text_ends(message, TEXT("\r\n")))
		abort();
	message.len -= 2;
	while (text_split(&message, '\n', &line)) {
		if (message.at && !text_ends(line, TEXT("\r")))
			abort();
		line.len -= message.at != NULL;
		if (line.len > 998 || memchr(line.at, '\r', line.len) || memchr(line.at, '\0', line.len) || !unicode_ascii(line))
			abort();
		if (body)
			continue;
		if (line.len == 0)
			body = true;
		else if (line.at[0] != ' ' && (header == LENGTH(names) || !text_starts(line, text_of(names[header++]))))
			abort();
		else if (line.len && text_trim(line).len == 0)
			abort();
	}
	if (header != LENGTH(names))
		abort();
}

static void check_addresses(const struct mailboxes *boxes)
{
	for (size_t i = 0; i < boxes->count; i++) {
		const char *address = mailbox_address(boxes, i);

		if (strlen(address) != boxes->items[i].address_len || boxes->items[i].address_len > 254)
			abort();
		for (const char *p = address; *p; p++)
			if (*p < ' ' || *p > '~' || (address[0] != '"' && strchr(" <>,", *p)))
				abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text rest = { (const char *)data, size }, addresses, subject;
	struct mailboxes from = { .items = NULL }, to = { .items = NULL };
	struct problem problem = { .line = 0 };
	struct buf table = BUF_INIT, entity = BUF_INIT, message = BUF_INIT;
	struct csv_row row = csv_row(&table, ';');

	if (!unicode_valid(rest) || !text_split(&rest, '\n', &addresses) || !text_split(&rest, '\n', &subject) || !rest.at)
		return 0;
	mailboxes_add(&from, TEXT("CERT <cert@example.com>"), &problem);
	if (mailboxes_add(&to, addresses, &problem) && to.count) {
		csv_put(&row, subject);
		csv_put(&row, rest);
		csv_end(&row, "\n");
		mail_parts(&entity, (struct mail_part[]){ { .type = "text/plain", .body = rest },
			{ .type = "text/csv", .filename = "events.csv", .body = buf_view(&table) } }, 2);
		mail_write(&message, &(struct mail){ .from = &from, .to = &to, .subject = subject, .entity = buf_view(&entity) });
		check_addresses(&to);
		check_message(buf_view(&message));
	}
	mailboxes_free(&from);
	mailboxes_free(&to);
	buf_free(&table);
	buf_free(&entity);
	buf_free(&message);
	return 0;
}
