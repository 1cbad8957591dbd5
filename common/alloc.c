/* Allocation that does not fail: see alloc.h. */
#include "alloc.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static _Noreturn void out_of_memory(void)
{
	static const char message[] = "out of memory\n";
	ssize_t ignored = write(STDERR_FILENO, program_invocation_short_name, strlen(program_invocation_short_name));

	ignored = write(STDERR_FILENO, ": ", 2);
	ignored = write(STDERR_FILENO, message, sizeof message - 1);
	(void)ignored;
	_exit(4);
}

void *alloc_zero(size_t count, size_t size)
{
	void *fresh = calloc(count ? count : 1, size ? size : 1);

	if (!fresh)
		out_of_memory();
	return fresh;
}

void *alloc_table(size_t count, size_t size)
{
	const size_t huge = 2 << 20;
	size_t bytes;
	void *fresh;

	if (__builtin_mul_overflow(count, size, &bytes) || bytes < huge || bytes % huge)
		return alloc_zero(count, size);
	fresh = aligned_alloc(huge, bytes);
	if (!fresh)
		out_of_memory();
	madvise(fresh, bytes, MADV_HUGEPAGE); /* a wish: without it, it is slower */
	return memset(fresh, 0, bytes);
}

void *alloc_resize(void *old, size_t count, size_t size)
{
	size_t bytes;
	void *fresh;

	if (__builtin_mul_overflow(count ? count : 1, size, &bytes))
		out_of_memory();
	fresh = realloc(old, bytes);
	if (!fresh)
		out_of_memory();
	return fresh;
}

char *alloc_string(struct text t)
{
	char *copy = alloc_zero(t.len + 1, 1);

	if (t.len)
		memcpy(copy, t.at, t.len);
	return copy;
}

void alloc_grow(void *items, size_t *cap, size_t need, size_t size)
{
	size_t more = *cap ? *cap : 8;
	void *old;

	if (need <= *cap)
		return;
	while (more < need)
		if (__builtin_mul_overflow(more, (size_t)2, &more))
			out_of_memory();
	memcpy(&old, items, sizeof old);
	old = alloc_resize(old, more, size);
	memcpy(items, &old, sizeof old);
	*cap = more;
}
