/* Records in and out: lines from files or stdin, packed or plain, and a block-buffered stdout that tells failures. */
#ifndef IMQ_STREAM_H
#define IMQ_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "problem.h"
#include "text.h"

enum reader_state {
	READER_RECORD,  /* a line, without its line feed */
	READER_BARRIER, /* an empty line */
	READER_LONG,    /* a line over the limit: its first bytes; the rest has been or will be skipped */
	READER_WAIT,    /* nothing there now: flush, then reader_wait() */
	READER_END,     /* the last operand is read */
	READER_FAILED,  /* PROBLEM says why; the next call goes on with the next operand */
};

struct unpacker;

struct reader {
	char *const *files; /* operands left, NULL-terminated */
	const char *file;   /* the one being read, "-" for stdin: for messages */
	long line;          /* number of the last record in it, from 1 */
	int fd;             /* -1: none is open */
	bool end;           /* of the file */
	bool probed;        /* the file's first bytes have been looked at for a packer's magic number */
	bool unended;       /* the last record was ended by the end of its file, not by a line feed */
	bool skipping;      /* the rest of a line that is too long */
	bool raw;           /* hand out blocks, not lines: reader_block() */
	struct unpacker *unpacker;
	struct buf buffer;
	size_t at;       /* bytes of the buffer already handed out */
	size_t searched; /* bytes behind AT known to hold no line feed */
	size_t max_record;
	struct problem problem;
};

/* Reads the NULL-terminated FILES in turn, stdin if there are none. "-" is stdin. gzip, zstd, xz and bzip2 are recognised
 * by their magic numbers and unpacked on the way. FILES must outlive the reader. */
void reader_init(struct reader *r, char *const *files, size_t max_record);
void reader_free(struct reader *r);
/* The next record; its bytes hold until the next call. Never blocks longer than a file does: see READER_WAIT. */
enum reader_state reader_next(struct reader *r, struct text *record);
/* Waits until there is something to read, TIMEOUT milliseconds have passed (-1: for ever) or a signal came. */
void reader_wait(const struct reader *r, int timeout);
/* What poll() should watch for the reader, or -1. */
int reader_fd(const struct reader *r);
/* The next block of bytes, whatever is in it; READER_RECORD, READER_WAIT, READER_END or READER_FAILED. A new operand
 * starts a new block; R->file tells which. */
enum reader_state reader_block(struct reader *r, struct text *block);
/* Puts everything handed out by the last reader_block() back, to be read as records: for looking at the beginning. */
void reader_unread(struct reader *r);

struct writer {
	struct buf buffer;
	int fd;
	int failure; /* errno of the first write that failed, 0: none */
	uint64_t bytes;
};

void writer_init(struct writer *w, int fd);
void writer_free(struct writer *w);
/* Writes the buffer out when it is large enough; call it after each record that was put into w->buffer. */
void writer_added(struct writer *w);
/* Writes the buffer out. False: it failed now or before (w->failure). */
bool writer_flush(struct writer *w);
/* Writes all of BYTES to FD. False with errno set. */
bool write_all(int fd, const char *bytes, size_t n);

#endif
