/* The attachment: a table of events, packed. */
#include <stdio.h>
#include <time.h>

#include <archive.h>
#include <archive_entry.h>

#include "batch.h"
#include "csv.h"
#include "event.h"
#include "export.h"
#include "log.h"
#include "nest.h"
#include "unicode.h"
#include "when.h"

void table_clear(struct table *t)
{
	struct csv_row row;

	if (!t->ev)
		t->ev = event_new();
	t->events = t->ignored = 0;
	t->full = false;
	buf_clear(&t->csv);
	row = csv_row(&t->csv, ',');
	for (size_t i = 0; i < settings.fieldnames.count; i++)
		csv_put(&row, settings.titles[i]);
	csv_end(&row, "\r\n");
}

/* What `raw` stands for, in one line; as it is where that is no text. */
static void put_raw(struct table *t, struct text raw)
{
	struct text plain;

	buf_clear(&t->plain);
	if (!buf_unbase64(&t->plain, raw) || !unicode_valid(buf_view(&t->plain))) {
		buf_text(&t->cell, raw);
		return;
	}
	plain = unicode_strip(buf_view(&t->plain));
	for (size_t i = 0; i < plain.len; i++)
		if (plain.at[i] == '\n')
			buf_string(&t->cell, "\\n");
		else if (plain.at[i] == '\r')
			buf_string(&t->cell, "\\r");
		else
			buf_char(&t->cell, plain.at[i]);
}

static void put_row(struct table *t)
{
	struct csv_row row = csv_row(&t->csv, ',');

	for (size_t i = 0; i < settings.fieldnames.count; i++) {
		enum field f = settings.fields[i];
		struct value v = event_value(t->ev, f);

		buf_clear(&t->cell);
		if (f == F_RAW && v.kind == VALUE_STRING)
			put_raw(t, event_text(t->ev, f));
		else if (f == F_EXTRA)
			nest_write(t->ev, TEXT("extra"), &t->cell);
		else if (v.kind != VALUE_NONE)
			export_text(t->ev, v, &t->cell);
		csv_put(&row, buf_view(&t->cell));
	}
	csv_end(&row, "\r\n");
}

static bool is_too_old(struct table *t)
{
	struct text time = event_text(t->ev, F_TIME_OBSERVATION);
	int64_t moment;

	if (t->oldest == INT64_MIN)
		return false;
	if (time.at && when_parse_iso(time, &moment))
		return moment < t->oldest;
	log_message("%s: an event without time.observation is mailed, whatever its age", t->contact);
	return false;
}

bool table_add(void *table, struct text event)
{
	struct table *t = table;
	struct value_error error;

	if ((settings.max_events && t->events == (size_t)settings.max_events) || (t->events && t->csv.len >= settings.max_table)) {
		t->full = true;
		return false;
	}
	if (!event_read(t->ev, event, &error)) { /* somebody else has put it there; it could never be mailed */
		log_message("%s: what is no event is left out: %s", t->contact, error.reason);
		t->ignored++;
	} else if (is_too_old(t)) {
		t->ignored++;
	} else {
		put_row(t);
		t->events++;
	}
	return true;
}

static la_ssize_t on_write(struct archive *a, void *out, const void *bytes, size_t n)
{
	(void)a;
	buf_add(out, bytes, n);
	return (la_ssize_t)n;
}

/* The name is IntelMQ's: the day, and how many there are. */
bool table_zip(const struct table *t, int64_t now, struct buf *out, struct problem *problem)
{
	struct archive *a = archive_write_new();
	struct archive_entry *entry = archive_entry_new();
	time_t seconds = (time_t)(now / 1000000);
	char name[80], day[16];
	struct tm tm;
	bool fine;

	localtime_r(&seconds, &tm);
	strftime(day, sizeof day, "%y%m%d", &tm);
	snprintf(name, sizeof name, "%s_%zu_events.csv", day, t->events);
	archive_entry_set_pathname(entry, name);
	archive_entry_set_size(entry, (la_int64_t)t->csv.len);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0644);
	archive_entry_set_mtime(entry, seconds, 0);
	archive_write_set_bytes_in_last_block(a, 1);
	fine = archive_write_set_format_zip(a) == ARCHIVE_OK && archive_write_zip_set_compression_deflate(a) == ARCHIVE_OK &&
	       archive_write_open(a, out, NULL, on_write, NULL) == ARCHIVE_OK && archive_write_header(a, entry) == ARCHIVE_OK &&
	       archive_write_data(a, t->csv.at, t->csv.len) == (la_ssize_t)t->csv.len && archive_write_close(a) == ARCHIVE_OK;
	if (!fine)
		problem_set(problem, "packing the table: %s", archive_error_string(a));
	archive_entry_free(entry);
	archive_write_free(a);
	return fine;
}

void table_free(struct table *t)
{
	event_free(t->ev);
	buf_free(&t->csv);
	buf_free(&t->cell);
	buf_free(&t->plain);
}
