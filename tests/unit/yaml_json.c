/* YAML as JSON: what scalars are, anchors and aliases, and documents that are made to do harm. */
#include "buf.h"
#include "check.h"
#include "yaml_json.h"

/* The JSON of YAML, or "LINE: message". */
static const char *json(const char *yaml)
{
	static char told[4096];
	struct problem problem = { .line = 0 };
	struct buf out = BUF_INIT;

	if (yaml_to_json(text_of(yaml), "x.yaml", &out, &problem))
		snprintf(told, sizeof told, "%.*s", (int)out.len, out.at);
	else
		snprintf(told, sizeof told, "%s%ld: %s", strcmp(problem.file, "x.yaml") == 0 ? "" : "?", problem.line, problem.text);
	buf_free(&out);
	return told;
}

static void scalars(void)
{
	CHECK_SAME(json("[true, True, TRUE, false, False, FALSE, yes, no, on, NO, truE]"),
		"[true,true,true,false,false,false,\"yes\",\"no\",\"on\",\"NO\",\"truE\"]");
	CHECK_SAME(json("[~, null, Null, NULL, nulL]"), "[null,null,null,null,\"nulL\"]");
	CHECK_SAME(json("- ~\n-\n- ''"), "[null,null,\"\"]");
	CHECK_SAME(json("[017, 0o17, 0x1f, 0X1f, 1_000, 12:30, 1e3, -017, +7, 0b101, -0x1F, 0]"),
		"[17,15,31,\"0X1f\",1000,\"12:30\",1e3,-17,7,5,-31,0]");
	CHECK_SAME(json("[1.5, 1., .5, -.5, 00.50, 1.5e-3, 1e, ., -, +, 1.2.3.4, .inf, 1_000.5, _1, 1-2, 2024-01-01]"),
		"[1.5,1.0,0.5,-0.5,0.50,1.5e-3,\"1e\",\".\",\"-\",\"+\",\"1.2.3.4\",\".inf\",1000.5,\"_1\",\"1-2\",\"2024-01-01\"]");
	CHECK_SAME(json("[0x, 0o8, 0x;, 0xg, 0xffffffffffffffff, 0x10000000000000000, 123456789012345678901234567890]"),
		"[\"0x\",\"0o8\",\"0x;\",\"0xg\",18446744073709551615,\"0x10000000000000000\",123456789012345678901234567890]");
	CHECK_SAME(json("['12', \"true\", !!str 12, !!int '12', !!null '', '<<']"),
		"[\"12\",\"true\",\"12\",12,null,\"<<\"]");
	CHECK_SAME(json("%YAML 1.1\n---\n[yes, No, on, OFF, 017, 0o17, 0x1f, 1_0, 08]"),
		"[true,false,true,false,15,\"0o17\",31,10,\"08\"]");
	CHECK_SAME(json("%YAML 1.2\n---\n[yes, 017]"), "[\"yes\",17]");
	CHECK_SAME(json(""), "null");
	CHECK_SAME(json("# nothing"), "null");
	CHECK_SAME(json("{\n\t\"a\": 1,\n\t\"b\":\t[2]}"), "{\"a\":1,\"b\":[2]}");
	CHECK_SAME(json("1: a\ntrue: b"), "{\"1\":\"a\",\"true\":\"b\"}");
}

static void aliases(void)
{
	CHECK_SAME(json("a: &x 1\nb: *x\nc: [*x, *x]"), "{\"a\":1,\"b\":1,\"c\":[1,1]}");
	CHECK_SAME(json("a: &x {p: [1, 2]}\nb: *x"), "{\"a\":{\"p\":[1,2]},\"b\":{\"p\":[1,2]}}");
	CHECK_SAME(json("a: &x 1\nb: *x\nc: &x 2\nd: *x"), "{\"a\":1,\"b\":1,\"c\":2,\"d\":2}");
	CHECK_SAME(json("a: &x b\n*x : 1"), "{\"a\":\"b\",\"b\":1}");
	CHECK_SAME(json("&k a: 1\nb: *k"), "{\"a\":1,\"b\":\"a\"}");
	CHECK_SAME(json("- &x [a]\n- &y [*x, b]\n- *y"), "[[\"a\"],[[\"a\"],\"b\"],[[\"a\"],\"b\"]]");
	CHECK_SAME(json("a: &e\nb: *e"), "{\"a\":null,\"b\":null}");
	/* An anchor within an anchor of the same name is complete before the outer one. */
	CHECK_SAME(json("a: &x [&x 1, *x]"), "{\"a\":[1,1]}");
}

static void merge_keys(void)
{
	CHECK_SAME(json("a: &x {p: 1, q: 2}\nb:\n  <<: *x\n  q: 3"), "{\"a\":{\"p\":1,\"q\":2},\"b\":{\"q\":3,\"p\":1}}");
	CHECK_SAME(json("- &x {p: 1}\n- &y {p: 2, q: 2}\n- <<: [*x, *y]\n  r: 3"),
		"[{\"p\":1},{\"p\":2,\"q\":2},{\"r\":3,\"p\":1,\"q\":2}]");
	CHECK_SAME(json("- &x {p: 1}\n- &y {<<: *x, q: 2}\n- {<<: *y, p: 0}"), "[{\"p\":1},{\"q\":2,\"p\":1},{\"p\":0,\"q\":2}]");
	CHECK_SAME(json("<<: {p: 1}\nq: 2"), "{\"q\":2,\"p\":1}");
	CHECK_SAME(json("<<: []\nq: 2"), "{\"q\":2}");
	CHECK_SAME(json("'<<': {p: 1}"), "{\"<<\":{\"p\":1}}");
	CHECK_SAME(json("a: &x 1\nb:\n  <<: *x"), "1: key \"<<\": a map, or a list of maps, is wanted here");
	CHECK_SAME(json("a:\n  <<: [{p: 1}, 2]"), "2: key \"<<\": a map, or a list of maps, is wanted here");
	CHECK_SAME(json("<<: {p: 1}\n<<: {q: 1}"), "2: key \"<<\": given twice");
}

static void mistakes(void)
{
	CHECK_SAME(json("a: *x"), "1: alias \"x\": there is no such anchor before it");
	CHECK_SAME(json("a:\n- *x\n- &x 1"), "2: alias \"x\": there is no such anchor before it");
	CHECK_SAME(json("a: &x\n  b: *x"), "2: alias \"x\": it is a part of what it stands for");
	CHECK_SAME(json("&x [[*x]]"), "1: alias \"x\": it is a part of what it stands for");
	CHECK_SAME(json("a: &x\n  <<: *x"), "2: alias \"x\": it is a part of what it stands for");
	CHECK_SAME(json("a: {b: 1,\n  c: 2,\n  b: 3}"), "3: key \"b\": given twice");
	CHECK_SAME(json("a: 1\n---\na: 2"), "2: a second document begins here");
	CHECK_SAME(json("a: !!python/object:os.system x"), "1: tag \"tag:yaml.org,2002:python/object:os.system\": not supported here");
	CHECK_SAME(json("a: !x [1]"), "1: tag \"!x\": not supported here");
	CHECK_SAME(json("? [a]\n: 1"), "1: a name is wanted here");
	CHECK_SAME(json("a: &x [1]\n*x : 1"), "1: a name is wanted here");
	CHECK(strncmp(json("a: ["), "2: ", 3) == 0 || strncmp(json("a: ["), "1: ", 3) == 0);
}

/* LEVELS lists, each with nine aliases of the one before. */
static const char *laughs(int levels, const char *one, const char *alias)
{
	struct buf yaml = BUF_INIT;
	const char *told;

	buf_printf(&yaml, "a0: &a0 %s\n", one);
	for (int i = 1; i <= levels; i++) {
		buf_printf(&yaml, "a%d: &a%d [", i, i);
		for (int k = 0; k < 9; k++)
			buf_printf(&yaml, alias, i - 1);
		buf_string(&yaml, "]\n");
	}
	told = json(buf_cstr(&yaml));
	buf_free(&yaml);
	return told;
}

static void harm(void)
{
	struct buf deep = BUF_INIT, wide = BUF_INIT;

	CHECK(strncmp(laughs(3, "lol", "*a%d,"), "{\"a0\":\"lol\",", 12) == 0);
	CHECK_SAME(laughs(60, "lol", "*a%d,"), "8: alias \"a6\": the aliases up to here stand for more than 16 MiB");
	/* Not merge keys, which make no more keys than there are, nor empty lists, nor one long text. */
	CHECK_SAME(laughs(60, "[]", "*a%d,"), "8: alias \"a6\": the aliases up to here stand for more than 16 MiB");
	CHECK_SAME(laughs(60, "{p: 1}", "{<<: *a0, q: *a%d},"),
		"7: alias \"a5\": the aliases up to here stand for more than 16 MiB");
	buf_string(&wide, "- &x '");
	for (int i = 0; i < 100000; i++)
		buf_string(&wide, "0123456789");
	buf_string(&wide, "'\n- [");
	for (int i = 0; i < 17; i++)
		buf_string(&wide, "*x,\n ");
	buf_string(&wide, "]\n");
	CHECK_SAME(json(buf_cstr(&wide)), "18: alias \"x\": the aliases up to here stand for more than 16 MiB");
	for (int i = 0; i < 5000; i++)
		buf_char(&deep, '[');
	CHECK_SAME(json(buf_cstr(&deep)), "1: nested too deeply");
	/* Depth by aliases. */
	buf_clear(&deep);
	for (int i = 0; i < 70; i++)
		buf_printf(&deep, i ? "- &a%d [*a%d]\n" : "- &a%d [%d]\n", i, i ? i - 1 : 0);
	CHECK(strstr(json(buf_cstr(&deep)), "nested too deeply") != NULL);
	buf_free(&deep);
	buf_free(&wide);
}

int main(void)
{
	scalars();
	aliases();
	merge_keys();
	mistakes();
	harm();
	return check_end();
}
