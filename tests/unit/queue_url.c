/* URLs of queues, caches and states taken apart. */
#include <stdio.h>
#include <stdlib.h>

#include "buf.h"
#include "check.h"
#include "queue_url.h"

static const char *or_dash(const char *text)
{
	return text ? text : "-";
}

/* The parts, separated by blanks; `-` is not there. */
static const char *parts(const char *text)
{
	static struct buf b;
	struct queue_url url;
	bool fine = queue_url_read(&url, text_of(text));

	buf_clear(&b);
	if (fine)
		buf_printf(&b, "%s %s %s %s %ld %s %s %s", url.scheme, or_dash(url.user), or_dash(url.password), or_dash(url.host), url.port,
			or_dash(url.path), or_dash(url.query), or_dash(url.name));
	queue_url_free(&url);
	return fine ? buf_cstr(&b) : "(none)";
}

static const char *setting(const char *text, const char *key)
{
	static char copy[64];
	struct queue_url url;
	char *value;

	CHECK(queue_url_read(&url, text_of(text)));
	value = queue_url_setting(&url, key);
	snprintf(copy, sizeof copy, "%s", or_dash(value));
	free(value);
	queue_url_free(&url);
	return copy;
}

int main(void)
{
	CHECK_SAME(parts("redis://localhost#q"), "redis - - localhost 0 - - q");
	CHECK_SAME(parts("rediss://me:p%40%3a%2F@h:1/2?db=3&x=%26#a%23b"), "rediss me p@:/ h 1 /2 db=3&x=%26 a#b");
	CHECK_SAME(parts("redis://:only@h"), "redis - only h 0 - - -");
	CHECK_SAME(parts("redis:/run/redis.sock?db=1"), "redis - - - 0 /run/redis.sock db=1 -");
	CHECK_SAME(parts("amqp://[2001:db8::1]:5672/%2f"), "amqp - - 2001:db8::1 5672 // - -");
	CHECK_SAME(parts("redis://[::1]"), "redis - - ::1 0 - - -");
	CHECK_SAME(parts("kafka://a:1,b:2#t"), "kafka - - a:1,b:2 0 - - t");
	CHECK_SAME(parts("sqlite:q.db#"), "sqlite - - - 0 q.db - -");
	CHECK_SAME(parts("redis://h:0"), "(none)");
	CHECK_SAME(parts("redis://h:65536"), "(none)");
	CHECK_SAME(parts("redis://h:x"), "(none)");
	CHECK_SAME(parts("redis"), "(none)");
	CHECK_SAME(parts(""), "(none)");
	CHECK_SAME(parts("x:"), "x - - - 0 - - -");
	CHECK_SAME(parts("x:%"), "x - - - 0 % - -");
	CHECK_SAME(parts("x:%4"), "x - - - 0 %4 - -");
	CHECK_SAME(parts("x:%zz%41"), "x - - - 0 %zzA - -");
	CHECK_SAME(setting("x://h?a=1&b=%26&c&a=2", "a"), "1");
	CHECK_SAME(setting("x://h?a=1&b=%26&c&a=2", "b"), "&");
	CHECK_SAME(setting("x://h?a=1&b=%26&c&a=2", "c"), "");
	CHECK_SAME(setting("x://h?a=1&b=%26&c&a=2", "d"), "-");
	CHECK_SAME(setting("x://h", "a"), "-");
	return check_end();
}
