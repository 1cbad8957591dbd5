/* The pieces of imq-from-http. */
#ifndef IMQ_FROM_HTTP_H
#define IMQ_FROM_HTTP_H

#include "buf.h"
#include "http.h"
#include "opt.h"
#include "problem.h"

/* seen.c: what the server said of the document that was last delivered, in a file of one JSON line. */
struct seen {
	struct buf url, etag, last_modified;
};

/* Reads PATH; a missing file is an empty one. False with PROBLEM filled in. */
bool seen_read(struct seen *s, const char *path, struct problem *problem);
/* Replaces PATH by what REPLY says of the document asked for as URL: whole, or not at all. False with PROBLEM filled in. */
bool seen_write(const char *path, const char *url, const struct http_reply *reply, struct problem *problem);
void seen_free(struct seen *s);

/* url.c: puts the URL of --OPTION into OUT, with the time in it if FORMATTING, the value of --OPTION-formatting, says so. */
bool url_read(const char *option, const char *url, struct text formatting, struct buf *out, struct problem *problem);

/* gpgv.c: whether those who may have signed a document have. */
enum gpgv_verdict {
	GPGV_GOOD,      /* by a key of the keyring that has neither expired nor been revoked */
	GPGV_REFUSED,
	GPGV_NOT_ASKED, /* nothing is known: there is no gpgv, or a SIGTERM came */
};

/* The keyring that OPTION, --gpg-keyring, names, NULL or empty: that of GnuPG's user. The result is the caller's to free; NULL: PROBLEM. */
char *gpgv_keyring(const char *option, struct problem *problem);
/* Asks gpgv about SIGNATURE, binary or as text, of DOCUMENT. PROBLEM says why it is not good. */
enum gpgv_verdict gpgv_ask(const char *keyring, struct text document, struct text signature, struct problem *problem);

/* signature.c: the detached signature of OpenPGP that a document must have. */
struct signature {
	bool wanted;
	const char *signature_url, *gpg_keyring;
	struct text formatting;
	/* Behind the options: */
	struct buf url, bytes;
	char *keyring;
	struct { struct buf body, etag, last_modified; } kept; /* of the document */
};

#define SIGNATURE_OPTIONS(s) \
	OPT_BOOL(0, "verify-pgp-signatures", &(s)->wanted, false, "refuse the document without a good signature"), \
	OPT_TEXT(0, "signature-url", &(s)->signature_url, NULL, "where the signature of the document is"), \
	OPT_JSON(0, "signature-url-formatting", &(s)->formatting, NULL, "as --http-url-formatting, for the signature's URL"), \
	OPT_FILE(0, "gpg-keyring", &(s)->gpg_keyring, "the keys that may sign (default: the user's of GnuPG)")

/* False with PROBLEM filled in: they do not say where the signature is, or the keys. */
bool signature_start(struct signature *s, struct problem *problem);
/* Whether the document in REPLY is signed, if it must be; it lives in S from then on. False: PROBLEM says why, and *STATUS is
 * EXIT_REJECTED if it was looked at. */
bool signature_check(struct signature *s, struct http *http, struct http_reply *reply, enum exit_status *status,
	struct problem *problem);
void signature_free(struct signature *s);

/* feed.c: what a definition says about fetching. Texts are empty where it says nothing. */
struct feed_facts {
	struct buf url, name, provider, documentation, collector;
	/* While it is sought: */
	const struct command *command;
	const char *sought;
	struct problem *problem;
	bool found, fine;
};

/* Finds the feed called NAME, as imq-parse --list shows it, or the file NAME.yaml, and sets the options of COMMAND that its `fetch`
 * names, unless they are given. False with PROBLEM filled in. */
bool feed_find(struct feed_facts *facts, const struct command *command, const char *name, struct problem *problem);
/* Whether it has a URL that can be fetched as it is. False with PROBLEM filled in. */
bool feed_has_url(const struct feed_facts *facts, struct problem *problem);
void feed_free(struct feed_facts *facts);

#endif
