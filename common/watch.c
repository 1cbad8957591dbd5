#include "watch.h"

#include <string.h>

#include "log.h"

enum { AGAIN_SECONDS = 60 };

void watch_note(struct watch *w, const char *path)
{
	w->path = path;
	if (stat(path, &w->seen) < 0)
		memset(&w->seen, 0, sizeof w->seen);
}

int64_t watch_again(struct watch *w, bool (*load)(struct problem *problem))
{
	struct problem problem = { .line = 0 };
	struct stat now;

	/* A file that is being replaced by removing it first will be back. */
	if (w->path && stat(w->path, &now) == 0 &&
		(now.st_ino != w->seen.st_ino || now.st_dev != w->seen.st_dev ||
			now.st_size != w->seen.st_size || now.st_mtim.tv_sec != w->seen.st_mtim.tv_sec ||
			now.st_mtim.tv_nsec != w->seen.st_mtim.tv_nsec) &&
		!load(&problem))
		log_problem(&problem);
	return AGAIN_SECONDS * (int64_t)1000000;
}
