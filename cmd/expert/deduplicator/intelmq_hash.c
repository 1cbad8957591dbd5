/* The hash of an event as IntelMQ makes it: name, 0xC0, value in Python's notation, 0xC0, for each field in the order of names. */
#include <stdlib.h>

#include <openssl/evp.h>

#include "alloc.h"
#include "intelmq.h"
#include "repr.h"

struct part {
	struct text name;
	struct value value;
};

struct intelmq_hash {
	const struct list *names;
	bool whitelist;
	EVP_MD_CTX *context;
	struct part *parts;
	size_t cap;
	struct buf bytes;
};

struct intelmq_hash *intelmq_hash_new(const struct list *names, bool whitelist)
{
	struct intelmq_hash *h = alloc_zero(1, sizeof *h);

	h->names = names;
	h->whitelist = whitelist;
	h->context = EVP_MD_CTX_new();
	return h;
}

void intelmq_hash_free(struct intelmq_hash *h)
{
	if (!h)
		return;
	EVP_MD_CTX_free(h->context);
	free(h->parts);
	buf_free(&h->bytes);
	free(h);
}

static int by_name(const void *a, const void *b)
{
	return text_cmp(((const struct part *)a)->name, ((const struct part *)b)->name);
}

static void add_part(struct intelmq_hash *h, size_t *count, struct text name, struct value value)
{
	if (text_is(name, "__type") || text_is(name, "__path") || text_is(name, "time.observation") || value_ignored(value) ||
		list_has(h->names, name) != h->whitelist)
		return;
	alloc_grow(&h->parts, &h->cap, *count + 1, sizeof *h->parts);
	h->parts[(*count)++] = (struct part){ name, value };
}

/* A nested `extra` is taken apart one level deep, as IntelMQ does; what is nested deeper is a value (data-format.md 3.3). */
static void add_members(struct intelmq_hash *h, size_t *count, struct event *ev, struct value extra)
{
	struct value_walk walk = value_walk(extra);
	struct value key, member;

	while (value_next_member(&walk, &key, &member)) {
		struct text text = value_text(key, event_arena(ev));
		char *name = arena_bytes(event_arena(ev), text.len + 6);

		memcpy(name, "extra.", 6);
		memcpy(name + 6, text.at, text.len);
		add_part(h, count, (struct text){ name, text.len + 6 }, member);
	}
}

void intelmq_hash(struct intelmq_hash *h, struct event *ev, unsigned char digest[DIGEST])
{
	size_t cursor = 0, count = 0;
	struct text name;
	struct value value;
	enum field f;

	while (event_next(ev, &cursor, &name, &f, &value))
		if (text_is(name, "extra") && value.kind == VALUE_OBJECT)
			add_members(h, &count, ev, value);
		else
			add_part(h, &count, name, value);
	if (count)
		qsort(h->parts, count, sizeof *h->parts, by_name);
	buf_clear(&h->bytes);
	for (size_t i = 0; i < count; i++) {
		buf_text(&h->bytes, h->parts[i].name);
		buf_char(&h->bytes, (char)0xc0);
		repr_value(&h->bytes, h->parts[i].value);
		buf_char(&h->bytes, (char)0xc0);
	}
	EVP_DigestInit_ex(h->context, EVP_sha256(), NULL);
	EVP_DigestUpdate(h->context, buf_view(&h->bytes).at, h->bytes.len);
	EVP_DigestFinal_ex(h->context, digest, NULL);
}
