/* The Trusted Introducer's directory of CSIRTs: who is responsible for a domain or an AS. */
#ifndef IMQ_TRUSTED_INTRODUCER_TEAMS_H
#define IMQ_TRUSTED_INTRODUCER_TEAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "problem.h"
#include "text.h"

/* A domain, or without one an AS, and the offset of its contact among the texts; of equal ones the last counts. */
struct team_row {
	size_t domain, domain_len, contact;
	uint32_t asn;
	size_t order;
};

/* Starts as all zero. */
struct teams {
	struct buf texts;
	struct team_row *domains, *ases;
	size_t domain_count, domain_cap, as_count, as_cap;
};

/* Replaces T by what JSON, the directory's teams.json, says. Teams that are not of the documented form are left
 * out. False with PROBLEM's text: it is no list of teams; T stays. */
bool teams_read(struct teams *t, struct text json, struct problem *problem);
void teams_free(struct teams *t);
/* The contact of the longest suffix of FQDN that somebody is responsible for, of ASN: a mail address, empty where
 * the team gives none; NO_TEXT: nobody is. */
struct text teams_of_domain(const struct teams *t, struct text fqdn);
struct text teams_of_as(const struct teams *t, uint32_t asn);

#endif
