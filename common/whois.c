#include "whois.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "alloc.h"
#include "buf.h"
#include "clock.h"
#include "filter.h"

enum {
	FIRST_PAUSE = 200000,     /* microseconds before the second try */
	KEEP_ADDRESSES = 60000000 /* microseconds until the server's name is resolved again */
};

/* A question: waiting for its next try (no descriptor), or on its way. */
struct talk {
	struct talk *next, **place;
	int fd;
	bool writing, over;
	struct buf query, answer;
	size_t sent;
	unsigned tries;
	int64_t due; /* clock_steady(): of the next try, or of its timeout */
	int64_t deadline;
	const char *error; /* of the last try; NULL: there is an answer */
	char reason[128];
	void (*done)(void *context, struct text answer, const char *error);
	void *context;
};

struct whois_state {
	int epoll;
	struct talk *talks;
	struct addrinfo *addresses;
	int64_t resolved, open; /* when that was; nothing starts before */
};

static void fail(struct talk *t, const char *what, const char *why)
{
	snprintf(t->reason, sizeof t->reason, "%s%s%s", what, why[0] ? ": " : "", why);
	t->error = t->reason;
}

static bool resolve(struct whois *w, int64_t now, struct talk *t)
{
	struct whois_state *s = w->state;
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
	char port[24];
	int failure;

	if (s->addresses && now - s->resolved < KEEP_ADDRESSES)
		return true;
	if (s->addresses)
		freeaddrinfo(s->addresses);
	s->addresses = NULL;
	snprintf(port, sizeof port, "%lld", w->port);
	failure = getaddrinfo(w->server, port, &hints, &s->addresses);
	s->resolved = now;
	if (failure)
		fail(t, w->server, gai_strerror(failure));
	return !failure;
}

static void hang_up(struct talk *t)
{
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
}

/* The try is over: T->error says how. */
static void end_try(struct whois *w, struct talk *t, int64_t now)
{
	int64_t pause = FIRST_PAUSE;

	hang_up(t);
	for (unsigned i = 1; i < t->tries && i < 6; i++)
		pause *= 2;
	t->over = !t->error || t->tries >= w->tries || (t->deadline && now + pause >= t->deadline);
	t->due = now + pause;
}

/* Sends what is left of the query, then waits for the answer. */
static void write_query(struct whois *w, struct talk *t, int64_t now)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = t };
	int failure = 0;
	socklen_t size = sizeof failure;
	ssize_t n;

	if (getsockopt(t->fd, SOL_SOCKET, SO_ERROR, &failure, &size) != 0 || failure) {
		fail(t, "cannot connect", strerror(failure ? failure : errno));
		end_try(w, t, now);
		return;
	}
	n = send(t->fd, t->query.at + t->sent, t->query.len - t->sent, MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		fail(t, "cannot send", strerror(errno));
		end_try(w, t, now);
		return;
	}
	t->sent += n > 0 ? (size_t)n : 0;
	if (t->sent == t->query.len) {
		t->writing = false;
		epoll_ctl(w->state->epoll, EPOLL_CTL_MOD, t->fd, &event);
	}
}

static void read_answer(struct whois *w, struct talk *t, int64_t now)
{
	enum { PIECE = 16384 };

	for (;;) {
		ssize_t n = recv(t->fd, buf_room(&t->answer, PIECE), PIECE, 0);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n > 0)
			t->answer.len += (size_t)n;
		if (t->answer.len > w->max_reply) {
			fail(t, "the answer is longer than --max-reply", "");
			t->tries = (unsigned)w->tries; /* it would be so again */
		} else if (n < 0) {
			fail(t, "the connection broke", strerror(errno));
		} else if (n > 0) {
			continue;
		}
		end_try(w, t, now);
		return;
	}
}

static void start_try(struct whois *w, struct talk *t, int64_t now)
{
	struct whois_state *s = w->state;
	struct epoll_event event = { .events = EPOLLOUT, .data.ptr = t };
	const struct addrinfo *address;
	unsigned skip = t->tries++;

	t->error = NULL;
	t->sent = 0;
	t->writing = true;
	buf_clear(&t->answer);
	if (w->rate > 0)
		s->open = now + (int64_t)(1e6 / w->rate);
	if (!resolve(w, now, t)) {
		end_try(w, t, now);
		return;
	}
	/* Every try goes to the next address. */
	for (address = s->addresses; skip; skip--)
		address = address->ai_next ? address->ai_next : s->addresses;
	t->fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (t->fd < 0 || (connect(t->fd, address->ai_addr, address->ai_addrlen) != 0 && errno != EINPROGRESS) ||
		epoll_ctl(s->epoll, EPOLL_CTL_ADD, t->fd, &event) != 0) {
		fail(t, "cannot connect", strerror(errno));
		end_try(w, t, now);
		return;
	}
	t->due = now + (int64_t)(w->timeout * 1e6);
	if (t->deadline && t->due > t->deadline)
		t->due = t->deadline;
}

static void talk_free(struct talk *t)
{
	hang_up(t);
	buf_free(&t->query);
	buf_free(&t->answer);
	free(t);
}

void whois_ask(struct whois *w, struct text query, double deadline,
	void (*done)(void *context, struct text answer, const char *error), void *context)
{
	struct whois_state *s = w->state;
	struct talk *t = alloc_zero(1, sizeof *t);
	int64_t now = clock_steady();

	t->fd = -1;
	t->done = done;
	t->context = context;
	t->due = now;
	t->deadline = deadline > 0 ? now + (int64_t)(deadline * 1e6) : 0;
	buf_text(&t->query, query);
	buf_char(&t->query, '\n');
	t->next = s->talks;
	t->place = &s->talks;
	if (t->next)
		t->next->place = &t->next;
	s->talks = t;
}

/* Takes those that are over out first: their callbacks may ask again. */
static void call_back(struct whois_state *s)
{
	struct talk *over = NULL, *next;

	for (struct talk *t = s->talks; t; t = next) {
		next = t->next;
		if (!t->over)
			continue;
		*t->place = next;
		if (next)
			next->place = t->place;
		t->next = over;
		over = t;
	}
	for (struct talk *t = over; t; t = next) {
		next = t->next;
		t->done(t->context, buf_view(&t->answer), t->error);
		talk_free(t);
	}
}

/* When T wants something done: its next try, or an end of the one it is at. */
static int64_t talk_due(const struct whois_state *s, const struct talk *t)
{
	return t->fd < 0 && t->due < s->open ? s->open : t->due;
}

static void work(void *self)
{
	struct whois *w = self;
	struct whois_state *s = w->state;
	struct epoll_event ready[64];
	int64_t now = clock_steady();
	int n = epoll_wait(s->epoll, ready, LENGTH(ready), 0);

	for (int i = 0; i < n; i++) {
		struct talk *t = ready[i].data.ptr;

		if (t->writing)
			write_query(w, t, now);
		else
			read_answer(w, t, now);
	}
	for (struct talk *t = s->talks; t; t = t->next) {
		if (t->over || talk_due(s, t) > now)
			continue;
		if (t->fd < 0) {
			start_try(w, t, now);
		} else {
			fail(t, "timed out", "");
			end_try(w, t, now);
		}
	}
	call_back(s);
}

static int descriptor(void *self)
{
	return ((struct whois *)self)->state->epoll;
}

static int64_t due(void *self)
{
	const struct whois_state *s = ((struct whois *)self)->state;
	int64_t first = -1;

	for (const struct talk *t = s->talks; t; t = t->next) {
		int64_t at = talk_due(s, t);

		if (first < 0 || at < first)
			first = at;
	}
	return first;
}

const struct transport whois_transport = { descriptor, due, work };

static bool start(void *self, const struct filter *filter, const struct batch *batch, struct problem *problem)
{
	struct whois *w = self;
	struct whois_state *s = w->state = alloc_zero(1, sizeof *s);

	(void)filter, (void)batch;
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (s->epoll < 0)
		return problem_set(problem, "epoll: %s", strerror(errno));
	if (w->port < 1 || w->port > 65535)
		return problem_set(problem, "--port: must be from 1 to 65535");
	if (w->timeout <= 0)
		return problem_set(problem, "--timeout: must be more than 0");
	return true;
}

static void stop(void *self)
{
	struct whois *w = self;
	struct whois_state *s = w->state;

	if (!s)
		return;
	for (struct talk *t = s->talks, *next; t; t = next) {
		next = t->next;
		talk_free(t);
	}
	if (s->addresses)
		freeaddrinfo(s->addresses);
	close(s->epoll);
	free(s);
	w->state = NULL;
}

const struct mixin whois_mixin = {
	.name = "whois", .start = start, .stop = stop, .transport = &whois_transport
};
