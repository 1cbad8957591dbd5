/* imq-to-tcp: events sent over a TCP connection, each with its length before it or a separator behind it. An IntelMQ on the other side answers
 * each with `Ok`: several are under way, and what is not answered when the connection breaks is sent again over the next one. */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <linux/sockios.h>

#include "clock.h"
#include "export.h"
#include "filter.h"
#include "log.h"

enum {
	MAX_WAITING = 64,      /* events sent and not answered */
	MAX_BYTES = 1 << 20,   /* of them */
	PATIENCE = 15000,      /* milliseconds for an answer, and for the other side to take bytes */
	TRIES = 5,             /* connections in a row that bring nothing forward */
};

static struct {
	const char *host, *separator;
	long long port;
	bool intelmq;
	struct export export;
	int fd;
	struct buf bytes; /* of events that are not answered, or not taken by the kernel */
	size_t sent;      /* of them, over this connection */
	size_t lengths[MAX_WAITING];
	size_t waiting; /* events in BYTES */

	bool has_part; /* the O of an answer has come, its k has not */
	unsigned failures; /* since the last progress */
} my = { .fd = -1 };

static const struct opt options[] = {
	OPT_TEXT(0, "ip", &my.host, NULL, "where to send to, an address or a name"),
	OPT_INTEGER(0, "port", &my.port, NULL, "its port"),
	OPT_BOOL(0, "counterpart-is-intelmq", &my.intelmq, true, "the other side answers each event with Ok"),
	OPT_BOOL(0, "hierarchical-output", &my.export.hierarchical, false, "nest: source.ip becomes ip in source"),
	OPT_TEXT(0, "separator", &my.separator, NULL, "what stands behind each event (default: its length before it)"),
	OPT_END
};

/* ---- the connection ---- */

static bool connect_to(const struct addrinfo *a)
{
	struct timeval limit = { PATIENCE / 1000, 0 };

	my.fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (my.fd < 0)
		return false;
	setsockopt(my.fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	if (connect(my.fd, a->ai_addr, a->ai_addrlen) == 0)
		return true;
	close(my.fd);
	my.fd = -1;
	return false;
}

static bool open_connection(struct problem *problem)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found = NULL;
	char port[24];
	int code;

	snprintf(port, sizeof port, "%lld", my.port);
	code = getaddrinfo(my.host, port, &hints, &found);
	if (code)
		return problem_set(problem, "--ip %s: %s", my.host, gai_strerror(code));
	for (const struct addrinfo *a = found; a && my.fd < 0; a = a->ai_next)
		connect_to(a);
	if (my.fd < 0)
		problem_set(problem, "%s port %s: %s", my.host, port, strerror(errno));
	freeaddrinfo(found);
	my.sent = 0;
	my.has_part = false;
	return my.fd >= 0;
}

/* The connection brings nothing any more: another one, after a while. False, with the command ending: none. */
static bool reconnect(const char *why)
{
	struct problem problem = { .line = 0 };

	if (my.fd >= 0)
		close(my.fd);
	my.fd = -1;
	problem_set(&problem, "%s port %lld: %s", my.host, my.port, why);
	while (++my.failures < TRIES && !run_stopping()) {
		struct timespec pause = { my.failures > 1 ? 1L << (my.failures - 2) : 0, 0 };

		nanosleep(&pause, NULL);
		if (open_connection(&problem))
			return true;
	}
	filter_fail(EXIT_REMOTE, &problem);
	return false;
}

/* ---- sending, and what is answered ---- */

/* The first N events are the other side's now. */
static void forget(size_t n)
{
	size_t bytes = 0;

	if (!n)
		return;
	for (size_t i = 0; i < n; i++)
		bytes += my.lengths[i];
	memmove(my.lengths, my.lengths + n, (my.waiting - n) * sizeof *my.lengths);
	my.waiting -= n;
	if (my.bytes.len > bytes)
		memmove(my.bytes.at, my.bytes.at + bytes, my.bytes.len - bytes);
	my.bytes.len -= bytes;
	my.sent -= bytes;
	my.failures = 0;
	filter_delivered(n);
}

/* Hands what is there to the kernel; without answers it counts as delivered then. */
static bool push(void)
{
	while (my.sent < my.bytes.len) {
		ssize_t n = send(my.fd, my.bytes.at + my.sent, my.bytes.len - my.sent, MSG_NOSIGNAL);

		if (n >= 0)
			my.sent += (size_t)n;
		else if (errno != EINTR && !reconnect(strerror(errno)))
			return false;
	}
	if (!my.intelmq)
		forget(my.waiting);
	return true;
}

/* Takes the answers that are there. False: another one than Ok, or none; WHY says which. */
static bool read_answers(const char **why)
{
	char bytes[2 * MAX_WAITING];
	ssize_t n = recv(my.fd, bytes, sizeof bytes, 0);
	size_t answers = 0;

	if (n <= 0) {
		*why = n == 0 ? "the connection was closed" : strerror(errno);
		return n < 0 && errno == EINTR;
	}
	for (ssize_t i = 0; i < n; i++) {
		if (bytes[i] != (my.has_part ? 'k' : 'O') || answers == my.waiting) {
			forget(answers);
			*why = "an answer that is not Ok";
			return false;
		}
		answers += my.has_part;
		my.has_part = !my.has_part;
	}
	forget(answers);
	return true;
}

/* Sends, and waits until at most MOST events are not answered. */
static bool settle(size_t most)
{
	const char *why = "";

	if (!push())
		return false;
	while (my.intelmq && my.waiting > most) {
		struct pollfd p = { my.fd, POLLIN, 0 };
		int ready = poll(&p, 1, PATIENCE);

		if (ready < 0 && errno == EINTR)
			continue;
		if (ready == 0)
			why = "no answer";
		if ((ready <= 0 || !read_answers(&why)) && !(reconnect(why) && push()))
			return false;
	}
	return true;
}

/* Without answers the best that can be known: the other side's kernel has it all. */
static bool wait_for_kernel(void)
{
	int64_t since = clock_steady();
	int left = 0;

	while (ioctl(my.fd, SIOCOUTQ, &left) == 0 && left > 0) {
		struct timespec pause = { 0, 1000000 };
		struct pollfd p = { my.fd, POLLOUT, 0 };

		if (clock_steady() - since > PATIENCE * 1000LL || (poll(&p, 1, 0) > 0 && p.revents & (POLLERR | POLLHUP))) {
			struct problem problem = { .line = 0 };

			problem_set(&problem, "%s port %lld: %d bytes were not taken", my.host, my.port, left);
			filter_fail(EXIT_REMOTE, &problem);
			return false;
		}
		nanosleep(&pause, NULL);
	}
	return true;
}

/* ---- events ---- */

static enum verdict deliver(struct event *ev)
{
	size_t at;

	if ((my.waiting == MAX_WAITING || my.bytes.len >= MAX_BYTES) && !settle(MAX_WAITING / 2))
		return MERGE;
	at = my.bytes.len;
	if (!my.separator)
		buf_add(&my.bytes, "\0\0\0", 4);
	export_event(&my.export, ev, &my.bytes);
	if (my.separator)
		buf_string(&my.bytes, my.separator);
	for (size_t i = 0, length = my.bytes.len - at - 4; i < 4 && !my.separator; i++)
		my.bytes.at[at + i] = (char)(length >> (24 - 8 * i));
	my.lengths[my.waiting++] = my.bytes.len - at;
	return MERGE;
}

static void idle(void)
{
	settle(0);
}

static bool barrier(const struct batch *batch, struct problem *problem)
{
	(void)batch, (void)problem;
	return settle(0) && (my.intelmq || wait_for_kernel());
}

static bool start(struct problem *problem)
{
	struct problem why = { .line = 0 };

	if (!my.host || my.port < 1 || my.port > 65535)
		return problem_set(problem, "--ip and --port are needed");
	if (my.separator && !*my.separator)
		my.separator = NULL;
	my.export.keep_raw = true;
	if (!open_connection(&why))
		filter_fail(EXIT_REMOTE, &why);
	return export_start(&my.export, problem);
}

static void stop(void)
{
	if (my.fd >= 0)
		close(my.fd);
	export_stop(&my.export);
	buf_free(&my.bytes);
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv, &(struct filter){
		.name = "imq-to-tcp", .module = "intelmq.bots.outputs.tcp.output", .summary = "send events over a TCP connection",
		.options = options, .sink = true, .start = start, .event = deliver, .idle = idle, .barrier = barrier, .stop = stop });
}
