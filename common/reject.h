/* Records that cannot be processed: told on stderr, and kept in a file that imq-dump reads. */
#ifndef IMQ_REJECT_H
#define IMQ_REJECT_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "problem.h"
#include "text.h"

struct rejects {
	const char *path; /* NULL: not kept */
	int fd;
	bool unsynced;
	struct buf line;
};

/* Opens PATH for appending; NULL keeps nothing. False with PROBLEM filled in. */
bool rejects_open(struct rejects *r, const char *path, struct problem *problem);
/* Appends RECORD as one line {"command","file","line","reason","record"}; where RECORD is no JSON object as
 * "record_base64", at most REJECT_SHOWN bytes of it. Locked against other writers. False: it could not be written (errno). */
bool rejects_add(struct rejects *r, const char *command, const char *file, long line, struct text reason, struct text record);
/* Makes all of it durable. False with errno. */
bool rejects_sync(struct rejects *r);
void rejects_close(struct rejects *r);

enum { REJECT_SHOWN = 64 * 1024 };

#endif
