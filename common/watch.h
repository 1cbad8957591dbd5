/* Databases that others replace while a command runs: they are noticed at barriers or once a minute, and by
 * SIGHUP.
 *
 * A command calls watch_again() as its timer, and its loader as reload. */
#ifndef IMQ_WATCH_H
#define IMQ_WATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "problem.h"

struct watch {
	const char *path;
	struct stat seen; /* of the file that was loaded last, or failed to */
};

/* Remembers what PATH is now: to be called before it is read. PATH must live as long as W. */
void watch_note(struct watch *w, const char *path);
/* Calls LOAD if the file is another one than at watch_note(), which LOAD calls; where it fails the problem is
 * told and what was loaded before has to stay. Returns the microseconds until it wants to be called again. */
int64_t watch_again(struct watch *w, bool (*load)(struct problem *problem));

#endif
