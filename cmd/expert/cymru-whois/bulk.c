#include "bulk.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"
#include "filter.h"

enum {
	BATCH = 1000,
	LINGER = 100000, /* microseconds that more addresses are waited for */
	TRIES = 3,
	PAUSE = 1000000,
	ANSWER_PER_ITEM = 4096, /* bytes */
	LINE_MAX_BYTES = 4096,
};

struct item {
	struct ip ip;
	void *context;
	bool answered;
};

struct items {
	struct item *all;
	size_t count, cap;
};

enum phase { IDLE, PAUSING, RESOLVING, OPEN };

struct bulk_state {
	enum phase phase;
	int epoll, fd;
	struct items waiting, batch;
	int64_t first, until; /* when the first came to wait; when the phase ends */
	unsigned tries;
	size_t cursor, received, sent;
	struct buf out, in, bytes;
	char *host, port[16];
	char error[160];
};

void bulk_ask(struct bulk *b, const struct ip *ip, void *context)
{
	struct bulk_state *s = b->state;

	if (!s->waiting.count)
		s->first = clock_steady();
	alloc_grow(&s->waiting.all, &s->waiting.cap, s->waiting.count + 1, sizeof *s->waiting.all);
	s->waiting.all[s->waiting.count++] = (struct item){ *ip, context, false };
}

/* The end of a batch. Those without answer are asked about again, or, with the tries over, fail. */
static void close_batch(struct bulk *b, const char *error)
{
	struct bulk_state *s = b->state;
	struct items done = s->batch;
	size_t left = 0;

	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	snprintf(s->error, sizeof s->error, "%s: %s", b->server, error ? error : "no word about it");
	s->phase = IDLE;
	s->batch = (struct items){ NULL, 0, 0 };
	if (error && ++s->tries < TRIES) {
		s->phase = PAUSING;
		s->until = clock_steady() + PAUSE * s->tries;
	}
	for (size_t i = 0; i < done.count; i++) {
		if (done.all[i].answered)
			b->end(done.all[i].context, NULL);
		else if (s->phase == IDLE)
			b->end(done.all[i].context, s->error);
		else
			done.all[left++] = done.all[i];
	}
	done.count = left;
	if (s->phase == PAUSING && left) {
		s->batch = done;
		return;
	}
	s->phase = IDLE;
	free(done.all);
}

static void open_connection(struct bulk *b, const char *host)
{
	struct bulk_state *s = b->state;
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM }, *found;
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT };

	if (getaddrinfo(host, s->port, &hints, &found) != 0) {
		close_batch(b, "no address");
		return;
	}
	s->fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd < 0 || (connect(s->fd, found->ai_addr, found->ai_addrlen) != 0 && errno != EINPROGRESS)) {
		freeaddrinfo(found);
		close_batch(b, strerror(errno));
		return;
	}
	freeaddrinfo(found);
	epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->fd, &event);
	s->phase = OPEN;
	s->until = clock_steady() + (int64_t)(b->timeout * 1e6);
	s->cursor = s->received = s->sent = 0;
	buf_clear(&s->in);
	buf_clear(&s->out);
	buf_string(&s->out, "begin\nverbose\n");
	for (size_t i = 0; i < s->batch.count; i++) {
		ip_write(&s->out, &s->batch.all[i].ip);
		buf_char(&s->out, '\n');
	}
	buf_string(&s->out, "end\n");
}

static void on_address(void *context, struct dns_reply *reply)
{
	struct bulk *b = context;
	struct text address;
	const char *reason;
	double ttl;

	if (dns_next(reply, &address, &ttl)) {
		char *host = alloc_string(address);

		open_connection(b, host);
		free(host);
	} else {
		close_batch(b, dns_failed(reply, &reason) ? reason : "no such host");
	}
}

static void start_batch(struct bulk *b)
{
	struct bulk_state *s = b->state;
	struct ip ip;

	s->phase = RESOLVING;
	if (ip_parse(text_of(s->host), &ip))
		open_connection(b, s->host);
	else
		dns_ask(b->dns, text_of(s->host), DNS_A, b->timeout, on_address, b);
}

/* The item that a row about IP is for: the next one as a rule. */
static struct item *item_for(struct bulk_state *s, const struct ip *ip)
{
	for (size_t i = 0; i < s->batch.count; i++) {
		size_t n = (s->cursor + i) % s->batch.count;

		if (ip_cmp(&s->batch.all[n].ip, ip) == 0) {
			s->cursor = n;
			return &s->batch.all[n];
		}
	}
	return NULL;
}

static void take_line(struct bulk *b, struct text line)
{
	struct bulk_state *s = b->state;
	struct text columns[CYMRU_COLUMNS];
	size_t count = cymru_split(line, &s->bytes, columns);
	struct item *item;
	struct ip ip;

	if (count <= BULK_ALLOCATED || !ip_parse(columns[BULK_IP], &ip) || !(item = item_for(s, &ip)))
		return; /* the greeting, a complaint, or nonsense */
	item->answered = true;
	b->row(item->context, columns, count);
}

/* Takes the complete lines out of the input. */
static void take_lines(struct bulk *b)
{
	struct bulk_state *s = b->state;
	size_t start = 0;
	char *end;

	while (s->in.len > start && (end = memchr(s->in.at + start, '\n', s->in.len - start))) {
		take_line(b, (struct text){ s->in.at + start, (size_t)(end - s->in.at) - start });
		start = (size_t)(end - s->in.at) + 1;
	}
	s->in.len -= start;
	if (s->in.len)
		memmove(s->in.at, s->in.at + start, s->in.len);
}

/* False: the batch has been closed. */
static bool write_some(struct bulk *b)
{
	struct bulk_state *s = b->state;
	struct epoll_event event = { .events = EPOLLIN };
	ssize_t n = send(s->fd, s->out.at + s->sent, s->out.len - s->sent, MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		close_batch(b, strerror(errno));
		return false;
	}
	s->sent += n > 0 ? (size_t)n : 0;
	if (s->sent == s->out.len)
		epoll_ctl(s->epoll, EPOLL_CTL_MOD, s->fd, &event);
	return true;
}

static void read_some(struct bulk *b)
{
	enum { CHUNK = 65536 };
	struct bulk_state *s = b->state;
	ssize_t n = recv(s->fd, buf_room(&s->in, CHUNK), CHUNK, 0);

	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			close_batch(b, strerror(errno));
		return;
	}
	if (n == 0) {
		if (s->in.len)
			take_line(b, buf_view(&s->in));
		close_batch(b, s->received ? NULL : "the server closed the connection");
		return;
	}
	s->in.len += (size_t)n;
	s->received += (size_t)n;
	take_lines(b);
	if (s->in.len > LINE_MAX_BYTES || s->received > (s->batch.count + 1) * ANSWER_PER_ITEM)
		close_batch(b, "the answer is too long");
}

static bool batch_is_due(const struct bulk_state *s, int64_t now)
{
	return s->phase == IDLE && s->waiting.count && (s->waiting.count >= BATCH || now - s->first >= LINGER);
}

static void work(void *self)
{
	struct bulk *b = self;
	struct bulk_state *s = b->state;
	int64_t now = clock_steady();
	struct epoll_event ready;

	if (s->phase == OPEN && epoll_wait(s->epoll, &ready, 1, 0) == 1 &&
		(!(ready.events & EPOLLOUT) || write_some(b)) && ready.events & (EPOLLIN | EPOLLERR | EPOLLHUP))
		read_some(b);
	if (s->phase == OPEN && now >= s->until)
		close_batch(b, "timed out");
	if (s->phase == PAUSING && now >= s->until) {
		start_batch(b);
	} else if (batch_is_due(s, now)) {
		s->batch = s->waiting;
		s->waiting = (struct items){ NULL, 0, 0 };
		s->tries = 0;
		start_batch(b);
	}
}

static int64_t due(void *self)
{
	const struct bulk_state *s = ((struct bulk *)self)->state;

	if (s->phase == OPEN || s->phase == PAUSING)
		return s->until;
	if (s->phase == IDLE && s->waiting.count)
		return s->waiting.count >= BATCH ? 0 : s->first + LINGER;
	return -1;
}

static int descriptor(void *self)
{
	return ((struct bulk *)self)->state->epoll;
}

static const struct transport transport = { descriptor, due, work };

static bool start(void *self, const struct filter *filter, const struct batch *batch, struct problem *problem)
{
	struct bulk *b = self;
	struct bulk_state *s = alloc_zero(1, sizeof *s);
	struct text rest = text_of(b->server), host;
	long long port = 43;

	(void)filter, (void)batch;
	b->state = s;
	s->fd = -1;
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	text_split(&rest, '#', &host);
	s->host = alloc_string(host);
	if (!host.len || (rest.at && (!text_integer(rest, &port) || port < 1 || port > 65535)))
		return problem_set(problem, "--bulk-server: not HOST or HOST#PORT: \"%s\"", b->server);
	snprintf(s->port, sizeof s->port, "%lld", port);
	return s->epoll >= 0 || problem_set(problem, "epoll: %s", strerror(errno));
}

static void stop(void *self)
{
	struct bulk *b = self;
	struct bulk_state *s = b->state;

	if (!s)
		return;
	if (s->fd >= 0)
		close(s->fd);
	if (s->epoll >= 0)
		close(s->epoll);
	free(s->waiting.all);
	free(s->batch.all);
	free(s->host);
	buf_free(&s->out);
	buf_free(&s->in);
	buf_free(&s->bytes);
	free(s);
	b->state = NULL;
}

const struct mixin bulk_mixin = { .name = "bulk", .start = start, .stop = stop, .transport = &transport };
