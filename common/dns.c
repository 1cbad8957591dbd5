/* A question waits in line until the window has room, is in flight over UDP, perhaps on TCP, perhaps pauses,
 * and ends. Where it waits for time to pass it is in a wheel of timers: each turn of work() deals with the
 * slots whose time has come. */
#include "dns.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"
#include "dns_priv.h"
#include "filter.h"

enum {
	TICK = 5000, /* microseconds of a slot of the wheel */
	WINDOW_MIN = 100,
	WINDOW_START = 200,
	WINDOW_MAX = 4000,
	FIRST_PATIENCE = 1000000, /* microseconds, before the server's pace is known */
	LEAST_PATIENCE = 250000,
	PAUSE = 200000,       /* before all servers are asked again */
	SILENT = 20,          /* timeouts that make a server count as down */
	DOWN_FOR = 5000000,
	PLAIN_AFTER = 3, /* tries with EDNS: something on the way may drop it */
	ROUNDS = 2,
};

/* Lists */

void queue_add(struct queue *queue, struct question *q)
{
	q->next = NULL;
	q->previous = queue->last;
	if (queue->last)
		queue->last->next = q;
	else
		queue->first = q;
	queue->last = q;
}

static void queue_add_first(struct queue *queue, struct question *q)
{
	q->previous = NULL;
	q->next = queue->first;
	if (queue->first)
		queue->first->previous = q;
	else
		queue->last = q;
	queue->first = q;
}

void queue_remove(struct queue *queue, struct question *q)
{
	if (q->previous)
		q->previous->next = q->next;
	else
		queue->first = q->next;
	if (q->next)
		q->next->previous = q->previous;
	else
		queue->last = q->previous;
	q->next = q->previous = NULL;
}

unsigned dns_random(struct dns_state *s)
{
	unsigned n;

	if (s->random_left < 2) {
		size_t have = 0;

		while (have < sizeof s->random) {
			ssize_t got = getrandom(s->random + have, sizeof s->random - have, 0);

			if (got > 0)
				have += (size_t)got;
		}
		s->random_left = have;
	}
	n = s->random[--s->random_left];
	return n << 8 | s->random[--s->random_left];
}

/* Timers */

void dns_wait(struct dns_state *s, struct question *q, enum question_state state, int64_t due)
{
	int64_t tick = due / TICK + 1;

	if (tick <= s->tick)
		tick = s->tick + 1;
	if (tick - s->tick >= DNS_SLOTS) /* it will be put back when it comes out */
		tick = s->tick + DNS_SLOTS - 1;
	q->state = state;
	q->due = due;
	q->slot = (unsigned)(tick % DNS_SLOTS);
	queue_add(&s->wheel[q->slot], q);
	s->filled[q->slot / 64] |= 1ULL << q->slot % 64;
}

void dns_unwait(struct dns_state *s, struct question *q)
{
	queue_remove(&s->wheel[q->slot], q);
	if (!s->wheel[q->slot].first)
		s->filled[q->slot / 64] &= ~(1ULL << q->slot % 64);
}

/* The time when the next slot of the wheel is due; -1: it is empty. */
static int64_t wheel_due(const struct dns_state *s)
{
	unsigned start = (unsigned)((s->tick + 1) % DNS_SLOTS);

	for (unsigned i = 0; i < DNS_SLOTS;) {
		unsigned slot = (start + i) % DNS_SLOTS;
		uint64_t word = s->filled[slot / 64] >> slot % 64;

		if (word)
			return (s->tick + 1 + i + (unsigned)__builtin_ctzll(word)) * TICK;
		i += 64 - slot % 64;
	}
	return -1;
}

/* The ends of questions */

static void release(struct dns_state *s, struct question *q)
{
	q->next = s->spare;
	s->spare = q;
}

/* Q, which is in no list, is answered. */
static void finish(struct dns_state *s, struct question *q, struct dns_reply *reply)
{
	dns_answer *answered = q->answered;
	void *context = q->context;

	reply->text = &s->text;
	release(s, q);
	answered(context, reply);
}

static void fail(struct dns_state *s, struct question *q)
{
	struct dns_reply reply = { .status = q->outcome, .ttl = -1 };

	finish(s, q, &reply);
}

bool dns_failed(const struct dns_reply *reply, const char **reason)
{
	switch (reply->status) {
	case DNS_TIMEOUT:
		*reason = "no name server answered";
		return true;
	case DNS_SERVFAIL:
		*reason = "the name server failed (SERVFAIL)";
		return true;
	case DNS_REFUSED:
		*reason = "the name server refused";
		return true;
	case DNS_ANSWER:
	case DNS_NODATA:
	case DNS_NXDOMAIN:
		break;
	}
	return false;
}

/* Q, which is in no list, is to be asked again. */
static void ask_again(struct dns_state *s, struct question *q)
{
	if (q->tries >= s->dns->tries || s->now >= q->deadline) {
		fail(s, q);
		return;
	}
	s->retries++;
	q->state = IN_LINE;
	queue_add_first(&s->line, q);
}

void dns_broken(struct dns_state *s, struct question *q)
{
	dns_wait(s, q, PAUSING, s->now + PAUSE);
}

/* The server of Q was no help, and said so. */
static void ask_elsewhere(struct dns_state *s, struct question *q, enum dns_status outcome)
{
	uint32_t all = (1U << s->server_count) - 1;

	q->outcome = outcome;
	q->refused_by |= 1U << (q->server - s->servers);
	if (q->refused_by != all) {
		ask_again(s, q);
	} else if (++q->rounds < ROUNDS && outcome == DNS_SERVFAIL) {
		q->refused_by = 0;
		dns_wait(s, q, PAUSING, s->now + PAUSE);
	} else {
		fail(s, q);
	}
}

/* The window: additive increase, multiplicative decrease. */

static void grow(struct dns_state *s)
{
	if (s->in_flight < s->window / 2)
		return; /* it is not what limits */
	s->window += s->slow_start ? 1 : 1 / s->window;
	if (s->window > WINDOW_MAX)
		s->window = WINDOW_MAX;
}

static void shrink(struct dns_state *s)
{
	s->slow_start = false;
	if (s->now - s->shrunk < LEAST_PATIENCE)
		return; /* one loss, however many questions it took */
	s->shrunk = s->now;
	s->window /= 2;
	if (s->window < WINDOW_MIN)
		s->window = WINDOW_MIN;
}

int64_t dns_patience(const struct dns_state *s, const struct question *q)
{
	const struct server *server = q->server;
	int64_t limit = (int64_t)(s->dns->timeout * 1e6);
	int64_t patience = server->rtt ? server->rtt + 4 * server->rtt_deviation : FIRST_PATIENCE;

	if (patience < LEAST_PATIENCE)
		patience = LEAST_PATIENCE;
	for (unsigned i = 1; i < q->tries && patience < limit; i++)
		patience *= 2;
	return patience < limit ? patience : limit;
}

/* RFC 6298, 2. Each try has an id of its own, so its reply is never taken for that of another. */
static void measure(struct server *server, int64_t rtt)
{
	if (!server->rtt) {
		server->rtt = rtt + 1;
		server->rtt_deviation = rtt / 2;
	} else {
		int64_t off = rtt - server->rtt;

		server->rtt_deviation += ((off < 0 ? -off : off) - server->rtt_deviation) / 4;
		server->rtt += off / 8;
	}
	if (server->rtt < 1)
		server->rtt = 1;
}

static void timed_out(struct dns_state *s, struct question *q)
{
	struct server *server = q->server;

	s->timeouts++;
	if (++server->silent >= SILENT)
		server->down_until = s->now + DOWN_FOR;
	if (q->state == ON_TCP) {
		dns_tcp_forget(s, q);
	} else {
		dns_udp_forget(s, q);
		shrink(s);
	}
	if (q->tries >= PLAIN_AFTER)
		q->edns = false;
	ask_again(s, q);
}

static void expire_slot(struct dns_state *s, unsigned slot)
{
	struct question *q = s->wheel[slot].first, *next;

	/* What is put into this slot meanwhile belongs to the next turn of the wheel. */
	s->wheel[slot] = (struct queue){ NULL, NULL };
	s->filled[slot / 64] &= ~(1ULL << slot % 64);
	for (; q; q = next) {
		next = q->next;
		if (q->due > s->now)
			dns_wait(s, q, q->state, q->due);
		else if (q->state == PAUSING)
			ask_again(s, q);
		else
			timed_out(s, q);
	}
}

static void expire(struct dns_state *s)
{
	int64_t now = s->now / TICK;

	if (now - s->tick > DNS_SLOTS)
		s->tick = now - DNS_SLOTS;
	while (s->tick < now) {
		unsigned slot = (unsigned)(++s->tick % DNS_SLOTS);

		if (s->wheel[slot].first)
			expire_slot(s, slot);
	}
}

/* Replies */

bool dns_replied(struct dns_state *s, struct question *q, const unsigned char *packet, size_t len)
{
	struct server *server = q->server;
	struct dns_reply reply = { .alias_ttl = q->alias_ttl };
	struct dns_name alias;
	enum dns_reading reading =
		dns_read(packet, len, q->id, &q->name, q->type, &reply, &alias, &q->aliases);

	if (reading == DNS_NOT_OURS || (reading == DNS_TRUNCATED && q->state == ON_TCP))
		return false;
	dns_unwait(s, q);
	if (q->state == ON_TCP) {
		dns_tcp_forget(s, q);
	} else {
		dns_udp_forget(s, q);
		measure(server, s->now - q->sent);
		grow(s);
	}
	server->silent = 0;
	server->down_until = 0;
	switch (reading) {
	case DNS_READ:
		if (reply.status == DNS_SERVFAIL || reply.status == DNS_REFUSED) {
			ask_elsewhere(s, q, reply.status);
			break;
		}
		s->answered++;
		server->plain |= q->odd;
		finish(s, q, &reply);
		break;
	case DNS_TRUNCATED:
		s->truncated++;
		q->state = IN_LINE_FOR_TCP;
		queue_add(&s->tcp_line, q);
		break;
	case DNS_ODD:
		if (q->edns) {
			q->edns = false;
			q->odd = q->stay = true;
			ask_again(s, q);
			break;
		}
		ask_elsewhere(s, q, DNS_REFUSED);
		break;
	case DNS_LAME:
		ask_elsewhere(s, q, DNS_REFUSED);
		break;
	case DNS_ALIAS:
		q->name = alias;
		q->alias_ttl = reply.alias_ttl;
		q->tries = q->rounds = 0;
		q->refused_by = 0;
		q->stay = true;
		ask_again(s, q);
		break;
	case DNS_MALFORMED:
	case DNS_NOT_OURS:
		ask_elsewhere(s, q, DNS_SERVFAIL);
		break;
	}
	return true;
}

/* Questions */

/* The server to ask next: a working one that has not been of no help yet, from the one after the last on. */
static struct server *server_for(struct dns_state *s, const struct question *q)
{
	unsigned start = q->server ? (unsigned)(q->server - s->servers) + (q->stay ? 0 : 1) : 0;
	struct server *any = NULL;

	for (unsigned i = 0; i < s->server_count; i++) {
		unsigned n = (start + i) % s->server_count;

		if (q->refused_by & 1U << n)
			continue;
		if (s->servers[n].down_until <= s->now)
			return &s->servers[n];
		if (!any)
			any = &s->servers[n];
	}
	return any;
}

static void begin_try(struct dns_state *s, struct question *q, struct server *server)
{
	if (!q->deadline)
		q->deadline = s->now + q->patience;
	q->server = server;
	q->edns = q->edns && !server->plain;
	q->stay = false;
	q->tries++;
}

/* Sends what is in line as far as the window goes, one server's questions at a time. */
static void send_line(struct dns_state *s)
{
	struct question *batch[DNS_BATCH];

	while (s->line.first && s->in_flight < s->window && s->retry_sending <= s->now) {
		struct server *server = server_for(s, s->line.first);
		unsigned n = 0, sent;

		while (n < DNS_BATCH && s->line.first && s->in_flight + n < s->window) {
			struct question *q = s->line.first;

			if (n && server_for(s, q) != server)
				break;
			queue_remove(&s->line, q);
			begin_try(s, q, server);
			batch[n++] = q;
		}
		sent = dns_udp_send(s, server, batch, n);
		for (unsigned i = 0; i < sent; i++) {
			struct question *q = batch[i];
			int64_t due = s->now + dns_patience(s, q);

			q->sent = s->now;
			dns_wait(s, q, IN_FLIGHT, due < q->deadline ? due : q->deadline);
		}
		for (unsigned i = n; i > sent; i--) {
			batch[i - 1]->tries--;
			queue_add_first(&s->line, batch[i - 1]);
		}
		if (sent < n)
			break;
	}
}

void dns_ask(struct dns *d, struct text name, enum dns_type type, double deadline, dns_answer *answered,
	void *context)
{
	struct dns_state *s = d->state;
	struct question *q = s->spare;

	if (q)
		s->spare = q->next;
	else
		q = alloc_zero(1, sizeof *q);
	q->answered = answered;
	q->context = context;
	q->type = type;
	q->server = NULL;
	q->port = NULL;
	q->edns = true;
	q->odd = q->stay = false;
	q->rounds = q->tries = q->aliases = 0;
	q->alias_ttl = UINT32_MAX;
	q->refused_by = 0;
	q->outcome = DNS_TIMEOUT;
	q->deadline = 0;
	q->patience = deadline < 1e6 ? (int64_t)(deadline * 1e6) : (int64_t)1e12;
	if (dns_name_read(name, &q->name)) {
		s->asked++;
		q->state = IN_LINE;
		queue_add(&s->line, q);
	} else {
		q->outcome = DNS_NXDOMAIN;
		q->state = ENDED;
		queue_add(&s->ended, q);
	}
}

/* The transport */

static int descriptor(void *self)
{
	return ((struct dns *)self)->state->epoll;
}

static int64_t due(void *self)
{
	struct dns_state *s = ((struct dns *)self)->state;
	int64_t timer = wheel_due(s);

	if (s->ended.first)
		return 0;
	if (s->line.first && s->in_flight < s->window)
		return s->retry_sending;
	return timer;
}

static void work(void *self)
{
	struct dns_state *s = ((struct dns *)self)->state;
	struct epoll_event ready[64];
	struct question *q;
	int n;

	s->now = clock_steady();
	send_line(s);
	n = epoll_wait(s->epoll, ready, LENGTH(ready), 0);
	for (int i = 0; i < n; i++) {
		struct dns_end *end = ready[i].data.ptr;

		if (end->tcp)
			dns_tcp_work(s, end, ready[i].events);
		else
			dns_udp_receive(s, end);
	}
	expire(s);
	while ((q = s->ended.first)) {
		queue_remove(&s->ended, q);
		fail(s, q);
	}
	dns_tcp_send(s);
	send_line(s);
	dns_udp_sweep(s);
}

const struct transport dns_transport = { descriptor, due, work };

/* Start and end */

bool dns_start(struct dns *d, struct problem *problem)
{
	struct dns_state *s = alloc_zero(1, sizeof *s);

	d->state = s;
	s->dns = d;
	s->now = clock_steady();
	s->tick = s->now / TICK;
	s->window = WINDOW_START;
	s->slow_start = true;
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (s->epoll < 0)
		return problem_set(problem, "epoll: %s", strerror(errno));
	if (d->timeout < 0.01)
		return problem_set(problem, "--dns-timeout: must be at least 10 ms");
	if (d->tries < 1 || d->tries > 100)
		return problem_set(problem, "--dns-tries: must be from 1 to 100");
	dns_udp_start(s);
	return dns_find_servers(s, problem);
}

static void free_questions(struct question *q)
{
	for (struct question *next; q; q = next) {
		next = q->next;
		free(q);
	}
}

void dns_stop(struct dns *d)
{
	struct dns_state *s = d->state;

	if (!s)
		return;
	dns_tcp_stop(s);
	dns_udp_stop(s);
	free_questions(s->line.first);
	free_questions(s->tcp_line.first);
	free_questions(s->ended.first);
	free_questions(s->spare);
	for (unsigned i = 0; i < DNS_SLOTS; i++)
		free_questions(s->wheel[i].first);
	if (s->epoll >= 0)
		close(s->epoll);
	buf_free(&s->text);
	free(s);
	d->state = NULL;
}

static bool start_mixin(
	void *self, const struct filter *filter, const struct batch *batch, struct problem *problem)
{
	(void)filter, (void)batch;
	return dns_start(self, problem);
}

static void stats(void *self, struct buf *json)
{
	const struct dns_state *s = ((struct dns *)self)->state;

	buf_printf(json,
		",\"dns\":{\"questions\":%llu,\"answers\":%llu,\"retries\":%llu,\"timeouts\":%llu,\"truncated\":%llu,\"strays\":%llu}",
		(unsigned long long)s->asked, (unsigned long long)s->answered, (unsigned long long)s->retries,
		(unsigned long long)s->timeouts, (unsigned long long)s->truncated,
		(unsigned long long)s->strays);
}

static void stop_mixin(void *self)
{
	dns_stop(self);
}

const struct mixin dns_mixin = {
	.name = "dns", .start = start_mixin, .stats = stats, .stop = stop_mixin, .transport = &dns_transport
};
