/* TCP, for what does not fit into UDP (RFC 7766): few connections, each for one question at a time and then
 * for the next. */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "alloc.h"
#include "dns_priv.h"

enum { MESSAGE_MAX = 65535 };

struct connection {
	struct dns_end end;
	struct connection *next;
	struct question *q; /* NULL: idle */
	bool dead;
	unsigned char out[2 + DNS_QUERY_SIZE];
	size_t out_len, sent, got;
	unsigned char in[2 + MESSAGE_MAX];
};

/* Dead ones stay in the list until nobody can have them in hand. */
static void bury(struct dns_state *s)
{
	for (struct connection **place = &s->connections, *c; (c = *place);) {
		if (c->dead) {
			*place = c->next;
			s->connection_count--;
			close(c->end.fd);
			free(c);
		} else {
			place = &c->next;
		}
	}
}

/* The connection is of no use any more; what it was for is tried again. */
static void die(struct dns_state *s, struct connection *c)
{
	struct question *q = c->q;

	c->dead = true;
	c->q = NULL;
	if (q) {
		dns_unwait(s, q);
		dns_broken(s, q);
	}
}

static void watch(struct dns_state *s, struct connection *c, int how)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = &c->end };

	if (c->sent < c->out_len)
		event.events |= EPOLLOUT;
	epoll_ctl(s->epoll, how, c->end.fd, &event);
}

static struct connection *open_connection(struct dns_state *s, struct server *server)
{
	int fd = socket(server->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct connection *c;

	if (fd < 0)
		return NULL;
	if (connect(fd, (struct sockaddr *)&server->address, server->size) != 0 && errno != EINPROGRESS) {
		close(fd);
		return NULL;
	}
	c = alloc_zero(1, sizeof *c);
	c->end = (struct dns_end){ .tcp = true, .fd = fd, .server = server };
	c->next = s->connections;
	s->connections = c;
	s->connection_count++;
	watch(s, c, EPOLL_CTL_ADD);
	return c;
}

/* A connection to SERVER that is free or can be had; NULL: not now, or (*FAILED) not at all. */
static struct connection *connection_to(struct dns_state *s, struct server *server, bool *failed)
{
	struct connection *c;

	*failed = false;
	for (c = s->connections; c; c = c->next)
		if (!c->q && c->end.server == server)
			return c;
	if (s->connection_count >= DNS_CONNECTIONS) {
		for (c = s->connections; c && c->q; c = c->next)
			;
		if (!c)
			return NULL;
		c->dead = true;
		bury(s);
	}
	c = open_connection(s, server);
	*failed = !c;
	return c;
}

void dns_tcp_send(struct dns_state *s)
{
	struct question *q;
	bool failed;

	bury(s);
	while ((q = s->tcp_line.first)) {
		struct connection *c = connection_to(s, q->server, &failed);
		int64_t due = s->now + dns_patience(s, q) * 2; /* a handshake comes before it */

		if (!c && !failed)
			return;
		queue_remove(&s->tcp_line, q);
		if (failed) {
			dns_broken(s, q);
			continue;
		}
		q->id = (uint16_t)dns_random(s);
		c->q = q;
		c->out_len = 2 + dns_query(c->out + 2, q->id, &q->name, q->type, q->edns);
		c->out[0] = (unsigned char)((c->out_len - 2) >> 8);
		c->out[1] = (unsigned char)(c->out_len - 2);
		c->sent = c->got = 0;
		watch(s, c, EPOLL_CTL_MOD);
		dns_wait(s, q, ON_TCP, due < q->deadline ? due : q->deadline);
	}
}

/* False: it broke. */
static bool write_some(struct dns_state *s, struct connection *c)
{
	ssize_t n = send(c->end.fd, c->out + c->sent, c->out_len - c->sent, MSG_NOSIGNAL);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	c->sent += (size_t)n;
	watch(s, c, EPOLL_CTL_MOD);
	return true;
}

/* False: it broke, ended, or says what nobody asked. */
static bool read_some(struct dns_state *s, struct connection *c)
{
	size_t want = c->got < 2 ? 2 : 2U + ((size_t)c->in[0] << 8 | c->in[1]);
	ssize_t n = recv(c->end.fd, c->in + c->got, want - c->got, 0);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0 || !c->q)
		return false;
	c->got += (size_t)n;
	if (c->got < 2 || c->got < 2U + ((size_t)c->in[0] << 8 | c->in[1]))
		return true;
	return dns_replied(s, c->q, c->in + 2, c->got - 2);
}

void dns_tcp_work(struct dns_state *s, struct dns_end *end, uint32_t events)
{
	struct connection *c = (struct connection *)end;

	if (c->dead)
		return;
	if (events & EPOLLOUT && c->sent < c->out_len && !write_some(s, c))
		die(s, c);
	else if (events & (EPOLLIN | EPOLLERR | EPOLLHUP) && !read_some(s, c))
		die(s, c);
}

void dns_tcp_forget(struct dns_state *s, struct question *q)
{
	for (struct connection *c = s->connections; c; c = c->next)
		if (c->q == q) {
			/* Unless all was read, an answer may still come for it. */
			c->dead = c->got < 2 || c->got < 2U + ((size_t)c->in[0] << 8 | c->in[1]);
			c->q = NULL;
			c->got = 0;
		}
}

void dns_tcp_stop(struct dns_state *s)
{
	for (struct connection *c = s->connections; c; c = c->next)
		c->dead = true;
	bury(s);
}
