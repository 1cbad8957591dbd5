/* Fuzz target: the definition loader on any text. What loads must also run, on its own samples and on a few lines. */
#include <stdint.h>
#include <stdlib.h>

#include "../../cmd/parse/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ignore_record(struct session *s, size_t events)
{
	(void)s;
	(void)events;
}

static void ignore_reject(struct session *s, const struct record *r, struct text reason)
{
	(void)s;
	(void)r;
	(void)reason;
}

static void run(const struct definition *d, struct text text, struct buf *out)
{
	struct session s;
	struct buf copy = BUF_INIT;

	buf_text(&copy, text);
	session_init(&s, d, out);
	s.done = ignore_record;
	s.reject = ignore_reject;
	s.max_record = 1 << 16;
	s.feed = &d->feeds[0];
	if (session_start(&s, NULL))
		session_feed(&s, buf_view(&copy), true);
	session_free(&s);
	buf_free(&copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct problem problem = { .line = 0 };
	struct definition *d = definition_read((struct text){ (const char *)data, size }, "fuzz", &problem);
	struct buf out = BUF_INIT;

	if (!d) {
		if (!problem.text[0])
			abort();
		return 0;
	}
	for (size_t i = 0; i < d->sample_count; i++)
		run(d, d->samples[i].input, &out);
	run(d, TEXT("# a\na,b,c;d\n\"1.2.3.4\",\"x\ny\",z\n[{\"a\":[1,{\"b\":\"c\"}]}]\n{\"ip\":\"192.0.2.1\"}\n"), &out);
	run(d, TEXT("[{\"ip\":\"192.0.2.1\",\"a\":{\"b\":[1,2]}}]"), &out);
	buf_free(&out);
	definition_free(d);
	return 0;
}
