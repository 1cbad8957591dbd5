/* Fuzz target: any text taken apart. Every part lies inside the text, and the path is always there. */
#include <stdint.h>
#include <stdlib.h>

#include "url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct text whole, struct text part)
{
	if (part.len && (part.at < whole.at || part.at + part.len > whole.at + whole.len))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = { 0 };
	struct text whole = url_clean((struct text){ (const char *)data, size }, &arena);
	struct url url;
	unsigned port;

	url_split(whole, &url);
	check(whole, url.scheme);
	check(whole, url.location);
	check(url.location, url.user);
	check(url.location, url.password);
	check(url.location, url.host);
	check(url.location, url.port);
	check(whole, url.path);
	check(whole, url.query);
	check(whole, url.fragment);
	check(url.path, url_path_plain(&url));
	if (!url.path.at || (url_port(&url, &port) && port > 65535))
		abort();
	arena_free(&arena);
	return 0;
}
