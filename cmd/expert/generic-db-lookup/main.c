/* imq-generic-db-lookup: set fields to the columns of the one row in a table of SQLite or PostgreSQL that
 * other fields select. The statement is prepared once, values are bound, answers are remembered for a while.
 */
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#include "cache.h"
#include "database.h"
#include "event.h"
#include "filter.h"

enum { MOST_FIELDS = 64, ATTEMPTS = 3 };

static struct {
	const char *engine;
	struct postgresql server;
	const char *table;
	struct text match, replace;
	bool overwrite, autocommit, fail_on_errors;
	double reconnect_delay, cache_ttl;
	const struct database *database;
	struct cache cache;
	enum field keys[MOST_FIELDS], targets[MOST_FIELDS];
	size_t key_count, target_count;
	struct buf sql, key, row;
} my;

static const struct opt options[] = {
	OPT_TEXT('e', "engine", &my.engine, NULL, "sqlite or postgresql"),
	OPT_TEXT('d', "database", &my.server.database, "intelmq", "the file (sqlite) or the name of the database"),
	OPT_TEXT('t', "table", &my.table, "contacts", "the table"),
	POSTGRESQL_OPTIONS(&my.server),
	OPT_SECONDS(0, "reconnect-delay", &my.reconnect_delay, "0", "wait so long before connecting again"),
	OPT_BOOL(0, "fail-on-errors", &my.fail_on_errors, false, "do not connect again"),
	OPT_BOOL(0, "autocommit", &my.autocommit, true, "accepted for IntelMQ's sake: nothing is written"),
	OPT_JSON('m', "match-fields", &my.match, "{\"source.asn\": \"asn\"}",
		"map of fields to columns that must be equal"),
	OPT_JSON('r', "replace-fields", &my.replace,
		"{\"contact\": \"source.abuse_contact\", \"note\": \"comment\"}",
		"map of columns to the fields that get them"),
	OPT_BOOL('o', "overwrite", &my.overwrite, false, "replace fields that are already there"),
	OPT_SECONDS(0, "cache-ttl", &my.cache_ttl, "60", "remember answers for so long (0: not)"),
	OPT_END
};

static bool column_and_field(struct text column, struct text field, enum field *f, struct problem *problem)
{
	*f = field_intern(field);
	if (!field_check(*f, problem))
		return false;
	return (column.len && column.len < 128 && !memchr(column.at, '\0', column.len)) ||
	       problem_set(problem, "not a column: \"%.*s\"", (int)(column.len < 60 ? column.len : 60),
		       column.at);
}

/* Steps through a map of texts, calling EACH with every pair. */
static bool each_pair(struct text json, const char *option,
	bool (*each)(struct text key, struct text value, struct problem *), struct problem *problem)
{
	struct arena scratch = { 0 };
	struct value map, key, v;
	struct value_error unused;
	struct value_walk walk;
	size_t count = 0;
	bool fine = value_parse(json, &map, &unused) && map.kind == VALUE_OBJECT;

	walk = value_walk(fine ? map : NO_VALUE);
	while (fine && value_next_member(&walk, &key, &v)) {
		fine = v.kind == VALUE_STRING && ++count <= MOST_FIELDS;
		if (fine && !each(value_text(key, &scratch), value_text(v, &scratch), problem)) {
			arena_free(&scratch);
			return false;
		}
	}
	arena_free(&scratch);
	return (fine && count) ||
	       problem_set(problem, "--%s: a map of 1 to %d texts to texts expected", option, MOST_FIELDS);
}

static bool add_target(struct text column, struct text field, struct problem *problem)
{
	buf_string(&my.sql, my.target_count ? ", " : "SELECT ");
	buf_sql_name(&my.sql, column);
	return column_and_field(column, field, &my.targets[my.target_count++], problem);
}

static bool add_key(struct text field, struct text column, struct problem *problem)
{
	buf_string(&my.sql, my.key_count ? " AND " : " WHERE ");
	buf_sql_name(&my.sql, column);
	buf_printf(&my.sql, " = %c%zu", my.database->parameter, my.key_count + 1);
	return column_and_field(column, field, &my.keys[my.key_count++], problem);
}

static bool start(struct problem *problem)
{
	if (!my.engine || (strcasecmp(my.engine, "sqlite") && strcasecmp(my.engine, "postgresql")))
		return problem_set(problem, "--engine: sqlite or postgresql expected");
	my.database = strcasecmp(my.engine, "sqlite") ? &postgresql_database : &sqlite_database;
	if (!each_pair(my.replace, "replace-fields", add_target, problem))
		return false;
	buf_string(&my.sql, " FROM ");
	buf_sql_name(&my.sql, text_of(my.table));
	if (!each_pair(my.match, "match-fields", add_key, problem))
		return false;
	/* Two rows are enough to know that it is not one. */
	buf_string(&my.sql, " LIMIT 2");
	my.cache.limit = 8 << 20;
	return cache_open(&my.cache, problem) && my.database->open(&my.server, buf_cstr(&my.sql), problem);
}

static void pause_seconds(double seconds)
{
	struct timespec time = { (time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9) };

	nanosleep(&time, NULL);
}

/* Asks, and connects again where the connection is lost, a few times. */
static enum answer ask(const struct value *values, struct problem *problem)
{
	for (int attempt = 1;; attempt++) {
		enum answer answer;

		buf_clear(&my.row);
		answer = my.database->ask(values, my.key_count, &my.row, problem);
		if (answer != ANSWER_LOST || my.fail_on_errors)
			return answer;
		do {
			if (attempt++ > ATTEMPTS)
				return ANSWER_LOST;
			my.database->close();
			pause_seconds(my.reconnect_delay);
		} while (!my.database->open(&my.server, buf_cstr(&my.sql), problem));
	}
}

static bool wanted(struct event *ev)
{
	for (size_t i = 0; i < my.target_count; i++)
		if (my.overwrite || !event_has(ev, my.targets[i]))
			return true;
	return false;
}

static void fill_in(struct event *ev, struct text row)
{
	struct value columns, v;
	struct value_error unused;
	struct value_walk walk;

	if (!value_parse(row, &columns, &unused))
		return;
	walk = value_walk(columns);
	for (size_t i = 0; value_next(&walk, &v); i++)
		event_add_value(ev, my.targets[i], v, my.overwrite ? OVERWRITE_YES : OVERWRITE_NO);
}

static enum verdict answered(struct event *ev, const struct value *values)
{
	struct problem problem = { .line = 0 };

	switch (ask(values, &problem)) {
	case ANSWER_NOTHING:
		cache_set(&my.cache, buf_view(&my.key), NO_TEXT, my.cache_ttl);
		return PASS;
	case ANSWER_ROW:
		cache_set(&my.cache, buf_view(&my.key), buf_view(&my.row), my.cache_ttl);
		fill_in(ev, buf_view(&my.row));
		return PASS;
	case ANSWER_MANY:
		event_mark(ev, "%s: more than one row", my.table);
		return REJECT;
	case ANSWER_REFUSED:
		event_mark(ev, "%s", problem.text);
		return REJECT;
	case ANSWER_LOST:
		event_mark(ev, "%s", problem.text);
		filter_fail(EXIT_REMOTE, &problem);
		return REJECT;
	}
	return PASS;
}

static enum verdict look_up(struct event *ev)
{
	struct value values[MOST_FIELDS];
	struct text row;

	if (!wanted(ev))
		return PASS;
	buf_clear(&my.key);
	for (size_t i = 0; i < my.key_count; i++) {
		values[i] = value_first(event_value(ev, my.keys[i]));
		if (values[i].kind == VALUE_NONE)
			return PASS;
		buf_text(&my.key, values[i].raw);
		buf_char(&my.key, ',');
	}
	switch (cache_get(&my.cache, buf_view(&my.key), &row)) {
	case CACHE_FOUND:
		fill_in(ev, row);
		return PASS;
	case CACHE_NOTHING:
		return PASS;
	default:
		return answered(ev, values);
	}
}

static void stop(void)
{
	if (my.database)
		my.database->close();
	cache_close(&my.cache);
	buf_free(&my.sql);
	buf_free(&my.key);
	buf_free(&my.row);
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv,
		&(struct filter){ .name = "imq-generic-db-lookup",
			.module = "intelmq.bots.experts.generic_db_lookup.expert",
			.summary = "set fields from a row of a database table",
			.options = options,
			.start = start,
			.event = look_up,
			.stop = stop });
}
