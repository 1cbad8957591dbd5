/* An HTTP server for benchmarks: answers every request with one small RDAP document, a while after it came.
 * One thread, epoll, kept connections. Usage: slow_http [MILLISECONDS [PORT]]; prints its port. Ends with its
 * stdin. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_FD = 4096, QUEUE = 65536 };

static const char body[] =
	"{\"objectClassName\":\"domain\",\"entities\":[{\"roles\":[\"abuse\"],\"vcardArray\":[\"vcard\","
	"[[\"version\",{},\"text\",\"4.0\"],[\"email\",{},\"text\",\"abuse@x.example\"]]]}]}";

/* Answers owed, in the order in which they are due. */
static struct {
	int64_t due;
	int fd;
	unsigned generation;
} queue[QUEUE];
static unsigned head, tail, generations[MAX_FD];
static unsigned matched[MAX_FD]; /* bytes of the blank line that ends a request */

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void close_peer(int fd)
{
	generations[fd]++;
	matched[fd] = 0;
	close(fd);
}

static void read_requests(int fd, int64_t delay)
{
	static const char end[] = "\r\n\r\n";
	char bytes[65536];
	ssize_t n = read(fd, bytes, sizeof bytes);

	if (n <= 0) {
		close_peer(fd);
		return;
	}
	for (ssize_t i = 0; i < n; i++) {
		matched[fd] = bytes[i] == end[matched[fd]] ? matched[fd] + 1 : bytes[i] == '\r';
		if (matched[fd] < 4)
			continue;
		matched[fd] = 0;
		queue[tail % QUEUE].due = now() + delay;
		queue[tail % QUEUE].fd = fd;
		queue[tail++ % QUEUE].generation = generations[fd];
	}
}

static void answer_due(void)
{
	static char answer[1024];
	static int length;

	if (!length)
		length = snprintf(answer, sizeof answer,
			"HTTP/1.1 200 OK\r\nContent-Type: application/rdap+json\r\n"
			"Content-Length: %zu\r\n\r\n%s",
			sizeof body - 1, body);
	for (; head != tail && queue[head % QUEUE].due <= now(); head++) {
		int fd = queue[head % QUEUE].fd;

		if (queue[head % QUEUE].generation == generations[fd] &&
			write(fd, answer, (size_t)length) != length)
			close_peer(fd);
	}
}

int main(int argc, char **argv)
{
	int64_t delay = (argc > 1 ? atoll(argv[1]) : 50) * 1000;
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)(argc > 2 ? atoi(argv[2]) : 0)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof address;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), poller = epoll_create1(0), on = 1;
	struct epoll_event event = { .events = EPOLLIN, .data.fd = listener }, ready[256];

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 1024) != 0)
		return perror("slow_http"), 1;
	getsockname(listener, (struct sockaddr *)&address, &size);
	printf("%d\n", ntohs(address.sin_port));
	fflush(stdout);
	epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
	event.data.fd = STDIN_FILENO;
	epoll_ctl(poller, EPOLL_CTL_ADD, STDIN_FILENO, &event);
	for (;;) {
		int n = epoll_wait(poller, ready, 256, head == tail ? -1 : 1);

		for (int i = 0; i < n; i++) {
			int fd = ready[i].data.fd, peer;

			if (fd == STDIN_FILENO && getc(stdin) == EOF)
				return 0;
			if (fd == listener)
				while ((peer = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0 &&
					peer < MAX_FD) {
					setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
					event.data.fd = peer;
					epoll_ctl(poller, EPOLL_CTL_ADD, peer, &event);
				}
			else if (fd != STDIN_FILENO)
				read_requests(fd, delay);
		}
		answer_due();
	}
}
