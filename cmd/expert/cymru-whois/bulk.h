/* Team Cymru's bulk whois: many addresses in one TCP connection, `begin`, `verbose`, an address a line, `end`; rows
 * come back in any order, then the server closes. One connection at a time. */
#ifndef IMQ_CYMRU_BULK_H
#define IMQ_CYMRU_BULK_H

#include <stdbool.h>

#include "dns.h"
#include "ip.h"
#include "opt.h"
#include "rows.h"

struct bulk_state;

struct bulk {
	bool on;
	const char *server; /* HOST or HOST#PORT */
	double timeout;     /* seconds for one connection */
	struct dns *dns;    /* for the server's name */
	/* A row about the address that CONTEXT was given with. */
	void (*row)(void *context, struct text columns[CYMRU_COLUMNS], size_t count);
	/* There are no more rows; ERROR: nor were there any, because of that. */
	void (*end)(void *context, const char *error);
	struct bulk_state *state;
};

enum { BULK_AS, BULK_IP, BULK_NETWORK, BULK_COUNTRY, BULK_REGISTRY, BULK_ALLOCATED, BULK_NAME };

extern const struct mixin bulk_mixin;

/* Asks about IP with the next connection; END is called once, from the transport. */
void bulk_ask(struct bulk *b, const struct ip *ip, void *context);

#endif
