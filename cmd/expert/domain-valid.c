/* imq-domain-valid: pass only events with a plausible host name below a known top-level domain. */
#include <stdlib.h>

#include "alloc.h"
#include "database.h"
#include "event.h"
#include "files.h"
#include "filter.h"
#include "host.h"
#include "watch.h"

enum { LARGEST = 16 << 20 };

/* Sorted lines of the list, in lower case; the texts are in FILE. */
struct tlds {
	struct buf file;
	struct text *items;
	size_t count, cap;
};

static struct {
	const char *domain_field, *tlds_domains_list;
	enum field field;
	struct tlds tlds;
	struct watch watch;
	struct buf ascii;
	struct database updates;
} my = { .updates.autoupdate = true };

static const struct opt options[] = {
	OPT_TEXT('f', "domain-field", &my.domain_field, "source.fqdn", "the field to look at"),
	OPT_TEXT('l', "tlds-domains-list", &my.tlds_domains_list,
		"/opt/intelmq/var/lib/bots/domain_valid/tlds-alpha-by-domain.txt",
		"the list of top-level domains, one a line"),
	DATABASE_OPTIONS_ALWAYS(&my.updates, "https://data.iana.org/TLD/tlds-alpha-by-domain.txt"),
	OPT_END
};

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 32) : c;
}

static int by_text(const void *a, const void *b)
{
	return text_cmp(*(const struct text *)a, *(const struct text *)b);
}

static void free_tlds(struct tlds *tlds)
{
	buf_free(&tlds->file);
	free(tlds->items);
}

/* The list at PATH; what is in TLDS is freed by the caller in any case. */
static bool read_list(const char *path, struct tlds *tlds, struct problem *problem)
{
	struct text rest, line;

	if (!file_read(path, LARGEST, &tlds->file, problem))
		return false;
	for (size_t i = 0; i < tlds->file.len; i++)
		tlds->file.at[i] = lower(tlds->file.at[i]);
	for (rest = buf_view(&tlds->file); text_split(&rest, '\n', &line);) {
		line = text_trim(line);
		if (line.len == 0 || line.at[0] == '#')
			continue;
		if (tlds->count == tlds->cap)
			alloc_grow(&tlds->items, &tlds->cap, tlds->count + 1, sizeof *tlds->items);
		tlds->items[tlds->count++] = line;
	}
	if (tlds->count == 0)
		return problem_at(problem, path, 0, 0, "no top-level domains in it");
	qsort(tlds->items, tlds->count, sizeof *tlds->items, by_text);
	return true;
}

static bool load(struct problem *problem)
{
	struct tlds tlds = { .count = 0 };

	watch_note(&my.watch, my.tlds_domains_list);
	if (!read_list(my.tlds_domains_list, &tlds, problem)) {
		free_tlds(&tlds);
		return false;
	}
	free_tlds(&my.tlds);
	my.tlds = tlds;
	return true;
}

static bool start(struct problem *problem)
{
	my.field = field_intern(text_of(my.domain_field));
	return field_check(my.field, problem) && load(problem);
}

static bool is_letter(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_alphanumeric(char c)
{
	return is_letter(c) || (c >= '0' && c <= '9');
}

/* Letters, digits and hyphens, the latter not at an end (RFC 1123, 2.1). */
static bool is_label(struct text t)
{
	if (t.len == 0 || t.len > 63 || !is_alphanumeric(t.at[0]) || !is_alphanumeric(t.at[t.len - 1]))
		return false;
	for (size_t i = 0; i < t.len; i++)
		if (!is_alphanumeric(t.at[i]) && t.at[i] != '-')
			return false;
	return true;
}

/* Whether NAME, in lower case, has two labels or more, and the last one is known. */
static bool is_plausible(struct text name)
{
	struct text rest = name, label = NO_TEXT;
	size_t labels = 0;

	for (; text_split(&rest, '.', &label); labels++)
		if (!is_label(label))
			return false;
	return labels > 1 && label.len > 1 && is_letter(label.at[label.len - 1]) &&
	       bsearch(&label, my.tlds.items, my.tlds.count, sizeof label, by_text);
}

static bool is_domain(struct text name)
{
	buf_clear(&my.ascii);
	if (!host_to_ascii(name, &my.ascii))
		return false;
	for (size_t i = 0; i < my.ascii.len; i++)
		my.ascii.at[i] = lower(my.ascii.at[i]);
	return is_plausible(buf_view(&my.ascii));
}

static enum verdict check(struct event *ev)
{
	struct event_values values = event_values(ev, my.field);
	struct value v;

	while (event_next_value(&values, &v))
		if (v.kind == VALUE_STRING && is_domain(value_text(v, event_arena(ev))))
			return PASS;
	return DROP;
}

static int64_t look_again(const struct batch *batch)
{
	(void)batch;
	return watch_again(&my.watch, load);
}

/* Unlike load(), which takes any lines: what came from elsewhere may be an error page. */
static bool check_list(const char *path, struct problem *problem)
{
	struct tlds tlds = { .count = 0 };
	bool fine = read_list(path, &tlds, problem);

	for (size_t i = 0; fine && i < tlds.count; i++)
		if (!is_label(tlds.items[i]))
			fine = problem_set(problem, "not a list of top-level domains");
	free_tlds(&tlds);
	return fine;
}

static enum exit_status update(void)
{
	return database_fetch(&my.updates, &(struct database_file){ .path = my.tlds_domains_list,
						   .url = my.updates.url,
						   .check = check_list });
}

static void stop(void)
{
	free_tlds(&my.tlds);
	buf_free(&my.ascii);
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv,
		&(struct filter){ .name = "imq-domain-valid",
			.module = "intelmq.bots.experts.domain_valid.expert",
			.summary = "drop events without a plausible host name",
			.options = options,
			.start = start,
			.event = check,
			.timer = look_again,
			.reload = load,
			.stop = stop,
			.update = update });
}
