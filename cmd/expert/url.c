/* imq-url: take the URLs of events apart: address or name of the host, port, path, account, protocols.
 * What is no host stays away: a URL proves nothing but that somebody wrote it. */
#include <stdio.h>

#include "event.h"
#include "filter.h"
#include "url.h"

static struct {
	enum tristate overwrite;
	struct list skip_fields;
	struct buf raw; /* a canonical value on its way into the event */
} my;

static const struct opt options[] = {
	OPT_TRISTATE('o', "overwrite", &my.overwrite, "false", "replace fields that are already there"),
	OPT_LIST('s', "skip-fields", &my.skip_fields, "", "fields that are not to be set"),
	OPT_END
};

/* Fields to be skipped become F_NONE at the start. */
static struct side {
	enum field url, ip, fqdn, port, urlpath, account;
} sides[] = {
	{ F_SOURCE_URL, F_SOURCE_IP, F_SOURCE_FQDN, F_SOURCE_PORT, F_SOURCE_URLPATH, F_SOURCE_ACCOUNT },
	{ F_DESTINATION_URL, F_DESTINATION_IP, F_DESTINATION_FQDN, F_DESTINATION_PORT, F_DESTINATION_URLPATH,
		F_DESTINATION_ACCOUNT },
};
static enum field application = F_PROTOCOL_APPLICATION, transport = F_PROTOCOL_TRANSPORT;

static const struct protocol {
	struct text scheme;
	unsigned port;
	struct text transport, application;
} protocols[] = {
	{ TEXT("http"), 80, TEXT("tcp"), TEXT("http") },
	{ TEXT("https"), 443, TEXT("tcp"), TEXT("http") },
	{ TEXT("ftp"), 21, TEXT("tcp"), TEXT("ftp") },
	{ TEXT("sftp"), 22, TEXT("tcp"), TEXT("sftp") },
	{ TEXT("ssh"), 22, TEXT("tcp"), TEXT("ssh") },
	{ TEXT("tftp"), 69, TEXT("udp"), TEXT("tftp") },
	{ TEXT("ws"), 80, TEXT("tcp"), TEXT("ws") },
	{ TEXT("wss"), 443, TEXT("tcp"), TEXT("wss") },
};

static void skip(enum field *field, enum field unwanted)
{
	if (*field == unwanted)
		*field = F_NONE;
}

static bool start(struct problem *problem)
{
	for (size_t i = 0; i < my.skip_fields.count; i++) {
		enum field f = field_intern(my.skip_fields.items[i]);

		if (!field_check(f, problem))
			return false;
		for (size_t s = 0; s < LENGTH(sides); s++) {
			skip(&sides[s].ip, f);
			skip(&sides[s].fqdn, f);
			skip(&sides[s].port, f);
			skip(&sides[s].urlpath, f);
			skip(&sides[s].account, f);
		}
		skip(&application, f);
		skip(&transport, f);
	}
	return true;
}

/* OVERWRITE as common/ names it. */
static enum overwrite overwrite(void)
{
	return my.overwrite == TRISTATE_YES ? OVERWRITE_YES : my.overwrite == TRISTATE_NO ? OVERWRITE_NO : OVERWRITE_UNSET;
}

/* Whether F, unless skipped, takes VALUE; it then has it, or keeps what it had. */
static bool accepts(struct event *ev, enum field f, struct text value)
{
	buf_clear(&my.raw);
	if (f == F_NONE || field_sanitise(f, VALUE_STRING, value, &my.raw) != FIELD_FINE)
		return false;
	event_add_raw(ev, f, buf_view(&my.raw), overwrite());
	return true;
}

static void add(struct event *ev, enum field f, struct text value)
{
	if (f != F_NONE && value.len)
		event_add(ev, f, value, overwrite());
}

static const struct protocol *protocol_of(struct text scheme)
{
	for (size_t i = 0; i < LENGTH(protocols); i++)
		if (text_eq_nocase(scheme, protocols[i].scheme))
			return &protocols[i];
	return NULL;
}

/* A port that is none says nothing: not even that it is the usual one. */
static void add_port(struct event *ev, enum field f, const struct url *url, const struct protocol *protocol)
{
	unsigned port = 0;
	char digits[12];

	if (f == F_NONE || (!url_port(url, &port) && url->port.at))
		return;
	if (port == 0)
		port = protocol ? protocol->port : 0;
	if (port == 0)
		return;
	buf_clear(&my.raw);
	if (field_sanitise(f, VALUE_NUMBER, (struct text){ digits, (size_t)sprintf(digits, "%u", port) }, &my.raw) == FIELD_FINE)
		event_add_raw(ev, f, buf_view(&my.raw), overwrite());
}

/* Whether the protocol fields are served. */
static bool add_protocol(struct event *ev, const struct url *url, const struct protocol *protocol)
{
	if (!url->scheme.len)
		return false;
	add(ev, application, protocol ? protocol->application : url->scheme);
	if (protocol)
		add(ev, transport, protocol->transport);
	return application != F_NONE || (protocol && transport != F_NONE);
}

static void add_host(struct event *ev, const struct side *side, struct text host)
{
	/* The address 0, in either form, is no host, and - stands for nothing everywhere. Other decimal numbers are addresses. */
	if (!host.len || text_is(host, "-") || text_is(host, "0") || text_is(host, "0.0.0.0"))
		return;
	if (!accepts(ev, side->ip, host))
		accepts(ev, side->fqdn, host);
}

static enum verdict take_apart(struct event *ev)
{
	bool have_protocol = false;

	for (size_t i = 0; i < LENGTH(sides); i++) {
		const struct side *side = &sides[i];
		struct text text = event_text(ev, side->url);
		const struct protocol *protocol;
		struct url url;

		if (!text.len)
			continue;
		url_split(url_clean(text, event_arena(ev)), &url);
		protocol = protocol_of(url.scheme);
		add_host(ev, side, url.host);
		add_port(ev, side->port, &url, protocol);
		add(ev, side->urlpath, url_path_plain(&url));
		if (side->account != F_NONE && url.user.len)
			event_offer(ev, side->account, url.user, overwrite());
		if (!have_protocol)
			have_protocol = add_protocol(ev, &url, protocol);
	}
	return PASS;
}

static void stop(void)
{
	buf_free(&my.raw);
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv, &(struct filter){ .name = "imq-url", .module = "intelmq.bots.experts.url.expert",
		.summary = "take URLs apart into host, port, path, account and protocol", .options = options, .start = start,
		.event = take_apart, .stop = stop });
}
