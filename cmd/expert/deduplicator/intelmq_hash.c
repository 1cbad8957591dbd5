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

void intelmq_hash(struct intelmq_hash *h, struct event *ev, unsigned char digest[DIGEST])
{
	size_t cursor = 0, count = 0;
	struct part part;
	enum field f;

	event_flatten(ev);
	while (event_next(ev, &cursor, &part.name, &f, &part.value)) {
		if (text_is(part.name, "__type") || text_is(part.name, "__path") || text_is(part.name, "time.observation") ||
			value_ignored(part.value) || list_has(h->names, part.name) != h->whitelist)
			continue;
		alloc_grow(&h->parts, &h->cap, count + 1, sizeof *h->parts);
		h->parts[count++] = part;
	}
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
