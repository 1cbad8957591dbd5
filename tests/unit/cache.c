/* The cache: what is kept, for how long, in how much memory; ranges; the file. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "buf.h"
#include "cache.h"
#include "check.h"

static struct problem problem;

static const char *get(struct cache *c, const char *key)
{
	static struct buf b;
	struct text value;
	enum cache_answer answer = cache_get(c, text_of(key), &value);

	buf_clear(&b);
	if (answer == CACHE_FOUND)
		buf_text(&b, value);
	else
		buf_string(&b, answer == CACHE_MISS ? "(miss)" : "(nothing)");
	return buf_cstr(&b);
}

static struct ip address(const char *text)
{
	struct ip ip = { .bits = 32 };

	ip_parse(text_of(text), &ip);
	return ip;
}

static const char *get_ip(struct cache *c, const char *text)
{
	static struct buf b;
	struct ip ip = address(text);
	struct text value;
	enum cache_answer answer = cache_get_range(c, TEXT("ip"), &ip, &value);

	buf_clear(&b);
	if (answer == CACHE_FOUND)
		buf_text(&b, value);
	else
		buf_string(&b, answer == CACHE_MISS ? "(miss)" : "(nothing)");
	return buf_cstr(&b);
}

static void set_range(struct cache *c, const char *from, const char *to, const char *value)
{
	struct ip a = address(from), b = address(to);

	cache_set_range(c, TEXT("ip"), &a, &b, text_of(value), 60);
}

static void keys(void)
{
	struct cache c = { .limit = 65536 };

	CHECK(cache_open(&c, &problem));
	CHECK_SAME(get(&c, "a"), "(miss)");
	cache_set(&c, TEXT("a"), TEXT("1"), 60);
	cache_set(&c, TEXT("b"), NO_TEXT, 60);
	cache_set(&c, TEXT("c"), TEXT(""), 60);
	cache_set(&c, TEXT("d"), TEXT("x"), 0);
	cache_set(&c, TEXT(""), TEXT("empty key"), 60);
	CHECK_SAME(get(&c, "a"), "1");
	CHECK_SAME(get(&c, "b"), "(nothing)");
	CHECK_SAME(get(&c, "c"), "");
	CHECK_SAME(get(&c, "d"), "(miss)");
	CHECK_SAME(get(&c, ""), "empty key");
	cache_set(&c, TEXT("a"), TEXT("2"), 60);
	CHECK_SAME(get(&c, "a"), "2");
	cache_close(&c);
}

static void ages(void)
{
	struct cache c = { .limit = 65536 };
	FILE *now = fopen("cache-test-now", "w");

	fputs("2026-01-01T00:00:00+00:00", now);
	fclose(now);
	CHECK(cache_open(&c, &problem));
	cache_set(&c, TEXT("a"), TEXT("1"), 60);
	CHECK_SAME(get(&c, "a"), "1");
	now = fopen("cache-test-now", "w");
	fputs("2026-01-01T00:01:00+00:00", now);
	fclose(now);
	CHECK_SAME(get(&c, "a"), "(miss)");
	cache_close(&c);
	unlink("cache-test-now");
}

/* A memory far too small for what goes in: the newest are there, what is found is right. */
static void overflow(void)
{
	struct cache c = { .limit = 32768 };
	static char huge[8192];
	char key[32], value[256];
	unsigned found = 0;

	CHECK(cache_open(&c, &problem));
	for (int i = 0; i < 200000; i++) {
		snprintf(key, sizeof key, "key%d", i % 3 ? i : i / 3);
		snprintf(value, sizeof value, "%0*d", i % 200 + 1, i);
		cache_set(&c, text_of(key), text_of(value), 60);
		if (strcmp(get(&c, key), value) != 0) {
			CHECK_SAME(get(&c, key), value);
			break;
		}
		if (i % 5 == 0) {
			const char *got;

			snprintf(key, sizeof key, "key%d", i - 7);
			got = get(&c, key);
			found += got[0] != '(';
		}
	}
	CHECK(found > 1000);
	memset(value, 'x', sizeof value);
	for (int i = 0; i < 100; i++)
		cache_set(&c, TEXT("same key"), (struct text){ value, sizeof value }, 60);
	cache_set(&c, TEXT("huge"), (struct text){ huge, sizeof huge }, 60);
	CHECK_SAME(get(&c, "huge"), "(miss)");
	cache_close(&c);
}

static void ranges(void)
{
	struct cache c = { .limit = 65536 };

	CHECK(cache_open(&c, &problem));
	CHECK_SAME(get_ip(&c, "192.0.2.1"), "(miss)");
	set_range(&c, "192.0.2.0", "192.0.2.255", "net");
	set_range(&c, "192.0.2.128", "192.0.2.191", "inner");
	CHECK_SAME(get_ip(&c, "192.0.2.0"), "net");
	CHECK_SAME(get_ip(&c, "192.0.2.255"), "net");
	CHECK_SAME(get_ip(&c, "192.0.2.130"), "inner");
	CHECK_SAME(get_ip(&c, "192.0.3.0"), "(miss)");
	CHECK_SAME(get_ip(&c, "192.0.1.255"), "(miss)");
	/* Not one network: 1.0.0.1 to 1.0.0.6. */
	set_range(&c, "1.0.0.1", "1.0.0.6", "odd");
	CHECK_SAME(get_ip(&c, "1.0.0.0"), "(miss)");
	for (int i = 1; i < 7; i++) {
		char text[24];

		snprintf(text, sizeof text, "1.0.0.%d", i);
		CHECK_SAME(get_ip(&c, text), "odd");
	}
	CHECK_SAME(get_ip(&c, "1.0.0.7"), "(miss)");
	set_range(&c, "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "six");
	CHECK_SAME(get_ip(&c, "2001:db8:1::1"), "six");
	CHECK_SAME(get_ip(&c, "2001:db9::"), "(miss)");
	set_range(&c, "0.0.0.0", "255.255.255.255", "all");
	CHECK_SAME(get_ip(&c, "9.9.9.9"), "all");
	CHECK_SAME(get_ip(&c, "255.255.255.255"), "all");
	set_range(&c, "::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe", "nearly all");
	CHECK_SAME(get_ip(&c, "abcd::"), "nearly all");
	CHECK_SAME(get_ip(&c, "::"), "(miss)");
	set_range(&c, "10.0.0.9", "10.0.0.1", "backwards");
	cache_close(&c);
}

static void file(void)
{
	struct cache c = { .limit = 65536, .path = "cache-test.db" },
		     other = { .limit = 65536, .path = "cache-test.db" };

	unlink("cache-test.db");
	CHECK(cache_open(&c, &problem));
	CHECK(cache_open(&other, &problem));
	cache_set(&c, TEXT("a"), TEXT("1"), 3600);
	cache_set(&c, TEXT("n"), NO_TEXT, 3600);
	set_range(&c, "192.0.2.0", "192.0.2.255", "net");
	CHECK_SAME(get(&other, "a"), "(miss)");
	cache_flush(&c);
	CHECK_SAME(get(&other, "a"), "1");
	CHECK_SAME(get(&other, "n"), "(nothing)");
	CHECK_SAME(get_ip(&other, "192.0.2.7"), "net");
	cache_close(&other);
	cache_close(&c);
	other.name = "imq-other";
	CHECK(cache_open(&c, &problem));
	CHECK(cache_open(&other, &problem));
	CHECK_SAME(get(&c, "a"), "1");
	/* The answers of another command are no answers. */
	CHECK_SAME(get(&other, "a"), "(miss)");
	CHECK_SAME(get_ip(&other, "192.0.2.7"), "(miss)");
	cache_set(&other, TEXT("a"), TEXT("2"), 3600);
	cache_close(&other);
	cache_close(&c);
	CHECK(cache_open(&c, &problem));
	CHECK_SAME(get(&c, "a"), "1");
	cache_close(&c);
	unlink("cache-test.db");
	c = (struct cache){ .path = "redis://localhost/3" };
	CHECK(!cache_open(&c, &problem));
	cache_close(&c);
	c = (struct cache){ .path = "/nonexistent/folder/cache.db" };
	CHECK(!cache_open(&c, &problem));
	cache_close(&c);
}

int main(void)
{
	char folder[] = "/tmp/imq-cache-XXXXXX";

	if (!mkdtemp(folder) || chdir(folder) != 0)
		return 1;
	setenv("IMQ_NOW", "@cache-test-now", 1);
	ages();
	keys();
	overflow();
	ranges();
	file();
	if (chdir("/") != 0 || rmdir(folder) != 0)
		fprintf(stderr, "%s is left over\n", folder);
	return check_end();
}
