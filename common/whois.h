/* Questions to a whois server (RFC 3912) and its kin: a connection for each, one line there, and what comes back
 * until the server closes it. Many at a time, IPv4 and IPv6, with limits on time and size. */
#ifndef IMQ_WHOIS_H
#define IMQ_WHOIS_H

#include <stdbool.h>
#include <stddef.h>

#include "opt.h"
#include "text.h"
#include "transport.h"

struct whois_state;

/* Embed it, name it in the option table with WHOIS_OPTIONS(), and it is started and stopped with the command. */
struct whois {
	const char *server;
	long long port, tries;
	double timeout, rate; /* seconds; connections a second, 0: any */
	size_t max_reply;     /* bytes */
	struct whois_state *state;
};

extern const struct mixin whois_mixin;

/* clang-format off */
#define WHOIS_OPTIONS(w, itsPort) \
	OPT_TEXT(0, "server", &(w)->server, "localhost", "the server"), \
	OPT_INTEGER(0, "port", &(w)->port, itsPort, "its port"), \
	OPT_SECONDS(0, "timeout", &(w)->timeout, "30", "give up a try after that long"), \
	OPT_INTEGER(0, "tries", &(w)->tries, "3", "how often to try"), \
	OPT_NUMBER(0, "rate", &(w)->rate, "0", "at most that many questions a second (0: any)"), \
	OPT_BYTES(0, "max-reply", &(w)->max_reply, "256K", "refuse longer answers"), \
	OPT_MIXIN(&whois_mixin, w)
/* clang-format on */

/* Asks QUERY, which is copied and has no line feed. DONE is called once, from the mixin's transport: with the
 * answer, which holds until it returns, or with ERROR, after all tries or DEADLINE seconds (0: any). */
void whois_ask(struct whois *w, struct text query, double deadline,
	void (*done)(void *context, struct text answer, const char *error), void *context);
extern const struct transport whois_transport;

#endif
