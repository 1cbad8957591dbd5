#include "http_sink.h"

#include <poll.h>
#include <stdlib.h>

#include "alloc.h"
#include "clock.h"

const char *const http_sink_failures[] = { "stop", "reject", NULL };

static void parcel_free(struct parcel *p)
{
	buf_free(&p->body);
	buf_free(&p->records);
	free(p->list);
	free(p);
}

struct parcel *parcel_new_now(struct http_sink *s)
{
	struct parcel *p = s->free;

	if (p)
		s->free = p->next;
	else
		p = alloc_zero(1, sizeof *p);
	p->sink = s;
	p->next = s->on_way;
	s->on_way = p;
	p->count = p->tries = 0;
	p->sent = false;
	buf_clear(&p->body);
	buf_clear(&p->records);
	return p;
}

struct parcel *parcel_new(struct http_sink *s)
{
	size_t most = s->concurrency > 1 ? (size_t)s->concurrency - 1 : 0;

	return http_sink_wait(s, most) ? parcel_new_now(s) : NULL;
}

static struct parcel_record *new_record(struct parcel *p, struct text line, const char *file, long number)
{
	struct parcel_record *r;

	alloc_grow(&p->list, &p->cap, p->count + 1, sizeof *p->list);
	r = &p->list[p->count++];
	*r = (struct parcel_record){ .at = p->records.len, .len = line.len, .file = file, .line = number };
	buf_text(&p->records, line);
	return r;
}

void parcel_add(struct parcel *p, struct event *ev, size_t body_at)
{
	struct parcel_record *r;
	const char *file;
	long line;

	filter_place(&file, &line);
	r = new_record(p, event_line(ev), file, line);
	r->body_at = body_at;
	r->body_len = p->body.len - body_at;
}

void parcel_move(struct parcel *from, size_t i, struct parcel *to)
{
	struct parcel_record *old = &from->list[i], *r;

	r = new_record(to, (struct text){ from->records.at + old->at, old->len }, old->file, old->line);
	r->body_at = to->body.len;
	r->body_len = old->body_len;
	buf_add(&to->body, from->body.at + old->body_at, old->body_len);
	old->settled = true;
}

void parcel_refuse(struct parcel *p, size_t i, struct text reason)
{
	struct parcel_record *r = &p->list[i];

	filter_refuse(r->file, r->line, reason, (struct text){ p->records.at + r->at, r->len });
	r->settled = true;
}

/* The parcel has done its work. */
static void put_away(struct parcel *p)
{
	struct http_sink *s = p->sink;
	struct parcel **place = &s->on_way;
	size_t delivered = 0;

	for (size_t i = 0; i < p->count; i++)
		delivered += !p->list[i].settled;
	if (!s->failed)
		filter_delivered(delivered);
	while (*place != p)
		place = &(*place)->next;
	*place = p->next;
	p->next = s->free;
	s->free = p;
}

/* Whether the fault is not the records'. */
static bool is_down(const struct http_reply *reply)
{
	static const short down[] = { 401, 403, 407, 408, 429, 502, 503, 504 };

	for (size_t i = 0; i < LENGTH(down); i++)
		if (reply->status == down[i])
			return true;
	return reply->error && !reply->cut;
}

/* What went wrong, with the beginning of what the server says about it. */
static void describe(const struct http_sink *s, const struct http_reply *reply, struct problem *problem)
{
	size_t len = reply->body.len < 200 ? reply->body.len : 200;

	if (reply->error)
		problem_set(problem, "%s: %s", s->url, reply->error);
	else
		problem_set(problem, "%s: status %ld%s%.*s", s->url, reply->status, len ? ": " : "", (int)len, len ? reply->body.at : "");
}

static void done(void *context, const struct http_reply *reply)
{
	struct parcel *p = context;
	struct http_sink *s = p->sink;
	struct problem problem = { .line = 0 };

	s->in_flight--;
	if ((!reply->error || reply->cut) && reply->status >= 200 && reply->status < 300) {
		if (s->answered)
			s->answered(p, reply);
		put_away(p);
		return;
	}
	describe(s, reply, &problem);
	if (is_down(reply) && s->on_failure == 0) {
		filter_fail(EXIT_REMOTE, &problem);
		s->failed = true;
	}
	for (size_t i = 0; i < p->count && !s->failed; i++)
		if (!p->list[i].settled)
			parcel_refuse(p, i, text_of(problem.text));
	put_away(p);
}

void parcel_send(struct parcel *p, double after)
{
	struct http_sink *s = p->sink;

	p->sent = true;
	s->in_flight++;
	http_send(s->http, &(struct http_request){ .method = "POST", .url = s->url, .headers = s->headers,
		.body = buf_view(&p->body), .no_redirects = true, .repeatable = s->repeatable, .after = after, .done = done,
		.context = p });
}

bool http_sink_wait(struct http_sink *s, size_t most)
{
	while (s->in_flight > most && !s->failed) {
		struct pollfd p = { http_transport.fd(s->http), POLLIN, 0 };
		int64_t due = http_transport.due(s->http), left = due < 0 ? -1 : (due - clock_steady() + 999) / 1000;

		poll(&p, 1, due < 0 ? -1 : left < 0 ? 0 : left > 60000 ? 60000 : (int)left);
		http_transport.work(s->http);
	}
	return !s->failed;
}

void http_sink_stop(struct http_sink *s)
{
	struct parcel *lists[] = { s->free, s->on_way }, *next;

	for (size_t i = 0; i < LENGTH(lists); i++)
		for (struct parcel *p = lists[i]; p; p = next) {
			next = p->next;
			parcel_free(p);
		}
	s->free = s->on_way = NULL;
}
