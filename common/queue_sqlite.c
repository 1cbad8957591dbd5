/* Queues in a SQLite file. Every record of a queue has a place, counted from 0 and never used again; records lie in chunks of lines, so
 * that a batch is a few large blobs instead of a thousand rows. A queue's row says where it begins (`head`), up to where a
 * reader has it in flight (`taken`, written before the reader gets to see the batch, so that it comes again as it was), where
 * it ends (`next`), and the number of the last batch done.
 *
 * WAL mode: readers and writers do not wait for each other. With synchronous=NORMAL what a killed process has committed is there;
 * a power cut may take the last commits with it, whole and in order. Where source and sink are the same file that does no harm: both go
 * back together. Who only gives has told somebody else that the records are safe (a collector its source), so it gets FULL. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"
#include "queue_priv.h"
#include "sqlite.h"

enum {
	CHUNK = 1 << 20,   /* bytes of lines in a row, about */
	BUSY = 30000,      /* milliseconds to wait for another writer */
	LOOK_AGAIN = 20,   /* milliseconds between looks at an empty queue */
	APPLICATION = 0x696d7171, /* "imqq" */
};

#define LOCK_PLACE ((off_t)1 << 41) /* far behind what a database can hold and what SQLite locks itself */

/* A connection; a queue that is taken from shares it with those given to in the same file. */
struct file {
	sqlite3 *db;
	char *path;
	unsigned users;
	bool writing; /* in a transaction */
	sqlite3_stmt *row, *end, *append, *extend, *chunk, *take, *forget, *done;
};

struct place {
	sqlite3_int64 head, taken, next, number;
};

struct sqlite_queue {
	struct file *file;
	sqlite3_int64 id;
	bool joined; /* what is given is committed by the reader's done() */
	int lock;    /* -1: not the reader */
	/* The chunk read last, and where in it the record AT_PLACE begins. */
	struct buf chunk;
	sqlite3_int64 first, count, at_place;
	size_t at;
};

static const char schema[] =
	"CREATE TABLE queues(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, head INTEGER NOT NULL DEFAULT 0,"
	" taken INTEGER NOT NULL DEFAULT 0, next INTEGER NOT NULL DEFAULT 0, number INTEGER NOT NULL DEFAULT 0);"
	"CREATE TABLE chunks(id INTEGER PRIMARY KEY, queue INTEGER NOT NULL, first INTEGER NOT NULL,"
	" count INTEGER NOT NULL, lines BLOB NOT NULL);"
	"CREATE UNIQUE INDEX chunk_places ON chunks(queue, first);";

static bool sql_problem(struct file *f, struct problem *problem)
{
	return sqlite_problem(f->db, f->path, problem);
}

static bool run(struct file *f, const char *sql)
{
	return sqlite3_exec(f->db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

static bool finish(sqlite3_stmt *s)
{
	bool done = sqlite3_step(s) == SQLITE_DONE;

	return sqlite3_reset(s) == SQLITE_OK && done;
}

static sqlite3_int64 pragma(struct file *f, const char *sql)
{
	sqlite3_stmt *s = NULL;
	sqlite3_int64 value = -1;

	if (sqlite3_prepare_v2(f->db, sql, -1, &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW)
		value = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return value;
}

/* ---- opening ---- */

static bool prepare(struct file *f)
{
	const struct { sqlite3_stmt **s; const char *sql; } all[] = {
		{ &f->row, "SELECT head, taken, next, number FROM queues WHERE id = ?1" },
		{ &f->end, "SELECT next FROM queues WHERE id = ?1" },
		{ &f->append, "INSERT INTO chunks(queue, first, count, lines) VALUES(?1, ?2, ?3, ?4)" },
		{ &f->extend, "UPDATE queues SET next = ?2 WHERE id = ?1" },
		{ &f->chunk, "SELECT first, count, lines FROM chunks WHERE queue = ?1 AND first <= ?2"
			" ORDER BY first DESC LIMIT 1" },
		{ &f->take, "UPDATE queues SET taken = ?2 WHERE id = ?1" },
		{ &f->forget, "DELETE FROM chunks WHERE queue = ?1 AND first < (SELECT taken FROM queues WHERE id = ?1)"
			" AND first + count <= (SELECT taken FROM queues WHERE id = ?1)" },
		{ &f->done, "UPDATE queues SET head = taken, number = ?2 WHERE id = ?1" },
	};

	for (size_t i = 0; i < LENGTH(all); i++)
		if (sqlite3_prepare_v2(f->db, all[i].sql, -1, all[i].s, NULL) != SQLITE_OK)
			return false;
	return true;
}

/* Makes the tables in a new file; one that is something else is refused. */
static bool make_tables(struct file *f, struct problem *problem)
{
	char mark[64];
	bool fine;

	if (pragma(f, "PRAGMA application_id") == APPLICATION)
		return true;
	sqlite3_snprintf(sizeof mark, mark, "PRAGMA application_id = %d", APPLICATION);
	if (!run(f, "BEGIN IMMEDIATE"))
		return sql_problem(f, problem);
	/* Another process may have been quicker. */
	fine = pragma(f, "PRAGMA application_id") == APPLICATION;
	if (!fine && pragma(f, "SELECT count(*) FROM sqlite_master") > 0) {
		run(f, "ROLLBACK");
		return problem_at(problem, f->path, 0, 0, "not a file of queues");
	}
	if (!fine && (!run(f, schema) || !run(f, mark)))
		return sql_problem(f, problem);
	return run(f, "COMMIT") || sql_problem(f, problem);
}

static void close_file(struct file *f)
{
	sqlite3_stmt *all[] = { f->row, f->end, f->append, f->extend, f->chunk, f->take, f->forget, f->done };

	if (--f->users)
		return;
	for (size_t i = 0; i < LENGTH(all); i++)
		sqlite3_finalize(all[i]);
	sqlite3_close(f->db);
	free(f->path);
	free(f);
}

/* Two processes that make the file at once: SQLite's own waiting does not cover the change to WAL. */
static bool use_wal(struct file *f)
{
	int64_t until = clock_steady() + (int64_t)BUSY * 1000;

	while (!run(f, "PRAGMA page_size=16384; PRAGMA journal_mode=WAL")) {
		if ((sqlite3_errcode(f->db) & 0xff) != SQLITE_BUSY || clock_steady() > until)
			return false;
		poll(NULL, 0, 10);
	}
	return true;
}

static struct file *open_file(const char *path, enum queue_use use, struct problem *problem)
{
	struct file *f = alloc_zero(1, sizeof *f);
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (use == QUEUE_LOOK ? 0 : SQLITE_OPEN_CREATE);

	f->path = alloc_string(text_of(path));
	f->users = 1;
	if (sqlite3_open_v2(path, &f->db, flags, NULL) == SQLITE_OK) {
		sqlite3_busy_timeout(f->db, BUSY);
		/* Large pages: fewer of them for a chunk. A log of 32 MiB before it is copied into the file. */
		if (use_wal(f) &&
			run(f, "PRAGMA wal_autocheckpoint=2000; PRAGMA journal_size_limit=67108864; PRAGMA cache_size=-16384") &&
			run(f, use == QUEUE_GIVE ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL")) {
			if (!make_tables(f, problem))
				goto out;
			if (prepare(f))
				return f;
		}
	}
	sql_problem(f, problem);
out:
	close_file(f);
	return NULL;
}

static bool same_file(const char *a, const char *b)
{
	struct stat sa, sb;

	return stat(a, &sa) == 0 && stat(b, &sb) == 0 && sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

/* Finds or makes the queue NAME. For looking it has to be there. */
static bool find_queue(struct sqlite_queue *q, const char *name, enum queue_use use, struct problem *problem)
{
	struct file *f = q->file;
	sqlite3_stmt *s = NULL;
	bool fine = true;

	if (use != QUEUE_LOOK) {
		fine = sqlite3_prepare_v2(f->db, "INSERT OR IGNORE INTO queues(name) VALUES(?)", -1, &s, NULL) == SQLITE_OK &&
		       sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC) == SQLITE_OK && finish(s);
		sqlite3_finalize(s);
	}
	if (!fine || sqlite3_prepare_v2(f->db, "SELECT id FROM queues WHERE name = ?", -1, &s, NULL) != SQLITE_OK)
		return sql_problem(f, problem);
	sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
	fine = sqlite3_step(s) == SQLITE_ROW;
	q->id = fine ? sqlite3_column_int64(s, 0) : -1;
	sqlite3_finalize(s);
	return fine || problem_at(problem, f->path, 0, 0, "no queue \"%s\"", name);
}

/* A queue has one reader at a time. The lock is the open file's, not the process's: it ends with the process. */
static bool lock_queue(struct sqlite_queue *q, const char *name, struct problem *problem)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = LOCK_PLACE + q->id, .l_len = 1 };

	q->lock = open(q->file->path, O_RDWR | O_CLOEXEC);
	if (q->lock < 0)
		return problem_at(problem, q->file->path, 0, 0, "%s", strerror(errno));
	if (fcntl(q->lock, F_OFD_SETLK, &lock) == 0)
		return true;
	if (errno == EAGAIN || errno == EACCES)
		return problem_at(problem, q->file->path, 0, 0, "another process takes from the queue \"%s\"", name);
	return problem_at(problem, q->file->path, 0, 0, "%s", strerror(errno));
}

static void close_queue(void *self)
{
	struct sqlite_queue *q = self;

	if (q->file)
		close_file(q->file);
	/* Behind SQLite's own descriptors: closing one takes the process's record locks on the file with it. */
	if (q->lock >= 0)
		close(q->lock);
	buf_free(&q->chunk);
	free(q);
}

static void *open_queue(const struct queue_url *url, enum queue_use use, void *other, struct problem *problem)
{
	struct sqlite_queue *q = alloc_zero(1, sizeof *q), *reader = other;

	q->lock = -1;
	q->id = -1;
	if (!url->path) {
		problem_set(problem, "sqlite: wants the name of a file");
	} else if (reader && same_file(url->path, reader->file->path)) {
		q->file = reader->file;
		q->file->users++;
		q->joined = true;
	} else {
		q->file = open_file(url->path, use, problem);
	}
	if (q->file && (!url->name || find_queue(q, url->name, use, problem)) &&
		(use != QUEUE_TAKE || lock_queue(q, url->name, problem)))
		return q;
	close_queue(q);
	return NULL;
}

/* ---- transactions ---- */

static bool begin(struct file *f, struct problem *problem)
{
	if (f->writing)
		return true;
	f->writing = run(f, "BEGIN IMMEDIATE");
	return f->writing || sql_problem(f, problem);
}

static void roll_back(struct file *f)
{
	if (f->writing)
		run(f, "ROLLBACK");
	f->writing = false;
}

/* Ends the transaction, one way or the other. */
static bool end(struct file *f, bool fine, struct problem *problem)
{
	fine = fine && run(f, "COMMIT");
	if (!fine)
		sql_problem(f, problem);
	else
		f->writing = false;
	roll_back(f);
	return fine;
}

/* ---- giving ---- */

/* The lines at the start of *REST that make one chunk; *COUNT of them. */
static struct text next_chunk(struct text *rest, sqlite3_int64 *count)
{
	struct text chunk = { rest->at, 0 };

	for (*count = 0; rest->len && rest->at[0] != '\n' && chunk.len < CHUNK; ++*count) {
		const char *feed = memchr(rest->at, '\n', rest->len);
		size_t n = feed ? (size_t)(feed - rest->at) + 1 : rest->len;

		chunk.len += n;
		*rest = text_from(*rest, n);
	}
	return chunk;
}

static bool append(struct sqlite_queue *q, struct text lines)
{
	struct file *f = q->file;
	sqlite3_int64 place, count;

	sqlite3_bind_int64(f->end, 1, q->id);
	if (sqlite3_step(f->end) != SQLITE_ROW) {
		sqlite3_reset(f->end);
		return false;
	}
	place = sqlite3_column_int64(f->end, 0);
	sqlite3_reset(f->end);
	while (lines.len) {
		struct text chunk = next_chunk(&lines, &count);

		if (!count) { /* an empty line */
			lines = text_from(lines, 1);
			continue;
		}
		sqlite3_bind_int64(f->append, 1, q->id);
		sqlite3_bind_int64(f->append, 2, place);
		sqlite3_bind_int64(f->append, 3, count);
		/* Too large for SQLite: this must not be taken for an earlier chunk's bytes. */
		if (sqlite3_bind_blob64(f->append, 4, chunk.at, chunk.len, SQLITE_STATIC) != SQLITE_OK || !finish(f->append))
			return false;
		place += count;
	}
	sqlite3_bind_int64(f->extend, 1, q->id);
	sqlite3_bind_int64(f->extend, 2, place);
	return finish(f->extend);
}

static bool give(void *self, struct text lines, struct problem *problem)
{
	struct sqlite_queue *q = self;

	if (!lines.len)
		return true;
	if (!begin(q->file, problem))
		return false;
	if (append(q, lines))
		return true;
	sql_problem(q->file, problem);
	roll_back(q->file);
	return false;
}

static bool commit(void *self, struct problem *problem)
{
	struct sqlite_queue *q = self;

	return q->joined || !q->file->writing || end(q->file, true, problem);
}

static bool joined(const void *self)
{
	return ((const struct sqlite_queue *)self)->joined;
}

/* ---- taking ---- */

static bool read_place(struct sqlite_queue *q, struct place *p, struct problem *problem)
{
	sqlite3_stmt *s = q->file->row;
	bool found;

	sqlite3_bind_int64(s, 1, q->id);
	found = sqlite3_step(s) == SQLITE_ROW;
	*p = (struct place){ sqlite3_column_int64(s, 0), sqlite3_column_int64(s, 1), sqlite3_column_int64(s, 2),
		sqlite3_column_int64(s, 3) };
	if (sqlite3_reset(s) != SQLITE_OK)
		return sql_problem(q->file, problem);
	return found || problem_at(problem, q->file->path, 0, 0, "the queue is gone");
}

/* Makes the chunk with the record at PLACE the current one. */
static bool load_chunk(struct sqlite_queue *q, sqlite3_int64 place, struct problem *problem)
{
	sqlite3_stmt *s = q->file->chunk;
	int step;

	if (q->count && place >= q->at_place && place < q->first + q->count)
		return true;
	sqlite3_bind_int64(s, 1, q->id);
	sqlite3_bind_int64(s, 2, place);
	step = sqlite3_step(s);
	buf_clear(&q->chunk);
	q->count = 0;
	if (step == SQLITE_ROW) {
		const char *lines = sqlite3_column_blob(s, 2);

		q->first = q->at_place = sqlite3_column_int64(s, 0);
		q->count = sqlite3_column_int64(s, 1);
		q->at = 0;
		buf_add(&q->chunk, lines, (size_t)sqlite3_column_bytes(s, 2));
	}
	if (sqlite3_reset(s) != SQLITE_OK)
		return sql_problem(q->file, problem);
	return place < q->first + q->count || problem_at(problem, q->file->path, 0, 0, "records are missing in the file");
}

/* Where the line at AT ends; the last of a file that something else wrote may have no line feed. */
static size_t line_end(const struct sqlite_queue *q, size_t at)
{
	const char *feed = memchr(q->chunk.at + at, '\n', q->chunk.len - at);

	return feed ? (size_t)(feed - q->chunk.at) + 1 : q->chunk.len;
}

/* Appends the records from FROM on: all up to TO, or fewer where RECORDS or BYTES end them. */
static bool read_records(struct sqlite_queue *q, sqlite3_int64 from, sqlite3_int64 to, size_t records, size_t bytes,
	struct buf *lines, size_t *count, struct problem *problem)
{
	for (*count = 0; from < to && *count < records && lines->len < bytes;) {
		size_t start, length = 0;

		if (!load_chunk(q, from, problem))
			return false;
		for (; q->at_place < from; q->at_place++)
			q->at = line_end(q, q->at);
		start = q->at;
		for (; from < to && from < q->first + q->count && *count < records && lines->len + length < bytes; from++) {
			length = line_end(q, q->at) - start;
			q->at = start + length;
			q->at_place++;
			++*count;
		}
		buf_add(lines, q->chunk.at + start, length);
	}
	return true;
}

/* Waits for something to be there. False: nothing came, or PROBLEM. */
static bool wait_for_records(struct sqlite_queue *q, struct place *p, int timeout, struct problem *problem)
{
	long long started = clock_steady();
	int left = timeout;

	for (;;) {
		if (!read_place(q, p, problem))
			return false;
		if (p->next > p->head)
			return true;
		if (!queue_time_left(started, timeout, &left) || poll(NULL, 0, left < LOOK_AGAIN ? left : LOOK_AGAIN) < 0)
			return false;
	}
}

static bool set_taken(struct sqlite_queue *q, sqlite3_int64 taken, struct problem *problem)
{
	sqlite3_bind_int64(q->file->take, 1, q->id);
	sqlite3_bind_int64(q->file->take, 2, taken);
	return finish(q->file->take) || sql_problem(q->file, problem);
}

static enum queue_taken take(void *self, size_t records, size_t bytes, int timeout, struct queue_batch *batch,
	struct problem *problem)
{
	struct sqlite_queue *q = self;
	struct place p;
	bool fine;

	*problem = (struct problem){ .line = 0 };
	if (!wait_for_records(q, &p, timeout, problem))
		return problem->text[0] ? QUEUE_FAILED : QUEUE_EMPTY;
	if (p.taken > p.head) {
		fine = read_records(q, p.head, p.taken, SIZE_MAX, SIZE_MAX, &batch->lines, &batch->count, problem);
	} else {
		fine = read_records(q, p.head, p.next, records, bytes, &batch->lines, &batch->count, problem) &&
		       set_taken(q, p.head + (sqlite3_int64)batch->count, problem);
	}
	return fine ? QUEUE_TAKEN : QUEUE_FAILED;
}

static bool keep(void *self, size_t count, struct problem *problem)
{
	struct sqlite_queue *q = self;
	struct place p;

	q->count = 0; /* the chunk is read again from its start */
	if (!read_place(q, &p, problem))
		return false;
	return p.head + (sqlite3_int64)count >= p.taken || set_taken(q, p.head + (sqlite3_int64)count, problem);
}

static bool done(void *self, long long number, struct problem *problem)
{
	struct sqlite_queue *q = self;
	struct file *f = q->file;

	if (!begin(f, problem))
		return false;
	sqlite3_bind_int64(f->forget, 1, q->id);
	sqlite3_bind_int64(f->done, 1, q->id);
	sqlite3_bind_int64(f->done, 2, number);
	return end(f, finish(f->forget) && finish(f->done), problem);
}

static bool recover(void *self, struct problem *problem)
{
	struct sqlite_queue *q = self;
	struct place p;

	roll_back(q->file);
	q->count = 0;
	return read_place(q, &p, problem);
}

static long long number(const void *self)
{
	struct sqlite_queue *q = (struct sqlite_queue *)(uintptr_t)self;
	struct problem unused;
	struct place p;

	return read_place(q, &p, &unused) ? p.number : -1;
}

/* ---- looking ---- */

static bool count(void *self, long long *waiting, long long *in_flight, struct problem *problem)
{
	struct place p;

	if (!read_place(self, &p, problem))
		return false;
	*waiting = p.next - p.head;
	*in_flight = p.taken - p.head;
	return true;
}

static bool peek(void *self, size_t records, struct buf *lines, struct problem *problem)
{
	struct sqlite_queue *q = self;
	struct place p;
	size_t n;

	return read_place(q, &p, problem) && read_records(q, p.head, p.next, records, SIZE_MAX, lines, &n, problem);
}

static bool clear(void *self, struct problem *problem)
{
	struct sqlite_queue *q = self;
	struct file *f = q->file;
	char sql[200];

	sqlite3_snprintf(sizeof sql, sql, "DELETE FROM chunks WHERE queue = %lld; UPDATE queues SET head = next, taken = next WHERE id = %lld",
		(long long)q->id, (long long)q->id);
	return begin(f, problem) && end(f, run(f, sql), problem);
}

static bool list(void *self, void (*each)(void *context, struct text name, long long waiting, long long in_flight), void *context,
	struct problem *problem)
{
	struct sqlite_queue *q = self;
	sqlite3_stmt *s = NULL;
	int step = SQLITE_ERROR;

	if (sqlite3_prepare_v2(q->file->db, "SELECT name, next - head, taken - head FROM queues ORDER BY name", -1, &s, NULL) ==
		SQLITE_OK)
		while ((step = sqlite3_step(s)) == SQLITE_ROW)
			each(context, text_of((const char *)sqlite3_column_text(s, 0)), sqlite3_column_int64(s, 1),
				sqlite3_column_int64(s, 2));
	sqlite3_finalize(s);
	return step == SQLITE_DONE || sql_problem(q->file, problem);
}

const struct queue_engine queue_sqlite = { .schemes = "sqlite", .exact = true, .open = open_queue, .close = close_queue,
	.take = take, .keep = keep, .done = done, .recover = recover, .number = number, .give = give, .commit = commit, .joined = joined,
	.count = count, .peek = peek, .clear = clear, .list = list };
