/* Checks for unit tests: a failure is printed with its place, the test goes on, and `return check_end();`
 * tells. */
#ifndef IMQ_CHECK_H
#define IMQ_CHECK_H

#include <stdio.h>
#include <string.h>

static unsigned check_count, check_failures;

static inline void check_that(int true_enough, const char *file, int line, const char *what)
{
	check_count++;
	if (!true_enough) {
		check_failures++;
		fprintf(stderr, "%s:%d: %s\n", file, line, what);
	}
}

static inline void check_same(
	const char *got, const char *wanted, const char *file, int line, const char *what)
{
	check_count++;
	if (strcmp(got, wanted) != 0) {
		check_failures++;
		fprintf(stderr, "%s:%d: %s is %s, not %s\n", file, line, what, got, wanted);
	}
}

#define CHECK(condition) check_that(!!(condition), __FILE__, __LINE__, #condition)
/* Two strings are the same. */
#define CHECK_SAME(got, wanted) check_same(got, wanted, __FILE__, __LINE__, #got)

static inline int check_end(void)
{
	if (check_failures)
		fprintf(stderr, "%u of %u checks failed\n", check_failures, check_count);
	return check_failures > 0;
}

#endif
