/* The file: read and changed in place, because those who append to it keep it open. A copy lies beside it while it is being changed. */
#include "dump.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "stream.h"
#include "value.h"

struct entry *dump_add(struct dump *d)
{
	alloc_grow(&d->entries, &d->cap, d->count + 1, sizeof *d->entries);
	d->entries[d->count] = (struct entry){ .selected = false };
	return &d->entries[d->count++];
}

struct text dump_keep(struct dump *d, struct text t)
{
	char *copy = arena_bytes(&d->arena, t.len + 1);

	if (t.len)
		memcpy(copy, t.at, t.len);
	copy[t.len] = '\0';
	return (struct text){ copy, t.len };
}

void dump_set_record(struct entry *entry, struct text record)
{
	struct value_error unused;
	struct value v;

	entry->record = record;
	entry->event = record.at && value_parse(record, &v, &unused) && v.kind == VALUE_OBJECT;
}

static bool system_problem(struct dump *d, struct problem *problem)
{
	return problem_at(problem, d->path, 0, 0, "%s", strerror(errno));
}

static bool read_bytes(struct dump *d, struct buf *out, struct problem *problem)
{
	off_t at = 0;
	ssize_t n;

	buf_clear(out);
	while ((n = pread(d->fd, buf_room(out, 1 << 16), 1 << 16, at)) > 0) {
		out->len += (size_t)n;
		at += n;
	}
	return n == 0 || system_problem(d, problem);
}

/* ---- imq's: a line for each ---- */

static struct text base64_record(struct dump *d, struct text base64)
{
	struct buf b = BUF_INIT;
	struct text record = NO_TEXT;

	if (buf_unbase64(&b, base64))
		record = dump_keep(d, buf_view(&b));
	buf_free(&b);
	return record;
}

static void read_place(struct dump *d, struct entry *entry, struct text file, struct text line)
{
	struct buf b = BUF_INIT;

	buf_text(&b, file);
	buf_char(&b, ':');
	buf_text(&b, line);
	entry->place = dump_keep(d, buf_view(&b));
	buf_free(&b);
}

static void read_line(struct dump *d, struct text line)
{
	struct text file = TEXT("-"), number = TEXT("0");
	struct entry *entry = dump_add(d);
	struct value_error error;
	struct value v, key, member;
	struct value_walk walk;

	entry->line = line;
	entry->command = entry->reason = entry->place = TEXT("");
	if (!value_parse(text_trim(line), &v, &error) || v.kind != VALUE_OBJECT) {
		entry->reason = TEXT("this line of the file is no reject");
		return;
	}
	for (walk = value_walk(v); value_next_member(&walk, &key, &member);) {
		struct text name = value_inside(key), text = value_text(member, &d->arena);

		if (text_is(name, "command") && text.at)
			entry->command = text;
		else if (text_is(name, "file") && text.at)
			file = text;
		else if (text_is(name, "line"))
			number = member.raw;
		else if (text_is(name, "reason") && text.at)
			entry->reason = text;
		else if (text_is(name, "record"))
			dump_set_record(entry, member.raw);
		else if (text_is(name, "record_base64") && text.at)
			dump_set_record(entry, base64_record(d, text));
	}
	read_place(d, entry, file, number);
}

/* One line of ours is enough, there may be broken ones before it; IntelMQ's files have none that begins so. */
static bool is_ours(struct text bytes)
{
	static const char start[] = "{\"command\":", later[] = "\n{\"command\":";

	return !text_trim(bytes).len || text_starts(bytes, text_of(start)) ||
	       memmem(bytes.at, bytes.len, later, sizeof later - 1);
}

static bool read_entries(struct dump *d, struct problem *problem)
{
	struct text rest = buf_view(&d->bytes);

	d->intelmq = !is_ours(rest);
	if (d->intelmq)
		return intelmq_read(d, problem);
	while (rest.len) {
		const char *feed = memchr(rest.at, '\n', rest.len);
		struct text line = { rest.at, feed ? (size_t)(feed - rest.at) + 1 : rest.len };

		rest = text_from(rest, line.len);
		if (text_trim(line).len)
			read_line(d, line);
	}
	return true;
}

/* Two locks: the one that writers take for each record, taken while the file is read or changed; and one that only imq-dump knows, as long
 * as it works on the file, so that nothing is replayed twice at once. */
bool dump_open(struct dump *d, const char *path, struct problem *problem)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	bool fine;

	*d = (struct dump){ .path = path, .fd = open(path, O_RDWR | O_CLOEXEC) };
	if (d->fd < 0)
		return system_problem(d, problem);
	if (fcntl(d->fd, F_OFD_SETLK, &whole) != 0)
		return problem_at(problem, path, 0, 0, "another imq-dump is at work on it");
	if (flock(d->fd, LOCK_EX) != 0)
		return system_problem(d, problem);
	fine = read_bytes(d, &d->bytes, problem);
	flock(d->fd, LOCK_UN);
	return fine && read_entries(d, problem);
}

void dump_close(struct dump *d)
{
	if (d->fd >= 0)
		close(d->fd);
	free(d->entries);
	buf_free(&d->bytes);
	arena_free(&d->arena);
}

/* ---- changing it ---- */

/* Writes a copy of the old bytes beside the file, on disk before the file is touched. */
static bool write_copy(const char *copy, struct text bytes, struct problem *problem)
{
	int fd = open(copy, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool fine = fd >= 0 && write_all(fd, bytes.at, bytes.len) && fsync(fd) == 0;

	if (!fine)
		problem_at(problem, copy, 0, 0, "%s", strerror(errno));
	if (fd >= 0)
		close(fd);
	if (fd >= 0 && !fine)
		unlink(copy);
	return fine;
}

static bool overwrite(struct dump *d, struct text bytes)
{
	size_t at = 0;

	while (at < bytes.len) {
		ssize_t n = pwrite(d->fd, bytes.at + at, bytes.len - at, (off_t)at);

		if (n < 0 && errno != EINTR)
			return false;
		at += n > 0 ? (size_t)n : 0;
	}
	return ftruncate(d->fd, (off_t)bytes.len) == 0 && fsync(d->fd) == 0;
}

static bool change(struct dump *d, struct text old, struct text new, struct problem *problem)
{
	struct buf copy = BUF_INIT;
	bool fine;

	buf_printf(&copy, "%s.imq-dump", d->path);
	fine = write_copy(buf_cstr(&copy), old, problem);
	if (fine && !overwrite(d, new)) {
		fine = system_problem(d, problem);
		if (overwrite(d, old))
			unlink(buf_cstr(&copy));
	} else if (fine) {
		unlink(buf_cstr(&copy));
	}
	buf_free(&copy);
	return fine;
}

static void put_without(const struct dump *d, struct text now, const struct entry *entry, struct text record, struct buf *out)
{
	for (size_t i = 0; i < d->count; i++) {
		const struct entry *e = &d->entries[i];

		if (e == entry) {
			size_t place = e->place.len;
			const char *colon = memrchr(e->place.at, ':', place);

			buf_string(out, "{\"command\":");
			buf_json(out, e->command);
			buf_string(out, ",\"file\":");
			buf_json(out, (struct text){ e->place.at, colon ? (size_t)(colon - e->place.at) : place });
			buf_string(out, ",\"line\":");
			buf_text(out, colon ? text_from(e->place, (size_t)(colon - e->place.at) + 1) : TEXT("0"));
			buf_string(out, ",\"reason\":");
			buf_json(out, e->reason);
			buf_string(out, ",\"record\":");
			buf_text(out, record);
			buf_string(out, "}\n");
		} else if (!e->selected || entry) {
			buf_text(out, e->line);
		}
	}
	buf_text(out, text_from(now, d->bytes.len));
}

/* The file, locked by nobody else, now and as it is to be. */
static bool rewrite(struct dump *d, const struct entry *entry, struct text record, struct text more, struct problem *problem)
{
	struct buf now = BUF_INIT, new = BUF_INIT;
	bool fine;

	if (flock(d->fd, LOCK_EX) != 0)
		return system_problem(d, problem);
	fine = read_bytes(d, &now, problem);
	if (fine && d->intelmq) {
		fine = intelmq_rewrite(d, buf_view(&now), entry, record, &new, problem);
	} else if (fine) {
		if (!text_starts(buf_view(&now), buf_view(&d->bytes)))
			fine = problem_at(problem, d->path, 0, 0, "somebody else has changed it meanwhile");
		put_without(d, buf_view(&now), entry, record, &new);
	}
	buf_text(&new, more);
	if (fine && d->intelmq && !new.len)
		fine = unlink(d->path) == 0 || system_problem(d, problem);
	else
		fine = fine && change(d, buf_view(&now), buf_view(&new), problem);
	flock(d->fd, LOCK_UN);
	buf_free(&now);
	buf_free(&new);
	return fine;
}

bool dump_remove(struct dump *d, struct text more, struct problem *problem)
{
	return rewrite(d, NULL, NO_TEXT, more, problem);
}

bool dump_replace(struct dump *d, struct entry *entry, struct text record, struct problem *problem)
{
	return rewrite(d, entry, record, NO_TEXT, problem);
}
