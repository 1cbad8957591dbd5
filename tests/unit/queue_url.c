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

static const char *public(const char *text)
{
	static char copy[128];
	char *name = queue_url_public(text_of(text));

	snprintf(copy, sizeof copy, "%s", name);
	free(name);
	return copy;
}

static void passwords(void)
{
	CHECK_SAME(public("redis://me:p%40@h:1/2?db=3#a"), "redis://me@h:1/2?db=3#a");
	CHECK_SAME(public("redis://:a:b@h#x:y@z"), "redis://@h#x:y@z");
	CHECK_SAME(public("redis:/run/r.sock?password=x&db=3#a"), "redis:/run/r.sock?db=3#a");
	CHECK_SAME(public("redis:/run/r.sock?db=3&password=x&typed=false#a"), "redis:/run/r.sock?db=3&typed=false#a");
	CHECK_SAME(public("redis:/r?password=x"), "redis:/r");
	CHECK_SAME(public("sqlite:a@b:c#d"), "sqlite:a@b:c#d");
	CHECK_SAME(public("kafka://a:1,b:2#t"), "kafka://a:1,b:2#t");
	CHECK_SAME(public("redis://me:pw@h:x"), "redis://me@h:x");
	CHECK_SAME(public("redis://h/a:b@c?x"), "redis://h/a:b@c?x");
	CHECK_SAME(public("x"), "x");
	CHECK_SAME(public(""), "");
}

int main(void)
{
	passwords();
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
