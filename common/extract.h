/* Files out of archives in memory (libarchive): ZIP, tar, and single files packed with gzip, bzip2, xz or zstd. Archives come from
 * strangers: what they unpack to is limited in number, size and ratio, and nothing is written to disk. */
#ifndef IMQ_EXTRACT_H
#define IMQ_EXTRACT_H

#include <stdbool.h>
#include <stddef.h>

#include "opt.h"
#include "problem.h"
#include "text.h"

struct extract {
	const struct list *wanted; /* names of members; NULL: all */
	size_t max_size;           /* bytes of all members together */
	size_t max_files;          /* members looked at */
	/* A regular file begins; NAME is NO_TEXT for a single packed file. Bytes follow in pieces, then its end: FAILURE is NULL, or
	 * why the bytes are not all there. False from the first two: no more of this file is wanted. */
	bool (*begin)(void *context, struct text name);
	bool (*bytes)(void *context, struct text bytes);
	void (*end)(void *context, const char *failure);
	void *context;
};

/* Whether BYTES is a ZIP archive, with nothing before it. */
bool extract_is_zip(struct text bytes);
/* Hands out the members of the archive BYTES in its order. Members that cannot be read are told by end(); the next ones follow. False
 * with PROBLEM filled in: it is no archive, or broken, or over a limit; the members handed out until then are good. */
bool extract_all(const struct extract *x, struct text bytes, struct problem *problem);

#endif
