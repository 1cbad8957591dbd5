/* imq-security-txt: the contacts that a domain names for reports about its security, in the file security.txt
 * (RFC 9116) on its web server. */
#include <stdio.h>

#include "answer.h"
#include "clock.h"
#include "event.h"
#include "filter.h"
#include "http.h"
#include "lookup.h"

static const char well_known[] = "/.well-known/security.txt", legacy[] = "/security.txt";

static struct {
	const char *domain_name, *contact_name, *url;
	enum tristate overwrite;
	bool expired;
	double negative_ttl; /* seconds */
	enum field domain, contact;
	struct buf key;
	struct http http;
	struct lookup lookup;
} my;

/* clang-format off */
static const struct opt options[] = {
	OPT_TEXT('f', "field", &my.domain_name, "source.fqdn", "the field with the domain"),
	OPT_TEXT(0, "contact-field", &my.contact_name, "source.abuse_contact", "the field that gets the addresses"),
	OPT_TRISTATE('o', "overwrite", &my.overwrite, "false", "replace what that field has (unset: reject the event)"),
	OPT_BOOL(0, "expired", &my.expired, false, "take contacts of files that have expired"),
	OPT_TEXT(0, "url", &my.url, "https://{}/.well-known/security.txt", "where the file is, {} being the domain"),
	OPT_SECONDS(0, "negative-ttl", &my.negative_ttl, "1d", "how long to remember that there is no contact"),
	LOOKUP_OPTIONS(&my.lookup, "100", "1d"),
	HTTP_OPTIONS_UP_TO(&my.http, "64K"),
	OPT_END
};
/* clang-format on */

static enum overwrite overwriting(void)
{
	return my.overwrite == TRISTATE_YES  ? OVERWRITE_YES
	       : my.overwrite == TRISTATE_NO ? OVERWRITE_NO
					     : OVERWRITE_UNSET;
}

/* Letters, digits, dots, dashes and underscores, and whatever is not ASCII: nothing that changes a URL's form. */
static bool is_name(struct text t)
{
	for (size_t i = 0; i < t.len; i++) {
		unsigned char c = (unsigned char)t.at[i];

		if (c < 0x80 && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
			c != '.' && c != '-' && c != '_')
			return false;
	}
	return t.len > 0 && t.len < 256;
}

/* The URL is the question. */
static enum verdict want(struct event *ev)
{
	struct text domain = event_text(ev, my.domain);
	const char *place = strstr(my.url, "{}");

	if (!is_name(domain) || (my.overwrite == TRISTATE_NO && event_has(ev, my.contact)))
		return PASS;
	buf_clear(&my.key);
	buf_add(&my.key, my.url, (size_t)(place - my.url));
	buf_text(&my.key, domain);
	buf_string(&my.key, place + 2);
	lookup_want(&my.lookup, ev, 0, buf_view(&my.key));
	return PASS;
}

static void on_legacy_reply(void *context, const struct http_reply *reply);

/* Asks for the file where it was before RFC 9116 (3: "for legacy compatibility"). False: there is no such place. */
static bool ask_legacy(struct lookup_question *question)
{
	struct text key = lookup_key(question);
	struct buf url = BUF_INIT;
	bool known = text_ends(key, text_of(well_known));

	if (known) {
		buf_add(&url, key.at, key.len - strlen(well_known));
		buf_string(&url, legacy);
		http_send(&my.http, &(struct http_request){ .url = buf_cstr(&url),
					    .from_event = true,
					    .deadline = my.lookup.deadline,
					    .done = on_legacy_reply,
					    .context = question });
	}
	buf_free(&url);
	return known;
}

/* An answer of 200 is a file, which may be none. The contacts are remembered no longer than they hold. */
static void take_file(struct lookup_question *question, const struct http_reply *reply)
{
	struct security_txt found;
	struct problem problem = { .line = 0 };
	double ttl = my.lookup.cache_ttl;
	bool good = security_txt_read(reply->body, reply->url, &found, &problem);

	if (good && found.expires && !my.expired) {
		double left = (double)(found.expiry - clock_now()) / 1e6;

		good = left > 0;
		ttl = left < ttl ? left : ttl;
	}
	if (good && found.mail.len)
		lookup_found(question, buf_view(&found.mail), ttl);
	else
		lookup_nothing(question, my.negative_ttl);
	buf_free(&found.mail);
}

/* No web server, or one that has troubles, is a failure: that may be otherwise soon. */
static void take_reply(struct lookup_question *question, const struct http_reply *reply)
{
	char reason[64];

	if (reply->error) {
		lookup_failed(question, reply->error);
	} else if (reply->status == 200) {
		take_file(question, reply);
	} else if (reply->status == 429 || reply->status >= 500) {
		snprintf(reason, sizeof reason, "HTTP status %ld", reply->status);
		lookup_failed(question, reason);
	} else {
		lookup_nothing(question, my.negative_ttl);
	}
}

static void on_legacy_reply(void *context, const struct http_reply *reply)
{
	take_reply(context, reply);
}

static void on_reply(void *context, const struct http_reply *reply)
{
	if (reply->error || reply->status != 404 || !ask_legacy(context))
		take_reply(context, reply);
}

static void ask(struct lookup_question *question, struct text key)
{
	struct buf url = BUF_INIT;

	buf_text(&url, key);
	http_send(&my.http, &(struct http_request){ .url = buf_cstr(&url),
				    .from_event = true,
				    .deadline = my.lookup.deadline,
				    .done = on_reply,
				    .context = question });
	buf_free(&url);
}

static void fill(struct event *ev, unsigned tag, struct text contacts)
{
	(void)tag;
	event_add(ev, my.contact, contacts, overwriting());
}

static bool check_field(enum field f, const char *option, struct problem *problem)
{
	struct problem why = { .line = 0 };

	return field_check(f, &why) || problem_set(problem, "%s: %.400s", option, why.text);
}

static bool start(struct problem *problem)
{
	my.domain = field_intern(text_of(my.domain_name));
	my.contact = field_intern(text_of(my.contact_name));
	if (!strstr(my.url, "{}"))
		return problem_set(problem, "--url: no {} for the domain in it: \"%s\"", my.url);
	return check_field(my.domain, "--field", problem) && check_field(my.contact, "--contact-field", problem);
}

static void stop(void)
{
	buf_free(&my.key);
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv,
		&(struct filter){ .name = "imq-security-txt",
			.summary = "look up the security contacts of domains (RFC 9116)",
			.options = options,
			.start = start,
			.event = want,
			.ask = ask,
			.fill = fill,
			.stop = stop });
}
