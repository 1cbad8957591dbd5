#include "store.h"

#include <stdlib.h>

#include "alloc.h"

void names_add(struct names *names, struct text name)
{
	alloc_grow(&names->items, &names->cap, names->count + 1, sizeof *names->items);
	names->items[names->count++] = alloc_string(name);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void names_sort(struct names *names)
{
	size_t kept = 0;

	if (names->count)
		qsort(names->items, names->count, sizeof *names->items, compare);
	for (size_t i = 0; i < names->count; i++)
		if (kept && strcmp(names->items[kept - 1], names->items[i]) == 0)
			free(names->items[i]);
		else
			names->items[kept++] = names->items[i];
	names->count = kept;
}

void names_free(struct names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->items[i]);
	free(names->items);
	*names = (struct names){ NULL, 0, 0 };
}

struct text gathered_contact(const struct store *s, size_t i)
{
	return (struct text){ s->texts.at + s->list[i].at, s->list[i].contact };
}

struct text gathered_event(const struct store *s, size_t i)
{
	return (struct text){ s->texts.at + s->list[i].at + s->list[i].contact, s->list[i].event };
}

void store_gather(struct store *s, struct text contact, struct text event)
{
	alloc_grow(&s->list, &s->cap, s->count + 1, sizeof *s->list);
	s->list[s->count++] = (struct gathered){ s->texts.len, contact.len, event.len };
	buf_text(&s->texts, contact);
	buf_text(&s->texts, event);
}

void store_close(struct store *s)
{
	if (!s)
		return;
	free(s->list);
	buf_free(&s->texts);
	s->kind->close(s);
}
