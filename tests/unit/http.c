/* What URLs from events may reach, by name, by address and by connections that are there already;
 * percent-encoding. */
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buf.h"
#include "check.h"
#include "http.h"

static void private_urls(void)
{
	static const char *const inside[] = { "http://127.0.0.1/", "http://10.1.2.3:8080/x",
		"http://172.31.255.255/", "http://192.168.0.1/", "http://169.254.169.254/latest/meta-data/",
		"http://0.0.0.0/", "http://0x7f.1/", "http://2130706433/", "http://0177.0.0.1/",
		"http://127.1/", "http://localhost/", "http://LOCALHOST./", "http://a.localhost/",
		"http://[::1]/", "http://[::]/", "http://[fe80::1%25lo]/", "http://[fd00::1]/",
		"http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[64:ff9b::7f00:1]/",
		"http://[2002:7f00:1::]/", "http://user:secret@127.0.0.1/", "ftp://203.0.114.1/",
		"file:///etc/passwd", "gopher://x/", "", "nonsense://", "http://100.64.0.1/",
		"http://224.0.0.1/", "http://255.255.255.255/", "http://[ff02::1]/" };
	static const char *const outside[] = { "http://8.8.8.8/", "https://example.com/",
		"http://172.32.0.1/", "http://localhost.example/", "http://notlocalhost/",
		"http://[2600::1]/", "http://[64:ff9b::808:808]/", "http://[::ffff:8.8.8.8]/" };

	for (size_t i = 0; i < LENGTH(inside); i++)
		check_that(http_private_url(inside[i]), __FILE__, __LINE__, inside[i]);
	for (size_t i = 0; i < LENGTH(outside); i++)
		check_that(!http_private_url(outside[i]), __FILE__, __LINE__, outside[i]);
}

static void private_addresses(void)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr unix_socket = { .sa_family = AF_UNIX };

	CHECK(http_private_address((struct sockaddr *)&v4));
	v4.sin_addr.s_addr = htonl(0x08080808);
	CHECK(!http_private_address((struct sockaddr *)&v4));
	CHECK(http_private_address(&unix_socket));
}

/* A child that answers every request on kept connections with "ok"; PORT is where. */
static pid_t serve(unsigned *port)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_ANY) };
	static const char answer[] = "HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: 2\r\n\r\nok";
	socklen_t size = sizeof any;
	int listener = socket(AF_INET, SOCK_STREAM, 0), peer;
	char request[4096];
	pid_t child;

	if (bind(listener, (struct sockaddr *)&any, sizeof any) != 0 || listen(listener, 8) != 0)
		exit(1);
	getsockname(listener, (struct sockaddr *)&any, &size);
	*port = ntohs(any.sin_port);
	child = fork();
	if (child)
		return close(listener), child;
	while ((peer = accept(listener, NULL, NULL)) >= 0)
		if (fork() == 0) {
			while (read(peer, request, sizeof request) > 0)
				if (write(peer, answer, sizeof answer - 1) < 0)
					break;
			_exit(0);
		}
	_exit(0);
}

static bool refused(struct http *h, const char *url, bool from_event)
{
	struct problem problem = { .line = 0 };
	struct http_reply reply;
	bool fine = http_fetch(
		h, &(struct http_request){ .url = url, .from_event = from_event }, &reply, &problem);

	CHECK(!fine || text_is(reply.body, "ok"));
	CHECK(fine || strstr(problem.text, "private address"));
	return !fine;
}

static void guarded_requests(void)
{
	struct http h = {
		.user_agent = "test", .verify_cert = "true", .timeout = 5, .tries = 1, .max_reply = 1000
	};
	struct problem problem = { .line = 0 };
	struct addrinfo hints = { .ai_family = AF_INET }, *found = NULL;
	char host[200], url[256];
	unsigned port;
	pid_t child;

	unsetenv("http_proxy");
	signal(SIGCHLD, SIG_IGN);
	child = serve(&port);
	CHECK(http_start(&h, &problem));
	snprintf(url, sizeof url, "http://127.0.0.1:%u/", port);
	CHECK(!refused(&h, url, false));
	CHECK(refused(&h, url, true));
	/* Our own name leads to an address of our own, private as a rule. */
	if (gethostname(host, sizeof host) == 0 && getaddrinfo(host, NULL, &hints, &found) == 0 &&
		http_private_address(found->ai_addr)) {
		snprintf(url, sizeof url, "http://%s:%u/", host, port);
		CHECK(!http_private_url(url));
		CHECK(refused(&h, url, true));
		CHECK(!refused(&h, url, false));
		CHECK(refused(&h, url, true)); /* though there is a connection now */
		h.allow_private = true;
		CHECK(!refused(&h, url, true));
		h.allow_private = false;
	}
	if (found)
		freeaddrinfo(found);
	/* Through a proxy (which here is our server), what the name leads to is the proxy's business; literal
	 * addresses are ours. */
	snprintf(url, sizeof url, "http://127.0.0.1:%u/", port);
	h.proxy = url;
	CHECK(!refused(&h, "http://example.com/", true));
	CHECK(refused(&h, "http://10.0.0.1/", true));
	http_stop(&h);
	kill(child, SIGKILL);
}

static void clean_urls(struct buf *b)
{
	static const char *const urls[][2] = { { "http://a.example/b?c=%20#d", "http://a.example/b?c=%20" },
		{ "http://a.example/b c|d\"\xc3\xbc", "http://a.example/b%20c%7Cd%22%C3%BC" },
		{ "http://a.example", "http://a.example" }, { "http://a b/", "" }, { "http://a\nHost: b/", "" } };

	for (size_t i = 0; i < LENGTH(urls); i++) {
		buf_clear(b);
		http_clean_url(b, text_of(urls[i][0]));
		CHECK_SAME(buf_cstr(b), urls[i][1]);
	}
	buf_clear(b);
	http_clean_url(b, (struct text){ "http://127.0.0.1\0.example/", 26 });
	CHECK_SAME(buf_cstr(b), "");
	buf_clear(b);
	http_clean_url(b, (struct text){ "http://a/b\0c", 12 });
	CHECK_SAME(buf_cstr(b), "http://a/b%00c");
}

int main(void)
{
	struct buf b = BUF_INIT;

	private_urls();
	private_addresses();
	guarded_requests();
	http_encode(&b, (struct text){ "a-Z_0.~ /?&%\0\xc3\xa4", 15 });
	CHECK_SAME(buf_cstr(&b), "a-Z_0.~%20%2F%3F%26%25%00%C3%A4");
	buf_clear(&b);
	http_encode_form(&b, TEXT("a b+c&d=\xc3\xa4"));
	CHECK_SAME(buf_cstr(&b), "a+b%2Bc%26d%3D%C3%A4");
	clean_urls(&b);
	buf_free(&b);
	return check_end();
}
