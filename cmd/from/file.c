/* imq-from-file: the files of a directory as reports. A file that another program has locked is being written: it is left for the next
 * time. One is only deleted after its bytes have been written to stdout, and if it still is what was read. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "log.h"
#include "source.h"

enum { BLOCK = 64 * 1024 };

static struct {
	const char *path, *postfix;
	bool delete_file;
	struct source source;
	char **names;
	size_t count, cap;
	char *directory; /* absolute */
} my;

static const struct opt options[] = {
	OPT_TEXT('d', "path", &my.path, "/tmp/", "the directory"),
	OPT_TEXT('p', "postfix", &my.postfix, ".csv", "how names of wanted files end, a shell pattern"),
	OPT_BOOL(0, "delete-file", &my.delete_file, false, "delete each file once it has been written out"),
	SOURCE_OPTIONS(&my.source),
	OPT_END
};

static bool system_problem(struct problem *problem, const char *path)
{
	return problem_at(problem, path, 0, 0, "%s", strerror(errno));
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names wanted, sorted, so that two runs over the same files say the same. */
static bool list_names(struct problem *problem)
{
	struct buf pattern = BUF_INIT;
	struct dirent *entry;
	DIR *dir = opendir(my.path);

	if (!dir)
		return system_problem(problem, my.path);
	buf_printf(&pattern, "*%s", my.postfix);
	while (errno = 0, (entry = readdir(dir))) {
		if (fnmatch(buf_cstr(&pattern), entry->d_name, 0) != 0)
			continue;
		alloc_grow(&my.names, &my.cap, my.count + 1, sizeof *my.names);
		my.names[my.count++] = alloc_string(text_of(entry->d_name));
	}
	if (errno)
		system_problem(problem, my.path);
	closedir(dir);
	buf_free(&pattern);
	if (my.count)
		qsort(my.names, my.count, sizeof *my.names, by_name);
	return !problem->text[0];
}

static void give_up_item(void)
{
	source_abort(&my.source, text_of(strerror(errno)));
}

/* Hands the file's bytes on. Returns how many there were, -1 if reading failed. */
static long long read_all(int fd)
{
	static char block[BLOCK];
	long long total = 0;
	ssize_t n;

	while ((n = read(fd, block, sizeof block)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			give_up_item();
			return -1;
		}
		total += n;
		if (!source_bytes(&my.source, (struct text){ block, (size_t)n }))
			return -1;
	}
	return total;
}

/* Another program may have put a new file in its place, or have added to it. */
static void delete_read(const char *path, const struct stat *was, long long size)
{
	struct problem problem = { .line = 0 };
	struct stat now;

	if (stat(path, &now) != 0 || now.st_dev != was->st_dev || now.st_ino != was->st_ino || now.st_size != size) {
		log_message("%s: changed while it was read, not deleted", path);
		return;
	}
	if (unlink(path) != 0) {
		system_problem(&problem, path);
		source_fail(&my.source, EXIT_IO, &problem);
	}
}

/* file://localhost with the absolute path; bytes that are no UTF-8 would make no legal text. */
static void begin(const char *path, const char *name)
{
	struct buf url = BUF_INIT;

	buf_printf(&url, "file://localhost%s/%s", strcmp(my.directory, "/") == 0 ? "" : my.directory, name);
	source_begin(&my.source, &(struct source_item){ .label = path, .url = buf_view(&url), .file_name = text_of(name) });
	buf_free(&url);
}

static void handle_open(int fd, const char *path, const char *name)
{
	struct stat was;
	long long size;

	if (fstat(fd, &was) != 0 || !S_ISREG(was.st_mode))
		return;
	if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
		log_message("%s: locked by another program, skipped", path);
		return;
	}
	begin(path, name);
	size = read_all(fd);
	if (size >= 0 && source_finish(&my.source) && my.delete_file)
		delete_read(path, &was, size);
}

static void handle_file(const char *name)
{
	struct buf path = BUF_INIT;
	int fd;

	buf_printf(&path, "%s%s%s", my.path, text_ends(text_of(my.path), TEXT("/")) ? "" : "/", name);
	/* O_NONBLOCK: a FIFO without a writer must not hold us up. */
	fd = open(buf_cstr(&path), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd >= 0) {
		handle_open(fd, buf_cstr(&path), name);
		close(fd);
	} else if (errno != ENOENT && errno != ENXIO) {
		begin(buf_cstr(&path), name);
		give_up_item();
	}
	buf_free(&path);
}

static bool start(struct problem *problem)
{
	if (!*my.postfix && my.delete_file)
		return problem_set(problem, "--delete-file without --postfix would delete every file in %s", my.path);
	if (!*my.postfix)
		log_message("no --postfix: all files in %s", my.path);
	my.directory = realpath(my.path, NULL);
	return my.directory ? list_names(problem) : system_problem(problem, my.path);
}

int main(int argc, char **argv)
{
	struct command command = { .name = "imq-from-file", .modules = "intelmq.bots.collectors.file.collector_file",
		.summary = "read the files of a directory", .operands = "", .options = options, .common = run_options,
		.rate_limit = 300 };
	struct problem problem = { .line = 0 };
	int status;

	if (!source_start(&my.source, &command, argc, argv, &status))
		return status;
	if (!start(&problem))
		source_fail(&my.source, EXIT_USAGE, &problem);
	for (size_t i = 0; i < my.count && source_wanted(&my.source); i++)
		handle_file(my.names[i]);
	for (size_t i = 0; i < my.count; i++)
		free(my.names[i]);
	free(my.names);
	free(my.directory);
	return source_end(&my.source);
}
