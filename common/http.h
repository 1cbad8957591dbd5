/* HTTP for lookups, collectors and outputs: IntelMQ's http_* and ssl_* parameters, many requests in flight
 * over kept connections, retries with back-off, a rate limit per host that waits, limits on size and time.
 *
 * Only http: and https:. A URL that comes from an event (FROM_EVENT), and where a redirect leads to another
 * host, must not reach private, loopback or link-local addresses unless --allow-private; the address
 * connected to decides, so a name that points inside is refused too. Behind a proxy only the proxy sees
 * addresses: then the name alone is judged.
 *
 * Proxies (http_proxy, https_proxy, all_proxy, no_proxy), certificates (REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE,
 * SSL_CERT_FILE) and ~/.netrc are honoured where no option says otherwise; URLs from events get no
 * password from ~/.netrc. */
#ifndef IMQ_HTTP_H
#define IMQ_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "opt.h"
#include "problem.h"
#include "text.h"
#include "transport.h"

struct http_state;

/* Embed it, name it in the option table with HTTP_OPTIONS(), and it is started and stopped with the command.
 */
struct http {
	struct text header; /* --http-header, a JSON map */
	const char *user_agent, *username, *password, *proxy, *https_proxy, *verify_cert;
	const char *client_cert;
	double timeout; /* seconds */
	long long tries;
	size_t max_reply; /* bytes, unpacked */
	double rate;      /* requests a second to one host, 0: any */
	long long per_host;
	bool allow_private;
	struct http_state *state;
};

extern const struct mixin http_mixin;

/* clang-format off */
#define HTTP_OPTIONS(h) HTTP_OPTIONS_UP_TO(h, "64M")
/* With another default for --max-reply. */
#define HTTP_OPTIONS_UP_TO(h, maxReply) \
	HTTP_SESSION_OPTIONS(h, maxReply), \
	OPT_NUMBER(0, "rate", &(h)->rate, "0", "at most that many requests a second to one host (0: any)"), \
	OPT_INTEGER(0, "per-host", &(h)->per_host, "0", "at most that many requests to one host at a time (0: any)"), \
	OPT_BOOL(0, "allow-private", &(h)->allow_private, false, "let URLs from events reach private addresses"), \
	OPT_MIXIN(&http_mixin, h)
/* For those who call http_start() themselves, to fetch what their own configuration names. */
#define HTTP_SESSION_OPTIONS(h, maxReply) \
	OPT_JSON(0, "http-header", &(h)->header, NULL, "send these headers too, a map"), \
	OPT_TEXT(0, "http-user-agent", &(h)->user_agent, "imq/" IMQ_VERSION, "what to call ourselves"), \
	OPT_TEXT(0, "http-username", &(h)->username, NULL, "user name for HTTP Basic authentication"), \
	OPT_SECRET("http-password", &(h)->password, "password for it"), \
	OPT_TEXT(0, "http-proxy", &(h)->proxy, NULL, "proxy for http: (default: from the environment)"), \
	OPT_TEXT(0, "https-proxy", &(h)->https_proxy, NULL, "proxy for https: (default: from the environment)"), \
	OPT_TEXT(0, "http-verify-cert", &(h)->verify_cert, "true", "true, false, or a file of certificates to trust"), \
	OPT_SECONDS(0, "http-timeout-sec", &(h)->timeout, "30", "give up a try after that long without an answer"), \
	OPT_INTEGER(0, "http-timeout-max-tries", &(h)->tries, "3", "how often to try"), \
	OPT_FILE(0, "ssl-client-certificate", &(h)->client_cert, "PEM file with our key and certificate"), \
	OPT_FILE(0, "ssl-client-cert", &(h)->client_cert, "the same by another name"), \
	OPT_BYTES(0, "max-reply", &(h)->max_reply, maxReply, "refuse longer answers")
/* clang-format on */

/* What came of a request. Its texts hold until the callback returns (http_fetch(): until the next one). */
struct http_reply {
	const char *error; /* NULL: there is an answer, whatever its status */
	long status;       /* of the last answer; 0: there was none */
	const char *phrase; /* what the status line says behind it; empty: nothing, as always in HTTP/2 */
	bool refused;      /* ERROR is that the URL must not be reached: a private address */
	bool cut;          /* ERROR is that the body is too long, or more than chunk() wanted; the rest holds */
	struct text body;  /* content codings removed; empty where it went to chunk() */
	const char *url;   /* where the answer came from, after redirects */
	const char *content_type, *etag, *last_modified, *disposition; /* headers; NULL: absent */
};

struct http_request {
	const char *method; /* NULL: GET, or POST with a body */
	const char *url;
	/* "Name: value" besides the configured ones, NULL-terminated; NULL: none. */
	const char *const *headers;
	struct text body; /* .at NULL: none */
	bool from_event;  /* the URL is not to be trusted */
	bool no_redirects; /* a redirect is an answer like any other */
	bool repeatable;  /* may be tried again as a GET may: sending it twice does no harm */
	double after;     /* seconds to wait before the first try */
	/* Seconds that all tries and the pauses between them may take, from the first one on; 0: any. */
	double deadline;
	/* Takes the body of a 2xx answer as it comes, instead of REPLY->body; false ends the transfer. REPLY
	 * has status and headers. Without it, a body is limited to max_reply. Once it was called there is no
	 * other try. */
	bool (*chunk)(void *context, const struct http_reply *reply, struct text bytes);
	/* Called once, from http_mixin's transport, never from http_send(). */
	void (*done)(void *context, const struct http_reply *reply);
	void *context;
};

/* Opens what requests need. The mixin does it; collectors with main loops of their own call it themselves.
 * False: PROBLEM. */
bool http_start(struct http *h, struct problem *problem);
/* Frees everything; requests in flight end without a callback. */
void http_stop(struct http *h);
/* Sends REQUEST, copying what it points to. Connection failures, and for GET and HEAD timeouts and the
 * statuses 429, 500, 502, 503, 504, are tried again, --http-timeout-max-tries in all, after Retry-After or
 * pauses that double, with jitter. */
void http_send(struct http *h, const struct http_request *request);
/* Sends REQUEST (whose done and context are not used) and waits for the answer; --http-timeout-sec limits
 * silences, not the whole. False: no 2xx answer, nor 304; PROBLEM says why, and REPLY what there is. A
 * SIGTERM ends it. */
bool http_fetch(struct http *h, const struct http_request *request, struct http_reply *reply,
	struct problem *problem);
/* What lookup.h and other loops wait with. */
extern const struct transport http_transport;

/* http_guard.c: whether a socket address (private, loopback, link-local, multicast, reserved; IPv4 inside
 * IPv6 too) is none that the Internet routes. */
struct sockaddr;
bool http_private_address(const struct sockaddr *address);
/* Whether the host of URL says so by itself: a private address, localhost, or no http(s) URL at all. */
bool http_private_url(const char *url);
/* Appends T as one part of a URL path or query: all but letters, digits and -._~ percent-encoded (RFC
 * 3986, 2.1). */
void http_encode(struct buf *out, struct text t);
/* Appends URL, which comes from a feed, as one that can be asked for: what may not stand in a path or query
 * (RFC 3986, 3.3) is percent-encoded. A location with a control character in it is left out as a whole: then
 * OUT is no URL. */
void http_clean_url(struct buf *out, struct text url);
/* As http_encode(), for forms and the queries made from them: a blank becomes `+`. */
void http_encode_form(struct buf *out, struct text t);

#endif
