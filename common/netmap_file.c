/* The compiled form of a netmap: a header, then for IPv4 and for IPv6 the index, the values, the starts and the prefixes of the
 * ranges, each beginning at a multiple of 8, in this machine's byte order. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "netmap.h"
#include "replace.h"
#include "stream.h"

enum { ORDER = 0x01020304 };

struct header {
	char magic[8];
	uint32_t order, unused; /* a machine of another byte order does not see ORDER */
	struct netmap_stamp stamp;
	uint64_t counts[2];
};

static const struct header template = { .magic = "imq net1", .order = ORDER };

bool netmap_stamp_of(const char *path, struct netmap_stamp *stamp)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return false;
	*stamp = (struct netmap_stamp){ st.st_size, st.st_mtim.tv_sec, st.st_mtim.tv_nsec };
	return true;
}

static void put(struct writer *out, const void *bytes, size_t n)
{
	static const char padding[8];

	buf_add(&out->buffer, bytes, n);
	buf_add(&out->buffer, padding, -n & 7);
	writer_added(out);
}

static void put_ranges(struct writer *out, const struct netmap_ranges *r, size_t width)
{
	put(out, r->index, (NETMAP_BUCKETS + 1) * sizeof *r->index);
	put(out, r->values, r->count * sizeof *r->values);
	put(out, r->starts, r->count * width);
	put(out, r->prefixes, r->count);
}

bool netmap_save(const struct netmap *m, const char *path, const struct netmap_stamp *stamp)
{
	struct header header = template;
	struct replace file;
	struct writer out;
	bool fine;

	if (!replace_open(&file, path))
		return false;
	header.stamp = *stamp;
	header.counts[0] = m->v4.count;
	header.counts[1] = m->v6.count;
	writer_init(&out, file.fd);
	put(&out, &header, sizeof header);
	put_ranges(&out, &m->v4, 4);
	put_ranges(&out, &m->v6, 16);
	fine = writer_flush(&out) && replace_commit(&file, -1);
	if (out.failure) {
		replace_abandon(&file);
		errno = out.failure;
	}
	writer_free(&out);
	return fine;
}

/* The next N elements of SIZE bytes; NULL: they are not there. */
static const void *take(const unsigned char *bytes, size_t end, size_t *at, uint64_t n, size_t size)
{
	const void *taken = bytes + *at;
	size_t length;

	if (__builtin_mul_overflow(n, size, &length) || length > end - *at || (-length & 7) > end - *at - length)
		return NULL;
	*at += length + (-length & 7);
	return taken;
}

/* Whether the starts of ranges, WIDTH bytes each, get larger and larger. */
static bool ascending(const unsigned char *starts, size_t count, size_t width)
{
	for (size_t i = 1; i < count; i++) {
		const unsigned char *before = starts + (i - 1) * width, *start = before + width;
		uint32_t a, b;

		/* The first four bytes as a number decide most of it, at a fraction of the time. */
		memcpy(&a, before, sizeof a);
		memcpy(&b, start, sizeof b);
		a = ntohl(a);
		b = ntohl(b);
		if (a > b || (a == b && memcmp(before, start, width) >= 0))
			return false;
	}
	return true;
}

/* All that netmap_find() and its callers rely on. */
static bool is_sound(const struct netmap_ranges *r, size_t width)
{
	for (size_t i = 0; i < NETMAP_BUCKETS; i++)
		if (r->index[i] > r->index[i + 1])
			return false;
	if (r->index[NETMAP_BUCKETS] > r->count)
		return false;
	for (size_t i = 0; i < r->count; i++)
		if (r->prefixes[i] != NETMAP_NOTHING && r->prefixes[i] > width * 8)
			return false;
	return ascending(r->starts, r->count, width);
}

static bool view_ranges(
	struct netmap_ranges *r, const unsigned char *bytes, size_t end, size_t *at, uint64_t count, size_t width)
{
	const void *index = take(bytes, end, at, NETMAP_BUCKETS + 1, sizeof *r->index);
	const void *values = index ? take(bytes, end, at, count, sizeof *r->values) : NULL;
	const void *starts = values ? take(bytes, end, at, count, width) : NULL;
	const void *prefixes = starts ? take(bytes, end, at, count, 1) : NULL;

	/* Only read from: netmap_free() does not free what is mapped. */
	*r = (struct netmap_ranges){ (unsigned char *)(uintptr_t)starts, (uint32_t *)(uintptr_t)values,
		(unsigned char *)(uintptr_t)prefixes, (size_t)count, (uint32_t *)(uintptr_t)index };
	return prefixes && is_sound(r, width);
}

bool netmap_view(struct netmap *m, const void *bytes, size_t size, const struct netmap_stamp *stamp)
{
	const struct header *header = bytes;
	size_t at = sizeof *header;

	if (size >= sizeof *header && memcmp(header->magic, template.magic, sizeof header->magic) == 0 &&
		header->order == ORDER && memcmp(&header->stamp, stamp, sizeof *stamp) == 0 &&
		view_ranges(&m->v4, bytes, size, &at, header->counts[0], 4) &&
		view_ranges(&m->v6, bytes, size, &at, header->counts[1], 16) && at == size)
		return true;
	memset(&m->v4, 0, sizeof m->v4);
	memset(&m->v6, 0, sizeof m->v6);
	return false;
}

bool netmap_map(struct netmap *m, const char *path, const struct netmap_stamp *stamp)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *map = MAP_FAILED;

	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
		map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (fd >= 0)
		close(fd);
	if (map == MAP_FAILED)
		return false;
	if (!netmap_view(m, map, (size_t)st.st_size, stamp)) {
		munmap(map, (size_t)st.st_size);
		return false;
	}
	m->map = map;
	m->map_size = (size_t)st.st_size;
	return true;
}
