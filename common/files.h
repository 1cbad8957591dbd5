/* Files that commands need: read as a whole, found beside the command or in share/. */
#ifndef IMQ_FILES_H
#define IMQ_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "problem.h"

/* The folder that the program is in: the other commands are beside it. Empty if that cannot be found out. The result is the
 * caller's to free. */
char *own_folder(void);
/* The path of FILE in share/: IMQ_SHARE's, that beside the command in a build tree, or the installed one. The result is
 * the caller's to free. */
char *share_path(const char *file);
/* Reads all of a file that holds at most LIMIT bytes. False with PROBLEM filled in. */
bool file_read(const char *path, size_t limit, struct buf *out, struct problem *problem);

#endif
