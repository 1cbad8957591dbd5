#include "ipmap.h"

#include <stdlib.h>

#include "alloc.h"

void ipmap_free(struct ipmap *m)
{
	free(m->entries);
	*m = (struct ipmap){ NULL, 0, 0 };
}

void ipmap_add(struct ipmap *m, const struct ip *ip, long long value)
{
	if (m->count == m->cap)
		alloc_grow(&m->entries, &m->cap, m->count + 1, sizeof *m->entries);
	m->entries[m->count] = (struct ipmap_entry){ *ip, (unsigned)m->count, value };
	m->count++;
}

static int by_ip(const void *a, const void *b)
{
	const struct ipmap_entry *x = a, *y = b;
	int order = ip_cmp(&x->ip, &y->ip);

	return order ? order : (x->order > y->order) - (x->order < y->order);
}

void ipmap_finish(struct ipmap *m)
{
	size_t kept = 0;

	if (m->count)
		qsort(m->entries, m->count, sizeof *m->entries, by_ip);
	for (size_t i = 0; i < m->count; i++) {
		if (kept && ip_cmp(&m->entries[kept - 1].ip, &m->entries[i].ip) == 0)
			kept--;
		m->entries[kept++] = m->entries[i];
	}
	m->count = kept;
}

bool ipmap_find(const struct ipmap *m, const struct ip *ip, long long *value)
{
	size_t low = 0, high = m->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = ip_cmp(&m->entries[middle].ip, ip);

		if (order == 0) {
			*value = m->entries[middle].value;
			return true;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}
