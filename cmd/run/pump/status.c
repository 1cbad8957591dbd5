/* How a pump is doing, in a file for `imq status`: one JSON object, replaced as a whole. Losing it harms nobody: it is not synced. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "pump.h"
#include "stream.h"
#include "when.h"

static void add_time(struct buf *out, const char *key, int64_t when)
{
	buf_printf(out, ",\"%s\":\"", key);
	when_write(out, when - when % SECOND);
	buf_char(out, '"');
}

static bool replace(const char *path, struct text text)
{
	struct buf temporary = BUF_INIT;
	bool fine;
	int fd;

	buf_printf(&temporary, "%s.new", path);
	fd = open(buf_cstr(&temporary), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	fine = fd >= 0 && write_all(fd, text.at, text.len);
	if (fd >= 0)
		fine = close(fd) == 0 && fine && rename(temporary.at, path) == 0;
	buf_free(&temporary);
	return fine;
}

void status_write(struct status *s, const char *from, const struct counts *counts, long long batch, unsigned long long restarts,
	struct queue *source, struct spool *spool)
{
	struct problem ignored = { .line = 0 };
	long long waiting, in_flight, remote = 0;
	struct buf out = BUF_INIT;

	if (!s->path)
		return;
	s->written = clock_steady();
	buf_printf(&out, "{\"pid\":%ld,\"from\":", (long)getpid());
	buf_json(&out, text_of(from));
	add_time(&out, "started", s->started);
	add_time(&out, "updated", clock_now());
	buf_printf(&out, ",\"in\":%llu,\"out\":%llu,\"batch\":%lld,\"restarts\":%llu", (unsigned long long)counts->in,
		(unsigned long long)counts->out, batch, restarts);
	if (queue_count(source, &waiting, &in_flight, &ignored)) {
		if (spool && !spool_count(spool, &remote, &ignored))
			remote = 0;
		buf_printf(&out, ",\"waiting\":%lld", waiting + remote);
		if (spool)
			buf_printf(&out, ",\"spooled\":%lld", waiting);
	}
	if (s->error[0]) {
		buf_string(&out, ",\"error\":");
		buf_json(&out, text_of(s->error));
		add_time(&out, "error_time", s->error_time);
	}
	buf_string(&out, "}\n");
	if (!replace(s->path, buf_view(&out)) && !s->failed) {
		s->failed = true;
		log_message("%s: %s", s->path, strerror(errno));
	}
	buf_free(&out);
}

bool status_due(const struct status *s)
{
	return s->path && clock_steady() - s->written >= SECOND;
}

void status_error(struct status *s, const char *text)
{
	snprintf(s->error, sizeof s->error, "%s", text);
	s->error_time = clock_now();
}
