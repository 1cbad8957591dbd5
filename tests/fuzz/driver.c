/* Fuzz target: the drivers on any document. The first byte chooses the definition, the rest is the document, which is
 * given once whole and once in two pieces. */
#include <stdint.h>
#include <stdlib.h>

#include "../../cmd/parse/driver.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const files[] = { "share/feeds/shadowserver/shadowserver.yaml", "share/feeds/cymru/cap.yaml",
	"share/feeds/misp/events.yaml", "share/feeds/shodan/banners.yaml", "share/feeds/microsoft/ctip.yaml",
	"share/feeds/fireeye/mas.yaml", "share/feeds/twitter/tweets.yaml" };

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

/* Every line that came out is a JSON object. */
static void check(const struct buf *out)
{
	struct text rest = buf_view(out), line;
	struct value_error error;
	struct value v;

	while (text_split(&rest, '\n', &line))
		if (line.len && (!value_parse(line, &v, &error) || v.kind != VALUE_OBJECT))
			abort();
}

static void run(const struct definition *d, const uint8_t *data, size_t size, size_t cut)
{
	struct buf out = BUF_INIT, copy = BUF_INIT;
	struct session s;
	size_t used = 0;

	session_init(&s, d, &out);
	s.done = ignore_record;
	s.reject = ignore_reject;
	s.max_record = 1 << 16;
	s.feed = &d->feeds[0];
	s.file = "scan_example.csv";
	s.first = TEXT("{");
	buf_room(&copy, size + 1);
	buf_add(&copy, (const char *)data, size);
	if (session_start(&s, NULL)) {
		if (cut)
			used = session_feed(&s, (struct text){ copy.at, cut }, false);
		session_feed(&s, (struct text){ copy.at + used, size - used }, true);
	}
	check(&out);
	session_free(&s);
	buf_free(&copy);
	buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct definition *definitions[LENGTH(files)];
	struct problem problem = { .line = 0 };
	struct decoder decoder = { .encoding = ENCODING_UTF_8, .drop_nul = true };
	struct buf text = BUF_INIT;
	size_t which;

	if (!definitions[0]) {
		parameters.schema = "share/feeds/shadowserver/example-schema.json";
		parameters.use_malware_family = parameters.ignore_errors = true;
		for (size_t i = 0; i < LENGTH(files); i++)
			if (!(definitions[i] = definition_load(files[i], &problem)))
				abort();
	}
	if (size < 2)
		return 0;
	which = data[0] % LENGTH(files);
	decode(&decoder, (struct text){ (const char *)data + 2, size - 2 }, true, &text);
	run(definitions[which], (const uint8_t *)buf_view(&text).at, text.len, 0);
	run(definitions[which], (const uint8_t *)buf_view(&text).at, text.len, text.len * data[1] / 256);
	buf_free(&text);
	return 0;
}
