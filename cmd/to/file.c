/* imq-to-file: events appended to files, one a line. Lines are gathered and written whole, so several writers may share a file; a
 * barrier goes on once everything before it is on disk. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "export.h"
#include "filter.h"
#include "log.h"
#include "name_template.h"
#include "stream.h"

enum { OPEN_FILES = 64, GATHER = 128 * 1024 };

struct output {
	struct buf path;
	int fd;
	bool regular, written, created; /* since the last fsync() */
	struct buf lines;
	uint64_t used; /* the clock of the list: the smallest goes first */
};

static struct {
	const char *file;
	bool format_filename;
	int encoding_errors;
	size_t rotate_size;
	long long rotate_keep;
	struct export export;
	struct name_template *template;
	struct output outputs[OPEN_FILES];
	size_t count;
	uint64_t clock;
	struct output *last;
	struct buf path;
} my;

static const char *const modes[] = { "strict", "ignore", "replace", "backslashreplace", "xmlcharrefreplace", "namereplace",
	"surrogateescape", "surrogatepass", NULL };

static const struct opt options[] = {
	OPT_FILE('f', "file", &my.file, "append to FILE; missing directories are made"),
	OPT_BOOL(0, "format-filename", &my.format_filename, false, "the name of the file has {event[FIELD]} in it"),
	OPT_BYTES(0, "rotate-size", &my.rotate_size, "0", "a file of that size becomes FILE.1, and a new one is begun (0: never)"),
	OPT_INTEGER(0, "rotate-keep", &my.rotate_keep, "10", "so many old files are kept"),
	EXPORT_OPTIONS(&my.export),
	OPT_CHOICE(0, "encoding-errors-mode", &my.encoding_errors, modes, "strict", "without effect: events are always UTF-8"),
	OPT_END
};

static bool system_problem(struct problem *problem, struct output *o)
{
	return problem_at(problem, buf_cstr(&o->path), 0, 0, "%s", strerror(errno));
}

/* ---- one file ---- */

/* Makes the directories above PATH, which is as it was afterwards. */
static bool make_directories(char *path)
{
	for (char *p = path + 1; *p; p++) {
		bool fine;

		if (*p != '/')
			continue;
		*p = '\0';
		fine = mkdir(path, 0755) == 0 || errno == EEXIST;
		*p = '/';
		if (!fine)
			return false;
	}
	return true;
}

/* A writer that was killed may have left half a line: ours must not become its end. */
static void end_broken_line(struct output *o)
{
	struct stat st;
	char last;
	int fd = open(buf_cstr(&o->path), O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && st.st_size > 0 && pread(fd, &last, 1, st.st_size - 1) == 1 && last != '\n')
		buf_char(&o->lines, '\n');
	close(fd);
}

/* With a name from events only plain files will do: opening others may wait for ever, or do anything. */
static bool open_output(struct output *o, struct problem *problem)
{
	int flags = O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY | (my.template ? O_NONBLOCK : 0);
	const char *path = buf_cstr(&o->path);
	struct stat st;

	o->fd = open(path, flags | O_CREAT | O_EXCL, 0644);
	if (o->fd < 0 && errno == ENOENT && make_directories(o->path.at))
		o->fd = open(path, flags | O_CREAT | O_EXCL, 0644);
	o->created = o->fd >= 0;
	if (o->fd < 0 && errno == EEXIST)
		o->fd = open(path, flags | O_CREAT, 0644);
	if (o->fd < 0 || fstat(o->fd, &st) != 0)
		return system_problem(problem, o);
	o->regular = S_ISREG(st.st_mode);
	if (my.template && !o->regular) {
		close(o->fd);
		o->fd = -1;
		errno = 0;
		return problem_at(problem, path, 0, 0, "not a regular file");
	}
	if (o->regular)
		end_broken_line(o);
	return true;
}

/* The disk is full: what there is of the last line goes, if nobody has written behind it. */
static void cut_broken_line(struct output *o, size_t written)
{
	struct text done = { o->lines.at, written };
	const char *end = memrchr(done.at, '\n', done.len);
	size_t partial = end ? done.len - (size_t)(end - done.at) - 1 : done.len;
	struct stat st;

	if (o->regular && partial && fstat(o->fd, &st) == 0 && lseek(o->fd, 0, SEEK_CUR) == st.st_size &&
		ftruncate(o->fd, st.st_size - (off_t)partial) != 0)
		log_message("%s: half a line is left at its end: %s", buf_cstr(&o->path), strerror(errno));
}

static bool write_lines(struct output *o, struct problem *problem)
{
	size_t at = 0;

	while (at < o->lines.len) {
		ssize_t n = write(o->fd, o->lines.at + at, o->lines.len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			system_problem(problem, o);
			cut_broken_line(o, at);
			buf_clear(&o->lines);
			return false;
		}
		o->written = true;
		at += (size_t)n;
	}
	if (o->lines.cap > 4 * GATHER)
		buf_free(&o->lines);
	buf_clear(&o->lines);
	return true;
}

static bool sync_directory(struct output *o)
{
	const char *slash = memrchr(o->path.at, '/', o->path.len);
	char *name = slash ? alloc_string((struct text){ o->path.at, (size_t)(slash - o->path.at) + 1 }) : NULL;
	int fd = open(name ? name : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool fine = fd < 0 || fsync(fd) == 0 || errno == EINVAL;

	if (fd >= 0)
		close(fd);
	free(name);
	return fine;
}

/* Pipes and devices cannot be synced, and need not be. */
static bool sync_output(struct output *o, struct problem *problem)
{
	if (o->fd < 0)
		return true;
	if (!write_lines(o, problem))
		return false;
	if (o->written && o->regular && fsync(o->fd) != 0)
		return system_problem(problem, o);
	if (o->created && !sync_directory(o))
		return system_problem(problem, o);
	o->written = o->created = false;
	return true;
}

static bool close_output(struct output *o, struct problem *problem)
{
	bool fine = sync_output(o, problem);

	if (o->fd >= 0 && close(o->fd) != 0 && fine)
		fine = system_problem(problem, o);
	o->fd = -1;
	return fine;
}

/* FILE.1 becomes FILE.2 and so on, the last one goes, and FILE becomes FILE.1. */
static bool shift_names(struct output *o)
{
	struct buf from = BUF_INIT, to = BUF_INIT;
	bool fine = true;

	for (long long i = my.rotate_keep - 1; i >= 0 && fine; i--) {
		buf_clear(&from);
		buf_clear(&to);
		buf_text(&from, buf_view(&o->path));
		if (i)
			buf_printf(&from, ".%lld", i);
		buf_printf(&to, "%s.%lld", buf_cstr(&o->path), i + 1);
		fine = rename(buf_cstr(&from), buf_cstr(&to)) == 0 || errno == ENOENT;
	}
	buf_free(&from);
	buf_free(&to);
	return fine;
}

/* Begins a new file where this one has become long enough. */
static bool rotate(struct output *o, struct problem *problem)
{
	struct stat st;

	if (!my.rotate_size || !o->regular || fstat(o->fd, &st) != 0 || (size_t)st.st_size < my.rotate_size)
		return true;
	if (!close_output(o, problem))
		return false;
	my.last = NULL;
	if (!shift_names(o))
		return system_problem(problem, o);
	return open_output(o, problem);
}

/* ---- the open files ---- */

/* Room in the list: a new place, or that of the file not written to for longest. */
static struct output *make_room(struct problem *problem)
{
	struct output *oldest = &my.outputs[0];

	if (my.count < OPEN_FILES) {
		my.outputs[my.count].fd = -1;
		return &my.outputs[my.count++];
	}
	for (size_t i = 1; i < OPEN_FILES; i++)
		if (my.outputs[i].used < oldest->used)
			oldest = &my.outputs[i];
	return close_output(oldest, problem) ? oldest : NULL;
}

/* The open file called my.path. NULL: it cannot be opened (*FATAL: no other can be closed). */
static struct output *output_for_path(struct problem *problem, bool *fatal)
{
	struct output *o;

	*fatal = false;
	if (my.last && my.last->fd >= 0 && text_eq(buf_view(&my.last->path), buf_view(&my.path)))
		return my.last;
	for (size_t i = 0; i < my.count; i++)
		if (my.outputs[i].fd >= 0 && text_eq(buf_view(&my.outputs[i].path), buf_view(&my.path)))
			return my.last = &my.outputs[i];
	my.last = NULL;
	if (!(o = make_room(problem))) {
		*fatal = true;
		return NULL;
	}
	buf_clear(&o->lines);
	buf_clear(&o->path);
	buf_text(&o->path, buf_view(&my.path));
	o->used = 0;
	return open_output(o, problem) ? my.last = o : NULL;
}

static enum verdict append(struct event *ev)
{
	struct problem problem = { .line = 0 };
	struct output *o;
	size_t before;
	bool fatal;

	if (my.template) {
		buf_clear(&my.path);
		name_template_write(my.template, ev, &my.path);
	}
	if (!(o = output_for_path(&problem, &fatal))) {
		/* A name that this event makes impossible is its own fault; a full disk or the one file is not. */
		if (my.template && !fatal && errno != ENOSPC && errno != EMFILE && errno != ENFILE) {
			event_mark(ev, "%s: %s", problem.file, problem.text);
			return REJECT;
		}
		filter_fail(EXIT_IO, &problem);
		event_mark(ev, "%s: %s", problem.file, problem.text);
		return REJECT;
	}
	o->used = ++my.clock;
	before = o->lines.len;
	if (!export_event(&my.export, ev, &o->lines)) {
		o->lines.len = before;
		return REJECT;
	}
	buf_char(&o->lines, '\n');
	if (o->lines.len >= GATHER && !(write_lines(o, &problem) && rotate(o, &problem)))
		filter_fail(EXIT_IO, &problem);
	return PASS;
}

static void write_all_lines(void)
{
	struct problem problem = { .line = 0 };

	for (size_t i = 0; i < my.count; i++)
		if (my.outputs[i].fd >= 0 && !(write_lines(&my.outputs[i], &problem) && rotate(&my.outputs[i], &problem)))
			filter_fail(EXIT_IO, &problem);
}

static bool barrier(const struct batch *batch, struct problem *problem)
{
	bool fine = true;

	(void)batch;
	for (size_t i = 0; i < my.count; i++)
		fine = sync_output(&my.outputs[i], problem) && (my.outputs[i].fd < 0 || rotate(&my.outputs[i], problem)) && fine;
	return fine;
}

static bool open_fixed(struct problem *problem)
{
	bool fatal;

	return my.template || output_for_path(problem, &fatal);
}

/* After a rotation: the names may belong to new files. */
static bool reopen(struct problem *problem)
{
	for (size_t i = 0; i < my.count; i++)
		if (!close_output(&my.outputs[i], problem))
			filter_fail(EXIT_IO, problem);
	my.last = NULL;
	my.count = my.template ? my.count : 0;
	return open_fixed(problem);
}

static bool start(struct problem *problem)
{
	if (!my.file || !*my.file)
		return problem_set(problem, "--file is missing");
	if (my.rotate_keep < 1 || my.rotate_keep > 10000)
		return problem_set(problem, "--rotate-keep: from 1 to 10000");
	if (!export_start(&my.export, problem))
		return false;
	if (my.format_filename && !(my.template = name_template_new(text_of(my.file), problem)))
		return false;
	buf_string(&my.path, my.file);
	return open_fixed(problem);
}

static void stop(void)
{
	for (size_t i = 0; i < OPEN_FILES; i++) {
		if (i < my.count && my.outputs[i].fd >= 0)
			close(my.outputs[i].fd);
		buf_free(&my.outputs[i].path);
		buf_free(&my.outputs[i].lines);
	}
	name_template_free(my.template);
	export_stop(&my.export);
	buf_free(&my.path);
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv, &(struct filter){
		.name = "imq-to-file", .module = "intelmq.bots.outputs.file.output",
		.summary = "append events to files", .options = options, .sink = true, .start = start, .event = append,
		.idle = write_all_lines, .barrier = barrier, .reload = reopen, .stop = stop });
}
