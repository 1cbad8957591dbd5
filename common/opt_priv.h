/* Inside the options: for opt*.c only. */
#ifndef IMQ_OPT_PRIV_H
#define IMQ_OPT_PRIV_H

#include "opt.h"

/* The Ith settable row of COMMAND, its own first; NULL behind the last. */
const struct opt *opt_row(const struct command *command, size_t i);

/* opt_set.c: whether ROW's value is JSON, null included. */
bool opt_takes_json(const struct opt *row);

/* opt_help.c: --help and --describe, on stdout. */
void opt_print_help(const struct command *command);
void opt_print_description(const struct command *command);
/* Whether ROW is --name and --no-name, without a value. */
bool opt_is_switch(const struct opt *row);

#endif
