#include "replace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"

/* Makes the directories that PATH is in. */
static void make_directories(const char *path)
{
	char *copied = alloc_string(text_of(path));

	for (char *slash = strchr(copied[0] ? copied + 1 : copied, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		mkdir(copied, 0777);
		*slash = '/';
	}
	free(copied);
}

bool replace_open(struct replace *r, const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t folder = slash ? (size_t)(slash + 1 - path) : 0;

	make_directories(path);
	*r = (struct replace){ .path = path };
	buf_add(&r->new_path, path, folder);
	buf_printf(&r->new_path, ".%s.XXXXXX", path + folder);
	buf_cstr(&r->new_path);
	r->fd = mkostemp(r->new_path.at, O_CLOEXEC);
	if (r->fd >= 0)
		return true;
	buf_free(&r->new_path);
	return false;
}

/* A new file has the old one's mode, or what the umask leaves. */
static void set_mode(const struct replace *r)
{
	struct stat old;
	mode_t mask = umask(0);

	umask(mask);
	fchmod(r->fd, stat(r->path, &old) == 0 ? old.st_mode & 07777 : 0666 & ~mask);
}

static void sync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash ? alloc_string((struct text){ path, (size_t)(slash + 1 - path) }) : alloc_string(TEXT("."));
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
	free(folder);
}

bool replace_commit(struct replace *r, time_t changed)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_NOW }, { .tv_sec = changed } };
	int error = 0;

	set_mode(r);
	if ((changed >= 0 && futimens(r->fd, times) < 0) || fsync(r->fd) < 0 || rename(r->new_path.at, r->path) < 0)
		error = errno;
	if (error) {
		replace_abandon(r);
		errno = error;
		return false;
	}
	sync_folder(r->path);
	buf_free(&r->new_path);
	close(r->fd);
	r->fd = -1;
	return true;
}

void replace_abandon(struct replace *r)
{
	if (r->new_path.at)
		unlink(r->new_path.at);
	buf_free(&r->new_path);
	if (r->fd >= 0)
		close(r->fd);
	r->fd = -1;
}
