/* Requests wait in a queue per host until the host's rate, pause and number of connections let them start;
 * libcurl's multi interface then drives them through one epoll descriptor. Redirects are followed here, not
 * by libcurl, so that each step is a fresh request: to the right host's queue, checked again, and without
 * credentials where the host differs. */
#include "http.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <curl/curl.h>

#include "alloc.h"
#include "buf.h"
#include "clock.h"
#include "filter.h"
#include "http_priv.h"

enum {
	MAX_HOPS = 10,
	MAX_SPARE = 1024,             /* easy handles kept */
	FIRST_PAUSE = 200000,         /* microseconds before the second try */
	LONGEST_PAUSE = 10 * 1000000, /* that back-off reaches */
	PATIENCE = 600,               /* seconds of Retry-After that a request without a deadline obeys */
};

static void call_free(struct call *c)
{
	struct http_state *s = c->http->state;

	if (c->easy && s->spare_count < MAX_SPARE) {
		curl_easy_reset(c->easy);
		s->spare[s->spare_count++] = c->easy;
	} else {
		curl_easy_cleanup(c->easy);
	}
	curl_slist_free_all(c->headers);
	curl_slist_free_all(c->plain);
	free(c->url);
	free(c->origin);
	free(c->method);
	buf_free(&c->sent);
	buf_free(&c->body);
	free(c);
}

/* scheme://host:port of URL, the caller's to free; NULL: not an http(s) URL. */
static char *origin_of(const char *url)
{
	CURLU *parts = curl_url();
	char *scheme = NULL, *host = NULL, *port = NULL, *origin = NULL;

	if (parts && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
		curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
		curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
		curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK &&
		(strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0)) {
		struct buf b = BUF_INIT;

		buf_printf(&b, "%s://%s:%s", scheme, host, port);
		origin = alloc_string(buf_view(&b));
		buf_free(&b);
	}
	curl_free(scheme);
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(parts);
	return origin;
}

static struct host *host_of(struct http_state *s, const char *origin)
{
	struct host *host = s->hosts;

	while (host && strcmp(host->origin, origin) != 0)
		host = host->next;
	if (!host) {
		host = alloc_zero(1, sizeof *host);
		host->origin = alloc_string(text_of(origin));
		host->next = s->hosts;
		s->hosts = host;
	}
	return host;
}

/* Puts C into its host's queue, which is sorted by the time each may start. */
static void enqueue(struct call *c, int64_t due)
{
	struct call **place;

	c->host = host_of(c->http->state, c->origin);
	c->due = due;
	for (place = &c->host->queue; *place && (*place)->due <= due; place = &(*place)->queued)
		;
	c->queued = *place;
	*place = c;
	c->host->waiting++;
}

/* C ends without an answer at the next turn. */
static void refuse(struct call *c, const char *reason)
{
	struct http_state *s = c->http->state;

	snprintf(c->reason, sizeof c->reason, "%s", reason);
	c->queued = s->refused;
	s->refused = c;
}

/* To the URL of C, if it may be reached. */
static void route(struct call *c, int64_t due)
{
	free(c->origin);
	c->origin = origin_of(c->url);
	if (!c->origin) {
		refuse(c, "not an http or https URL");
	} else if (c->guarded && http_private_url(c->url)) {
		c->refused = true;
		refuse(c, "the URL leads to a private address");
	} else {
		enqueue(c, due);
	}
}

void http_send(struct http *h, const struct http_request *request)
{
	struct http_state *s = h->state;
	struct call *c = alloc_zero(1, sizeof *c);

	c->http = h;
	c->request = *request;
	c->url = alloc_string(text_of(request->url));
	if (request->method)
		c->method = alloc_string(text_of(request->method));
	if (request->body.at)
		buf_text(&c->sent, request->body);
	c->has_body = request->body.at != NULL;
	c->idempotent = request->method
				? strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0
				: !c->has_body;
	c->idempotent = c->idempotent || request->repeatable;
	for (const char *const *line = request->headers; line && *line; line++) {
		c->headers = curl_slist_append(c->headers, *line);
		if (strncasecmp(*line, "Accept", 6) == 0 || strncasecmp(*line, "Content-", 8) == 0 ||
			strncasecmp(*line, "If-", 3) == 0)
			c->plain = curl_slist_append(c->plain, *line);
	}
	for (struct curl_slist *line = s->headers; line; line = line->next)
		c->headers = curl_slist_append(c->headers, line->data);
	c->guarded = request->from_event && !h->allow_private;
	c->request.method = c->request.url = NULL;
	c->request.headers = NULL;
	c->next = s->calls;
	if (s->calls)
		s->calls->previous = c;
	s->calls = c;
	route(c, request->after > 0 ? clock_steady() + (int64_t)(request->after * 1e6) : 0);
}

/* libcurl's wishes */

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *self, void *unused)
{
	struct http_state *s = self;
	struct epoll_event event = { .data.fd = fd };

	(void)easy, (void)unused;
	if (what == CURL_POLL_REMOVE) {
		epoll_ctl(s->epoll, EPOLL_CTL_DEL, fd, NULL);
		return 0;
	}
	event.events = (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0) |
		       (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0);
	if (epoll_ctl(s->epoll, EPOLL_CTL_MOD, fd, &event) != 0)
		epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &event);
	return 0;
}

static int on_timer(CURLM *multi, long milliseconds, void *self)
{
	struct http_state *s = self;

	(void)multi;
	s->timer = milliseconds < 0 ? -1 : clock_steady() + milliseconds * 1000;
	return 0;
}

/* Starting a request */

static void start(struct call *c, int64_t now)
{
	struct http_state *s = c->http->state;

	if (!c->easy)
		c->easy = s->spare_count ? s->spare[--s->spare_count] : curl_easy_init();
	else
		curl_easy_reset(c->easy);
	c->tries++;
	call_prepare(c, now);
	c->running = true;
	c->host->running++;
	curl_multi_add_handle(s->multi, c->easy);
}

/* When the first request of HOST's queue may start; -1: not before another one ends. */
static int64_t host_due(const struct http *h, const struct host *host)
{
	if (!host->queue || (h->per_host > 0 && host->running >= h->per_host))
		return -1;
	return host->queue->due > host->open ? host->queue->due : host->open;
}

static void start_due(struct http *h)
{
	struct http_state *s = h->state;
	int64_t now = clock_steady();

	for (struct host **place = &s->hosts, *host; (host = *place);) {
		int64_t due;

		while ((due = host_due(h, host)) >= 0 && due <= now) {
			struct call *c = host->queue;

			host->queue = c->queued;
			host->waiting--;
			if (h->rate > 0)
				host->open = now + (int64_t)(1e6 / h->rate);
			start(c, now);
		}
		if (!host->waiting && !host->running && host->open <= now) {
			*place = host->next;
			free(host->origin);
			free(host);
		} else {
			place = &host->next;
		}
	}
}

/* The end of a request */

static void forget(struct http_state *s, struct call *c)
{
	if (c->previous)
		c->previous->next = c->next;
	else
		s->calls = c->next;
	if (c->next)
		c->next->previous = c->previous;
	c->next = c->previous = NULL;
}

static void finish(struct call *c, const char *error)
{
	struct http_state *s = c->http->state;

	call_read_reply(c);
	c->reply.error = error;
	forget(s, c);
	if (c->patient)
		s->fetched = c;
	else {
		c->request.done(c->request.context, &c->reply);
		call_free(c);
	}
}

static bool worth_another_try(const struct call *c, CURLcode code, long status)
{
	if (c->tries >= c->http->tries || c->delivered || c->reason[0])
		return false;
	switch (code) {
	case CURLE_OK:
		return c->idempotent && (status == 429 || status == 500 || (status >= 502 && status <= 504));
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
		return true;
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
		return c->idempotent;
	default:
		return false;
	}
}

/* Queues C for another try. False: the pause would be too long. */
static bool try_again(struct call *c, CURLcode code)
{
	int64_t now = clock_steady(), pause = FIRST_PAUSE;
	curl_off_t told = 0;

	for (unsigned i = 1; i < c->tries && pause < LONGEST_PAUSE; i++)
		pause *= 2;
	pause = pause / 2 + (int64_t)((double)pause * (double)random() / (double)RAND_MAX);
	if (code == CURLE_OK)
		curl_easy_getinfo(c->easy, CURLINFO_RETRY_AFTER, &told);
	if (told > PATIENCE)
		return false;
	if (told > 0)
		pause = told * 1000000;
	if (c->deadline && now + pause >= c->deadline)
		return false;
	if (told > 0 && c->host->open < now + pause)
		c->host->open = now + pause;
	enqueue(c, now + pause);
	return true;
}

/* Follows a redirect. False: there is none, or one too many, which C->reason says. */
static bool follow(struct call *c, long status)
{
	char *location = NULL, *remote = NULL, *old;
	bool see_other = status == 303 || ((status == 301 || status == 302) && c->has_body);

	if (c->request.no_redirects || status < 301 || status > 308 || (status > 303 && status < 307) ||
		curl_easy_getinfo(c->easy, CURLINFO_REDIRECT_URL, &location) != CURLE_OK || !location)
		return false;
	if (c->hops >= MAX_HOPS) {
		snprintf(c->reason, sizeof c->reason, "more than %d redirects", MAX_HOPS);
		return false;
	}
	c->hops++;
	free(c->url);
	c->url = alloc_string(text_of(location));
	if (see_other && !(c->method && strcmp(c->method, "HEAD") == 0)) {
		free(c->method);
		c->method = NULL;
		c->has_body = false;
		c->idempotent = true;
	}
	c->tries = 0;
	old = c->origin;
	c->origin = origin_of(c->url);
	if (!c->origin || strcmp(c->origin, old) != 0) {
		struct buf url = BUF_INIT;

		c->foreign = true;
		/* A server inside may send us elsewhere inside, one outside may not. */
		curl_easy_getinfo(c->easy, CURLINFO_PRIMARY_IP, &remote);
		buf_printf(&url, remote && strchr(remote, ':') ? "http://[%s]/" : "http://%s/",
			remote ? remote : "");
		if (!c->http->allow_private && !http_private_url(buf_cstr(&url)))
			c->guarded = true;
		buf_free(&url);
	}
	free(old);
	route(c, 0);
	return true;
}

static void ended(struct call *c, CURLcode code)
{
	struct http_state *s = c->http->state;
	long status = 0;

	curl_multi_remove_handle(s->multi, c->easy);
	c->running = false;
	c->host->running--;
	curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
	if (code == CURLE_OK && follow(c, status))
		return;
	if (worth_another_try(c, code, status) && try_again(c, code))
		return;
	if (code == CURLE_OK && !c->reason[0])
		finish(c, NULL);
	else
		finish(c, c->reason[0] ? c->reason : c->errors[0] ? c->errors : curl_easy_strerror(code));
}

static void work(void *self)
{
	struct http *h = self;
	struct http_state *s = h->state;
	struct epoll_event ready[64];
	int running, left, n;
	CURLMsg *message;
	struct call *c;

	start_due(h);
	do {
		n = epoll_wait(s->epoll, ready, LENGTH(ready), 0);
		for (int i = 0; i < n; i++)
			curl_multi_socket_action(s->multi, ready[i].data.fd,
				(ready[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
					(ready[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
					(ready[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0),
				&running);
	} while (n == (int)LENGTH(ready));
	if (s->timer >= 0 && s->timer <= clock_steady()) {
		s->timer = -1;
		curl_multi_socket_action(s->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	}
	while ((message = curl_multi_info_read(s->multi, &left)))
		if (message->msg == CURLMSG_DONE) {
			CURLcode code = message->data.result;

			curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &c);
			ended(c, code);
		}
	while ((c = s->refused)) {
		s->refused = c->queued;
		finish(c, c->reason);
	}
	start_due(h);
}

static int descriptor(void *self)
{
	return ((struct http *)self)->state->epoll;
}

static int64_t due(void *self)
{
	struct http *h = self;
	struct http_state *s = h->state;
	int64_t first = s->timer;

	if (s->refused)
		return 0;
	for (const struct host *host = s->hosts; host; host = host->next) {
		int64_t t = host_due(h, host);

		if (t >= 0 && (first < 0 || t < first))
			first = t;
	}
	return first;
}

const struct transport http_transport = { descriptor, due, work };

/* Opening and closing */

bool http_start(struct http *h, struct problem *problem)
{
	struct http_state *s = alloc_zero(1, sizeof *s);

	curl_global_init(CURL_GLOBAL_DEFAULT);
	h->state = s;
	s->timer = -1;
	s->spare = alloc_zero(MAX_SPARE, sizeof *s->spare);
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	s->multi = curl_multi_init();
	if (h->tries < 1)
		h->tries = 1;
	if (s->epoll < 0 || !s->multi)
		return problem_set(problem, "libcurl: %s", strerror(errno));
	srandom((unsigned)clock_steady() ^ (unsigned)getpid());
	curl_multi_setopt(s->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(s->multi, CURLMOPT_SOCKETDATA, s);
	curl_multi_setopt(s->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(s->multi, CURLMOPT_TIMERDATA, s);
	if (h->timeout <= 0)
		return problem_set(problem, "--http-timeout-sec: must be more than 0");
	return http_read_settings(h, problem);
}

void http_stop(struct http *h)
{
	struct http_state *s = h->state;

	if (!s)
		return;
	for (struct call *c = s->calls, *next; c; c = next) {
		next = c->next;
		if (c->running)
			curl_multi_remove_handle(s->multi, c->easy);
		call_free(c);
	}
	if (s->fetched)
		call_free(s->fetched);
	for (size_t i = 0; i < s->spare_count; i++)
		curl_easy_cleanup(s->spare[i]);
	for (struct host *host = s->hosts, *next; host; host = next) {
		next = host->next;
		free(host->origin);
		free(host);
	}
	curl_multi_cleanup(s->multi);
	curl_slist_free_all(s->headers);
	close(s->epoll);
	free(s->spare);
	free(s);
	h->state = NULL;
	curl_global_cleanup();
}

static bool start_mixin(
	void *self, const struct filter *filter, const struct batch *batch, struct problem *problem)
{
	(void)filter, (void)batch;
	return http_start(self, problem);
}

static void stop_mixin(void *self)
{
	http_stop(self);
}

const struct mixin http_mixin = {
	.name = "http", .start = start_mixin, .stop = stop_mixin, .transport = &http_transport
};

/* Waiting for one answer */

/* Takes C out of wherever it is: nobody waits for it any more. */
static void withdraw(struct call *c)
{
	struct http_state *s = c->http->state;
	struct call **place = &s->refused;

	if (c->running) {
		curl_multi_remove_handle(s->multi, c->easy);
		c->host->running--;
	} else {
		while (*place && *place != c)
			place = &(*place)->queued;
		if (!*place) {
			for (place = &c->host->queue; *place != c; place = &(*place)->queued)
				;
			c->host->waiting--;
		}
		*place = c->queued;
	}
	forget(s, c);
	call_free(c);
}

bool http_fetch(
	struct http *h, const struct http_request *request, struct http_reply *reply, struct problem *problem)
{
	struct http_state *s = h->state;
	struct call *c;

	if (s->fetched)
		call_free(s->fetched);
	s->fetched = NULL;
	http_send(h, request);
	c = s->calls;
	c->patient = true;
	*reply = (struct http_reply){ .url = request->url };
	while (!s->fetched) {
		struct pollfd watch = { .fd = s->epoll, .events = POLLIN };
		int64_t next = due(h), left = (next - clock_steady() + 999) / 1000;

		poll(&watch, 1, next < 0 ? 1000 : left < 0 ? 0 : left > 1000 ? 1000 : (int)left);
		if (run_stopping()) {
			withdraw(c);
			return problem_set(problem, "%s: told to stop", request->url);
		}
		work(h);
	}
	*reply = s->fetched->reply;
	if (reply->error)
		return problem_set(problem, "%s: %s", request->url, reply->error);
	if ((reply->status < 200 || reply->status > 299) && reply->status != 304)
		return problem_set(problem, "%s: HTTP status %ld", request->url, reply->status);
	return true;
}
