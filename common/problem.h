/* Why something did not work: common/ reports, the command decides what to do about it. */
#ifndef IMQ_PROBLEM_H
#define IMQ_PROBLEM_H

#include <stdbool.h>

enum { PROBLEM_SIZE = 512 };

/* What commands end with. */
enum exit_status {
	EXIT_FINE = 0,
	EXIT_NO = 1,       /* a negative answer, where the command is a test */
	EXIT_USAGE = 2,    /* usage or configuration */
	EXIT_REJECTED = 3, /* some records were rejected */
	EXIT_IO = 4,       /* input or output failed */
	EXIT_REMOTE = 5,   /* a remote service stayed down after all retries */
};

struct problem {
	char file[256]; /* empty: not about a file */
	long line;      /* from 1; 0: about the file as a whole */
	long column;    /* from 1; 0: about the line as a whole */
	bool away;      /* a server does not answer: nothing is wrong here, it may come back */
	bool disk;      /* so is a disk that is full or fails, in that */
	char text[PROBLEM_SIZE];
};

/* Fills in TEXT, cut at its size; the place stays, AWAY and DISK are false. Always returns false, so that `return problem_set(…)` reads well. */
bool problem_set(struct problem *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* As problem_set() with a place; FILE may be NULL. */
bool problem_at(struct problem *p, const char *file, long line, long column, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* What a command ends with that cannot start because of P: EXIT_USAGE, or what lets others try again later. */
enum exit_status problem_status(const struct problem *p);

#endif
