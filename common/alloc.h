/* Memory that is there or ends the process: no command can do anything sensible without it, and a filter that is
 * killed loses nothing (the barrier sees to that). Message on stderr, exit status 4. */
#ifndef IMQ_ALLOC_H
#define IMQ_ALLOC_H

#include <stddef.h>

#include "text.h"

/* COUNT zeroed elements of SIZE bytes; the product is checked. Free with free(). */
void *alloc_zero(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
/* OLD grown or shrunk to COUNT elements of SIZE bytes. */
void *alloc_resize(void *old, size_t count, size_t size) __attribute__((returns_nonnull));
/* As alloc_zero(), for large tables that are looked into at random: in huge pages, where the system has them. Freed with free(). */
void *alloc_table(size_t count, size_t size);
/* A copy of T with a NUL behind it. */
char *alloc_string(struct text t) __attribute__((malloc, returns_nonnull));
/* Grows the array at *ITEMS, which has room for *CAP elements of SIZE bytes, until NEED fit (doubling). */
void alloc_grow(void *items, size_t *cap, size_t need, size_t size);

#endif
