#include "extract.h"

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>
#include <sys/stat.h>

/* Deflate cannot do better than about 1030 to 1; what does is a bomb. Small archives may do what they like. */
enum { HIGHEST_RATIO = 1100, FREE_SIZE = 16 << 20, BLOCK = 64 * 1024 };

struct extraction {
	const struct extract *x;
	struct archive *archive;
	size_t packed, unpacked, files;
	bool over;
};

bool extract_is_zip(struct text bytes)
{
	return text_starts(bytes, TEXT("PK\x03\x04")) || text_starts(bytes, TEXT("PK\x05\x06"));
}

static struct archive *open_archive(struct text bytes, struct problem *problem)
{
	struct archive *a = archive_read_new();

	archive_read_support_filter_gzip(a);
	archive_read_support_filter_bzip2(a);
	archive_read_support_filter_xz(a);
	archive_read_support_filter_zstd(a);
	archive_read_support_format_zip_seekable(a);
	archive_read_support_format_tar(a);
	archive_read_support_format_raw(a);
	if (archive_read_open_memory(a, bytes.at, bytes.len) == ARCHIVE_OK)
		return a;
	problem_set(problem, "cannot unpack: %s", archive_error_string(a));
	archive_read_free(a);
	return NULL;
}

static struct text member_name(struct archive_entry *entry)
{
	const char *name = archive_entry_pathname_utf8(entry);

	return text_of(name ? name : archive_entry_pathname(entry));
}

/* A single packed file is wanted whatever is wanted; a link to another member is no file. */
static bool is_wanted(const struct extract *x, struct archive_entry *entry, struct text name, bool single)
{
	if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry))
		return false;
	return single || !x->wanted || (name.at && list_has(x->wanted, name));
}

static bool within_limits(struct extraction *e, size_t n)
{
	size_t ratio_limit = e->packed > (SIZE_MAX - FREE_SIZE) / HIGHEST_RATIO ? SIZE_MAX : e->packed * HIGHEST_RATIO + FREE_SIZE;

	e->unpacked += n;
	e->over = e->over || e->unpacked > e->x->max_size || e->unpacked > ratio_limit;
	return !e->over;
}

/* Hands out one member. False: the archive cannot be read further. */
static bool hand_out(struct extraction *e, struct text name)
{
	static char block[BLOCK];
	bool want = e->x->begin(e->x->context, name);
	la_ssize_t n = 0;

	while (want && (n = archive_read_data(e->archive, block, sizeof block)) > 0) {
		if (!within_limits(e, (size_t)n)) {
			e->x->end(e->x->context, "unpacks to too much");
			return false;
		}
		want = e->x->bytes(e->x->context, (struct text){ block, (size_t)n });
	}
	e->x->end(e->x->context, n < 0 ? archive_error_string(e->archive) : NULL);
	return n != ARCHIVE_FATAL;
}

static bool members(struct extraction *e, struct problem *problem)
{
	struct archive_entry *entry;
	int status;

	while ((status = archive_read_next_header(e->archive, &entry)) == ARCHIVE_OK || status == ARCHIVE_WARN) {
		bool raw = archive_format(e->archive) == ARCHIVE_FORMAT_RAW;
		struct text name = raw ? NO_TEXT : member_name(entry);

		/* Anything at all is a file in the raw format: something must have been packed. */
		if (raw && archive_filter_count(e->archive) < 2)
			return problem_set(problem, "not an archive");
		if (++e->files > e->x->max_files)
			return problem_set(problem, "an archive of more than %zu files", e->x->max_files);
		if (is_wanted(e->x, entry, name, raw) && !hand_out(e, name))
			return problem_set(problem, e->over ? "the archive unpacks to too much" : "the archive is broken: %s",
				archive_error_string(e->archive));
	}
	if (status != ARCHIVE_EOF)
		return problem_set(problem, "cannot unpack: %s", archive_error_string(e->archive));
	return true;
}

bool extract_all(const struct extract *x, struct text bytes, struct problem *problem)
{
	struct extraction e = { .x = x, .packed = bytes.len };
	/* libarchive gives names in the character set of the locale: of this thread, for the time being. */
	locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0), before = utf8 ? uselocale(utf8) : (locale_t)0;
	bool fine = (e.archive = open_archive(bytes, problem)) && members(&e, problem);

	archive_read_free(e.archive);
	if (utf8) {
		uselocale(before);
		freelocale(utf8);
	}
	return fine;
}
