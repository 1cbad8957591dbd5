/* Messages for people, on stderr: `imq-url: events.ndjson:17: source.url: not a URL`. Each goes out in one write, control bytes escaped;
 * the same message about one record after the other is counted instead of repeated. */
#ifndef IMQ_LOG_H
#define IMQ_LOG_H

#include <stdbool.h>

#include "problem.h"
#include "text.h"

/* NAME stands before every message; it must live as long as the process. */
void log_name(const char *name);
void log_message(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A message about line LINE of FILE ("-" is stdin); 0: about it as a whole. */
void log_record(const char *file, long line, struct text reason);
/* A problem with its place, if it has one. */
void log_problem(const struct problem *problem);
/* Writes what is still being counted. */
void log_flush(void);

#endif
