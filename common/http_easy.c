/* What libcurl is told about requests: the settings they all have, and what makes each of them its own. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http_priv.h"
#include "value.h"

enum { ERROR_BODY = 64 * 1024 /* bytes kept of the body of an error where bodies go to chunk() */ };

/* Settings */

static bool read_headers(struct http *h, struct problem *problem)
{
	struct value_error unused;
	struct value map, key, v;
	struct value_walk walk;
	struct arena arena = { 0 };
	struct buf line = BUF_INIT;
	bool fine = true;

	if (!h->header.at)
		return true;
	if (!value_parse(h->header, &map, &unused) || (map.kind != VALUE_OBJECT && map.kind != VALUE_NULL))
		return problem_set(problem, "--http-header: not a map of headers");
	walk = value_walk(map);
	while (fine && map.kind == VALUE_OBJECT && value_next_member(&walk, &key, &v)) {
		struct text value = v.kind == VALUE_STRING ? value_text(v, &arena) : v.raw;

		buf_clear(&line);
		buf_text(&line, value_text(key, &arena));
		/* A semicolon is how libcurl is told to send a header without a value. */
		buf_string(&line, value.len ? ": " : ";");
		buf_text(&line, value);
		for (size_t i = 0; i < line.len; i++)
			fine &= (unsigned char)line.at[i] >= ' ' || line.at[i] == '\t';
		h->state->headers = curl_slist_append(h->state->headers, buf_cstr(&line));
	}
	if (!fine)
		problem_set(problem, "--http-header: a control character in a header");
	buf_free(&line);
	arena_free(&arena);
	return fine;
}

static bool read_trust(struct http *h, struct problem *problem)
{
	static const char *const variables[] = { "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE" };
	struct http_state *s = h->state;
	struct text verify = text_of(h->verify_cert);
	struct stat info;

	s->verify = true;
	if (text_eq_nocase(verify, TEXT("false")) || text_eq_nocase(verify, TEXT("no"))) {
		s->verify = false;
	} else if (verify.len && !text_eq_nocase(verify, TEXT("true")) &&
		   !text_eq_nocase(verify, TEXT("yes"))) {
		s->trust = h->verify_cert;
		if (stat(s->trust, &info) != 0)
			return problem_set(problem, "--http-verify-cert: %s: %s", s->trust, strerror(errno));
		s->trust_is_folder = S_ISDIR(info.st_mode);
	} else {
		for (size_t i = 0; i < LENGTH(variables) && !s->trust; i++)
			s->trust = getenv(variables[i]);
		s->trust_is_folder = s->trust && stat(s->trust, &info) == 0 && S_ISDIR(info.st_mode);
	}
	if (h->client_cert && h->client_cert[0] == '\0')
		h->client_cert = NULL;
	if (h->client_cert && access(h->client_cert, R_OK) != 0)
		return problem_set(
			problem, "--ssl-client-certificate: %s: %s", h->client_cert, strerror(errno));
	return true;
}

bool http_read_settings(struct http *h, struct problem *problem)
{
	return read_headers(h, problem) && read_trust(h, problem);
}

static const char *header_of(struct call *c, const char *name)
{
	struct curl_header *found;

	return curl_easy_header(c->easy, name, 0, CURLH_HEADER, -1, &found) == CURLHE_OK ? found->value
											 : NULL;
}

void call_read_reply(struct call *c)
{
	const char *url = NULL;

	c->reply = (struct http_reply){ .url = c->url,
		.body = buf_view(&c->body),
		.phrase = c->phrase,
		.refused = c->refused,
		.cut = c->cut };
	if (!c->easy)
		return;
	curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &c->reply.status);
	if (curl_easy_getinfo(c->easy, CURLINFO_EFFECTIVE_URL, &url) == CURLE_OK && url)
		c->reply.url = url;
	c->reply.content_type = header_of(c, "Content-Type");
	c->reply.etag = header_of(c, "ETag");
	c->reply.last_modified = header_of(c, "Last-Modified");
	c->reply.disposition = header_of(c, "Content-Disposition");
}

/* libcurl's callbacks */

static size_t on_body(char *bytes, size_t size, size_t count, void *self)
{
	struct call *c = self;
	size_t n = size * count, limit = c->http->max_reply;
	long status = 0;

	curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
	if (c->request.chunk && status >= 200 && status < 300) {
		if (!c->delivered)
			call_read_reply(c);
		c->delivered = true;
		if (c->request.chunk(c->request.context, &c->reply, (struct text){ bytes, n }))
			return n;
		snprintf(c->reason, sizeof c->reason, "%s", "ended by the receiver");
		c->cut = true;
		return 0;
	}
	if (c->request.chunk || (status >= 300 && limit > ERROR_BODY)) {
		if (c->body.len < ERROR_BODY)
			buf_add(&c->body, bytes, n < ERROR_BODY - c->body.len ? n : ERROR_BODY - c->body.len);
		c->ignored += n;
		if (c->ignored <= limit)
			return n;
	}
	if (n > limit - c->body.len || c->ignored > limit) {
		snprintf(c->reason, sizeof c->reason, "the answer is longer than %zu bytes (--max-reply)",
			limit);
		buf_add(&c->body, bytes, n < limit - c->body.len ? n : limit - c->body.len);
		c->cut = true;
		return 0;
	}
	buf_add(&c->body, bytes, n);
	return n;
}

/* Keeps the words behind the status of `HTTP/1.1 404 Not Found`. */
static size_t on_header(char *bytes, size_t size, size_t count, void *self)
{
	struct call *c = self;
	struct text line = { bytes, size * count }, word;

	if (text_starts(line, TEXT("HTTP/")) && text_split(&line, ' ', &word) && line.at &&
		text_split(&line, ' ', &word)) {
		line = text_trim(line);
		if (line.len >= sizeof c->phrase)
			line.len = sizeof c->phrase - 1;
		if (line.len)
			memcpy(c->phrase, line.at, line.len);
		c->phrase[line.len] = '\0';
	}
	return size * count;
}

static curl_socket_t on_open(void *self, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct call *c = self;

	(void)purpose;
	if (c->guarded && !c->proxied && http_private_address(&address->addr)) {
		snprintf(c->reason, sizeof c->reason, "%s", "the URL leads to a private address");
		c->refused = true;
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* A connection that is used again has not been through on_open() for this request. */
static int on_connected(void *self, char *remote, char *local, int remote_port, int local_port)
{
	struct call *c = self;
	struct buf url = BUF_INIT;
	bool closed;

	(void)local, (void)remote_port, (void)local_port;
	if (!c->guarded || c->proxied)
		return CURL_PREREQFUNC_OK;
	buf_printf(&url, strchr(remote, ':') ? "http://[%s]/" : "http://%s/", remote);
	closed = http_private_url(buf_cstr(&url));
	buf_free(&url);
	if (closed)
		snprintf(c->reason, sizeof c->reason, "%s", "the URL leads to a private address");
	c->refused = closed;
	return closed ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

/* One request */

static const char *env_proxy(const char *lower, const char *upper)
{
	const char *proxy = getenv(lower);

	if (!proxy && upper)
		proxy = getenv(upper);
	if (!proxy)
		proxy = getenv("all_proxy");
	if (!proxy)
		proxy = getenv("ALL_PROXY");
	return proxy;
}

/* A request that is guarded either surely goes through the proxy or surely does not: libcurl's own choice, by
 * no_proxy too, would leave open whose address is being connected to. */
static void set_proxy(struct call *c)
{
	bool tls = strncmp(c->origin, "https:", 6) == 0;
	const char *proxy = tls ? c->http->https_proxy : c->http->proxy;

	c->proxied = false;
	if (c->guarded) {
		if (!proxy)
			proxy = tls ? env_proxy("https_proxy", "HTTPS_PROXY") : env_proxy("http_proxy", NULL);
		c->proxied = proxy && proxy[0];
		curl_easy_setopt(c->easy, CURLOPT_PROXY, c->proxied ? proxy : "");
		curl_easy_setopt(c->easy, CURLOPT_NOPROXY, c->proxied ? "" : NULL);
	} else if (proxy && proxy[0]) {
		curl_easy_setopt(c->easy, CURLOPT_PROXY, proxy);
	}
}

static void set_tls(struct call *c)
{
	struct http *h = c->http;
	struct http_state *s = h->state;

	curl_easy_setopt(c->easy, CURLOPT_SSL_VERIFYPEER, s->verify ? 1L : 0L);
	curl_easy_setopt(c->easy, CURLOPT_SSL_VERIFYHOST, s->verify ? 2L : 0L);
	if (s->trust)
		curl_easy_setopt(c->easy, s->trust_is_folder ? CURLOPT_CAPATH : CURLOPT_CAINFO, s->trust);
	if (h->client_cert && !c->foreign) {
		curl_easy_setopt(c->easy, CURLOPT_SSLCERT, h->client_cert);
		curl_easy_setopt(c->easy, CURLOPT_SSLKEY, h->client_cert);
	}
}

static void set_credentials(struct call *c)
{
	struct http *h = c->http;

	curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, c->foreign ? c->plain : c->headers);
	if (c->foreign)
		return;
	if (h->username && h->username[0]) {
		curl_easy_setopt(c->easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
		curl_easy_setopt(c->easy, CURLOPT_USERNAME, h->username);
		curl_easy_setopt(c->easy, CURLOPT_PASSWORD, h->password ? h->password : "");
	} else if (!c->request.from_event) {
		curl_easy_setopt(c->easy, CURLOPT_NETRC, (long)CURL_NETRC_OPTIONAL);
	}
}

static void set_method(struct call *c)
{
	if (c->has_body) {
		curl_easy_setopt(c->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)c->sent.len);
		curl_easy_setopt(c->easy, CURLOPT_POSTFIELDS, c->sent.at ? c->sent.at : "");
	}
	if (c->method && strcmp(c->method, "HEAD") == 0)
		curl_easy_setopt(c->easy, CURLOPT_NOBODY, 1L);
	else if (c->method)
		curl_easy_setopt(c->easy, CURLOPT_CUSTOMREQUEST, c->method);
}

/* Lookups want an answer within the timeout; a long download only has to keep moving. */
static void set_times(struct call *c, int64_t now)
{
	long timeout = lround(c->http->timeout * 1000), whole = c->patient ? 0 : timeout;

	if (c->request.deadline > 0 && !c->deadline)
		c->deadline = now + (int64_t)(c->request.deadline * 1e6);
	if (c->deadline) {
		long left = (long)((c->deadline - now) / 1000) + 1;

		whole = whole && whole < left ? whole : left;
	}
	curl_easy_setopt(c->easy, CURLOPT_CONNECTTIMEOUT_MS, timeout);
	curl_easy_setopt(c->easy, CURLOPT_TIMEOUT_MS, whole);
	curl_easy_setopt(c->easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(c->easy, CURLOPT_LOW_SPEED_TIME, (timeout + 999) / 1000);
}

void call_prepare(struct call *c, int64_t now)
{
	buf_clear(&c->body);
	c->errors[0] = c->reason[0] = c->phrase[0] = '\0';
	c->ignored = 0;
	c->cut = c->refused = false;
	curl_easy_setopt(c->easy, CURLOPT_PRIVATE, c);
	curl_easy_setopt(c->easy, CURLOPT_URL, c->url);
	curl_easy_setopt(c->easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(c->easy, CURLOPT_USERAGENT, c->http->user_agent);
	curl_easy_setopt(c->easy, CURLOPT_ACCEPT_ENCODING, "gzip, deflate");
	curl_easy_setopt(c->easy, CURLOPT_ERRORBUFFER, c->errors);
	curl_easy_setopt(c->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c->easy, CURLOPT_WRITEDATA, c);
	curl_easy_setopt(c->easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(c->easy, CURLOPT_HEADERDATA, c);
	curl_easy_setopt(c->easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
	curl_easy_setopt(c->easy, CURLOPT_OPENSOCKETDATA, c);
	curl_easy_setopt(c->easy, CURLOPT_PREREQFUNCTION, on_connected);
	curl_easy_setopt(c->easy, CURLOPT_PREREQDATA, c);
	set_method(c);
	set_credentials(c);
	set_proxy(c);
	set_tls(c);
	set_times(c, now);
}
