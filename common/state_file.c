/* The state's file: rows in key order, so that a sorted batch touches few pages; an append-only undo log of the last
 * numbered batch; the seed and the batch's number. */
#include "state_priv.h"

#include <stdlib.h>

#include "alloc.h"
#include "clock.h"
#include "log.h"
#include "sqlite.h"

struct state_file {
	struct state_store store;
	sqlite3 *db;
	sqlite3_stmt *put, *drop, *undo, *meta;
	char *path;
};

static const char schema[] =
	"CREATE TABLE IF NOT EXISTS state(key BLOB PRIMARY KEY, value BLOB NOT NULL, expires INTEGER NOT NULL)"
	" WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS undo(key BLOB NOT NULL, value BLOB, expires INTEGER NOT NULL);"
	"CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;";

/* EXCLUSIVE before the first access keeps the lock until the process ends, and needs no shared memory. */
static const char pragmas[] = "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
			      "PRAGMA wal_autocheckpoint=20000; PRAGMA cache_size=-16384;";

static struct state_file *file_of(struct state_store *store)
{
	return (struct state_file *)(void *)store;
}

static bool problem_of(struct state_store *store, struct problem *problem)
{
	struct state_file *f = file_of(store);
	int code = f->db ? sqlite3_errcode(f->db) : SQLITE_NOMEM;

	if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
		return problem_at(problem, f->path, 0, 0, "another process is using this state");
	return sqlite_problem(f->db, f->path, problem);
}

static bool run(struct state_file *f, const char *sql)
{
	return sqlite3_exec(f->db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

static bool finish(sqlite3_stmt *s)
{
	bool done = sqlite3_step(s) == SQLITE_DONE;

	sqlite3_reset(s);
	return done;
}

static bool set_meta(struct state_file *f, const char *name, sqlite3_int64 value)
{
	sqlite3_bind_text(f->meta, 1, name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(f->meta, 2, value);
	return finish(f->meta);
}

/* False: there is no such row. */
static bool get_meta(struct state_file *f, const char *name, sqlite3_int64 *number, char *word, size_t size)
{
	sqlite3_stmt *s = NULL;
	bool found;

	if (sqlite3_prepare_v2(f->db, "SELECT value FROM meta WHERE name = ?", -1, &s, NULL) != SQLITE_OK)
		return false;
	sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
	found = sqlite3_step(s) == SQLITE_ROW;
	if (found && number)
		*number = sqlite3_column_int64(s, 0);
	if (found && word)
		sqlite3_snprintf((int)size, word, "%s", sqlite3_column_text(s, 0));
	sqlite3_finalize(s);
	return found;
}

static bool prepare(struct state_file *f)
{
	return sqlite3_prepare_v2(f->db, "INSERT OR REPLACE INTO state VALUES(?, ?, ?)", -1, &f->put, NULL) == SQLITE_OK &&
	       sqlite3_prepare_v2(f->db, "DELETE FROM state WHERE key = ?", -1, &f->drop, NULL) == SQLITE_OK &&
	       sqlite3_prepare_v2(f->db, "INSERT INTO undo VALUES(?, ?, ?)", -1, &f->undo, NULL) == SQLITE_OK &&
	       sqlite3_prepare_v2(f->db, "INSERT OR REPLACE INTO meta VALUES(?, ?)", -1, &f->meta, NULL) == SQLITE_OK;
}

/* A new file becomes NAME's; one that another command made is refused. */
static bool claim(struct state_file *f, const char *name, uint64_t *seed, struct problem *problem)
{
	char owner[64];
	sqlite3_int64 number;

	if (get_meta(f, "command", NULL, owner, sizeof owner)) {
		if (strcmp(owner, name) != 0)
			return problem_at(problem, f->path, 0, 0, "this is a state of %s", owner);
		if (!get_meta(f, "seed", &number, NULL, 0))
			return problem_at(problem, f->path, 0, 0, "the state has no seed");
		*seed = (uint64_t)number;
		return true;
	}
	sqlite3_bind_text(f->meta, 1, "command", -1, SQLITE_STATIC);
	sqlite3_bind_text(f->meta, 2, name, -1, SQLITE_STATIC);
	if (!finish(f->meta) || !set_meta(f, "seed", (sqlite3_int64)*seed) || !set_meta(f, "batch", -1))
		return problem_of(&f->store, problem);
	return true;
}

/* The batch that comes now may have been committed before a crash: take it back. */
static bool undo_batch(struct state_file *f, long long batch, struct problem *problem)
{
	sqlite3_int64 committed = -1;

	get_meta(f, "batch", &committed, NULL, 0);
	if (batch < 0 || committed < batch)
		return true;
	if (committed > batch)
		log_message("%s: batch %lld is committed, batch %lld comes next: undoing only the last one", f->path,
			(long long)committed, batch);
	if (!run(f, "DELETE FROM state WHERE key IN (SELECT key FROM undo WHERE value IS NULL);"
		    "INSERT OR REPLACE INTO state SELECT key, value, expires FROM undo WHERE value IS NOT NULL;"
		    "DELETE FROM undo") ||
		!set_meta(f, "batch", batch - 1))
		return problem_of(&f->store, problem);
	return true;
}

static bool set_up(struct state_file *f, const char *name, long long batch, uint64_t *seed, struct problem *problem)
{
	sqlite3_int64 of, moment;
	char expired[80];

	sqlite3_snprintf(sizeof expired, expired, "DELETE FROM state WHERE expires > 0 AND expires <= %lld",
		(long long)(clock_now() / 1000000));
	if (!run(f, pragmas) || !run(f, "BEGIN EXCLUSIVE") || !run(f, schema) || !prepare(f))
		return problem_of(&f->store, problem);
	if (!claim(f, name, seed, problem) || !undo_batch(f, batch, problem))
		return false;
	/* Also after an undo whose batch did not get as far again. */
	if (batch >= 0 && get_meta(f, "moment_batch", &of, NULL, 0) && of == batch && get_meta(f, "moment", &moment, NULL, 0))
		f->store.moment = moment;
	/* An unnumbered run keeps no undo log, so the old one must not be used after it. */
	if (batch < 0 && (!run(f, "DELETE FROM undo") || !set_meta(f, "batch", -1)))
		return problem_of(&f->store, problem);
	/* Rows that the undo log speaks of must stay as they are until it is replaced. */
	if (!run(f, batch < 0 ? expired : "") || !run(f, "COMMIT"))
		return problem_of(&f->store, problem);
	return true;
}

static bool load(struct state_store *store, void (*add)(void *context, const struct state_row *row), void *context,
	struct problem *problem)
{
	struct state_file *f = file_of(store);
	sqlite3_stmt *s = NULL;
	int step;

	if (sqlite3_prepare_v2(f->db, "SELECT key, value, expires FROM state", -1, &s, NULL) != SQLITE_OK)
		return problem_of(&f->store, problem);
	while ((step = sqlite3_step(s)) == SQLITE_ROW) {
		struct state_row row = { .exists = true };

		if (sqlite3_column_bytes(s, 0) != sizeof row.key)
			continue;
		memcpy(&row.key, sqlite3_column_blob(s, 0), sizeof row.key);
		row.value.at = sqlite3_column_blob(s, 1);
		row.value.len = (size_t)sqlite3_column_bytes(s, 1);
		row.expires = sqlite3_column_int64(s, 2);
		add(context, &row);
	}
	sqlite3_finalize(s);
	return step == SQLITE_DONE || problem_of(&f->store, problem);
}

static bool begin(struct state_store *store)
{
	return run(file_of(store), "BEGIN IMMEDIATE; DELETE FROM undo");
}

static bool bind_row(sqlite3_stmt *s, const struct state_row *row)
{
	sqlite3_bind_blob(s, 1, &row->key, sizeof row->key, SQLITE_STATIC);
	if (row->exists)
		sqlite3_bind_blob64(s, 2, row->value.at ? row->value.at : "", row->value.len, SQLITE_STATIC);
	else
		sqlite3_bind_null(s, 2);
	sqlite3_bind_int64(s, 3, row->expires);
	return finish(s);
}

static bool write_undo(struct state_store *store, const struct state_row *old)
{
	return bind_row(file_of(store)->undo, old);
}

static bool write_row(struct state_store *store, const struct state_row *row)
{
	struct state_file *f = file_of(store);

	if (row->exists)
		return bind_row(f->put, row);
	sqlite3_bind_blob(f->drop, 1, &row->key, sizeof row->key, SQLITE_STATIC);
	return finish(f->drop);
}

static bool end(struct state_store *store, long long batch, int64_t moment)
{
	struct state_file *f = file_of(store);

	return set_meta(f, "batch", batch) && set_meta(f, "moment", moment) && set_meta(f, "moment_batch", batch) &&
	       run(f, "COMMIT");
}

static void close_file(struct state_store *store)
{
	struct state_file *f = file_of(store);

	sqlite3_finalize(f->put);
	sqlite3_finalize(f->drop);
	sqlite3_finalize(f->undo);
	sqlite3_finalize(f->meta);
	sqlite3_close(f->db);
	free(f->path);
	free(f);
}

struct state_store *state_file_open(
	const char *path, const char *name, long long batch, uint64_t *seed, struct problem *problem)
{
	struct state_file *f = alloc_zero(1, sizeof *f);
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;

	f->store = (struct state_store){ 0, load, begin, write_undo, write_row, end, problem_of, close_file };
	f->path = alloc_string(text_of(path));
	if (sqlite3_open_v2(path, &f->db, flags, NULL) != SQLITE_OK) {
		problem_of(&f->store, problem);
	} else if (set_up(f, name, batch, seed, problem)) {
		return &f->store;
	}
	close_file(&f->store);
	return NULL;
}
