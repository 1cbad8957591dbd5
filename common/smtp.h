/* Sending mails by SMTP (RFC 5321): one connection for many of them, TLS from the start or by STARTTLS, AUTH, and what has become of each.
 *
 * An answer 4xx, or none, is tried again after pauses that double, for those recipients who have not taken the mail yet; a 5xx is final.
 * A server that does not let us in (530, 534, 535, 538, TLS that fails) says nothing about the mail. */
#ifndef IMQ_SMTP_H
#define IMQ_SMTP_H

#include <stdbool.h>

#include "mail.h"
#include "opt.h"
#include "problem.h"

struct smtp_state;

struct smtp {
	const char *host;
	long long port;
	const char *username, *password; /* logs in if there are both, not empty */
	bool ssl, starttls;
	const char *verify_cert; /* true, false, or a file of certificates to trust */
	double timeout;          /* seconds for each answer */
	long long tries;
	struct smtp_state *state;
};

/* clang-format off */
#define SMTP_TRY_OPTIONS(s) \
	OPT_SECONDS(0, "smtp-timeout", &(s)->timeout, "5m", "wait that long for each answer of the server"), \
	OPT_INTEGER(0, "smtp-tries", &(s)->tries, "5", "how often to try, with pauses that double from one second on")
/* clang-format on */

/* Checks the settings; connects to nobody yet. False: PROBLEM. */
bool smtp_start(struct smtp *s, struct problem *problem);
/* Ends the connection and frees everything. */
void smtp_stop(struct smtp *s);

enum smtp_outcome {
	SMTP_TAKEN,   /* by the server, for all recipients */
	SMTP_REFUSED, /* for some of them, or all */
	SMTP_AWAY,    /* the server is away, or cannot now, after all tries: nobody has it */
};

/* Sends MESSAGE, whose lines end with CRLF, from the first of FROM to all of TO and then BCC (NULL: nobody), who are 1 at least. But for
 * SMTP_TAKEN, PROBLEM says why, and who has not taken it where others have. */
enum smtp_outcome smtp_send(struct smtp *s, const struct mailboxes *from, const struct mailboxes *to, const struct mailboxes *bcc,
	struct text message, struct problem *problem);

#endif
