/* imq-url2fqdn: the host name, or the address, that a URL names. The older, smaller imq-url. */
#include "event.h"
#include "filter.h"
#include "url.h"

static bool overwrite;

static const struct opt options[] = {
	OPT_BOOL('o', "overwrite", &overwrite, false, "replace names and addresses that are already there"),
	OPT_END
};

static const struct {
	enum field url, fqdn, ip;
} sides[] = {
	{ F_SOURCE_URL, F_SOURCE_FQDN, F_SOURCE_IP },
	{ F_DESTINATION_URL, F_DESTINATION_FQDN, F_DESTINATION_IP },
};

static enum verdict name_hosts(struct event *ev)
{
	enum overwrite mode = overwrite ? OVERWRITE_YES : OVERWRITE_NO;

	for (size_t i = 0; i < LENGTH(sides); i++) {
		struct text text = event_text(ev, sides[i].url);
		struct url url;

		if (!text.len || (!overwrite && event_has(ev, sides[i].fqdn)))
			continue;
		url_split(url_clean(text, event_arena(ev)), &url);
		/* No host, or none that means one, is no reason to forget what is known. */
		if (!url.host.len || text_is(url.host, "-") || text_is(url.host, "0.0.0.0") ||
			text_is(url.host, "0"))
			continue;
		if (!event_offer(ev, sides[i].fqdn, url.host, mode))
			event_offer(ev, sides[i].ip, url.host, mode);
	}
	return PASS;
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv,
		&(struct filter){ .name = "imq-url2fqdn",
			.module = "intelmq.bots.experts.url2fqdn.expert",
			.summary = "take the host out of URLs",
			.options = options,
			.event = name_hosts });
}
