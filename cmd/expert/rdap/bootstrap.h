/* Which server answers for a domain, an address or an AS: IANA's bootstrap files (RFC 9224) and the user's
 * own servers. */
#ifndef IMQ_RDAP_BOOTSTRAP_H
#define IMQ_RDAP_BOOTSTRAP_H

#include <stdbool.h>
#include <stdint.h>

#include "http.h"
#include "ip.h"
#include "problem.h"
#include "text.h"

enum registry { DOMAINS, IPV4, IPV6, AS_NUMBERS, REGISTRIES };

struct server {
	char *url;           /* ends with a slash */
	char *authorization; /* a header line; NULL: none */
};

/* What a registry delegates to a server. */
struct delegation {
	char *suffix; /* of DOMAINS, lower case */
	struct ip from;
	unsigned prefix;      /* of networks */
	uint32_t first, last; /* of AS_NUMBERS */
	const struct server *server;
};

struct servers {
	struct server **items;
	size_t count, cap;
};

struct table {
	struct delegation *rows;
	size_t count, cap;
	struct servers servers;
	int64_t loaded; /* clock_steady(), 0: never */
	char *etag;
};

struct bootstrap {
	const char *source; /* --bootstrap: a URL or a folder */
	const char *cache;  /* --bootstrap-cache: a folder; NULL: none */
	bool offline;
	double refresh;  /* seconds */
	struct text own; /* --rdap-bootstrapped-servers */
	struct http *http;
	struct table own_table;
	struct table tables[REGISTRIES];
};

/* Reads the user's own servers. False: PROBLEM. */
bool bootstrap_start(struct bootstrap *b, struct problem *problem);
void bootstrap_stop(struct bootstrap *b);
/* IANA's files are read again when the next question needs them. */
void bootstrap_forget(struct bootstrap *b);

/* The server to ask, NULL: none is known. The first call for a kind fetches IANA's file, and calls after
 * --bootstrap-refresh fetch it again; what cannot be fetched is taken from the copy in share/, with a
 * message. */
/* SUFFIX becomes the part of FQDN that the server is responsible for. */
const struct server *bootstrap_domain(struct bootstrap *b, struct text fqdn, struct text *suffix);
const struct server *bootstrap_ip(struct bootstrap *b, const struct ip *ip);
const struct server *bootstrap_as(struct bootstrap *b, uint32_t number);

#endif
