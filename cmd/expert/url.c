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

/* What the fields make of PORT, TRANSPORT and APPLICATION is found out once and kept in RAW; an empty text:
 * it is refused. */
enum { PORT, TRANSPORT, APPLICATION, KEPT };
static struct protocol {
	struct text scheme, port, transport, application;
	struct buf raw[KEPT];
} protocols[] = {
	{ TEXT("http"), TEXT("80"), TEXT("tcp"), TEXT("http"), { BUF_INIT } },
	{ TEXT("https"), TEXT("443"), TEXT("tcp"), TEXT("http"), { BUF_INIT } },
	{ TEXT("ftp"), TEXT("21"), TEXT("tcp"), TEXT("ftp"), { BUF_INIT } },
	{ TEXT("sftp"), TEXT("22"), TEXT("tcp"), TEXT("sftp"), { BUF_INIT } },
	{ TEXT("ssh"), TEXT("22"), TEXT("tcp"), TEXT("ssh"), { BUF_INIT } },
	{ TEXT("tftp"), TEXT("69"), TEXT("udp"), TEXT("tftp"), { BUF_INIT } },
	{ TEXT("ws"), TEXT("80"), TEXT("tcp"), TEXT("ws"), { BUF_INIT } },
	{ TEXT("wss"), TEXT("443"), TEXT("tcp"), TEXT("wss"), { BUF_INIT } },
};

static void skip(enum field *field, enum field unwanted)
{
	if (*field == unwanted)
		*field = F_NONE;
}

static void prepare(struct protocol *protocol)
{
	field_sanitise(F_SOURCE_PORT, VALUE_NUMBER, protocol->port, &protocol->raw[PORT]);
	field_sanitise(F_PROTOCOL_TRANSPORT, VALUE_STRING, protocol->transport, &protocol->raw[TRANSPORT]);
	field_sanitise(
		F_PROTOCOL_APPLICATION, VALUE_STRING, protocol->application, &protocol->raw[APPLICATION]);
}

static bool start(struct problem *problem)
{
	for (size_t i = 0; i < LENGTH(protocols); i++)
		prepare(&protocols[i]);
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
	return my.overwrite == TRISTATE_YES  ? OVERWRITE_YES
	       : my.overwrite == TRISTATE_NO ? OVERWRITE_NO
					     : OVERWRITE_UNSET;
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

static void add_kept(struct event *ev, enum field f, const struct buf *raw)
{
	if (f != F_NONE && raw->len)
		event_add_raw(ev, f, buf_view(raw), overwrite());
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
	if (port == 0) {
		if (protocol)
			add_kept(ev, f, &protocol->raw[PORT]);
		return;
	}
	buf_clear(&my.raw);
	if (field_sanitise(f, VALUE_NUMBER, (struct text){ digits, (size_t)sprintf(digits, "%u", port) },
		    &my.raw) == FIELD_FINE)
		add_kept(ev, f, &my.raw);
}

/* Whether the protocol fields are served. */
static bool add_protocol(struct event *ev, const struct url *url, const struct protocol *protocol)
{
	if (!url->scheme.len)
		return false;
	if (!protocol) {
		add(ev, application, url->scheme);
		return application != F_NONE;
	}
	add_kept(ev, application, &protocol->raw[APPLICATION]);
	add_kept(ev, transport, &protocol->raw[TRANSPORT]);
	return application != F_NONE || transport != F_NONE;
}

/* An address without a colon ends with a digit, or has a scope: saves asking the type for nearly every name.
 */
static bool may_be_address(struct text host)
{
	char last = host.at[host.len - 1];

	return !((last >= 'a' && last <= 'z') || (last >= 'A' && last <= 'Z')) ||
	       memchr(host.at, ':', host.len) || memchr(host.at, '%', host.len);
}

/* Whether F keeps what it has, whatever there is to add: saves finding out what that would be. */
static bool stays(struct event *ev, enum field f)
{
	return my.overwrite == TRISTATE_NO && f != F_NONE && event_has(ev, f);
}

static void add_host(struct event *ev, const struct side *side, struct text host)
{
	/* The address 0, in either form, is no host, and - stands for nothing everywhere. Other decimal
	 * numbers are addresses. */
	if (!host.len || text_is(host, "-") || text_is(host, "0") || text_is(host, "0.0.0.0"))
		return;
	if ((!may_be_address(host) || !accepts(ev, side->ip, host)) && !stays(ev, side->fqdn))
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
	for (size_t i = 0; i < LENGTH(protocols); i++)
		for (size_t k = 0; k < KEPT; k++)
			buf_free(&protocols[i].raw[k]);
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv,
		&(struct filter){ .name = "imq-url",
			.module = "intelmq.bots.experts.url.expert",
			.summary = "take URLs apart into host, port, path, account and protocol",
			.options = options,
			.start = start,
			.event = take_apart,
			.stop = stop });
}
