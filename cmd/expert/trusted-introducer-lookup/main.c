/* imq-trusted-introducer-lookup: the contact of the CSIRT that is responsible for a domain or an AS, by the
 * Trusted Introducer's directory, which is read once at the start. */
#include "event.h"
#include "files.h"
#include "filter.h"
#include "http.h"
#include "teams.h"

static struct {
	struct list order;
	enum tristate overwrite;
	const char *directory;
	struct teams teams;
	struct http http;
} my;

/* clang-format off */
static const struct opt options[] = {
	OPT_LIST(0, "order", &my.order, "domain,asn", "what to look for, in this order: domain, asn"),
	OPT_TRISTATE('o', "overwrite", &my.overwrite, "true", "replace the contact an event has"),
	OPT_TEXT(0, "directory", &my.directory, "https://www.trusted-introducer.org/directory/teams.json",
		"URL or file of the directory"),
	HTTP_OPTIONS_UP_TO(&my.http, "64M"),
	OPT_END
};
/* clang-format on */

static enum overwrite overwriting(void)
{
	return my.overwrite == TRISTATE_YES  ? OVERWRITE_YES
	       : my.overwrite == TRISTATE_NO ? OVERWRITE_NO
					     : OVERWRITE_UNSET;
}

static struct text contact_for(struct event *ev, struct text word)
{
	struct text fqdn;
	long long asn;

	if (text_is(word, "domain")) {
		fqdn = event_text(ev, F_SOURCE_FQDN);
		return fqdn.at ? teams_of_domain(&my.teams, fqdn) : NO_TEXT;
	}
	return event_integer(ev, F_SOURCE_ASN, &asn) && asn >= 0 && asn <= UINT32_MAX
		       ? teams_of_as(&my.teams, (uint32_t)asn)
		       : NO_TEXT;
}

/* A team without an address is found all the same: the next word's would be somebody else. */
static enum verdict look_up(struct event *ev)
{
	for (size_t i = 0; i < my.order.count; i++) {
		struct text contact = contact_for(ev, my.order.items[i]);

		if (!contact.at)
			continue;
		if (contact.len)
			event_add(ev, F_SOURCE_ABUSE_CONTACT, contact, overwriting());
		break;
	}
	return PASS;
}

static bool load(struct problem *problem)
{
	struct problem why = { .line = 0 };
	struct http_reply reply;
	struct buf file = BUF_INIT;
	bool fine;

	if (strncmp(my.directory, "http://", 7) == 0 || strncmp(my.directory, "https://", 8) == 0) {
		if (!http_fetch(&my.http, &(struct http_request){ .url = my.directory }, &reply, problem))
			return false;
		fine = teams_read(&my.teams, reply.body, &why);
	} else {
		fine = file_read(my.directory, my.http.max_reply, &file, problem);
		if (!fine)
			return false;
		fine = teams_read(&my.teams, buf_view(&file), &why);
		buf_free(&file);
	}
	return fine || problem_set(problem, "%s: %.300s", my.directory, why.text);
}

static bool start(struct problem *problem)
{
	for (size_t i = 0; i < my.order.count; i++)
		if (!text_is(my.order.items[i], "domain") && !text_is(my.order.items[i], "asn"))
			return problem_set(
				problem, "--order: unknown word \"%.*s\"", TEXT_ARGS(my.order.items[i]));
	return load(problem);
}

static void stop(void)
{
	teams_free(&my.teams);
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv,
		&(struct filter){ .name = "imq-trusted-introducer-lookup",
			.module = "intelmq.bots.experts.trusted_introducer_lookup.expert",
			.summary = "look up the CSIRTs responsible for domains and AS",
			.options = options,
			.start = start,
			.event = look_up,
			.reload = load,
			.stop = stop });
}
