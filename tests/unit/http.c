/* What URLs from events may reach, and percent-encoding. */
#include <netinet/in.h>

#include "buf.h"
#include "check.h"
#include "http.h"

static void private_urls(void)
{
	static const char *const inside[] = { "http://127.0.0.1/", "http://10.1.2.3:8080/x", "http://172.31.255.255/",
		"http://192.168.0.1/", "http://169.254.169.254/latest/meta-data/", "http://0.0.0.0/", "http://0x7f.1/",
		"http://2130706433/", "http://0177.0.0.1/", "http://127.1/", "http://localhost/", "http://LOCALHOST./",
		"http://a.localhost/", "http://[::1]/", "http://[::]/", "http://[fe80::1%25lo]/", "http://[fd00::1]/",
		"http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/",
		"http://user:secret@127.0.0.1/", "ftp://203.0.114.1/", "file:///etc/passwd", "gopher://x/", "", "nonsense://",
		"http://100.64.0.1/", "http://224.0.0.1/", "http://255.255.255.255/", "http://[ff02::1]/" };
	static const char *const outside[] = { "http://8.8.8.8/", "https://example.com/", "http://172.32.0.1/",
		"http://localhost.example/", "http://notlocalhost/", "http://[2600::1]/", "http://[64:ff9b::808:808]/",
		"http://[::ffff:8.8.8.8]/" };

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

int main(void)
{
	struct buf b = BUF_INIT;

	private_urls();
	private_addresses();
	http_encode(&b, (struct text){ "a-Z_0.~ /?&%\0\xc3\xa4", 15 });
	CHECK_SAME(buf_cstr(&b), "a-Z_0.~%20%2F%3F%26%25%00%C3%A4");
	buf_free(&b);
	return check_end();
}
