#include "database.h"

#include <archive.h>
#include <archive_entry.h>
#include <curl/curl.h>
#include <errno.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "replace.h"
#include "stream.h"

enum { BLOCK = 65536 };

/* One database on its way. */
struct download {
	struct database *d;
	const struct database_file *file;
	int raw; /* what came; its file has no name */
	struct replace made;
	size_t received;
	int failure;    /* errno of writing what came */
	time_t changed; /* what the server said; -1: nothing */
	bool not_modified;
};

static bool ask(struct database *d, const struct http_request *request, struct http_reply *reply, struct problem *problem)
{
	int shown = (int)strcspn(request->url, "?");

	if (http_fetch(&d->http, request, reply, problem))
		return true;
	if (reply->error)
		return problem_set(problem, "%.*s: %s", shown, request->url, reply->error);
	if (reply->status)
		return problem_set(problem, "%.*s: HTTP status %ld", shown, request->url, reply->status);
	return problem_set(problem, "%.*s: told to stop", shown, request->url);
}

bool database_page(struct database *d, const char *url, struct http_reply *reply, struct problem *problem)
{
	return ask(d, &(struct http_request){ .url = url }, reply, problem);
}

static bool keep_bytes(void *context, const struct http_reply *reply, struct text bytes)
{
	struct download *l = context;

	(void)reply;
	if (bytes.len > l->d->http.max_reply - l->received) {
		l->failure = EFBIG;
		return false;
	}
	l->received += bytes.len;
	if (!write_all(l->raw, bytes.at, bytes.len))
		l->failure = errno;
	return !l->failure;
}

/* Fills in the header that asks for nothing older than the file, if it is good. */
static const char *condition(const struct database_file *file, char *out, size_t size)
{
	struct problem unused = { .line = 0 };
	struct stat st;
	struct tm tm;

	if (stat(file->path, &st) < 0 || !file->check(file->path, &unused) || !gmtime_r(&st.st_mtime, &tm) ||
		!strftime(out, size, "If-Modified-Since: %a, %d %b %Y %H:%M:%S GMT", &tm))
		return NULL;
	return out;
}

static enum exit_status receive(struct download *l, struct problem *problem)
{
	enum { MOST_HEADERS = 8 };
	const char *headers[MOST_HEADERS + 2] = { NULL };
	char since[80];
	size_t n = 0;
	struct http_reply reply;
	struct http_request request = { .url = l->file->url, .headers = headers, .chunk = keep_bytes, .context = l };

	for (const char *const *h = l->file->headers; h && *h && n < MOST_HEADERS; h++)
		headers[n++] = *h;
	headers[n] = condition(l->file, since, sizeof since);
	if (!ask(l->d, &request, &reply, problem)) {
		if (reply.status == 401 && l->file->refused) {
			problem_set(problem, "%s", l->file->refused);
			return EXIT_USAGE;
		}
		if (!l->failure)
			return EXIT_REMOTE;
		if (l->failure == EFBIG)
			problem_set(problem, "the answer is longer than %zu bytes (--max-reply)", l->d->http.max_reply);
		else
			problem_at(problem, l->file->path, 0, 0, "%s", strerror(l->failure));
		return l->failure == EFBIG ? EXIT_REMOTE : EXIT_IO;
	}
	l->not_modified = reply.status == 304;
	l->changed = reply.last_modified ? curl_getdate(reply.last_modified, NULL) : -1;
	return EXIT_FINE;
}

/* Appends the file that ENTRY begins to the new file. */
static bool copy_member(struct archive *a, struct writer *out, struct problem *problem)
{
	char block[BLOCK];
	la_ssize_t n;

	while ((n = archive_read_data(a, block, sizeof block)) > 0) {
		buf_add(&out->buffer, block, (size_t)n);
		writer_added(out);
	}
	return n == 0 || problem_set(problem, "cannot unpack: %s", archive_error_string(a));
}

/* Finds the member called NAME, or the only file, and copies it. */
static bool unpack_member(int in, struct writer *out, const char *name, struct problem *problem)
{
	struct archive *a = archive_read_new();
	struct archive_entry *entry;
	bool fine = false, found = false;
	int status = ARCHIVE_FATAL;

	archive_read_support_filter_all(a);
	archive_read_support_format_tar(a);
	archive_read_support_format_raw(a);
	if (archive_read_open_fd(a, in, BLOCK) == ARCHIVE_OK)
		while (!found && ((status = archive_read_next_header(a, &entry)) == ARCHIVE_OK || status == ARCHIVE_WARN)) {
			const char *path = archive_entry_pathname(entry);

			found = archive_format(a) == ARCHIVE_FORMAT_RAW || (path && strstr(path, name));
			if (found)
				fine = copy_member(a, out, problem);
		}
	if (!found && status == ARCHIVE_EOF)
		problem_set(problem, "no %s in the archive", name);
	else if (!found)
		problem_set(problem, "cannot unpack: %s", archive_error_string(a));
	archive_read_free(a);
	return fine;
}

static bool copy(int in, struct writer *out, struct problem *problem)
{
	char block[BLOCK];
	ssize_t n;

	while ((n = read(in, block, sizeof block)) > 0) {
		buf_add(&out->buffer, block, (size_t)n);
		writer_added(out);
	}
	return n == 0 || problem_set(problem, "%s", strerror(errno));
}

/* Turns what came into a file beside the old one. False with PROBLEM, or l->failure where the disk is to blame. */
static bool make_file(struct download *l, struct problem *problem)
{
	struct writer out;
	bool fine;

	writer_init(&out, l->made.fd);
	if (lseek(l->raw, 0, SEEK_SET) < 0)
		fine = problem_set(problem, "%s", strerror(errno));
	else if (l->file->member)
		fine = unpack_member(l->raw, &out, l->file->member, problem);
	else
		fine = (l->file->convert ? l->file->convert : copy)(l->raw, &out, problem);
	writer_flush(&out);
	l->failure = out.failure;
	writer_free(&out);
	return fine && !l->failure;
}

/* What comes goes to a file without a name; only what is made of it gets one. */
static bool open_files(struct download *l, struct problem *problem)
{
	struct replace raw;

	if (replace_open(&raw, l->file->path)) {
		l->raw = dup(raw.fd);
		replace_abandon(&raw);
		if (l->raw >= 0 && replace_open(&l->made, l->file->path))
			return true;
	}
	return problem_at(problem, l->file->path, 0, 0, "%s", strerror(errno));
}

/* With what came: checks it, and puts it in place. */
static enum exit_status take_in(struct download *l, struct problem *problem)
{
	struct problem why = { .line = 0 };

	if (!make_file(l, &why) || !l->file->check(l->made.new_path.at, &why)) {
		if (l->failure) {
			problem_at(problem, l->file->path, 0, 0, "%s", strerror(l->failure));
			return EXIT_IO;
		}
		problem_set(problem, "%.*s: not a database, the old one stays: %s", (int)strcspn(l->file->url, "?"), l->file->url,
			why.text);
		return EXIT_REMOTE;
	}
	if (!replace_commit(&l->made, l->changed)) {
		problem_at(problem, l->file->path, 0, 0, "%s", strerror(errno));
		return EXIT_IO;
	}
	return EXIT_FINE;
}

enum exit_status database_fetch(struct database *d, const struct database_file *file)
{
	struct download l = { .d = d, .file = file, .raw = -1, .made.fd = -1 };
	struct problem problem = { .line = 0 };
	enum exit_status status = EXIT_IO;

	if (open_files(&l, &problem))
		status = receive(&l, &problem);
	if (status == EXIT_FINE && !l.not_modified)
		status = take_in(&l, &problem);
	if (status != EXIT_FINE)
		log_problem(&problem);
	else if (d->verbose)
		log_message("%s: %s", file->path, l.not_modified ? "there is no newer one" : "updated");
	replace_abandon(&l.made);
	if (l.raw >= 0)
		close(l.raw);
	return status;
}

static bool update_instead(void *self, const struct filter *filter, enum exit_status *status)
{
	struct database *d = self;
	struct problem problem = { .line = 0 };

	if (!d->update)
		return false;
	*status = EXIT_FINE;
	if (!d->autoupdate) {
		if (d->verbose)
			log_message("autoupdate_cached_database is off: nothing is fetched");
	} else if (!http_start(&d->http, &problem)) {
		log_problem(&problem);
		*status = EXIT_USAGE;
	} else {
		*status = filter->update();
	}
	http_stop(&d->http);
	return true;
}

const struct mixin database_mixin = { .name = "database", .instead = update_instead };
