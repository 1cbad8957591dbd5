#include "teams.h"

#include <stdlib.h>

#include <jansson.h>

#include "alloc.h"

enum { MOST_ROWS = 1000000, LONGEST = 320 };

/* The address of the first of EMAILS that is meant for contact; empty if none is. */
static const char *contact_of(const json_t *emails)
{
	const json_t *email, *usage;
	size_t i, j;

	json_array_foreach(emails, i, email) json_array_foreach(json_object_get(email, "usage"), j, usage)
	{
		const char *word = json_string_value(usage),
			   *address = json_string_value(json_object_get(email, "address"));

		if (word && strcmp(word, "contact") == 0)
			return address && strlen(address) <= LONGEST ? address : "";
	}
	return "";
}

static size_t keep(struct teams *t, const char *text)
{
	size_t offset = t->texts.len;

	buf_add(&t->texts, text, strlen(text) + 1);
	return offset;
}

/* `*.example.com` stands for what is below, which a look-up by suffix finds anyway; names like `example.*`
 * say nothing that can be looked up. */
static void add_domain(struct teams *t, const char *domain, size_t contact)
{
	struct team_row *row;

	if (!domain || strstr(domain, ".*") || strlen(domain) > 255 || t->domain_count >= MOST_ROWS)
		return;
	if (strncmp(domain, "*.", 2) == 0)
		domain += 2;
	if (!domain[0])
		return;
	alloc_grow(&t->domains, &t->domain_cap, t->domain_count + 1, sizeof *t->domains);
	row = &t->domains[t->domain_count];
	*row = (struct team_row){ keep(t, domain), strlen(domain), contact, 0, t->domain_count };
	for (char *p = t->texts.at + row->domain; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p | 0x20);
	t->domain_count++;
}

static void add_as(struct teams *t, const json_t *asn, size_t contact)
{
	json_int_t n = json_integer_value(asn);

	if (!json_is_integer(asn) || n < 0 || n > UINT32_MAX || t->as_count >= MOST_ROWS)
		return;
	alloc_grow(&t->ases, &t->as_cap, t->as_count + 1, sizeof *t->ases);
	t->ases[t->as_count] = (struct team_row){ 0, 0, contact, (uint32_t)n, t->as_count };
	t->as_count++;
}

static int by_domain(const void *a, const void *b, void *texts)
{
	const struct team_row *x = a, *y = b;
	int order = strcmp((const char *)texts + x->domain, (const char *)texts + y->domain);

	return order ? order : (x->order > y->order) - (x->order < y->order);
}

static int by_as(const void *a, const void *b)
{
	const struct team_row *x = a, *y = b;

	return x->asn != y->asn ? (x->asn > y->asn) - (x->asn < y->asn)
				: (x->order > y->order) - (x->order < y->order);
}

bool teams_read(struct teams *t, struct text json, struct problem *problem)
{
	struct teams fresh = { .domain_count = 0 };
	json_error_t error;
	json_t *root = json_loadb(json.at, json.len, 0, &error);
	const json_t *team, *entry;
	size_t i, j;

	if (!json_is_array(root)) {
		problem_set(problem, "%s", root ? "not a list of teams" : error.text);
		json_decref(root);
		return false;
	}
	json_array_foreach(root, i, team)
	{
		const json_t *emails = json_object_get(team, "emails"),
			     *constituency = json_object_get(team, "constituency");
		size_t contact;

		if (!json_is_array(emails) || json_array_size(emails) == 0)
			continue;
		contact = keep(&fresh, contact_of(emails));
		json_array_foreach(json_object_get(constituency, "domains"), j, entry)
			add_domain(&fresh, json_string_value(entry), contact);
		json_array_foreach(json_object_get(constituency, "asns"), j, entry)
			add_as(&fresh, entry, contact);
	}
	json_decref(root);
	if (fresh.domain_count)
		qsort_r(fresh.domains, fresh.domain_count, sizeof *fresh.domains, by_domain, fresh.texts.at);
	if (fresh.as_count)
		qsort(fresh.ases, fresh.as_count, sizeof *fresh.ases, by_as);
	teams_free(t);
	*t = fresh;
	return true;
}

void teams_free(struct teams *t)
{
	buf_free(&t->texts);
	free(t->domains);
	free(t->ases);
	*t = (struct teams){ .domain_count = 0 };
}

/* The last row whose domain is NAME. */
static const struct team_row *find_domain(const struct teams *t, struct text name)
{
	size_t low = 0, high = t->domain_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct team_row *row = &t->domains[middle];

		if (text_cmp((struct text){ t->texts.at + row->domain, row->domain_len }, name) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return NULL;
	return text_eq((struct text){ t->texts.at + t->domains[low - 1].domain,
			       t->domains[low - 1].domain_len },
		       name)
		       ? &t->domains[low - 1]
		       : NULL;
}

struct text teams_of_domain(const struct teams *t, struct text fqdn)
{
	struct text label;

	while (fqdn.at) {
		const struct team_row *row = find_domain(t, fqdn);

		if (row)
			return text_of(t->texts.at + row->contact);
		text_split(&fqdn, '.', &label);
	}
	return NO_TEXT;
}

struct text teams_of_as(const struct teams *t, uint32_t asn)
{
	size_t low = 0, high = t->as_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (t->ases[middle].asn <= asn)
			low = middle + 1;
		else
			high = middle;
	}
	return low && t->ases[low - 1].asn == asn ? text_of(t->texts.at + t->ases[low - 1].contact) : NO_TEXT;
}
