/* What imq-dump works on: a file of records that could not be processed, imq's or IntelMQ's. */
#ifndef IMQ_DUMP_H
#define IMQ_DUMP_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "arena.h"
#include "buf.h"
#include "problem.h"
#include "text.h"

struct entry {
	struct text line;    /* in the file's bytes, with its line feed; imq's only */
	struct text command; /* imq's command, or IntelMQ's bot; empty: not known */
	struct text place;   /* file and line, or the time */
	struct text reason;
	struct text record;  /* NO_TEXT: there is none */
	bool event;          /* the record is a JSON object, so that it can be sent */
	bool selected;
};

struct dump {
	const char *path;
	int fd;
	bool intelmq;
	struct buf bytes;
	struct entry *entries;
	size_t count, cap;
	struct arena arena; /* what entries point to */
};

/* Opens PATH and keeps other imq-dumps away until dump_close(); reads it under the lock of those who write to it. False: PROBLEM. */
bool dump_open(struct dump *d, const char *path, struct problem *problem);
void dump_close(struct dump *d);
/* Removes the selected entries, keeps what was written since, and puts MORE behind it. False: PROBLEM, and all is as it was. */
bool dump_remove(struct dump *d, struct text more, struct problem *problem);
/* Gives ENTRY another record, a JSON object in one line. */
bool dump_replace(struct dump *d, struct entry *entry, struct text record, struct problem *problem);

/* For the two kinds. intelmq.c: reads the entries of IntelMQ's file, */
bool intelmq_read(struct dump *d, struct problem *problem);
/* and puts the file as it is to be, from BYTES, without the selected entries, into OUT; empty: nothing is left. With ENTRY, that gets RECORD
 * instead. */
bool intelmq_rewrite(struct dump *d, struct text bytes, const struct entry *entry, struct text record, struct buf *out,
	struct problem *problem);
/* Adds an entry; all zero. */
struct entry *dump_add(struct dump *d);
/* A copy of T that lives as long as D, with a NUL behind it. */
struct text dump_keep(struct dump *d, struct text t);
/* Sets the record, and whether it is an event. */
void dump_set_record(struct entry *entry, struct text record);

#endif
