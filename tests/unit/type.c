/* Field types: rows of data-format.md section 2 that the recorded answers (run-types) do not have, those that depend on the day, and
 * hostile input. */
#include <stdlib.h>

#include "alloc.h"
#include "check.h"
#include "type.h"

static struct buf out;

enum call { SANITISE, ACCEPT };

/* What TYPE makes of the JSON value JSON, as a C string; "refused". */
static const char *made(enum call call, const char *name, const char *json)
{
	const struct type *type = type_named(text_of(name));
	struct arena scratch = { 0 };
	struct value_error error;
	struct text text;
	struct value v;
	bool taken;

	if (!type || !value_parse(text_of(json), &v, &error))
		return "a broken test";
	text = v.kind == VALUE_STRING ? value_text(v, &scratch) : v.raw;
	buf_clear(&out);
	taken = (call == SANITISE ? type->sanitise : type->accept)(v.kind, text, &out);
	arena_free(&scratch);
	return taken ? buf_cstr(&out) : out.len ? "refused, but written" : "refused";
}

static bool is_valid(const char *name, const char *json)
{
	struct arena scratch = { 0 };
	struct value_error error;
	struct value v;
	bool valid = value_parse(text_of(json), &v, &error) &&
	             type_named(text_of(name))->valid(v.kind, v.kind == VALUE_STRING ? value_text(v, &scratch) : v.raw);

	arena_free(&scratch);
	return valid;
}

static void accepting(void)
{
	static const char *const rows[][3] = {
		{ "GenericType", "\" \"", "refused" },
		{ "String", "\" abc\\r\\n\"", "\"abc\"" },
		{ "String", "\"a\\u0000b\"", "\"a\\u0000b\"" },
		{ "String", "{\"a\": [1, null, \"x\"]}", "\"{'a': [1, None, 'x']}\"" },
		{ "String", "[\"it's\", \"\\u00a0\", 1e2, -0]", "\"[\\\"it's\\\", '\\\\xa0', 100.0, 0]\"" },
		{ "String", "[ ]", "refused" },
		{ "String", "-0.0e5", "refused" },
		{ "LowercaseString", "\"A\\nB\"", "\"a\\nb\"" },
		{ "UppercaseString", "\"a\\tb\\u001fc\"", "\"A\\tB\\u001fC\"" },
		{ "LowercaseString", "\"ΑΣ\"", "\"ας\"" },
		{ "UppercaseString", "\"ﬁ ß\"", "\"FI SS\"" },
		{ "Base64", "\"\"", "refused" },
		{ "Base64", "\"foo\"", "\"Zm9v\"" },
		{ "Boolean", "\" TRUE\\n\"", "true" },
		{ "Boolean", "-0", "false" },
		{ "Integer", "\"1_000\"", "1000" },
		{ "Integer", "\"1__0\"", "refused" },
		{ "Integer", "\"_1\"", "refused" },
		{ "Integer", "\"1_\"", "refused" },
		{ "Integer", "\"- 1\"", "refused" },
		{ "Integer", "\"-0\"", "0" },
		{ "Integer", "-0.5", "0" },
		{ "Integer", "1e22", "10000000000000000000000" },
		{ "Integer", "1e400", "refused" },
		{ "Integer", "\"١٢\"", "12" },
		{ "Float", "\"nan\"", "refused" },
		{ "Float", "\"-inf\"", "refused" },
		{ "Float", "\"1e400\"", "refused" },
		{ "Float", "\"1_0.5\"", "10.5" },
		{ "Float", "\"1_.5\"", "refused" },
		{ "Float", "\"0x1p3\"", "refused" },
		{ "Float", "\"48.20\"", "48.2" },
		{ "Float", "\"0.00001\"", "1e-05" },
		{ "Float", "\"0.0001\"", "0.0001" },
		{ "Float", "\"123456789012345678\"", "1.2345678901234568e+17" },
		{ "Float", "0.1234567890123456789", "0.12345678901234568" },
		{ "Float", "\".\"", "refused" },
		{ "Float", "\"1e\"", "refused" },
		{ "Accuracy", "\"-0\"", "-0.0" },
		{ "Accuracy", "100.00000001", "refused" },
		{ "ASN", "\"AS+5\"", "5" },
		{ "ASN", "\"AS 4294967295\"", "4294967295" },
		{ "ASN", "\"AS4294967296\"", "refused" },
		{ "IPAddress", "\"0.0.0.0\"", "refused" },
		{ "IPAddress", "\"192.0.2.1%x\"", "\"192.0.2.1\"" },
		{ "IPAddress", "\"::ffff:192.0.2.1\"", "\"::ffff:c000:201\"" },
		{ "IPAddress", "\"1::2::3\"", "refused" },
		{ "IPAddress", "\"1:2:3:4:5:6:7:8::\"", "refused" },
		{ "IPAddress", "\":1:2:3:4:5:6:7\"", "refused" },
		{ "IPAddress", "\"1:2:3:4:5:6:7:\"", "refused" },
		{ "IPAddress", "\"1:2:3:4:5:6:7:1.2.3.4\"", "refused" },
		{ "IPAddress", "\"12345::\"", "refused" },
		{ "IPAddress", "\":\"", "refused" },
		{ "IPAddress", "\"1:0:0:2:0:0:0:3\"", "\"1:0:0:2::3\"" },
		{ "IPAddress", "340282366920938463463374607431768211455", "\"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff\"" },
		{ "IPAddress", "340282366920938463463374607431768211456", "refused" },
		{ "IPNetwork", "\"192.0.2.255/24\"", "\"192.0.2.0/24\"" },
		{ "IPNetwork", "\"192.0.2.1/0.0.0.0\"", "\"0.0.0.0/0\"" },
		{ "IPNetwork", "\"192.0.2.0/255.0.255.0\"", "refused" },
		{ "IPNetwork", "\"fe80::%a\\\"b/64\"", "\"fe80::%a\\\"b/64\"" },
		{ "IPNetwork", "\"fe80::%/64\"", "refused" },
		{ "IPNetwork", "\"::/00000000000000000000000000128\"", "\"::/128\"" },
		{ "IPNetwork", "\"::/4294967296\"", "refused" },
		{ "FQDN", "\"//[x\"", "refused" },
		{ "FQDN", "\"10.0.0.1\"", "refused" },
		{ "FQDN", "\"0.0.0.0\"", "\"0.0.0.0\"" },
		{ "FQDN", "\"a\\u0000/b\"", "refused" },
		{ "FQDN", "\"ö\\u0000.com\"", "refused" },
		{ "FQDN", "\"example..com\"", "refused" },
		{ "FQDN", "\"ö1.at\"", "\"xn--1-0ga.at\"" },
		{ "FQDN", "\"faß.de\"", "\"fass.de\"" },
		{ "URL", "\"http://[::1\"", "refused" },
		{ "URL", "\"http://a[.]com\"", "refused" },
		{ "URL", "\"http://\\u2100.com\"", "refused" },
		{ "URL", "\"http://a\\u0000/b\"", "\"http://a\\u0000/b\"" },
		{ "URL", "\"hxxp://a.com/?u=hxxps://b\"", "\"http://a.com/?u=https://b\"" },
		{ "URL", "\"http://a/hxxp\"", "\"http://a/hxxp\"" },
		{ "URL", "\"file:///a?x#\"", "\"file://localhost/a?x\"" },
		{ "JSON", "\"{\\\"a\\\":NaN,\\\"a\\\":\\\"\\\\ud800\\\"}\"", "\"{\\\"a\\\":NaN,\\\"a\\\":\\\"\\\\ud800\\\"}\"" },
		{ "JSON", "{\"z\": {\"y\": 1, \"b\": [ ]}, \"a\": \"ß\"}",
			"\"{\\\"a\\\": \\\"\\\\u00df\\\", \\\"z\\\": {\\\"b\\\": [], \\\"y\\\": 1}}\"" },
		{ "JSON", "\"[1,]\"", "\"\\\"[1,]\\\"\"" },
		{ "JSONDict", "\"{}\"", "refused" },
		{ "JSONDict", "[1]", "refused" },
		{ "JSONDict", "{\"a\": null}", "\"{\\\"a\\\": null}\"" },
		{ "Registry", "\" RIPE-NCC\"", "\"RIPE\"" },
		{ "ClassificationTaxonomy", "\"Abusive Content\"", "\"abusive-content\"" },
		{ "ClassificationType", "\"C&C\"", "\"c2-server\"" },
		{ "ClassificationType", "\"botnet-drone\"", "refused" },
		{ "TLP", "\"tlp:\\u2003yellow\"", "\"AMBER\"" },
		{ "TLP", "\"TLP\"", "refused" },
		{ "DateTime", "\"2015-08-31T08:16:10.1+00:00\"", "\"2015-08-31T08:16:10.1+00:00\"" },
		{ "DateTime", "\"2015-08-31 08:16:10\"", "\"2015-08-31T08:16:10+00:00\"" },
		{ "DateTime", "\"2015-08-31T24:00:00\"", "refused" },
		{ "DateTime", "\"0001-01-01T00:00:00+05:00\"", "refused" },
		{ "DateTime", "\"9999-12-31T23:59:59-01:00\"", "refused" },
		{ "DateTime", "1441008970", "refused" },
	};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		const char *got = made(ACCEPT, rows[i][0], rows[i][1]);

		CHECK_SAME(got, rows[i][2]);
		if (strcmp(got, rows[i][2]) != 0)
			fprintf(stderr, "\t%s %s\n", rows[i][0], rows[i][1]);
	}
}

/* Dates that are completed from today: Tuesday 2026-11-24. */
static void today(void)
{
	static const char *const rows[][2] = {
		{ "2015-08", "2015-08-24" }, { "2015", "2015-11-24" }, { "August 2015", "2015-08-24" },
		{ "31 August", "2026-08-31" }, { "Aug", "2026-08-24" }, { "Monday", "2026-11-30" },
		{ "Tuesday", "2026-11-24" }, { "12", "2026-11-12" }, { "32", "2032-11-24" }, { "100", "0100-11-24" },
		{ "1.5", "2026-11-01" }, { "1e5", "2026-01-05" }, { "150831", "2031-08-15" }, { "abc 12", "2026-11-12" },
		{ "31 Jan of 75", "2075-01-31" }, { "31 Jan of 76", "1976-01-31" }, { "Jan of 15 x", "2015-01-24" },
	};
	char json[64], wanted[64];

	for (size_t i = 0; i < LENGTH(rows); i++) {
		snprintf(json, sizeof json, "\"%s\"", rows[i][0]);
		snprintf(wanted, sizeof wanted, "\"%sT00:00:00+00:00\"", rows[i][1]);
		CHECK_SAME(made(ACCEPT, "DateTime", json), wanted);
	}
	CHECK_SAME(made(ACCEPT, "DateTime", "\"8pm\""), "\"2026-11-24T20:00:00+00:00\"");
	CHECK_SAME(made(ACCEPT, "DateTime", "\"10 hours ago\""), "\"2026-11-24T10:00:00+00:00\"");
	CHECK_SAME(made(ACCEPT, "DateTime", "\"08:16:10.5 +0200 (UTC)\""), "\"2026-11-24T08:16:10.500000+00:00\"");
}

static void validity(void)
{
	CHECK(is_valid("String", "\" \""));
	CHECK(!is_valid("String", "5"));
	CHECK(is_valid("Float", "48"));
	CHECK(!is_valid("Float", "1e400"));
	CHECK(is_valid("Accuracy", "true"));
	CHECK(!is_valid("Accuracy", "101"));
	CHECK(is_valid("IPAddress", "\"2001:DB8::1\""));
	CHECK(!is_valid("IPAddress", "\"fe80::1%eth0\""));
	CHECK(is_valid("IPNetwork", "\"192.0.2.0/0.0.0.255\""));
	CHECK(!is_valid("IPNetwork", "\"192.0.2.1/24\""));
	CHECK(is_valid("FQDN", "\"a_b.example\""));
	CHECK(!is_valid("FQDN", "\"ö.example\""));
	CHECK(!is_valid("URL", "\" http://a\""));
	CHECK(is_valid("URL", "\"hxxp://a\""));
	CHECK(!is_valid("Base64", "\"foo\""));
	CHECK(is_valid("DateTime", "\"2015-8-1t8:6:1+00:00\""));
	CHECK(!is_valid("DateTime", "\"2015-02-29T00:00:00+00:00\""));
	CHECK(!is_valid("DateTime", "\"2015-08-31T08:16:60+00:00\""));
}

/* Every type, every kind: nothing but yes and no may come of it, and a "no" writes nothing. */
static void hostile(void)
{
	static const char *const patterns[] = { "a", "1", "9", "(", "[", ".", "a.", ":", "/", "%", "ö", "\xff", "\xe2\x80", " ", "\n",
		"{\"a\":", "\\u", "x", "hxxp://", "1 ", "Jan ", "12:", "-", "_", "=", "\xed\xa0\x80", "\xf0\x9f\x98\x80" };
	static const size_t lengths[] = { 1, 2, 3, 63, 64, 255, 511, 512, 513, 4300, 4301, 100000 };
	static const struct {
		enum value_kind kind;
		struct text text;
	} others[] = {
		{ VALUE_NONE, { "", 0 } }, { VALUE_NULL, { "null", 4 } }, { VALUE_TRUE, { "true", 4 } },
		{ VALUE_FALSE, { "false", 5 } }, { VALUE_NUMBER, { "-0", 2 } }, { VALUE_NUMBER, { "1e999", 5 } },
		{ VALUE_NUMBER, { "-1e-999", 7 } }, { VALUE_ARRAY, { "[]", 2 } }, { VALUE_OBJECT, { "{ }", 3 } },
		{ VALUE_OBJECT, { "{\"\":[{}]}", 9 } }, { VALUE_STRING, { "", 0 } }, { VALUE_STRING, { "\0", 1 } },
		{ VALUE_STRING, { "http://\0", 8 } }, { VALUE_STRING, { "\xc2\x85", 2 } },
	};
	size_t count;
	const struct type *const *types = type_list(&count);

	for (size_t t = 0; t < count; t++) {
		for (size_t i = 0; i < LENGTH(others); i++) {
			buf_clear(&out);
			CHECK(types[t]->accept(others[i].kind, others[i].text, &out) == (out.len > 0));
			types[t]->valid(others[i].kind, others[i].text);
		}
		for (size_t i = 0; i < LENGTH(patterns) * LENGTH(lengths); i++) {
			const char *pattern = patterns[i % LENGTH(patterns)];
			size_t n = lengths[i / LENGTH(patterns)], period = strlen(pattern);
			char *bytes = alloc_zero(n, 1);
			struct value_error error;
			struct value v;

			for (size_t k = 0; k < n; k++)
				bytes[k] = pattern[k % period];
			buf_clear(&out);
			if (types[t]->accept(VALUE_STRING, (struct text){ bytes, n }, &out))
				CHECK(value_parse(buf_view(&out), &v, &error));
			else
				CHECK(out.len == 0);
			types[t]->valid(VALUE_STRING, (struct text){ bytes, n });
			free(bytes);
		}
	}
}

int main(void)
{
	size_t count;

	setenv("IMQ_NOW", "2026-11-24T12:34:56", 1);
	type_list(&count);
	CHECK(count == 21);
	CHECK(type_named(TEXT("Nothing")) == NULL);
	CHECK_SAME(made(SANITISE, "TLP", "\"TLP\""), "\"\"");
	CHECK_SAME(made(SANITISE, "ClassificationType", "\" \""), "refused");
	accepting();
	today();
	validity();
	hostile();
	buf_free(&out);
	return check_end();
}
