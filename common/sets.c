#include "sets.h"

#include <stdlib.h>

#include "alloc.h"
#include "buf.h"
#include "files.h"
#include "value.h"

enum { LIST_FILE_LIMIT = 1 << 30 };

static size_t text_set_place(const struct text_set *set, struct text t, uint64_t hash)
{
	size_t at = (size_t)hash & (set->size - 1);

	while (set->slots[at].at && !(set->hashes[at] == hash && text_eq(set->slots[at], t)))
		at = (at + 1) & (set->size - 1);
	return at;
}

static void text_set_grow(struct text_set *set)
{
	struct text_set old = *set;

	set->size = old.size ? 2 * old.size : 16;
	set->slots = alloc_zero(set->size, sizeof *set->slots);
	set->hashes = alloc_zero(set->size, sizeof *set->hashes);
	for (size_t i = 0; i < old.size; i++)
		if (old.slots[i].at) {
			size_t at = text_set_place(set, old.slots[i], old.hashes[i]);

			set->slots[at] = old.slots[i];
			set->hashes[at] = old.hashes[i];
		}
	free(old.slots);
	free(old.hashes);
}

void text_set_add(struct text_set *set, struct text t)
{
	uint64_t hash = value_hash(t);
	size_t at;

	if (2 * (set->count + 1) > set->size)
		text_set_grow(set);
	at = text_set_place(set, t, hash);
	if (set->slots[at].at)
		return;
	set->slots[at] = t.at ? t : TEXT("");
	set->hashes[at] = hash;
	set->only = set->slots[at];
	set->count++;
}

bool text_set_has(const struct text_set *set, struct text t, uint64_t hash)
{
	return set->count && set->slots[text_set_place(set, t, hash)].at;
}

void text_set_free(struct text_set *set)
{
	free(set->slots);
	free(set->hashes);
	*set = (struct text_set){ 0 };
}

bool net_set_add(struct net_set *set, struct text t)
{
	struct net_range *range;
	struct ip ip;
	unsigned prefix;

	if (!ip_parse_network(t, &ip, &prefix))
		return false;
	ip_mask(&ip, prefix);
	alloc_grow(&set->ranges, &set->cap, set->count + 1, sizeof *set->ranges);
	range = &set->ranges[set->count++];
	range->first = range->last = ip;
	for (unsigned bit = prefix; bit < ip.bits; bit++)
		range->last.bytes[bit / 8] |= (unsigned char)(0x80 >> bit % 8);
	return true;
}

static int by_first(const void *a, const void *b)
{
	return ip_cmp(&((const struct net_range *)a)->first, &((const struct net_range *)b)->first);
}

void net_set_finish(struct net_set *set)
{
	size_t kept = 0;

	if (set->count)
		qsort(set->ranges, set->count, sizeof *set->ranges, by_first);
	for (size_t i = 0; i < set->count; i++) {
		struct net_range *last = kept ? &set->ranges[kept - 1] : NULL;

		/* Networks that overlap are one inside the other. */
		if (last && ip_cmp(&set->ranges[i].first, &last->last) <= 0) {
			if (ip_cmp(&set->ranges[i].last, &last->last) > 0)
				last->last = set->ranges[i].last;
			continue;
		}
		set->ranges[kept++] = set->ranges[i];
	}
	set->count = kept;
}

bool net_set_has(const struct net_set *set, const struct ip *ip)
{
	size_t low = 0, high = set->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ip_cmp(ip, &set->ranges[middle].first) < 0)
			high = middle;
		else if (ip_cmp(ip, &set->ranges[middle].last) > 0)
			low = middle + 1;
		else
			return true;
	}
	return false;
}

void net_set_free(struct net_set *set)
{
	free(set->ranges);
	*set = (struct net_set){ 0 };
}

bool list_file_read(const char *path, char **bytes,
	bool (*add)(void *context, struct text line, struct problem *problem), void *context,
	struct problem *problem)
{
	struct buf content = BUF_INIT;
	struct text rest, line;
	long number = 0;

	*bytes = NULL;
	if (!file_read(path, LIST_FILE_LIMIT, &content, problem))
		return false;
	buf_cstr(&content);
	*bytes = content.at;
	rest = buf_view(&content);
	while (text_split(&rest, '\n', &line)) {
		number++;
		line = text_trim(line);
		if (line.len == 0 || line.at[0] == '#')
			continue;
		if (!add(context, line, problem)) {
			struct problem why = *problem;

			return problem_at(problem, path, number, 0, "%s", why.text);
		}
	}
	return true;
}
