/* Which mails of a pump's batch have been dealt with, so that the batch, when it comes again, does not mail them again. It is a file: a line
 * with the number of the batch, then one for each mail, written when the server has answered. A process that is killed loses none of
 * them; a machine that goes down may lose some. */
#ifndef JOURNAL_H
#define JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "filter.h"
#include "problem.h"

enum { MAIL_ID = 32 /* hex digits */ };

enum fate { FATE_UNKNOWN, FATE_TAKEN = 'T', FATE_REFUSED = 'R' };

struct journal_entry {
	char fate, id[MAIL_ID];
	bool met;
};

struct journal {
	const char *path; /* NULL: none is kept */
	int fd;
	long long read, number; /* the batch that the file was about when it was opened, and that it is about now; -1: none */
	struct journal_entry *entries; /* what it had of the batch that comes again */
	size_t count, cap, next;
};

/* Opens the file, where PATH names one, and reads what it says about the batches that come again. False: PROBLEM. */
bool journal_open(struct journal *j, const struct batch *batch, struct problem *problem);
/* What became of the mail ID in an earlier try of batch NUMBER; as often as it was noted. False: PROBLEM. */
bool journal_find(struct journal *j, long long number, const char *id, enum fate *fate, struct problem *problem);
/* Notes that of a mail of batch NUMBER. False: PROBLEM. */
bool journal_note(struct journal *j, long long number, const char *id, enum fate fate, struct problem *problem);
void journal_close(struct journal *j);

#endif
