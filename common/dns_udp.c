/* UDP: a few sockets for each server, each on a random port and replaced after a while, so that somebody who
 * cannot see the questions has port and id to guess (RFC 5452, 9.2). A batch of questions goes out from one
 * of them, chosen by chance, in one system call; replies come in batches too. */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "alloc.h"
#include "dns_priv.h"

enum {
	BUCKETS = 4096,
	PORT_QUESTIONS = 1000, /* from one port at most */
	PORT_TIME = 10000000,  /* microseconds that a port is used for new questions */
	PORT_TRIES = 10,
	LOWEST_PORT = 1024,
	RECEIVE_BUFFER = 4 << 20,
	NO_ROOM_PAUSE = 1000,     /* microseconds */
	REFUSED_PAUSE = 1000000,  /* that a server is left alone whose host says that nobody listens */
};

struct dns_udp {
	struct mmsghdr out[DNS_BATCH], in[DNS_BATCH];
	struct iovec out_parts[DNS_BATCH], in_parts[DNS_BATCH];
	unsigned char queries[DNS_BATCH][DNS_QUERY_SIZE];
	unsigned char replies[DNS_BATCH][DNS_PACKET];
};

void dns_udp_start(struct dns_state *s)
{
	struct dns_udp *u = alloc_zero(1, sizeof *u);

	s->udp = u;
	s->buckets = alloc_zero(BUCKETS, sizeof(struct question *));
	for (unsigned i = 0; i < DNS_BATCH; i++) {
		u->out_parts[i].iov_base = u->queries[i];
		u->out[i].msg_hdr = (struct msghdr){ .msg_iov = &u->out_parts[i], .msg_iovlen = 1 };
		u->in_parts[i] = (struct iovec){ u->replies[i], DNS_PACKET };
		u->in[i].msg_hdr = (struct msghdr){ .msg_iov = &u->in_parts[i], .msg_iovlen = 1 };
	}
}

/* Ports */

static void bind_random(struct dns_state *s, int fd, int family)
{
	for (unsigned tries = 0; tries < PORT_TRIES; tries++) {
		uint16_t port = (uint16_t)dns_random(s);
		struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
		struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

		if (port < LOWEST_PORT)
			continue;
		if (family == AF_INET ? bind(fd, (struct sockaddr *)&v4, sizeof v4) == 0
				      : bind(fd, (struct sockaddr *)&v6, sizeof v6) == 0)
			return;
		if (errno != EADDRINUSE)
			return; /* the kernel finds a port, by chance too */
	}
}

/* NULL: the server cannot be reached from here, or there are no descriptors left. */
static struct port *open_port(struct dns_state *s, struct server *server)
{
	int family = server->address.ss_family, size = RECEIVE_BUFFER;
	int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct epoll_event event = { .events = EPOLLIN };
	struct port *port;

	if (fd < 0)
		return NULL;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	bind_random(s, fd, family);
	port = alloc_zero(1, sizeof *port);
	event.data.ptr = &port->end;
	if (connect(fd, (struct sockaddr *)&server->address, server->size) != 0 ||
		epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
		close(fd);
		free(port);
		return NULL;
	}
	port->end = (struct dns_end){ .fd = fd, .server = server };
	port->serial = s->serial++;
	port->opened = s->now;
	return port;
}

static struct port *choose_port(struct dns_state *s, struct server *server)
{
	struct port **place = &server->ports[dns_random(s) % DNS_PORTS], *port = *place;

	if (port && (port->asked >= PORT_QUESTIONS || s->now - port->opened > PORT_TIME)) {
		port->next = s->old_ports;
		s->old_ports = port;
		port = NULL;
	}
	if (!port)
		port = *place = open_port(s, server);
	return port;
}

static void close_port(struct port *port)
{
	close(port->end.fd);
	free(port);
}

void dns_udp_sweep(struct dns_state *s)
{
	for (struct port **place = &s->old_ports, *port; (port = *place);) {
		if (port->waiting) {
			place = &port->next;
		} else {
			*place = port->next;
			close_port(port);
		}
	}
}

void dns_udp_stop(struct dns_state *s)
{
	struct port *next;

	for (unsigned i = 0; i < s->server_count; i++)
		for (unsigned p = 0; p < DNS_PORTS; p++)
			if (s->servers[i].ports[p])
				close_port(s->servers[i].ports[p]);
	for (struct port *port = s->old_ports; port; port = next) {
		next = port->next;
		close_port(port);
	}
	free(s->buckets);
	free(s->udp);
}

/* What is in flight */

static struct question **bucket_of(struct dns_state *s, const struct port *port, uint16_t id)
{
	return &s->buckets[(id ^ port->serial * 2654435761U >> 12) % BUCKETS];
}

static struct question *find(struct dns_state *s, const struct port *port, uint16_t id)
{
	struct question *q = *bucket_of(s, port, id);

	while (q && (q->port != port || q->id != id))
		q = q->in_bucket;
	return q;
}

void dns_udp_forget(struct dns_state *s, struct question *q)
{
	struct question **place;

	s->in_flight--;
	if (!q->port)
		return;
	place = bucket_of(s, q->port, q->id);
	while (*place != q)
		place = &(*place)->in_bucket;
	*place = q->in_bucket;
	q->port->waiting--;
	q->port = NULL;
}

static void remember(struct dns_state *s, struct question *q, struct port *port)
{
	struct question **bucket;

	do
		q->id = (uint16_t)dns_random(s);
	while (find(s, port, q->id));
	bucket = bucket_of(s, port, q->id);
	q->port = port;
	q->in_bucket = *bucket;
	*bucket = q;
	port->asked++;
	port->waiting++;
}

unsigned dns_udp_send(struct dns_state *s, struct server *server, struct question **questions, unsigned n)
{
	struct port *port = choose_port(s, server);
	struct dns_udp *u = s->udp;
	unsigned sent = 0;

	s->retry_sending = 0;
	s->in_flight += n;
	for (unsigned i = 0; i < n; i++)
		questions[i]->port = NULL;
	if (!port)
		return n;
	for (unsigned i = 0; i < n; i++) {
		struct question *q = questions[i];

		remember(s, q, port);
		u->out_parts[i].iov_len = dns_query(u->queries[i], q->id, &q->name, q->type, q->edns);
	}
	while (sent < n) {
		int took = sendmmsg(port->end.fd, u->out + sent, n - sent, 0);

		if (took > 0) {
			sent += (unsigned)took;
		} else if (errno == EAGAIN || errno == ENOBUFS) {
			s->retry_sending = s->now + NO_ROOM_PAUSE;
			for (unsigned i = sent; i < n; i++)
				dns_udp_forget(s, questions[i]);
			break;
		} else if (errno != EINTR) {
			/* An error may be about what was sent before, and this one not be sent because of
			 * it. Its try is lost, as on the way. */
			sent++;
		}
	}
	return sent;
}

void dns_udp_receive(struct dns_state *s, struct dns_end *end)
{
	struct port *port = (struct port *)end;
	struct dns_udp *u = s->udp;
	int n;

	do {
		n = recvmmsg(end->fd, u->in, DNS_BATCH, 0, NULL);
		if (n < 0 && errno == ECONNREFUSED && s->server_count > 1)
			end->server->down_until = s->now + REFUSED_PAUSE;
		for (int i = 0; i < n; i++) {
			const unsigned char *packet = u->replies[i];
			size_t len = u->in[i].msg_len;
			struct question *q = NULL;

			if (len >= 2)
				q = find(s, port, (uint16_t)(packet[0] << 8 | packet[1]));
			/* One that was cut here has to be asked for over TCP. */
			if (q && u->in[i].msg_hdr.msg_flags & MSG_TRUNC)
				u->replies[i][2] |= 0x02;
			if (!q || !dns_replied(s, q, packet, len))
				s->strays++;
		}
	} while (n == DNS_BATCH);
}
