/* The parts of imq. */
#ifndef IMQ_H
#define IMQ_H

/* status.c: the pipelines whose pumps keep notes (imq-pump --status) in FOLDER, as a table. Returns the exit status: 1 where one is
 * not running, 2 where there are none. */
int status_show(const char *folder);
/* The same again and again, with rates, until a signal; once where stdout is no terminal. */
int status_top(const char *folder);

#endif
