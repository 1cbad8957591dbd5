/* Questions to the DNS whose answers belong together (addresses of both families, the names of all addresses of
 * an event), as one answer to a lookup: the values one a line, in the order of the questions. */
#ifndef IMQ_DNS_GATHER_H
#define IMQ_DNS_GATHER_H

#include "dns.h"
#include "event.h"
#include "lookup.h"

struct dns_gather;

struct dns_gatherer {
	struct dns *dns;
	struct lookup *lookup; /* whose deadline and --ttl, the longest time, hold */
	/* Seconds to remember that there is no answer where the reply does not say how long. */
	double negative_ttl;
	/* Whether VALUE is any use; others are passed over. NULL: all are. */
	bool (*useful)(struct text value);
	/* There is no value, and a question failed as STATUS says; ANSWERED of them did not. True: it has been dealt
	 * with. NULL: lookup_failed(). */
	bool (*failed)(struct lookup_question *question, enum dns_status status, unsigned answered);
	/* The question for NAME has been answered, with values that are FOUND or without, for the command to ask
	 * another if it likes. */
	void (*next)(struct dns_gather *g, struct text name, enum dns_type type, enum dns_status status, bool found);
	struct dns_gather *all, *spare; /* ours; NULL at first */
	struct buf list;
};

/* Begins to answer QUESTION. */
struct dns_gather *dns_gather(struct dns_gatherer *gatherer, struct lookup_question *question);
/* Asks. After DNS_GATHER_MAX questions, more are left out. */
enum { DNS_GATHER_MAX = 64 };
void dns_gather_ask(struct dns_gather *g, struct text name, enum dns_type type);
/* All has been asked; G is no longer the caller's. */
void dns_gather_end(struct dns_gather *g);

/* Puts a gathered ANSWER into F: the first value that F takes, or with MULTIPLE all, as a list where there are
 * several, each once. */
void dns_gather_fill(struct dns_gatherer *gatherer, struct event *ev, enum field f, struct text answer, bool multiple);
/* Frees everything, when no question is in flight any more. */
void dns_gather_stop(struct dns_gatherer *gatherer);

#endif
