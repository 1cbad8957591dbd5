/* A UDP proxy for benchmarks before a name server: replies come a while later, and packets get lost, in both
 * directions alike. Usage: dns_proxy PORT [MILLISECONDS [PERCENT]]; prints its own port. Ends with its stdin. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { QUEUE = 65536, BATCH = 64, PACKET = 1500 };

/* Who asked with which id, by the id under which it went on. */
static struct {
	struct sockaddr_in from;
	unsigned char id[2];
} asked[65536];

/* Replies owed, in the order in which they are due. */
static struct {
	int64_t due;
	struct sockaddr_in to;
	unsigned len;
	unsigned char packet[PACKET];
} queue[QUEUE];
static unsigned head, tail, next_id;

static struct mmsghdr in[BATCH], out[BATCH];
static struct iovec in_parts[BATCH], out_parts[BATCH];
static struct sockaddr_in from[BATCH];
static unsigned char packets[BATCH][PACKET];
static double loss;

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int open_socket(int port)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), size = 16 << 20;
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	if (port) {
		here.sin_port = htons((uint16_t)port);
		if (connect(fd, (struct sockaddr *)&here, sizeof here) != 0)
			exit(1);
	} else if (bind(fd, (struct sockaddr *)&here, sizeof here) != 0) {
		exit(1);
	}
	return fd;
}

static int receive(int fd)
{
	for (int i = 0; i < BATCH; i++) {
		in_parts[i] = (struct iovec){ packets[i], PACKET };
		in[i].msg_hdr = (struct msghdr){ &from[i], sizeof from[i], &in_parts[i], 1, NULL, 0, 0 };
	}
	return recvmmsg(fd, in, BATCH, 0, NULL);
}

static int lost(void)
{
	return loss > 0 && (double)random() < loss * (double)RAND_MAX;
}

static void forward(int clients, int server)
{
	int n = receive(clients), count = 0;

	for (int i = 0; i < n; i++) {
		unsigned id = next_id++ & 0xffff;

		if (in[i].msg_len < 12 || lost())
			continue;
		asked[id].from = from[i];
		memcpy(asked[id].id, packets[i], 2);
		packets[i][0] = (unsigned char)(id >> 8);
		packets[i][1] = (unsigned char)id;
		out_parts[count] = (struct iovec){ packets[i], in[i].msg_len };
		out[count].msg_hdr = (struct msghdr){ .msg_iov = &out_parts[count], .msg_iovlen = 1 };
		count++;
	}
	if (count)
		sendmmsg(server, out, (unsigned)count, 0);
}

static void take_replies(int server, int64_t delay)
{
	int n = receive(server);

	for (int i = 0; i < n; i++) {
		unsigned id = (unsigned)packets[i][0] << 8 | packets[i][1], slot = tail % QUEUE;

		if (in[i].msg_len < 12 || lost() || tail - head == QUEUE)
			continue;
		memcpy(packets[i], asked[id].id, 2);
		memcpy(queue[slot].packet, packets[i], in[i].msg_len);
		queue[slot].len = in[i].msg_len;
		queue[slot].to = asked[id].from;
		queue[slot].due = now() + delay;
		tail++;
	}
}

static void send_due(int clients)
{
	int64_t t = now();
	int count = 0;

	for (; head + (unsigned)count != tail && count < BATCH; count++) {
		unsigned slot = (head + (unsigned)count) % QUEUE;

		if (queue[slot].due > t)
			break;
		out_parts[count] = (struct iovec){ queue[slot].packet, queue[slot].len };
		out[count].msg_hdr = (struct msghdr){ &queue[slot].to, sizeof queue[slot].to, &out_parts[count], 1, NULL, 0, 0 };
	}
	if (count) {
		int sent = sendmmsg(clients, out, (unsigned)count, 0);

		head += sent > 0 ? (unsigned)sent : 0;
	}
}

int main(int argc, char **argv)
{
	int server = open_socket(argc > 1 ? atoi(argv[1]) : 53), clients = open_socket(0);
	int64_t delay = (int64_t)((argc > 2 ? atof(argv[2]) : 0) * 1000);
	struct sockaddr_in here;
	socklen_t size = sizeof here;

	loss = (argc > 3 ? atof(argv[3]) : 0) / 100;
	getsockname(clients, (struct sockaddr *)&here, &size);
	printf("%d\n", ntohs(here.sin_port));
	fflush(stdout);
	for (;;) {
		struct pollfd watch[3] = { { clients, POLLIN, 0 }, { server, POLLIN, 0 }, { 0, POLLIN, 0 } };
		int64_t left = head == tail ? 1000000 : queue[head % QUEUE].due - now();

		poll(watch, 3, left <= 0 ? 0 : (int)((left + 999) / 1000));
		if (watch[2].revents)
			return 0;
		if (watch[0].revents)
			forward(clients, server);
		if (watch[1].revents)
			take_replies(server, delay);
		send_due(clients);
	}
}
