/* The definitions of feeds (imq-feed(5)): users' own, and those of share/feeds/. */
#ifndef IMQ_FEEDS_H
#define IMQ_FEEDS_H

#include <stdbool.h>

#include "problem.h"

/* Calls SEEN for the file of every definition, users' own first, each folder's in order of name, until it returns false.
 * False with PROBLEM filled in: the catalogue cannot be read. */
bool feeds_each(bool (*seen)(const char *file, void *context), void *context, struct problem *problem);

#endif
