/* Events in a file of SQLite. Who gathers and who sends have it open at the same time, in short transactions; each of the two jobs has a
 * lock of its own, far behind the bytes that SQLite locks. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <sqlite3.h>

#include "alloc.h"
#include "store.h"

enum { GATHERING, SENDING };
enum { PATIENCE = 30000 /* milliseconds to wait for the other's transaction */ };
#define LOCKS (INT64_C(1) << 62) /* where they are; SQLite's are at 1 GiB */

struct store_file {
	struct store store;
	sqlite3 *db;
	char *path;
	int fd; /* for our locks; closed last, for SQLite's would go with it */
	sqlite3_stmt *insert, *read, *drop;
	bool partly; /* some of the batch at hand is in the file */
	struct text contact;
	sqlite3_int64 after, last, end; /* ids: what was read before, up to where now, what there was when it began */
};

/* Events of batches that are not committed are in the file with a number that is greater than `batch`. AUTOINCREMENT: an id is never
 * given again, so that `up to` means what it says. */
static const char schema[] =
	"CREATE TABLE IF NOT EXISTS events(id INTEGER PRIMARY KEY AUTOINCREMENT, contact TEXT NOT NULL, batch INTEGER NOT NULL,"
	" event TEXT NOT NULL);"
	"CREATE INDEX IF NOT EXISTS events_contact ON events(contact, id);"
	"CREATE INDEX IF NOT EXISTS events_batch ON events(batch) WHERE batch >= 0;"
	"CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;"
	"INSERT OR IGNORE INTO meta VALUES('command', 'imq-to-smtp-batch'), ('batch', -1);";

static struct store_file *file_of(struct store *s)
{
	return (struct store_file *)(void *)s;
}

static bool failed(struct store_file *f, struct problem *problem)
{
	return problem_at(problem, f->path, 0, 0, "%s", f->db ? sqlite3_errmsg(f->db) : "out of memory");
}

static bool run(struct store_file *f, const char *sql, struct problem *problem)
{
	return sqlite3_exec(f->db, sql, NULL, NULL, NULL) == SQLITE_OK || failed(f, problem);
}

/* False after a failure; the transaction is undone. */
static bool end(struct store_file *f, bool fine, struct problem *problem)
{
	if (fine && run(f, "COMMIT", problem))
		return true;
	if (!problem->text[0])
		failed(f, problem);
	sqlite3_exec(f->db, "ROLLBACK", NULL, NULL, NULL);
	return false;
}

static bool set_batch(struct store_file *f, long long number, struct problem *problem)
{
	char sql[100];

	sqlite3_snprintf(sizeof sql, sql, "UPDATE meta SET value = %lld WHERE name = 'batch'", number);
	return run(f, sql, problem);
}

static bool lock_job(struct store_file *f, int job, const char *what, struct problem *problem)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = LOCKS + job, .l_len = 1 };

	if (fcntl(f->fd, F_OFD_SETLK, &lock) == 0)
		return true;
	if (errno == EAGAIN || errno == EACCES)
		return problem_at(problem, f->path, 0, 0, "another process is %s", what);
	return problem_at(problem, f->path, 0, 0, "%s", strerror(errno));
}

/* ---- gathering ---- */

/* What is in the file of batches that come again is forgotten, if it has not been mailed yet, and so is a batch that was not finished. A
 * higher number than that of the next batch is of a queue that is no more: its events do not come again. */
static bool begin(struct store *s, const struct batch *batch, struct problem *problem)
{
	struct store_file *f = file_of(s);
	char sql[160] = "";

	if (!lock_job(f, GATHERING, "gathering events there", problem) || !run(f, "BEGIN IMMEDIATE", problem))
		return false;
	if (batch->numbered)
		sqlite3_snprintf(sizeof sql, sql, "DELETE FROM events WHERE batch BETWEEN %lld AND %lld", batch->undo, batch->number);
	return end(f, run(f, sql, problem) &&
		run(f, "DELETE FROM events WHERE batch > (SELECT value FROM meta WHERE name = 'batch');"
			"UPDATE events SET batch = -1 WHERE batch >= 0", problem) &&
		set_batch(f, -1, problem), problem);
}

static bool insert_all(struct store_file *f, long long number)
{
	struct store *s = &f->store;

	for (size_t i = 0; i < s->count; i++) {
		struct text contact = gathered_contact(s, i), event = gathered_event(s, i);

		sqlite3_bind_text(f->insert, 1, contact.at, (int)contact.len, SQLITE_STATIC);
		sqlite3_bind_int64(f->insert, 2, number);
		sqlite3_bind_text(f->insert, 3, event.at, (int)event.len, SQLITE_STATIC);
		if (sqlite3_step(f->insert) != SQLITE_DONE) {
			sqlite3_reset(f->insert);
			return false;
		}
		sqlite3_reset(f->insert);
	}
	return true;
}

/* Of batches before the last one only the events are kept, not the number: an old number must not undo them. */
static bool commit(struct store *s, long long number, bool whole, struct problem *problem)
{
	struct store_file *f = file_of(s);
	char sql[120];

	if (s->count == 0 && !f->partly) /* an idle pump sends one every second */
		return true;
	sqlite3_snprintf(sizeof sql, sql, "UPDATE events SET batch = -1 WHERE batch >= 0 AND batch < %lld", number);
	if (!run(f, "BEGIN IMMEDIATE", problem))
		return false;
	f->partly = !whole;
	return end(f, insert_all(f, number) && (number < 0 || !whole || (run(f, sql, problem) && set_batch(f, number, problem))), problem);
}

/* ---- sending ---- */

static bool lock(struct store *s, struct problem *problem)
{
	return lock_job(file_of(s), SENDING, "sending mails from there", problem);
}

static bool contacts(struct store *s, struct names *names, struct problem *problem)
{
	struct store_file *f = file_of(s);
	sqlite3_stmt *query = NULL;
	bool fine = sqlite3_prepare_v2(f->db,
			    "SELECT DISTINCT contact FROM events WHERE batch <= (SELECT value FROM meta WHERE name = 'batch') ORDER BY 1",
			    -1, &query, NULL) == SQLITE_OK;
	int code = SQLITE_DONE;

	while (fine && (code = sqlite3_step(query)) == SQLITE_ROW)
		names_add(names, (struct text){ (const char *)sqlite3_column_text(query, 0), (size_t)sqlite3_column_bytes(query, 0) });
	fine = fine && code == SQLITE_DONE;
	if (!fine)
		failed(f, problem);
	sqlite3_finalize(query);
	return fine;
}

static bool open_contact(struct store *s, struct text contact, bool remove, struct problem *problem)
{
	struct store_file *f = file_of(s);
	sqlite3_stmt *query = NULL;
	bool fine;

	(void)remove;
	f->contact = contact;
	f->after = f->last = 0;
	fine = sqlite3_prepare_v2(f->db, "SELECT max(id) FROM events", -1, &query, NULL) == SQLITE_OK && sqlite3_step(query) == SQLITE_ROW;
	if (fine)
		f->end = sqlite3_column_int64(query, 0);
	else
		failed(f, problem);
	sqlite3_finalize(query);
	return fine;
}

static bool read_events(struct store *s, bool (*each)(void *context, struct text event), void *context, struct problem *problem)
{
	struct store_file *f = file_of(s);
	int code;

	f->after = f->last;
	sqlite3_bind_text(f->read, 1, f->contact.at, (int)f->contact.len, SQLITE_STATIC);
	sqlite3_bind_int64(f->read, 2, f->after);
	sqlite3_bind_int64(f->read, 3, f->end);
	while ((code = sqlite3_step(f->read)) == SQLITE_ROW) {
		struct text event = { (const char *)sqlite3_column_text(f->read, 1), (size_t)sqlite3_column_bytes(f->read, 1) };

		if (!each(context, event))
			break;
		f->last = sqlite3_column_int64(f->read, 0);
	}
	if (code != SQLITE_ROW && code != SQLITE_DONE)
		failed(f, problem);
	sqlite3_reset(f->read);
	return code == SQLITE_ROW || code == SQLITE_DONE;
}

static bool remove_events(struct store *s, struct problem *problem)
{
	struct store_file *f = file_of(s);
	bool done;

	sqlite3_bind_text(f->drop, 1, f->contact.at, (int)f->contact.len, SQLITE_STATIC);
	sqlite3_bind_int64(f->drop, 2, f->after);
	sqlite3_bind_int64(f->drop, 3, f->last);
	done = sqlite3_step(f->drop) == SQLITE_DONE;
	sqlite3_reset(f->drop);
	return done || failed(f, problem);
}

static bool leave(struct store *s, struct problem *problem)
{
	(void)s, (void)problem;
	return true;
}

static void close_file(struct store *s)
{
	struct store_file *f = file_of(s);

	sqlite3_finalize(f->insert);
	sqlite3_finalize(f->read);
	sqlite3_finalize(f->drop);
	sqlite3_close(f->db);
	if (f->fd >= 0)
		close(f->fd);
	free(f->path);
	free(f);
}

static const struct store_kind kind = { begin, commit, lock, contacts, open_contact, read_events, remove_events, leave, close_file };

/* ---- opening ---- */

static bool prepare(struct store_file *f)
{
	return sqlite3_prepare_v2(f->db, "INSERT INTO events(contact, batch, event) VALUES(?, ?, ?)", -1, &f->insert, NULL) == SQLITE_OK &&
	       sqlite3_prepare_v2(f->db,
		       "SELECT id, event FROM events WHERE contact = ? AND id > ? AND id <= ?"
		       " AND batch <= (SELECT value FROM meta WHERE name = 'batch') ORDER BY id",
		       -1, &f->read, NULL) == SQLITE_OK &&
	       sqlite3_prepare_v2(f->db,
		       "DELETE FROM events WHERE contact = ? AND id > ? AND id <= ?"
		       " AND batch <= (SELECT value FROM meta WHERE name = 'batch')",
		       -1, &f->drop, NULL) == SQLITE_OK;
}

/* Whether the file is new, or one of ours. */
static bool is_ours(struct store_file *f, struct problem *problem)
{
	sqlite3_stmt *query = NULL;
	bool empty, ours = false;

	if (sqlite3_prepare_v2(f->db, "SELECT count(*) FROM sqlite_master", -1, &query, NULL) != SQLITE_OK || sqlite3_step(query) != SQLITE_ROW) {
		sqlite3_finalize(query);
		return failed(f, problem);
	}
	empty = sqlite3_column_int(query, 0) == 0;
	sqlite3_finalize(query);
	query = NULL;
	if (!empty && sqlite3_prepare_v2(f->db, "SELECT 1 FROM meta, events WHERE 0 UNION SELECT value = 'imq-to-smtp-batch' FROM meta"
						" WHERE name = 'command'", -1, &query, NULL) == SQLITE_OK)
		ours = sqlite3_step(query) == SQLITE_ROW && sqlite3_column_int(query, 0) == 1;
	sqlite3_finalize(query);
	return empty || ours || problem_at(problem, f->path, 0, 0, "this is not a file of imq-to-smtp-batch");
}

struct store *store_file_open(const char *path, bool create, struct problem *problem)
{
	struct store_file *f = alloc_zero(1, sizeof *f);

	f->store.kind = &kind;
	f->path = alloc_string(text_of(path));
	f->fd = open(path, O_RDWR | O_CLOEXEC | (create ? O_CREAT : 0), 0600);
	if (f->fd < 0)
		problem_at(problem, path, 0, 0, "%s", strerror(errno));
	else if (sqlite3_open_v2(path, &f->db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
		failed(f, problem);
	else if (sqlite3_busy_timeout(f->db, PATIENCE) == SQLITE_OK && is_ours(f, problem) &&
		 run(f, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL", problem) && run(f, schema, problem)) {
		if (prepare(f))
			return &f->store;
		failed(f, problem);
	}
	store_close(&f->store);
	return NULL;
}
