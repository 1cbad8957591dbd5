#include "unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "alloc.h"
#include "buf.h"

struct unpacker {
	struct archive *archive;
	struct buf prefix;
	bool prefix_given;
	int fd;
	char block[65536];
};

enum unpack_guess unpack_guess(struct text beginning)
{
	static const struct text magics[] = { /* RFC 1952 2.3.1, RFC 8878 3.1.1, the xz and bzip2 formats */
		TEXT("\x1f\x8b\x08"), TEXT("\x28\xb5\x2f\xfd"), TEXT("\xfd" "7zXZ\0"), TEXT("BZh")
	};

	for (size_t i = 0; i < LENGTH(magics); i++) {
		if (text_starts(beginning, magics[i]))
			return UNPACK_YES;
		if (text_starts(magics[i], beginning))
			return UNPACK_UNSURE;
	}
	return UNPACK_NO;
}

static la_ssize_t give(struct archive *archive, void *context, const void **bytes)
{
	struct unpacker *u = context;
	ssize_t n;

	if (!u->prefix_given) {
		u->prefix_given = true;
		*bytes = u->prefix.at;
		return (la_ssize_t)u->prefix.len;
	}
	do
		n = read(u->fd, u->block, sizeof u->block);
	while (n < 0 && errno == EINTR);
	*bytes = u->block;
	if (n < 0)
		archive_set_error(archive, errno, "%s", strerror(errno));
	return n;
}

struct unpacker *unpack_new(struct text prefix, int fd, struct problem *problem)
{
	struct unpacker *u = alloc_zero(1, sizeof *u);
	struct archive_entry *entry;

	u->fd = fd;
	buf_text(&u->prefix, prefix);
	u->archive = archive_read_new();
	archive_read_support_filter_gzip(u->archive);
	archive_read_support_filter_bzip2(u->archive);
	archive_read_support_filter_xz(u->archive);
	archive_read_support_filter_zstd(u->archive);
	archive_read_support_format_raw(u->archive);
	archive_read_support_format_empty(u->archive);
	if (archive_read_open(u->archive, u, NULL, give, NULL) == ARCHIVE_OK) {
		int status = archive_read_next_header(u->archive, &entry);

		if (status == ARCHIVE_OK || status == ARCHIVE_EOF)
			return u;
	}
	problem_set(problem, "cannot unpack: %s", archive_error_string(u->archive));
	unpack_free(u);
	return NULL;
}

ssize_t unpack_read(struct unpacker *u, char *bytes, size_t n, struct problem *problem)
{
	la_ssize_t got = archive_read_data(u->archive, bytes, n);

	if (got >= 0)
		return got;
	problem_set(problem, "cannot unpack: %s", archive_error_string(u->archive));
	return -1;
}

void unpack_free(struct unpacker *u)
{
	if (!u)
		return;
	archive_read_free(u->archive);
	buf_free(&u->prefix);
	free(u);
}
