/* imq-domain-suffix: add the public suffix of host names, the part below which people register names
 * (publicsuffix.org). */
#include <libpsl.h>

#include "database.h"
#include "event.h"
#include "files.h"
#include "filter.h"
#include "log.h"
#include "watch.h"

enum { LONGEST = 255, LARGEST = 64 << 20 };

static const char *const fields[] = { "fqdn", "reverse_dns", NULL };

static struct {
	int field;
	const char *suffix_file;
	bool private;
	psl_ctx_t *psl;
	struct watch watch;
	struct database updates;
} my;

static const struct opt options[] = {
	OPT_CHOICE('f', "field", &my.field, fields, NULL, "which name to look at"),
	OPT_FILE('s', "suffix-file", &my.suffix_file, "the Public Suffix List"),
	OPT_BOOL('p', "private", &my.private, false,
		"use the list's private rules too (github.io and the like)"),
	DATABASE_OPTIONS(&my.updates, "https://publicsuffix.org/list/public_suffix_list.dat"),
	OPT_END
};

static const struct {
	enum field name[2], suffix; /* one name per choice of --field */
} sides[] = {
	{ { F_SOURCE_FQDN, F_SOURCE_REVERSE_DNS }, F_SOURCE_DOMAIN_SUFFIX },
	{ { F_DESTINATION_FQDN, F_DESTINATION_REVERSE_DNS }, F_DESTINATION_DOMAIN_SUFFIX },
};

static bool load(struct problem *problem)
{
	psl_ctx_t *psl;

	watch_note(&my.watch, my.suffix_file);
	psl = psl_load_file(my.suffix_file);
	if (!psl || psl_suffix_count(psl) <= 0) {
		psl_free(psl);
		return problem_at(problem, my.suffix_file, 0, 0, psl ? "no rules in it" : "cannot be read");
	}
	psl_free(my.psl);
	my.psl = psl;
	return true;
}

static bool start(struct problem *problem)
{
	if (my.field < 0)
		return problem_set(problem, "--field is needed: fqdn or reverse_dns");
	if (!my.suffix_file)
		return problem_set(problem, "--suffix-file is needed");
	return load(problem);
}

/* The longest end of NAME that is a public suffix. libpsl's own search knows no ICANN rules only. */
static const char *suffix_of(const char *name)
{
	int rules = my.private ? PSL_TYPE_ANY : PSL_TYPE_ICANN;

	while (name && !psl_is_public_suffix2(my.psl, name, rules)) {
		name = strchr(name, '.');
		if (name)
			name++;
	}
	return name && *name ? name : NULL;
}

static enum verdict add_suffixes(struct event *ev)
{
	for (size_t i = 0; i < LENGTH(sides); i++) {
		struct text name = event_text(ev, sides[i].name[my.field]);
		char copy[LONGEST + 1];
		const char *suffix;

		if (!name.len || name.len > LONGEST || memchr(name.at, 0, name.len))
			continue;
		for (size_t k = 0; k < name.len; k++)
			copy[k] =
				name.at[k] >= 'A' && name.at[k] <= 'Z' ? (char)(name.at[k] | 32) : name.at[k];
		copy[name.len] = 0;
		suffix = suffix_of(copy);
		if (suffix)
			event_try(ev, sides[i].suffix, text_of(suffix));
	}
	return PASS;
}

static int64_t look_again(const struct batch *batch)
{
	(void)batch;
	return watch_again(&my.watch, load);
}

/* Any text has lines that could be rules: the marker tells a list from an error page. */
static bool check_list(const char *path, struct problem *problem)
{
	static const struct text marker = TEXT("// ===BEGIN ICANN DOMAINS===");
	struct buf file = BUF_INIT;
	bool fine = file_read(path, LARGEST, &file, problem);
	psl_ctx_t *psl = fine ? psl_load_file(path) : NULL;

	if (fine && (!psl || psl_suffix_count(psl) <= 0 || !memmem(file.at, file.len, marker.at, marker.len)))
		fine = problem_set(problem, "not a public suffix list");
	psl_free(psl);
	buf_free(&file);
	return fine;
}

static enum exit_status update(void)
{
	if (!my.suffix_file) {
		log_message("--suffix-file is needed");
		return EXIT_USAGE;
	}
	return database_fetch(&my.updates, &(struct database_file){ .path = my.suffix_file,
						   .url = my.updates.url,
						   .check = check_list });
}

static void stop(void)
{
	psl_free(my.psl);
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv,
		&(struct filter){ .name = "imq-domain-suffix",
			.module = "intelmq.bots.experts.domain_suffix.expert",
			.summary = "add the public suffix of host names",
			.options = options,
			.start = start,
			.event = add_suffixes,
			.timer = look_again,
			.reload = load,
			.stop = stop,
			.update = update });
}
