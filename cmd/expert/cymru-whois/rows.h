/* What Team Cymru says of an address: rows of columns between bars, as a TXT record or a line of whois. What is
 * kept of them is lines of a member's name, a blank and its value. */
#ifndef IMQ_CYMRU_ROWS_H
#define IMQ_CYMRU_ROWS_H

#include <stdbool.h>

#include "buf.h"
#include "ip.h"
#include "text.h"

enum { CYMRU_COLUMNS = 7 };

/* The best row so far. */
struct cymru_row {
	bool any, bad; /* a row has been read; one was malformed */
	struct buf answer;
	unsigned prefix; /* of the network, 0: it has none */
	long long asn;   /* -1: none */
};

void cymru_clear(struct cymru_row *best);
/* Takes `AS | network | country | registry | allocated` about IP if it is better than what was before: the smaller
 * network, else the first. */
void cymru_origin(struct cymru_row *best, struct text row, const struct ip *ip);
/* Splits ROW at bars, without quotes and white space; NA is nothing. Returns how many columns there are, at most
 * CYMRU_COLUMNS; the last one has all of the rest. BYTES keeps what they point to. */
size_t cymru_split(struct text row, struct buf *bytes, struct text columns[CYMRU_COLUMNS]);
/* Appends a member as kept; nothing for an empty or unfit VALUE. */
void cymru_put(struct buf *answer, const char *name, struct text value);
/* Appends the name of an AS as UTF-8: as it is, or as it was before it was encoded twice. */
void cymru_name(struct buf *out, struct text name);

#endif
