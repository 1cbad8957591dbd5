#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "alloc.h"
#include "unpack.h"

enum {
	BLOCK = 256 * 1024, /* bytes asked of read(), and the usual size of the buffers */
	LONG_SHOWN = 4096,  /* bytes kept of a line that is too long */
};

void reader_init(struct reader *r, char *const *files, size_t max_record)
{
	static char dash[] = "-";
	static char *const only_stdin[] = { dash, NULL };

	*r = (struct reader){ .files = files && *files ? files : only_stdin, .fd = -1, .max_record = max_record,
		.file = "-" };
}

static void close_file(struct reader *r)
{
	unpack_free(r->unpacker);
	r->unpacker = NULL;
	if (r->fd > STDIN_FILENO)
		close(r->fd);
	r->fd = -1;
}

void reader_free(struct reader *r)
{
	close_file(r);
	buf_free(&r->buffer);
}

static bool open_next(struct reader *r)
{
	r->file = *r->files++;
	r->line = 0;
	r->end = r->probed = r->skipping = false;
	r->fd = strcmp(r->file, "-") == 0 ? STDIN_FILENO : open(r->file, O_RDONLY | O_CLOEXEC);
	return r->fd >= 0 || problem_set(&r->problem, "%s: %s", r->file, strerror(errno));
}

static bool readable(int fd)
{
	struct pollfd watch = { .fd = fd, .events = POLLIN };

	return poll(&watch, 1, 0) != 0;
}

void reader_wait(const struct reader *r, int timeout)
{
	struct pollfd watch = { .fd = r->fd, .events = POLLIN };

	poll(&watch, 1, timeout);
}

int reader_fd(const struct reader *r)
{
	return r->end ? -1 : r->fd;
}

/* Drops what has been handed out, and the memory of an unusually long record. */
static void compact(struct reader *r)
{
	size_t left = r->buffer.len - r->at;

	if (r->at == 0)
		return;
	if (left)
		memmove(r->buffer.at, r->buffer.at + r->at, left);
	r->buffer.len = left;
	r->at = 0;
	if (r->buffer.cap > 4 * BLOCK && left <= BLOCK) {
		r->buffer.at = alloc_resize(r->buffer.at, 2 * BLOCK, 1);
		r->buffer.cap = 2 * BLOCK;
	}
}

/* One read into the buffer. READER_RECORD: there is more now, or r->end is set. */
static enum reader_state fill(struct reader *r)
{
	char *room;
	ssize_t n;

	compact(r);
	room = buf_room(&r->buffer, BLOCK);
	if (r->unpacker) {
		n = unpack_read(r->unpacker, room, BLOCK, &r->problem);
		if (n < 0)
			return READER_FAILED;
	} else {
		if (!readable(r->fd))
			return READER_WAIT;
		n = read(r->fd, room, BLOCK);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			return READER_WAIT;
		if (n < 0) {
			problem_set(&r->problem, "%s: %s", r->file, strerror(errno));
			return READER_FAILED;
		}
	}
	r->buffer.len += (size_t)n;
	r->end = n == 0;
	if (!r->probed) {
		enum unpack_guess guess = unpack_guess(buf_view(&r->buffer));

		if (guess == UNPACK_UNSURE && !r->end)
			return READER_RECORD;
		r->probed = true;
		if (guess == UNPACK_YES) {
			r->unpacker = unpack_new(buf_view(&r->buffer), r->fd, &r->problem);
			buf_clear(&r->buffer);
			r->end = false;
			if (!r->unpacker)
				return READER_FAILED;
		}
	}
	return READER_RECORD;
}

static enum reader_state give_up_file(struct reader *r)
{
	close_file(r);
	r->end = true;
	r->at = r->searched = 0;
	buf_clear(&r->buffer);
	return READER_FAILED;
}

/* Makes sure a file is open. READER_RECORD: it is. */
static enum reader_state ensure_open(struct reader *r)
{
	if (r->fd >= 0)
		return READER_RECORD;
	if (!*r->files)
		return READER_END;
	return open_next(r) ? READER_RECORD : READER_FAILED;
}

/* Reads on, in the next file if need be. */
static enum reader_state more(struct reader *r)
{
	enum reader_state state = ensure_open(r);

	if (state == READER_RECORD)
		state = fill(r);
	return state == READER_FAILED && r->fd >= 0 ? give_up_file(r) : state;
}

static enum reader_state hand_out(struct reader *r, size_t length, size_t with_feed, struct text *record)
{
	*record = (struct text){ r->buffer.at + r->at, length };
	r->at += with_feed;
	r->searched = 0;
	r->unended = with_feed == length;
	r->line++;
	if (length > r->max_record) {
		if (length > LONG_SHOWN)
			record->len = LONG_SHOWN;
		return READER_LONG;
	}
	return length ? READER_RECORD : READER_BARRIER;
}

enum reader_state reader_next(struct reader *r, struct text *record)
{
	for (;;) {
		size_t left = r->buffer.len - r->at;
		const char *start = buf_view(&r->buffer).at + r->at, *feed; /* there may be no buffer yet */
		enum reader_state state;

		feed = left > r->searched ? memchr(start + r->searched, '\n', left - r->searched) : NULL;
		if (feed && r->probed) {
			size_t length = (size_t)(feed - start);

			if (r->skipping) {
				r->skipping = false;
				r->at += length + 1;
				r->searched = 0;
				continue;
			}
			return hand_out(r, length, length + 1, record);
		}
		r->searched = left;
		if (r->end && r->fd >= 0) {
			bool whole = left && !r->skipping;

			close_file(r);
			if (whole)
				return hand_out(r, left, left, record);
			r->at = r->searched = 0;
			buf_clear(&r->buffer);
		}
		if (r->skipping || left > r->max_record) {
			bool first = !r->skipping;

			r->skipping = true;
			if (first) {
				/* What follows is thrown away as it comes; the beginning is handed out now. */
				return hand_out(r, left, left, record);
			}
			r->at = r->buffer.len;
			r->searched = 0;
		}
		state = more(r);
		if (state != READER_RECORD)
			return state;
	}
}

enum reader_state reader_block(struct reader *r, struct text *block)
{
	for (;;) {
		enum reader_state state;

		if (r->probed && r->buffer.len > r->at) {
			*block = (struct text){ r->buffer.at + r->at, r->buffer.len - r->at };
			r->at = r->buffer.len;
			return READER_RECORD;
		}
		if (r->end && r->fd >= 0)
			close_file(r);
		state = more(r);
		if (state != READER_RECORD)
			return state;
	}
}

void reader_unread(struct reader *r)
{
	r->at = r->searched = 0;
}

void writer_init(struct writer *w, int fd)
{
	*w = (struct writer){ .fd = fd };
}

void writer_free(struct writer *w)
{
	buf_free(&w->buffer);
}

bool write_all(int fd, const char *bytes, size_t n)
{
	while (n) {
		ssize_t done = write(fd, bytes, n);

		if (done < 0 && errno == EAGAIN) {
			struct pollfd watch = { .fd = fd, .events = POLLOUT };

			poll(&watch, 1, -1);
			continue;
		}
		if (done < 0 && errno != EINTR)
			return false;
		if (done > 0) {
			bytes += done;
			n -= (size_t)done;
		}
	}
	return true;
}

bool writer_flush(struct writer *w)
{
	if (!w->failure && w->buffer.len && !write_all(w->fd, w->buffer.at, w->buffer.len))
		w->failure = errno;
	w->bytes += w->buffer.len;
	if (w->buffer.cap > 4 * BLOCK)
		buf_free(&w->buffer);
	buf_clear(&w->buffer);
	return !w->failure;
}

void writer_added(struct writer *w)
{
	if (w->buffer.len >= BLOCK / 2)
		writer_flush(w);
}
