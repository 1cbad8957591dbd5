/* Points in time. As numbers they are microseconds since 1970-01-01T00:00:00Z, without leap seconds, in the
 * years 1 to 9999; as text `YYYY-MM-DDTHH:MM:SS+00:00`, or with a fraction of six digits before the offset.
 * data-format.md 2.19 and 2.20. */
#ifndef IMQ_WHEN_H
#define IMQ_WHEN_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "problem.h"
#include "text.h"

struct when_parts {
	int year, month, day, hour, minute, second, microsecond; /* month and day from 1 */
};

/* False: no such date or time (second 60 and hour 24 included). */
bool when_from_parts(const struct when_parts *parts, int64_t *microseconds);
void when_to_parts(int64_t microseconds, struct when_parts *parts);
int when_days_in_month(int year, int month);
/* 0 is Monday. */
int when_weekday(int64_t microseconds);
/* Moves MICROSECONDS by DELTA. False: out of the years 1 to 9999. */
bool when_shift(int64_t *microseconds, int64_t delta);

/* Reads any date that when_parse_iso() or when_parse_fuzzy() reads. */
bool when_parse(struct text t, int64_t *microseconds);
/* Reads `YYYY-MM-DD[T ]HH:MM:SS[.f…][Z|±HH:MM|±HHMM]`, nothing more; without zone it is UTC. Digits of the
 * fraction after the sixth are dropped. */
bool when_parse_iso(struct text t, int64_t *microseconds);
/* Reads nearly anything that has a date or a time in it: month before day where both are possible, missing
 * parts of the date from today (UTC), unknown zones as UTC. Longer texts than 512 characters are refused. */
bool when_parse_fuzzy(struct text t, int64_t *microseconds);
/* Whether T has the canonical form, judged loosely: one digit for month, day, hour, minute, second, and one
 * to six for the fraction, will do. */
bool when_is_canonical(struct text t);

/* Appends the canonical form, the fraction only if it is not zero. The time must be in the years 1 to 9999.
 */
void when_write(struct buf *out, int64_t microseconds);

/* A way to read times, named as IntelMQ's parsers name it: `timestamp` (seconds since 1970), `epoch_millis`,
 * `windows_nt` (100 ns since 1601), `utc_isoformat`, `fuzzy` (also the empty name), `from_format|FMT`,
 * `from_format_midnight|FMT` (the date alone; FMT as Python's strptime has it). NULL with PROBLEM's text
 * filled in: there is no such way. Free with when_format_free(). */
struct when_format;
struct when_format *when_format_new(struct text name, struct problem *problem);
void when_format_free(struct when_format *format);
/* Appends the canonical form of IN, without quotes. False, with OUT as it was: IN is no such time. */
bool when_convert(const struct when_format *format, struct text in, struct buf *out);
/* As when_convert(), as a number. */
bool when_convert_to(const struct when_format *format, struct text in, int64_t *microseconds);

#endif
