/* Times: the calendar, the named formats, spans, the clock. */
#include <stdlib.h>

#include "check.h"
#include "clock.h"
#include "span.h"
#include "when.h"

static struct buf out;

static const char *converted(const char *name, const char *text)
{
	struct problem problem;
	struct when_format *format = when_format_new(text_of(name), &problem);
	bool taken;

	if (!format)
		return "no such format";
	buf_clear(&out);
	taken = when_convert(format, text_of(text), &out);
	when_format_free(format);
	return taken ? buf_cstr(&out) : "refused";
}

static void formats(void)
{
	static const char *const rows[][3] = {
		{ "timestamp", "1441008970", "2015-08-31T08:16:10+00:00" },
		{ "timestamp", "1441008970.5", "2015-08-31T08:16:10.500000+00:00" },
		{ "timestamp", "-62135596800", "0001-01-01T00:00:00+00:00" },
		{ "timestamp", "-62135596801", "refused" },
		{ "timestamp", "253402300800", "refused" },
		{ "timestamp", "nan", "refused" },
		{ "timestamp", "0x10", "refused" },
		{ "timestamp", "1e308", "refused" },
		{ "timestamp", "", "refused" },
		{ "epoch_millis", "1441008970", "2015-08-31T08:16:10+00:00" },
		{ "epoch_millis", "144100897012", "2015-08-31T08:16:10+00:00" },
		{ "epoch_millis", "1441008970123", "2015-08-31T08:16:10+00:00" },
		{ "epoch_millis", "-100000000001", "1966-10-31T14:13:19+00:00" },
		{ "epoch_millis", "14410089701", "refused" },
		{ "windows_nt", "131863104000000005", "2018-11-10T08:00:00+00:00" },
		{ "windows_nt", "9223372036854775807", "refused" },
		{ "utc_isoformat", "2015-8-1T8:6:1+00:00", "2015-8-1T8:6:1+00:00" },
		{ "utc_isoformat", "2015-08-31", "refused" },
		{ "", "31/08/2015", "2015-08-31T00:00:00+00:00" },
		{ "fuzzy", "2015-08-31T08:16:10.1+00:00", "2015-08-31T08:16:10.100000+00:00" },
		{ "from_format|%Y-%m-%d", "2015-08-31", "2015-08-31T00:00:00+00:00" },
		{ "from_format|%Y-%m-%d", "2015-08-31 ", "refused" },
		{ "from_format|%Y%m%d", "201511", "2015-01-01T00:00:00+00:00" },
		{ "from_format|%d/%b/%Y:%H:%M:%S %z", "31/aug/2015:08:16:10 +0200",
			"2015-08-31T06:16:10+00:00" },
		{ "from_format|%H:%M", "08:16", "1900-01-01T08:16:00+00:00" },
		{ "from_format|%I:%M %p", "12:16 am", "1900-01-01T00:16:00+00:00" },
		{ "from_format|%Y|%m", "2015|08", "2015-08-01T00:00:00+00:00" },
		{ "from_format|%Y %j", "2015 243", "2015-08-31T00:00:00+00:00" },
		{ "from_format|%G-W%V-%u", "2015-W36-1", "2015-08-31T00:00:00+00:00" },
		{ "from_format|%G-W%V-%u", "2021-W01-1", "2021-01-04T00:00:00+00:00" },
		{ "from_format|%G-W%V", "2015-W36", "refused" },
		{ "from_format|%Y %U %w", "2015 35 0", "2015-08-30T00:00:00+00:00" },
		{ "from_format|%Y %W %w", "2015 00 4", "2015-01-01T00:00:00+00:00" },
		{ "from_format|%S", "60", "refused" },
		{ "from_format|%d", "31\xff", "refused" },
		{ "from_format_midnight|%d.%m.%Y %H:%M %z", "31.08.2015 23:00 +0200",
			"2015-08-31T00:00:00+00:00" },
		{ "from_format|%Q", "1", "no such format" },
		{ "from_format|%", "1", "no such format" },
		{ "from_format", "1", "no such format" },
		{ "timestamp|", "1", "1970-01-01T00:00:01+00:00" },
		{ "timestamp|%Y", "1", "no such format" },
		{ "nothing", "1", "no such format" },
	};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		const char *got = converted(rows[i][0], rows[i][1]);

		CHECK_SAME(got, rows[i][2]);
		if (strcmp(got, rows[i][2]) != 0)
			fprintf(stderr, "\t%s of %s\n", rows[i][0], rows[i][1]);
	}
}

/* Every day from 1 to 9999, there and back. */
static void calendar(void)
{
	struct when_parts parts = { 1, 1, 1, 0, 0, 0, 0 }, back;
	int64_t at, expected = -719162;

	for (int days = 0, weekday = 0; parts.year < 10000; days++, weekday = (weekday + 1) % 7, expected++) {
		if (!when_from_parts(&parts, &at) || at != expected * 86400 * 1000000 ||
			when_weekday(at) != weekday) {
			CHECK(!"the calendar is right");
			return;
		}
		when_to_parts(at + 86399999999, &back);
		if (back.year != parts.year || back.month != parts.month || back.day != parts.day ||
			back.hour != 23 || back.microsecond != 999999) {
			CHECK(!"the calendar is right backwards");
			return;
		}
		if (++parts.day > when_days_in_month(parts.year, parts.month)) {
			parts.day = 1;
			parts.year += parts.month == 12;
			parts.month = parts.month % 12 + 1;
		}
	}
	CHECK(!when_from_parts(&parts, &at));
}

static const char *in_words(long long seconds)
{
	buf_clear(&out);
	span_write(&out, seconds);
	return buf_cstr(&out);
}

static void spans(void)
{
	static const struct {
		const char *text;
		long long seconds; /* -1: none */
	} rows[] = {
		{ "1 hour", 3600 },
		{ " 1 hours ", 3600 },
		{ "2\tyears", 63072000 },
		{ "0 days", 0 },
		{ "10 seconds", 10 },
		{ "4hours", -1 },
		{ "1 Hour", -1 },
		{ "1 hou", -1 },
		{ "-1 day", -1 },
		{ "1.5 hours", -1 },
		{ "1 hour 5 minutes", -1 },
		{ "", -1 },
		{ "hour", -1 },
		{ "1", -1 },
		{ "1 s", -1 },
		{ "9223372036854775807 years", -1 },
		{ "99999999999999999999 seconds", -1 },
	};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		long long seconds = -1;

		CHECK(span_parse(text_of(rows[i].text), &seconds) == (rows[i].seconds >= 0));
		CHECK(rows[i].seconds < 0 || seconds == rows[i].seconds);
	}
	CHECK_SAME(in_words(90061), "1d 1h 1m 1s");
	CHECK_SAME(in_words(0), "");
	CHECK_SAME(in_words(86401), "1d 1s");
}

/* The override is read again where it is a file. */
static void clocks(void)
{
	char path[] = "/tmp/imq-when-XXXXXX", setting[64];
	int fd = mkstemp(path);
	FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;

	if (!f) {
		CHECK(!"a temporary file can be made");
		return;
	}
	snprintf(setting, sizeof setting, "@%s", path);
	setenv("IMQ_NOW", setting, 1);
	fputs("1970-01-01T00:00:01+00:00\n", f);
	fflush(f);
	CHECK(clock_now() == 1000000);
	rewind(f);
	fputs("1970-01-01T00:00:02.5Z\n    ", f);
	fclose(f);
	CHECK(clock_now() == 2500000);
	remove(path);
	CHECK(clock_now() > 1700000000000000);
}

int main(void)
{
	clocks(); /* first: the environment is looked at once */
	formats();
	calendar();
	spans();
	buf_free(&out);
	return check_end();
}
