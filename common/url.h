/* URLs taken apart (RFC 3986, 3), without copying. Nothing is decoded or checked: data feeds are full of URLs
 * that no standard allows, and what a field of type URL holds is known to have a location only. */
#ifndef IMQ_URL_H
#define IMQ_URL_H

#include <stdbool.h>

#include "arena.h"
#include "text.h"

/* Views into the URL, in the case they have there. NO_TEXT: the part is not there, which differs from an
 * empty one. */
struct url {
	struct text scheme;
	struct text location; /* user, password, host and port as written */
	struct text user, password;
	struct text host; /* of an IP literal what is between the brackets, scope and all; empty if there is
			     none */
	struct text port; /* what stands behind the colon; NO_TEXT if that is nothing */
	struct text path; /* never NO_TEXT */
	struct text query, fragment;
};

/* Takes T apart; works for any T, and needs no more time than its length. T should be clean: url_clean(). */
void url_split(struct text t, struct url *url);
/* T as browsers and IntelMQ see it: without blanks and controls at the start, without TAB, CR and LF
 * anywhere. That is a part of T nearly always, else a copy in A. */
struct text url_clean(struct text t, struct arena *a);
/* The number of the port; false: there is none, or it is none from 0 to 65535. */
bool url_port(const struct url *url, unsigned *port);
/* The path without `;parameters` in its last segment, which only some old schemes have (RFC 1808, 2.1: http,
 * ftp, sip …). */
struct text url_path_plain(const struct url *url);

#endif
