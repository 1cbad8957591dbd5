/* Flat names as nested objects. */
#include <stdlib.h>

#include "check.h"
#include "nest.h"

/* What is below `extra` in LINE, "" for nothing, or why LINE is no event. */
static const char *nest(const char *line)
{
	static struct buf out;
	struct event *ev = event_new();
	struct value_error error;

	buf_clear(&out);
	if (!event_read(ev, text_of(line), &error))
		buf_string(&out, error.reason);
	else
		nest_write(ev, TEXT("extra"), &out);
	event_free(ev);
	return buf_cstr(&out);
}

/* JSON as nest_sorted() writes it, and whether Python takes it for true. */
static const char *sorted(const char *json)
{
	static struct buf out;
	struct arena arena = { 0 };
	struct value_error error;
	struct value v;

	buf_clear(&out);
	if (!value_parse(text_of(json), &v, &error))
		return error.reason;
	nest_sorted(&out, v, &arena);
	buf_string(&out, value_is_true(v) ? " true" : " false");
	arena_free(&arena);
	return buf_cstr(&out);
}

int main(void)
{
	struct buf line = BUF_INIT;
	struct event *ev = event_new();
	struct value_error error;

	CHECK_SAME(nest("{}"), "");
	CHECK_SAME(nest("{\"extra.a\":1,\"comment\":\"x\",\"extras\":1}"), "{\"a\": 1}");
	CHECK_SAME(nest("{\"extra.b.x\":1,\"extra.a\":[1,\"\\u00e4\"],\"extra.b.y\":1e2}"),
		"{\"b\": {\"x\": 1, \"y\": 100.0}, \"a\": [1, \"\\u00e4\"]}");
	CHECK_SAME(nest("{\"extra\":{\"a\":{\"b\":true}},\"extra.a.c\":{\"d\":[{}]}}"),
		"{\"a\": {\"b\": true, \"c\": {\"d\": [{}]}}}");
	CHECK_SAME(nest("{\"extra.a\":1,\"extra.a.b\":2,\"extra.a.b.c\":3}"),
		"{\"a\": 1, \"a.b\": 2, \"a.b.c\": 3}");
	CHECK_SAME(nest("{\"extra.a.a\":1,\"extra.a.b\":null}"), "{\"a\": {\"a\": 1}}");
	CHECK_SAME(sorted("{\"b\":[{\"z\":1,\"y\":2}],\"\\u0061\":{}, \"B\":null}"),
		"{\"B\": null, \"a\": {}, \"b\": [{\"y\": 2, \"z\": 1}]} true");
	CHECK_SAME(sorted(" [ ] "), "[] false");
	CHECK_SAME(sorted("{ }"), "{} false");
	CHECK_SAME(sorted("\"\""), "\"\" false");
	CHECK_SAME(sorted("\"0\""), "\"0\" true");
	CHECK_SAME(sorted("-0.0e3"), "-0.0 false");
	CHECK_SAME(sorted("false"), "false false");
	CHECK_SAME(sorted("null"), "null false");
	CHECK(!value_is_true(NO_VALUE));
	/* Hostile: a name of a million parts, and a hundred thousand different ones. */
	buf_string(&line, "{\"extra");
	for (int i = 0; i < 1000000; i++)
		buf_string(&line, ".a");
	buf_string(&line, "\":1}");
	CHECK(strlen(nest(buf_cstr(&line))) > 1000000);
	buf_clear(&line);
	buf_string(&line, "{");
	for (int i = 0; i < 100000; i++)
		buf_printf(&line, "%s\"extra.k%d.x\":%d", i ? "," : "", i, i);
	buf_string(&line, "}");
	CHECK(strlen(nest(buf_cstr(&line))) > 1000000);
	CHECK(event_read(ev, TEXT("{\"a.b\":1,\"c\":2}"), &error));
	buf_clear(&line);
	CHECK(!nest_write(ev, TEXT("extra"), &line) && line.len == 0);
	event_free(ev);
	buf_free(&line);
	return check_end();
}
