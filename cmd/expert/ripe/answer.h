/* What the RIPE NCC's services say: RIPEstat's data calls abuse-contact-finder and maxmind-geo-lite, and the
 * RIPE Database's REST service abuse-contact. */
#ifndef IMQ_RIPE_ANSWER_H
#define IMQ_RIPE_ANSWER_H

#include "ip.h"
#include "rest.h"

enum ripe_service { RIPE_STAT, RIPE_DB, RIPE_GEOLOCATION };

/* The addresses that an answer holds for. */
struct ripe_range {
	bool known;
	struct ip from, to;
};

/* Appends to ANSWER the contacts, separated by commas; of RIPE_GEOLOCATION a JSON object with what there is of
 * `country`, `latitude`, `longitude` and `city`. ABOUT is the address asked for, NULL where an AS was. */
enum rest_verdict ripe_read(enum ripe_service service, const struct http_reply *reply, const struct ip *about,
	struct buf *answer, struct ripe_range *range, struct problem *problem);

#endif
