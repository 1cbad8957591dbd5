/* The cache's file: one table in SQLite. Answers are collected and written in one transaction per batch; a
 * file that is busy, full or broken makes the cache forgetful, never the command fail. */
#include <stdlib.h>

#include "alloc.h"
#include "cache_priv.h"
#include "clock.h"
#include "log.h"
#include "sqlite.h"

enum {
	BATCH = 256,     /* answers per transaction */
	SWEEP = 64,      /* transactions between removals of what has expired */
	BUSY = 2000,     /* milliseconds to wait for another process */
	DELAY = 1000000, /* microseconds that an answer may wait to be written while others come */
};

struct cache_file {
	sqlite3 *db; /* NULL: given up */
	sqlite3_stmt *get, *set;
	char *path;
	struct buf key; /* begins with the command's name: several may share the file */
	size_t prefix;
	struct buf value;
	struct buf pending; /* of struct pending, key, value */
	unsigned pending_count, transactions;
	int64_t first; /* clock_steady() of the first pending one */
};

struct pending {
	int64_t expires;
	size_t key_len, value_len;
	bool nothing;
};

static void close_database(struct cache_file *f)
{
	sqlite3_finalize(f->get);
	sqlite3_finalize(f->set);
	sqlite3_close(f->db);
	f->get = f->set = NULL;
	f->db = NULL;
}

static void give_up(struct cache_file *f)
{
	log_message("%s: %s: going on without the cache file", f->path, sqlite3_errmsg(f->db));
	close_database(f);
}

static void sweep(struct cache_file *f)
{
	char statement[80];

	sqlite3_snprintf(sizeof statement, statement, "DELETE FROM cache WHERE expires <= %lld",
		(long long)(clock_now() / 1000000));
	sqlite3_exec(f->db, statement, NULL, NULL, NULL);
}

struct cache_file *cache_file_open(const char *path, const char *prefix, struct problem *problem)
{
	struct cache_file *f = alloc_zero(1, sizeof *f);
	bool fine =
		sqlite3_open_v2(path, &f->db,
			SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK;

	f->path = alloc_string(text_of(path));
	buf_printf(&f->key, "%s:", prefix);
	f->prefix = f->key.len;
	if (fine)
		sqlite3_busy_timeout(f->db, BUSY);
	fine = fine &&
	       sqlite3_exec(f->db,
		       "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA cache_size=-1024;"
		       "CREATE TABLE IF NOT EXISTS cache(key BLOB PRIMARY KEY, value BLOB, expires INTEGER "
		       "NOT NULL) "
		       "WITHOUT ROWID",
		       NULL, NULL, NULL) == SQLITE_OK &&
	       sqlite3_prepare_v2(f->db, "SELECT value, expires FROM cache WHERE key = ? AND expires > ?", -1,
		       &f->get, NULL) == SQLITE_OK &&
	       sqlite3_prepare_v2(f->db, "INSERT OR REPLACE INTO cache VALUES(?, ?, ?)", -1, &f->set, NULL) ==
		       SQLITE_OK;
	if (!fine) {
		sqlite_problem(f->db, path, problem);
		close_database(f);
		cache_file_close(f);
		return NULL;
	}
	sweep(f);
	return f;
}

void cache_file_close(struct cache_file *f)
{
	if (!f)
		return;
	cache_file_flush(f);
	close_database(f);
	buf_free(&f->pending);
	buf_free(&f->key);
	buf_free(&f->value);
	free(f->path);
	free(f);
}

enum cache_answer cache_file_get(
	struct cache_file *f, struct text key, int64_t now, struct text *value, int64_t *expires)
{
	enum cache_answer answer = CACHE_MISS;
	int step;

	*value = NO_TEXT;
	if (!f->db)
		return CACHE_MISS;
	f->key.len = f->prefix;
	buf_text(&f->key, key);
	sqlite3_bind_blob64(f->get, 1, f->key.at, f->key.len, SQLITE_STATIC);
	sqlite3_bind_int64(f->get, 2, now);
	step = sqlite3_step(f->get);
	if (step == SQLITE_ROW) {
		answer = sqlite3_column_type(f->get, 0) == SQLITE_NULL ? CACHE_NOTHING : CACHE_FOUND;
		*expires = sqlite3_column_int64(f->get, 1);
		buf_clear(&f->value);
		if (answer == CACHE_FOUND) {
			const void *bytes = sqlite3_column_blob(f->get, 0);

			buf_add(&f->value, bytes, (size_t)sqlite3_column_bytes(f->get, 0));
			*value = buf_view(&f->value);
		}
	}
	sqlite3_reset(f->get);
	if (step != SQLITE_ROW && step != SQLITE_DONE && step != SQLITE_BUSY)
		give_up(f);
	return answer;
}

static bool write_pending(struct cache_file *f)
{
	const char *at = f->pending.at;

	if (sqlite3_exec(f->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
		return false;
	for (unsigned i = 0; i < f->pending_count; i++) {
		struct pending p;

		memcpy(&p, at, sizeof p);
		at += sizeof p;
		sqlite3_bind_blob64(f->set, 1, at, p.key_len, SQLITE_STATIC);
		at += p.key_len;
		if (p.nothing)
			sqlite3_bind_null(f->set, 2);
		else
			sqlite3_bind_blob64(f->set, 2, at, p.value_len, SQLITE_STATIC);
		at += p.value_len;
		sqlite3_bind_int64(f->set, 3, p.expires);
		sqlite3_step(f->set);
		if (sqlite3_reset(f->set) != SQLITE_OK) {
			sqlite3_exec(f->db, "ROLLBACK", NULL, NULL, NULL);
			return false;
		}
	}
	return sqlite3_exec(f->db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK;
}

void cache_file_flush(struct cache_file *f)
{
	if (f->db && f->pending_count) {
		/* A file that stays busy loses these answers, nothing else. */
		if (!write_pending(f) && sqlite3_errcode(f->db) != SQLITE_BUSY)
			give_up(f);
		else if (++f->transactions % SWEEP == 0)
			sweep(f);
	}
	buf_clear(&f->pending);
	f->pending_count = 0;
}

void cache_file_set(struct cache_file *f, struct text key, struct text value, int64_t expires)
{
	struct pending p = { expires, f->prefix + key.len, value.len, value.at == NULL };

	if (!f->db)
		return;
	if (!f->pending_count)
		f->first = clock_steady();
	buf_add(&f->pending, (const char *)&p, sizeof p);
	buf_add(&f->pending, f->key.at, f->prefix);
	buf_text(&f->pending, key);
	buf_text(&f->pending, value);
	if (++f->pending_count >= BATCH || f->pending.len > (1 << 20) || clock_steady() - f->first > DELAY)
		cache_file_flush(f);
}
