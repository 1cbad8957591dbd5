/* The event scanner, held against jansson: same verdict and same values, but for what event.h keeps on purpose. */
#include "event.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "check.h"

/* Texts that are an event, and texts that are none (RFC 8259; the odd cases of every section). */
static const char *const events[] = { "{}", " { } ", "{\"a\":1}", "\t{\"a\" : [1, 2, {\"b\":null}] }\r", "{\"a\":-0}", "{\"a\":0.5e-7}",
	"{\"a\":1E+2}", "{\"a\":\"\\ud83d\\ude00\"}", "{\"a\":\"\\u00e4\\\"\\\\\\/\\b\\f\\n\\r\\t\"}", "{\"\":1}", "{\"a\":\"\x7f\"}",
	"{\"\xc3\xa4\":\"\xf0\x9f\x98\x80\"}", "{\"a\":{},\"b\":[]}", "{\"a\":{\"c\":1},\"b\":{\"c\":1}}", "{\"a\":\"\xf4\x8f\xbf\xbf\"}",
	"{\"source.ip\":\"192.0.2.1\",\"extra\":{\"a\":{\"b\":1}}}" };
static const char *const others[] = { "", " ", "[]", "1", "null", "{", "}", "{]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}", "{\"a\":1 \"b\":2}",
	"{\"a\":1}}", "{\"a\":1}{", "{a:1}", "{'a':1}", "{\"a\":01}", "{\"a\":+1}", "{\"a\":.5}", "{\"a\":1.}", "{\"a\":1e}", "{\"a\":-}", "{\"a\":0x1}",
	"{\"a\":NaN}", "{\"a\":Infinity}", "{\"a\":tru}", "{\"a\":True}", "{\"a\":\"\t\"}", "{\"a\":\"\n\"}", "{\"a\":\"\\x\"}", "{\"a\":\"\\u12\"}",
	"{\"a\":\"\\ud800\"}", "{\"a\":\"\\udc00\"}", "{\"a\":\"\\ud800\\u0041\"}", "{\"a\":\"\xff\"}", "{\"a\":\"\xc0\x80\"}", "{\"a\":\"\xed\xa0\x80\"}",
	"{\"a\":\"\xf4\x90\x80\x80\"}", "{\"a\":\"\xe2\x82\"}", "{\"a\":1,\"a\":2}", "{\"a\":1,\"\\u0061\":2}", "{\"x\":{\"a\":1,\"a\":2}}",
	"{\"x\":[{\"a\":1,\"a\":2}]}", "{\"a\":[1,]}", "{\"a\":[1 2]}", "{\"a\":[}", "{\"a\":\"", "{\"a\":\"\\", "\xef\xbb\xbf{}" };

static bool reads(struct event *ev, const char *text, size_t n)
{
	struct value_error error;

	return event_read(ev, (struct text){ text, n }, &error);
}

static json_t *by_jansson(const char *text, size_t n)
{
	return json_loadb(text, n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
}

static void verdicts(struct event *ev)
{
	for (size_t i = 0; i < LENGTH(events); i++) {
		json_t *same = by_jansson(events[i], strlen(events[i]));

		check_that(reads(ev, events[i], strlen(events[i])), __FILE__, __LINE__, events[i]);
		check_that(same != NULL, __FILE__, __LINE__, events[i]);
		json_decref(same);
	}
	for (size_t i = 0; i < LENGTH(others); i++)
		check_that(!reads(ev, others[i], strlen(others[i])), __FILE__, __LINE__, others[i]);
}

/* Numbers that no C type holds are text to us; jansson refuses them. */
static void kept_as_text(struct event *ev)
{
	static const char huge[] = "{\"a\":1e400,\"b\":123456789012345678901234567890,\"\\u0000\":1}";

	CHECK(reads(ev, huge, strlen(huge)));
	CHECK(!by_jansson(huge, strlen(huge)));
}

static struct text written(struct event *ev, struct buf *out)
{
	buf_clear(out);
	event_write(ev, out);
	return buf_view(out);
}

static void bytes_stay(struct event *ev, struct buf *out)
{
	static const char line[] = " {\"x\" : 1.50 ,\t\"source.ip\": \"192.0.2.1\" , \"y\":\"\\u0041\"} ";

	CHECK(reads(ev, line, strlen(line)));
	CHECK(text_is(written(ev, out), line));
	event_set(ev, F_SOURCE_IP, TEXT("192.0.2.2"));
	CHECK(text_is(written(ev, out), " {\"x\" : 1.50 ,\t\"source.ip\": \"192.0.2.2\" , \"y\":\"\\u0041\"}"));
	event_delete(ev, F_SOURCE_IP);
	CHECK(text_is(written(ev, out), " {\"x\" : 1.50 , \"y\":\"\\u0041\"}"));
	event_set(ev, F_SOURCE_IP, TEXT("192.0.2.3"));
	CHECK(text_is(written(ev, out), " {\"x\" : 1.50 , \"y\":\"\\u0041\",\"source.ip\":\"192.0.2.3\"}"));
}

static void nested_extra(struct event *ev, struct buf *out)
{
	static const char line[] = "{\"extra\":{\"a\":{\"b\":\"c\"},\"d\":[1]},\"extra.e\":2}";
	enum field b = field_intern(TEXT("extra.a.b")), d = field_intern(TEXT("extra.d")), e = field_intern(TEXT("extra.e"));

	CHECK(reads(ev, line, strlen(line)));
	CHECK(text_is(event_text(ev, b), "c"));
	CHECK(text_is(event_value(ev, d).raw, "[1]"));
	CHECK(text_is(written(ev, out), line));
	event_set(ev, e, TEXT("new"));
	CHECK(text_is(written(ev, out), "{\"extra.e\":\"new\",\"extra.a.b\":\"c\",\"extra.d\":[1]}"));
	CHECK(!reads(ev, "{\"extra\":{\"e\":1},\"extra.e\":2}", 29));
}

static void values(struct event *ev)
{
	static const char line[] = "{\"source.port\":80,\"source.asn\":[1,2],\"comment\":\"-\",\"source.tor_node\":true,"
		"\"feed.accuracy\":12.5,\"feed.name\":\"a\\u0000b\"}";
	struct event_values each;
	struct value v;
	long long number = 0;
	double real = 0;
	bool yes = false;
	int count = 0;

	CHECK(reads(ev, line, strlen(line)));
	CHECK(event_integer(ev, F_SOURCE_PORT, &number) && number == 80);
	CHECK(event_integer(ev, F_SOURCE_ASN, &number) && number == 1);
	CHECK(event_double(ev, F_FEED_ACCURACY, &real) && real == 12.5);
	CHECK(event_boolean(ev, F_SOURCE_TOR_NODE, &yes) && yes);
	CHECK(!event_has(ev, F_COMMENT));
	CHECK(event_text(ev, F_FEED_NAME).len == 3);
	each = event_values(ev, F_SOURCE_ASN);
	while (event_next_value(&each, &v))
		count++;
	CHECK(count == 2);
}

/* data-format.md 3.1, the table of add(). */
static void adding(struct event *ev)
{
	event_clear(ev);
	CHECK(event_add(ev, F_COMMENT, TEXT("a"), OVERWRITE_UNSET));
	CHECK(!event_add(ev, F_COMMENT, TEXT("b"), OVERWRITE_NO) && !event_marked(ev));
	CHECK(event_add(ev, F_COMMENT, TEXT("b"), OVERWRITE_YES) && text_is(event_text(ev, F_COMMENT), "b"));
	CHECK(!event_add(ev, F_COMMENT, TEXT("-"), OVERWRITE_YES) && !event_has(ev, F_COMMENT));
	event_set(ev, F_COMMENT, TEXT("c"));
	CHECK(!event_add(ev, F_COMMENT, TEXT("d"), OVERWRITE_UNSET) && event_marked(ev));
	event_clear(ev);
	CHECK(!event_try(ev, F_SOURCE_IP, TEXT("bad")) && !event_marked(ev));
	event_set(ev, F_SOURCE_IP, TEXT("bad"));
	CHECK(event_marked(ev) && strstr(event_marked(ev), "source.ip"));
}

/* More members, depth and length than any record has. */
static void limits(struct event *ev)
{
	struct buf line = BUF_INIT;

	buf_string(&line, "{\"a\":");
	for (int i = 0; i < 100000; i++)
		buf_char(&line, '[');
	CHECK(!reads(ev, line.at, line.len));
	buf_clear(&line);
	for (int i = 0; i < 100000; i++)
		buf_printf(&line, "%c\"key%d\":%d", i ? ',' : '{', i, i);
	buf_string(&line, "}");
	CHECK(reads(ev, line.at, line.len));
	line.len--;
	buf_string(&line, ",\"key77\":1}");
	CHECK(!reads(ev, line.at, line.len));
	buf_free(&line);
}

/* Keys and values of all lengths at all places of a block, in memory that ends with the line: what reads behind it dies. */
static void edges(struct event *ev)
{
	enum { PAGE = 4096, LONGEST = 130 };
	static const char odd[] = { '"', '\\', 0x1f, '\n', 0, '\x80', '\xff', '\xc3' };
	char *page = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char x[LONGEST + 1], line[4 * LONGEST];

	CHECK(page != MAP_FAILED && mprotect(page + PAGE, PAGE, PROT_NONE) == 0);
	memset(x, 'x', LONGEST);
	x[LONGEST] = '\0';
	for (int length = 0; length < LONGEST; length++)
		for (int blanks = 0; blanks < 64; blanks++) {
			int n = sprintf(line, "{\"%.*s\": \"%.*s\", \"source.ip\":\"%.*s\"%*s}", length, x, length, x, length, x, blanks, "");
			char *at = memcpy(page + PAGE - n, line, (size_t)n), *value = strchr(at, ':') + 3;

			/* The second time the keys are known. */
			CHECK(reads(ev, at, (size_t)n) && reads(ev, at, (size_t)n));
			CHECK(event_text(ev, F_SOURCE_IP).len == (size_t)length);
			if (length) {
				char was = value[blanks % length];

				for (size_t i = 0; i < sizeof odd; i++) {
					value[blanks % length] = odd[i];
					CHECK(!reads(ev, at, (size_t)n));
				}
				value[blanks % length] = was;
			}
			if (length > 1) {
				memcpy(value + blanks % (length - 1), "\xc3\xa4", 2);
				CHECK(reads(ev, at, (size_t)n));
			}
			CHECK(!reads(ev, at, (size_t)n - 1));
			CHECK(!reads(ev, at, (size_t)(value - at) + (size_t)length));
		}
	munmap(page, 2 * PAGE);
}

/* What is expected from the events before must not show. */
static void expectations(struct event *ev)
{
	static const char blanks[] = "                                                                ";
	static const char *const lines[] = { "{\"source.ip\":1,\"source.ipx\":2,\"unknown\":3,\"extra.a\":4}",
		"{\"source.ip\":1,\"unknown\":3,\"source.ipx\":2}", "{\"unknown\":3,\"source.ip\" :1,\"extra.a\": 4}",
		"{\"source\\u002eip\":1,\"source.ipx\":2,\"unknown\":3}", "{\"source.ip\" : 1 , \"a key too long to be kept, forty-eight bytes or more\":3}" };
	static const char *const twice[] = { "{\"source.ip\":1,\"source.ipx\":2,\"source.ip\":3}", "{\"unknown\":1,\"source.ip\":1,\"unknown\":3}",
		"{\"unknown\":3,\"source.ip\" :1,\"\\u0075nknown\":4}", "{\"source.ip\":1,\"source.ip\":2}" };
	char line[200];
	long long n;

	for (size_t i = 0; i < 1000; i++) {
		size_t k = i * 7 % LENGTH(lines), t = i * 5 % LENGTH(twice);

		snprintf(line, sizeof line, "%s%s", lines[k], blanks);
		CHECK(reads(ev, line, strlen(line)) && event_integer(ev, F_SOURCE_IP, &n) && n == 1);
		snprintf(line, sizeof line, "%s%s", twice[t], blanks);
		CHECK(!reads(ev, line, strlen(line)));
		snprintf(line, sizeof line, "{\"source.ip\":%zu,\"key%zu\":1,\"source.asn\":2}%s", i, i, blanks);
		CHECK(reads(ev, line, strlen(line)) && event_integer(ev, F_SOURCE_IP, &n) && n == (long long)i);
	}
}

/* Every single change of every good text: jansson and we agree, and what we write reads back the same. */
static void mutations(struct event *ev, struct buf *out)
{
	static const char bytes[] = "{}[]\":,\\u0dn1.e- \n\x80\xff";

	for (size_t i = 0; i < LENGTH(events); i++)
		for (size_t at = 0; at < strlen(events[i]); at++)
			for (size_t b = 0; b < sizeof bytes; b++) {
				char copy[128];
				size_t n = strlen(events[i]);
				json_t *theirs, *again;

				memcpy(copy, events[i], n);
				copy[at] = bytes[b];
				theirs = by_jansson(copy, n);
				if (reads(ev, copy, n)) {
					struct text w = written(ev, out);

					again = by_jansson(w.at, w.len);
					check_that(json_equal(theirs, again), __FILE__, __LINE__, events[i]);
					json_decref(again);
				} else {
					check_that(!json_is_object(theirs), __FILE__, __LINE__, events[i]);
				}
				json_decref(theirs);
			}
}

int main(void)
{
	struct event *ev = event_new();
	struct buf out = BUF_INIT;

	verdicts(ev);
	kept_as_text(ev);
	bytes_stay(ev, &out);
	nested_extra(ev, &out);
	values(ev);
	adding(ev);
	limits(ev);
	edges(ev);
	expectations(ev);
	mutations(ev, &out);
	event_free(ev);
	buf_free(&out);
	return check_end();
}
