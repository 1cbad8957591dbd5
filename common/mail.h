/* Mails as outputs send them: addresses are read and checked, headers and MIME parts written, so that nothing of an event can become a
 * header, a recipient or a part of its own. (RFC 5322, 2045-2047, 2183) */
#ifndef IMQ_MAIL_H
#define IMQ_MAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "problem.h"
#include "text.h"

/* An address as SMTP takes it, and the name that stands before it in a header; both in the list's text. */
struct mailbox {
	size_t name, name_len, address, address_len;
};

/* Addresses out of one text; kept from one mail to the next. All zero is none. */
struct mailboxes {
	struct mailbox *items;
	size_t count, cap;
	struct buf text; /* names and addresses, a NUL behind each */
};

/* Appends the addresses of LIST to M: separated by commas, each `local@domain`, `local`, or `Name <address>`; empty ones are skipped. An
 * address is ASCII (a domain is made so by IDNA), as RFC 5321 (4.1.2) has it. False with PROBLEM's text: one is none, M is as it was. */
bool mailboxes_add(struct mailboxes *m, struct text list, struct problem *problem);
void mailboxes_clear(struct mailboxes *m);
void mailboxes_free(struct mailboxes *m);
const char *mailbox_address(const struct mailboxes *m, size_t i);

/* A part of a mail. */
struct mail_part {
	const char *type;     /* text/plain */
	const char *filename; /* of an attachment, ASCII without quotes; NULL: it is to be read at once */
	struct text body;     /* UTF-8, unless TYPE is no text */
};

/* Appends PARTS as one multipart/mixed, with the headers that say so, all lines ending with CRLF: an entity for mail_write(). */
void mail_parts(struct buf *out, const struct mail_part *parts, size_t count);
/* Appends ENTITY with its detached PGP signature as one multipart/signed (RFC 3156, 5). HASH: `pgp-sha256`. */
void mail_signed(struct buf *out, struct text entity, struct text signature, const char *hash);

struct mail {
	const struct mailboxes *from, *to; /* the first of FROM */
	struct text subject;               /* UTF-8; line breaks and controls become blanks */
	struct text entity;
	struct text identity;              /* NO_TEXT: ENTITY; what stands for it in the Message-ID where that has a signature */
	int64_t date;                      /* microseconds since 1970 */
};

/* Appends 32 hex digits made of subject, addresses and IDENTITY. */
void mail_id(struct buf *out, const struct mail *mail);
/* Appends the whole message. Its Message-ID begins with mail_id(): a mail that is made again has the same. */
void mail_write(struct buf *out, const struct mail *mail);

#endif
