#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "alloc.h"
#include "config.h"

bool file_read(const char *path, size_t limit, struct buf *out, struct problem *problem)
{
	int fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 0;

	if (fd < 0)
		return problem_at(problem, path, 0, 0, "%s", strerror(errno));
	while (out->len <= limit && (n = read(fd, buf_room(out, 65536), 65536)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		out->len += (size_t)n;
	}
	if (fd != STDIN_FILENO)
		close(fd);
	if (n < 0)
		return problem_at(problem, path, 0, 0, "%s", strerror(errno));
	return out->len <= limit || problem_at(problem, path, 0, 0, "larger than %zu bytes", limit);
}

static bool readable_at(struct buf *path, const char *folder, const char *file)
{
	buf_clear(path);
	buf_printf(path, "%s/%s", folder, file);
	return access(buf_cstr(path), R_OK) == 0;
}

char *own_folder(void)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	char *slash;

	self[n > 0 ? n : 0] = '\0';
	slash = strrchr(self, '/');
	return alloc_string((struct text){ self, slash ? (size_t)(slash - self) : 0 });
}

char *share_path(const char *file)
{
	const char *chosen = getenv("IMQ_SHARE");
	struct buf path = BUF_INIT, beside = BUF_INIT;
	char *folder;
	bool there;

	if (chosen && *chosen) {
		readable_at(&path, chosen, file);
		return path.at;
	}
	folder = own_folder();
	buf_printf(&beside, "%s/../share", folder);
	free(folder);
	/* Only the build tree has its field table there; /usr/share is not ours. */
	there = readable_at(&path, buf_cstr(&beside), "fields.tsv") && readable_at(&path, beside.at, file);
	buf_free(&beside);
	if (!there)
		readable_at(&path, IMQ_SHARE_DIR, file);
	return path.at;
}
