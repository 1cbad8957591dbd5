#include "reject.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "stream.h"
#include "unicode.h"
#include "value.h"

bool rejects_open(struct rejects *r, const char *path, struct problem *problem)
{
	*r = (struct rejects){ .path = path, .fd = -1 };
	if (!path)
		return true;
	r->fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	return r->fd >= 0 || problem_at(problem, path, 0, 0, "%s", strerror(errno));
}

static bool is_object(struct text record)
{
	struct value v;
	struct value_error unused;

	return value_parse(record, &v, &unused) && v.kind == VALUE_OBJECT;
}

/* File names, and what servers say, need not be UTF-8, or may have been cut in the middle of a character. */
static void put_text(struct buf *b, struct text t)
{
	struct buf repaired = BUF_INIT;

	unicode_repair(t, &repaired);
	buf_json(b, buf_view(&repaired));
	buf_free(&repaired);
}

bool rejects_add(struct rejects *r, const char *command, const char *file, long line, struct text reason, struct text record)
{
	struct buf *b = &r->line;
	bool fine;

	if (r->fd < 0)
		return true;
	buf_clear(b);
	buf_printf(b, "{\"command\":\"%s\",\"file\":", command);
	put_text(b, text_of(file));
	buf_printf(b, ",\"line\":%ld,\"reason\":", line);
	put_text(b, reason);
	if (is_object(record)) {
		buf_string(b, ",\"record\":");
		buf_text(b, record);
	} else {
		buf_string(b, ",\"record_base64\":\"");
		buf_base64(b, record.len > REJECT_SHOWN ? (struct text){ record.at, REJECT_SHOWN } : record);
		buf_char(b, '"');
	}
	buf_string(b, "}\n");
	flock(r->fd, LOCK_EX);
	fine = write_all(r->fd, b->at, b->len);
	flock(r->fd, LOCK_UN);
	r->unsynced = true;
	return fine;
}

bool rejects_sync(struct rejects *r)
{
	if (!r->unsynced)
		return true;
	r->unsynced = false;
	/* /dev/null and pipes cannot be synced, and need not be. */
	return fsync(r->fd) == 0 || errno == EINVAL || errno == EROFS;
}

void rejects_close(struct rejects *r)
{
	if (r->fd >= 0)
		close(r->fd);
	buf_free(&r->line);
	r->fd = -1;
}
