/* imq-to-files: each event becomes a file of its own, which appears in a folder when it is whole. Files are written in another folder, a
 * few at a time, synced, and then renamed. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "export.h"
#include "filter.h"
#include "stream.h"

enum { HELD = 64 };

struct waiting {
	int fd;
	char first[192], last[192]; /* its name in tmp, and in dir */
};

static struct {
	const char *dir, *tmp, *suffix;
	struct export export;
	int dir_fd, tmp_fd;
	char host[64];
	unsigned long long made;
	struct waiting waiting[HELD];
	size_t count;
	struct buf text;
} my = { .dir_fd = -1, .tmp_fd = -1 };

static const struct opt options[] = {
	OPT_FILE('d', "dir", &my.dir, "put files into this folder"),
	OPT_FILE(0, "tmp", &my.tmp, "write them in this folder before, in the same file system"),
	OPT_TEXT(0, "suffix", &my.suffix, ".json", "what names end with"),
	EXPORT_OPTIONS(&my.export),
	OPT_END
};

/* Makes the file: seconds and microseconds, device and inode make its name the only one there is. */
static bool make_file(struct waiting *w)
{
	int64_t now = clock_now();
	struct stat st;

	snprintf(w->first, sizeof w->first, "%s.%d.%lld.%06d.0.%llu%s", my.host, (int)getpid(), (long long)(now / 1000000),
		(int)(now % 1000000), my.made++, my.suffix);
	w->fd = openat(my.tmp_fd, w->first, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (w->fd < 0 || fstat(w->fd, &st) != 0)
		return false;
	snprintf(w->last, sizeof w->last, "%s.%d.%lld.%06d.%llu.%llu%s", my.host, (int)getpid(), (long long)(now / 1000000),
		(int)(now % 1000000), (unsigned long long)st.st_dev, (unsigned long long)st.st_ino, my.suffix);
	return true;
}

static bool failed(const char *folder, const char *name, struct problem *problem)
{
	return problem_set(problem, "%s/%s: %s", folder, name, strerror(errno));
}

/* Everything held becomes files in the folder. */
static bool flush(struct problem *problem)
{
	bool fine = true;
	size_t delivered = 0;

	for (size_t i = 0; i < my.count; i++) {
		struct waiting *w = &my.waiting[i];

		if (fine && (fsync(w->fd) != 0 || renameat(my.tmp_fd, w->first, my.dir_fd, w->last) != 0))
			fine = failed(my.tmp, w->first, problem);
		if (!fine)
			unlinkat(my.tmp_fd, w->first, 0);
		delivered += fine;
		close(w->fd);
	}
	if (my.count && fine && fsync(my.dir_fd) != 0)
		fine = failed(my.dir, "", problem);
	my.count = 0;
	filter_delivered(delivered);
	return fine;
}

static enum verdict deliver(struct event *ev)
{
	struct problem problem = { .line = 0 };
	struct waiting *w;

	if (my.count == HELD && !flush(&problem)) {
		filter_fail(EXIT_IO, &problem);
		return MERGE;
	}
	buf_clear(&my.text);
	if (!export_event(&my.export, ev, &my.text))
		return REJECT;
	w = &my.waiting[my.count];
	if (!make_file(w) || !write_all(w->fd, my.text.at, my.text.len)) {
		failed(my.tmp, w->first, &problem);
		filter_fail(EXIT_IO, &problem);
		if (w->fd >= 0) {
			close(w->fd);
			unlinkat(my.tmp_fd, w->first, 0);
		}
		return MERGE;
	}
	my.count++;
	return MERGE;
}

static void idle(void)
{
	struct problem problem = { .line = 0 };

	if (my.count && !flush(&problem))
		filter_fail(EXIT_IO, &problem);
}

static bool barrier(const struct batch *batch, struct problem *problem)
{
	(void)batch;
	return flush(problem);
}

/* Opens the folder, made where it is not there: its last part only. */
static int open_folder(const char *path, struct problem *problem)
{
	int fd;

	if (mkdir(path, 0755) != 0 && errno != EEXIST) {
		problem_at(problem, path, 0, 0, "%s", strerror(errno));
		return -1;
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		problem_at(problem, path, 0, 0, "%s", strerror(errno));
	return fd;
}

static bool start(struct problem *problem)
{
	struct stat dir, tmp;

	if (!my.dir || !my.tmp)
		return problem_set(problem, "--dir and --tmp are needed");
	if (strchr(my.suffix, '/') || strlen(my.suffix) > 32)
		return problem_set(problem, "--suffix: at most 32 bytes, no slash");
	if (!export_start(&my.export, problem))
		return false;
	if ((my.dir_fd = open_folder(my.dir, problem)) < 0 || (my.tmp_fd = open_folder(my.tmp, problem)) < 0)
		return false;
	if (fstat(my.dir_fd, &dir) != 0 || fstat(my.tmp_fd, &tmp) != 0 || dir.st_dev != tmp.st_dev)
		return problem_set(problem, "--tmp: not in the file system of --dir");
	if (gethostname(my.host, sizeof my.host) != 0)
		snprintf(my.host, sizeof my.host, "localhost");
	my.host[sizeof my.host - 1] = '\0';
	for (char *p = my.host; *p; p++)
		if (*p == '/')
			*p = '_';
	return true;
}

static void stop(void)
{
	for (size_t i = 0; i < my.count; i++) {
		close(my.waiting[i].fd);
		unlinkat(my.tmp_fd, my.waiting[i].first, 0);
	}
	if (my.dir_fd >= 0)
		close(my.dir_fd);
	if (my.tmp_fd >= 0)
		close(my.tmp_fd);
	export_stop(&my.export);
	buf_free(&my.text);
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv, &(struct filter){
		.name = "imq-to-files", .module = "intelmq.bots.outputs.files.output", .summary = "make a file of each event",
		.options = options, .sink = true, .start = start, .event = deliver, .idle = idle, .barrier = barrier, .stop = stop });
}
