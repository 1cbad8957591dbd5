/* A file that takes the place of another one in one step: written beside it, synced, renamed. */
#ifndef IMQ_REPLACE_H
#define IMQ_REPLACE_H

#include <stdbool.h>
#include <time.h>

#include "buf.h"

struct replace {
	const char *path;
	struct buf new_path; /* until it is put in place */
	int fd;
};

/* Makes an empty file beside PATH, which must live as long as R, and the directories on the way. False: errno. */
bool replace_open(struct replace *r, const char *path);
/* Puts the file in place, with the mode of the old one or what the umask leaves, and CHANGED as its time (-1: now). False: errno,
 * the old file is still there. R is closed in any case. */
bool replace_commit(struct replace *r, time_t changed);
/* Removes the new file. R may have been committed. */
void replace_abandon(struct replace *r);

#endif
