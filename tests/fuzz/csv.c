/* Fuzz target: CSV, lines and JSON in any cut. The first byte chooses format and dialect, the second how the rest
 * is cut into blocks, the rest is the feed. Whatever comes in: events are good JSON, and where the cuts are makes
 * no difference. */
#include <stdint.h>
#include <stdlib.h>

#include "../../cmd/parse/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const definitions[] = {
	"format: csv\ncolumns: [a, b, c]\ncomments: '#'\nfields: {source.ip: {from: a, optional: true}, extra.b: b, extra.c: '@last'}\n",
	"format: csv\nheader: true\nfields: {extra.a: a, extra.b: {template: '{a}/{b}'}}\nsplit: {from: b, at: ;}\n",
	"format: csv\nquotes: false\ndelimiter: \"\\t\"\ncolumns: [a, b]\nmin_columns: 2\nskip_first: 1\nfields: {extra.a: a, source.fqdn: b}\n",
	"format: lines\nseparator: ['#', '||']\ncomments: ';'\ncaptures: {x: 'x=(.*)'}\ncolumns: [a, b]\nraw: comments\n"
	"fields: {extra.a: a, extra.x: '@x', source.url|extra.b: {from: b, steps: [strip, {part: {at: ',', index: -1}}]}}\n",
	"format: lines\npattern: '(\\d+)-(.*)'\ncolumns: [a, b]\nfields: {source.port: a, extra.b: {from: b, steps: [{remove: x}, upper]}}\n",
	"format: json\nfields: {source.ip: a, extra.b: 'b.c[1]', extra.d: '[\"x.y\"]', extra.a: a}\nraw: json_array_sorted\n",
	"format: json\nrecords: a.b\nfields: {extra.c: c}\nraw: json\n",
	"format: json\nrecords: '*[].a'\nfields: {extra.a: '@record', extra.k: '@key'}\nraw: record\n",
	"format: json\neach: {from: ['a[].b', c], isolate: true}\nraw: piece_sorted\nothers: reject_set\nignore: [d]\n"
	"fields: {extra.a: '@piece.x', extra.n: '@number', extra.c: {from: c, steps: [{entries: id}]}}\npass: {from: d, any_name: true}\n",
	"format: jsonl\npass: {to: '', else: extra., optional: true, keep: true}\ndiscard: {'@event.source.ip': 192.0.2.1}\n",
	"format: kv\nfields: {source.ip: a, extra.b: {from: b, steps: [{word: 1}, {url: whole}, {resolve: a}]}}\npass: {unused: true, lower: true, keep: true}\n",
	"format: lines\nstart: '^B'\nstop: '^E'\nlines_per_record: 2\npattern: '(.)=(.*)'\nunmatched: skip\nskip_last: 1\ncolumns: [a, b, c, d]\n"
	"repair: [{replace: {match: '(x)(y)', with: '\\2\\1'}}]\nfields: {extra.a: b, extra.b: d}\nevents: {one: {}, two: {split: {from: b, at: ',', skip_empty: true}, fields: {extra.p: '@piece'}}}\n",
	"format: lines\nseparator: ','\ncomments: '#'\nraw: comments\nvariants:\n  a: {when_line: a, columns: [x], fields: {extra.x: x}}\n  b: {when_line: b, columns: [y, x], fields: {extra.y: x}}\n",
	"format: csv\nheader: true\nraw: csv_stripped\nlong: reject\nothers: reject_set\nignore: [b]\nfields: {extra.a: a}\n",
	"format: html\ncolumns: [a, b]\nskip_first: 1\nfields: {extra.a: a, extra.b: b}\n",
	"format: xml\nrecords: a\nfields: {extra.b: b, extra.c: 'c[\"@d\"]'}\npass: {unused: true, any_name: true, keep_empty: true}\n",
	"format: jsonl\nfields: {source.ip: a, time.source: {from: t, steps: [{time: fuzzy}], optional: true}}\n",
};

static unsigned long long records;
static struct buf rejected;

static void count(struct session *s, size_t events)
{
	(void)s;
	(void)events;
	records++;
}

static void note(struct session *s, const struct record *r, struct text reason)
{
	(void)s;
	buf_printf(&rejected, "%ld %.*s\n", r->line, TEXT_ARGS(reason));
	if (!r->source.at && r->source.len)
		abort();
}

/* Feeds the text in blocks of STEP bytes. */
static void run(const struct definition *d, struct text text, size_t step, struct buf *out)
{
	struct session s;
	struct decoder decoder = { .encoding = ENCODING_AUTO, .drop_nul = format_drops_nul(d->programs[0].format) };
	struct buf window = BUF_INIT;

	session_init(&s, d, out);
	s.done = count;
	s.reject = note;
	s.max_record = 1 << 16;
	if (!session_start(&s, NULL))
		abort();
	while (text.len) {
		struct text block = { text.at, text.len < step ? text.len : step };
		size_t used;

		decode(&decoder, block, false, &window);
		used = session_feed(&s, buf_view(&window), false);
		if (used > window.len)
			abort();
		memmove(window.at ? window.at : "", window.at ? window.at + used : "", window.len - used);
		window.len -= used;
		text = text_from(text, block.len);
	}
	decode(&decoder, TEXT(""), true, &window);
	session_feed(&s, buf_view(&window), true);
	buf_free(&window);
	session_free(&s);
}

static void check_events(struct text out)
{
	struct text line;

	while (text_split(&out, '\n', &line) && line.len) {
		struct value v;
		struct value_error error;

		if (!value_parse(line, &v, &error) || v.kind != VALUE_OBJECT)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct definition *loaded[LENGTH(definitions)];
	struct buf whole = BUF_INIT, cut_out = BUF_INIT;
	struct problem problem = { .line = 0 };
	struct text text;
	unsigned long long first;
	size_t which;

	if (size < 2 || size > 4096)
		return 0;
	which = data[0] % LENGTH(definitions);
	if (!loaded[which] && !(loaded[which] = definition_read(text_of(definitions[which]), "fuzz", &problem)))
		abort();
	text = (struct text){ (const char *)data + 2, size - 2 };
	records = 0;
	run(loaded[which], text, size, &whole);
	first = records;
	check_events(buf_view(&whole));
	records = 0;
	run(loaded[which], text, data[1] % 16 + 1u, &cut_out);
	if (records != first || !text_eq(buf_view(&whole), buf_view(&cut_out)))
		abort();
	buf_free(&whole);
	buf_free(&cut_out);
	buf_free(&rejected);
	return 0;
}
