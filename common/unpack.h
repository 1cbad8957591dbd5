/* Unpacks gzip, zstd, xz and bzip2 on the way in (libarchive). */
#ifndef IMQ_UNPACK_H
#define IMQ_UNPACK_H

#include <sys/types.h>

#include "problem.h"
#include "text.h"

struct unpacker;

/* Whether BEGINNING, the first bytes of a file, is that of a packed one. UNPACK_UNSURE: it is too short to tell. */
enum unpack_guess { UNPACK_NO, UNPACK_YES, UNPACK_UNSURE };
enum unpack_guess unpack_guess(struct text beginning);
/* Unpacks what starts with PREFIX (copied) and goes on in FD, which stays the caller's. NULL with PROBLEM filled in. */
struct unpacker *unpack_new(struct text prefix, int fd, struct problem *problem);
/* Up to N unpacked bytes; 0 at the end, -1 with PROBLEM filled in on damaged input. */
ssize_t unpack_read(struct unpacker *u, char *bytes, size_t n, struct problem *problem);
void unpack_free(struct unpacker *u);

#endif
