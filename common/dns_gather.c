#include "dns_gather.h"

#include <stdlib.h>

#include "alloc.h"

struct part {
	struct dns_gather *gather;
	struct buf values, name;
	enum dns_type type;
};

struct dns_gather {
	struct dns_gather *next, *spare;
	struct dns_gatherer *gatherer;
	struct lookup_question *question;
	unsigned count, pending, answered;
	struct part *parts[DNS_GATHER_MAX]; /* made when first needed, and kept */
	double ttl, negative_ttl;           /* the least of them */
	enum dns_status failure;            /* DNS_ANSWER: none */
	const char *reason;
};

struct dns_gather *dns_gather(struct dns_gatherer *gatherer, struct lookup_question *question)
{
	struct dns_gather *g = gatherer->spare;

	if (g) {
		gatherer->spare = g->spare;
	} else {
		g = alloc_zero(1, sizeof *g);
		g->gatherer = gatherer;
		g->next = gatherer->all;
		gatherer->all = g;
	}
	g->question = question;
	g->count = g->answered = 0;
	g->pending = 1;
	g->ttl = g->negative_ttl = gatherer->lookup->cache_ttl;
	g->failure = DNS_ANSWER;
	return g;
}

static void found(struct dns_gather *g)
{
	struct part *all = g->parts[0];

	for (unsigned i = 1; i < g->count; i++)
		buf_text(&all->values, buf_view(&g->parts[i]->values));
	/* What is not complete should not be believed for long. */
	if (g->failure != DNS_ANSWER && g->gatherer->negative_ttl < g->ttl)
		g->ttl = g->gatherer->negative_ttl;
	lookup_found(g->question, buf_view(&all->values), g->ttl);
}

void dns_gather_end(struct dns_gather *g)
{
	bool any = false;

	if (--g->pending)
		return;
	for (unsigned i = 0; i < g->count; i++)
		any |= g->parts[i]->values.len > 0;
	if (any)
		found(g);
	else if (g->failure == DNS_ANSWER)
		lookup_nothing(g->question, g->negative_ttl);
	else if (!g->gatherer->failed || !g->gatherer->failed(g->question, g->failure, g->answered))
		lookup_failed(g->question, g->reason);
	g->spare = g->gatherer->spare;
	g->gatherer->spare = g;
}

static void on_reply(void *context, struct dns_reply *reply)
{
	struct part *part = context;
	struct dns_gather *g = part->gather;
	struct text value;
	double ttl;

	if (dns_failed(reply, &g->reason))
		g->failure = reply->status;
	else
		g->answered++;
	while (dns_next(reply, &value, &ttl))
		if (!g->gatherer->useful || g->gatherer->useful(value)) {
			buf_text(&part->values, value);
			buf_char(&part->values, '\n');
			g->ttl = ttl < g->ttl ? ttl : g->ttl;
		}
	if (!part->values.len) {
		ttl = reply->ttl < 0 ? g->gatherer->negative_ttl : reply->ttl;
		g->negative_ttl = ttl < g->negative_ttl ? ttl : g->negative_ttl;
	}
	if (g->gatherer->next)
		g->gatherer->next(g, buf_view(&part->name), part->type, reply->status,
			part->values.len > 0);
	dns_gather_end(g);
}

void dns_gather_ask(struct dns_gather *g, struct text name, enum dns_type type)
{
	struct part *part;

	if (g->count == DNS_GATHER_MAX)
		return;
	if (!g->parts[g->count])
		g->parts[g->count] = alloc_zero(1, sizeof *part);
	part = g->parts[g->count++];
	part->gather = g;
	part->type = type;
	buf_clear(&part->values);
	if (g->gatherer->next) {
		buf_clear(&part->name);
		buf_text(&part->name, name);
	}
	g->pending++;
	dns_ask(g->gatherer->dns, name, type, g->gatherer->lookup->deadline, on_reply, part);
}

/* Appends VALUE, as F takes it, to the LIST (`[` and COUNT values); false: F does not, or it is there already. */
static bool add(struct buf *list, enum field f, struct text value, unsigned count)
{
	size_t before = list->len, start;
	struct text rest, known, fresh;

	if (count)
		buf_char(list, ',');
	start = list->len;
	if (field_sanitise(f, VALUE_STRING, value, list) != FIELD_FINE) {
		list->len = before;
		return false;
	}
	/* No address and no host name has a comma. */
	fresh = (struct text){ list->at + start, list->len - start };
	rest = (struct text){ list->at + 1, before - 1 };
	for (unsigned i = 0; i < count && text_split(&rest, ',', &known); i++)
		if (text_eq(known, fresh)) {
			list->len = before;
			return false;
		}
	return true;
}

void dns_gather_fill(
	struct dns_gatherer *gatherer, struct event *ev, enum field f, struct text answer, bool multiple)
{
	struct buf *list = &gatherer->list;
	struct text value;
	unsigned count = 0;

	if (!multiple) {
		while (text_split(&answer, '\n', &value))
			if (value.len && event_try(ev, f, value))
				return;
		return;
	}
	buf_clear(list);
	buf_char(list, '[');
	while (text_split(&answer, '\n', &value))
		if (value.len)
			count += add(list, f, value, count);
	buf_char(list, ']');
	if (count > 1)
		event_set_raw(ev, f, buf_view(list));
	else if (count == 1)
		event_set_raw(ev, f, (struct text){ list->at + 1, list->len - 2 });
}

void dns_gather_stop(struct dns_gatherer *gatherer)
{
	struct dns_gather *next;

	for (struct dns_gather *g = gatherer->all; g; g = next) {
		next = g->next;
		for (unsigned i = 0; i < DNS_GATHER_MAX && g->parts[i]; i++) {
			buf_free(&g->parts[i]->values);
			buf_free(&g->parts[i]->name);
			free(g->parts[i]);
		}
		free(g);
	}
	gatherer->all = gatherer->spare = NULL;
	buf_free(&gatherer->list);
}
