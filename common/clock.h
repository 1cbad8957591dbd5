/* The one clock. IMQ_NOW in the environment overrides it for tests: an ISO time such as 2026-11-25T10:00:00+00:00, or
 * @FILE, whose content is such a time and is read again at every call. What cannot be read is ignored. */
#ifndef IMQ_CLOCK_H
#define IMQ_CLOCK_H

#include <stdint.h>

/* Microseconds since 1970-01-01T00:00:00 UTC. */
int64_t clock_now(void);
/* From now on clock_now() always answers MOMENT; with 0, what it answers first from now on. For what must come out the same when it
 * is done again. */
void clock_hold(int64_t moment);
/* Microseconds of a clock that only goes forward, for timeouts; not overridden. */
int64_t clock_steady(void);

#endif
