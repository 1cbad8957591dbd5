/* URLs: their parts, and what hostile ones do to them. */
#include "check.h"
#include "url.h"

static char shown[256];

static const char *show(struct text t)
{
	if (!t.at)
		return "none";
	snprintf(shown, sizeof shown, "%.*s", TEXT_ARGS(t));
	return shown;
}

static struct url split(const char *text)
{
	struct url url;

	url_split(text_of(text), &url);
	return url;
}

static void ordinary(void)
{
	struct url url = split("https://user:pw@Example.com:8443/a/b;p?q=1?#f#g");
	unsigned port;

	CHECK_SAME(show(url.scheme), "https");
	CHECK_SAME(show(url.location), "user:pw@Example.com:8443");
	CHECK_SAME(show(url.user), "user");
	CHECK_SAME(show(url.password), "pw");
	CHECK_SAME(show(url.host), "Example.com");
	CHECK_SAME(show(url.path), "/a/b;p");
	CHECK_SAME(show(url_path_plain(&url)), "/a/b");
	CHECK_SAME(show(url.query), "q=1?");
	CHECK_SAME(show(url.fragment), "f#g");
	CHECK(url_port(&url, &port) && port == 8443);
	url = split("http://h");
	CHECK_SAME(show(url.path), "");
	CHECK_SAME(show(url.query), "none");
	CHECK_SAME(show(url.user), "none");
	CHECK(!url_port(&url, &port) && !url.port.at);
}

static void odd(void)
{
	struct url url = split("http://[2001:db8::1%25eth0]:81/");
	unsigned port;

	CHECK_SAME(show(url.host), "2001:db8::1%25eth0");
	CHECK(url_port(&url, &port) && port == 81);
	url = split("http://a@b:c@host:/");
	CHECK_SAME(show(url.user), "a@b");
	CHECK_SAME(show(url.password), "c");
	CHECK_SAME(show(url.host), "host");
	CHECK_SAME(show(url.port), "none");
	url = split("foo://h/a;b");
	CHECK_SAME(show(url_path_plain(&url)), "/a;b");
	url = split("http://h/a;b/c");
	CHECK_SAME(show(url_path_plain(&url)), "/a;b/c");
	url = split("//h/x");
	CHECK_SAME(show(url.scheme), "none");
	CHECK_SAME(show(url.host), "h");
	url = split("mailto:a@example.com");
	CHECK_SAME(show(url.scheme), "mailto");
	CHECK_SAME(show(url.location), "none");
	CHECK_SAME(show(url.path), "a@example.com");
}

static void hostile(void)
{
	static const char *const texts[] = { "", ":", "://", "//", "//@", "//@:", "//[", "//]",
		"//[]:", "//[:x", "http:", "#", "?", ";", "1http://h", "http://h:99999", "http://h:-1",
		"http://h: 80", "http://[h" };
	struct arena arena = { 0 };
	unsigned port;

	for (size_t i = 0; i < LENGTH(texts); i++) {
		struct url url = split(texts[i]);

		CHECK(url.path.at && url.host.at);
		CHECK(!url_port(&url, &port));
		CHECK(url_path_plain(&url).at);
	}
	CHECK_SAME(show(url_clean(text_of(" \tht\ntp://h\r/"), &arena)), "http://h/");
	CHECK_SAME(show(url_clean(text_of("\t\n"), &arena)), "");
	arena_free(&arena);
}

int main(void)
{
	ordinary();
	odd();
	hostile();
	return check_end();
}
