/* Regular expressions: Python's language in PCRE2's, literals without an engine. */
#include <stdlib.h>

#include "check.h"
#include "regex.h"

/* 1: matches, 0: does not, -1: is refused. */
static int search(const char *pattern, unsigned flags, struct text subject)
{
	struct problem problem;
	struct regex *r = regex_new(text_of(pattern), flags, &problem);
	struct text whole;
	bool matches, same;

	if (!r)
		return -1;
	matches = regex_search(r, subject);
	same = regex_match(r, subject, &whole, 1) == matches && (whole.at != NULL || !matches);
	regex_free(r);
	return same ? matches : -2;
}

static int python(const char *pattern, const char *subject)
{
	return search(pattern, REGEX_PYTHON, text_of(subject));
}

/* The rows were tried with Python 3.11; it takes \\ud800 and x in a group, which are refused here. */
static void same_as_python(void)
{
	static const struct {
		const char *pattern, *subject;
		int result;
	} rows[] = {
		{ "a$", "a\n", 1 },
		{ "a$", "a\n\n", 0 },
		{ "a[b]?$", "a\n", 1 },
		{ "a\\Z", "a\n", 0 },
		{ "a\\Z", "a", 1 },
		{ "a\\z", "a", -1 },
		{ "^ab?c", "ac", 1 },
		{ "^ab*", "a", 1 },
		{ "^ab{0,1}$", "a", 1 },
		{ "^a|b", "b", 1 },
		{ "^a[](]|b", "b", 1 },
		{ "^a[^](]|b", "b", 1 },
		{ "^a(?#x)|b", "b", 1 },
		{ "^a(b|c)", "ad", 0 },
		{ "^a(b|c)", "xab", 0 },
		{ "^a\\.b+$", "a.bb", 1 },
		{ "^a(?i:B)", "ab", 1 },
		{ "^\xc3\xa4?b", "b", 1 },
		{ "^a", "ba", 0 },
		{ "^ab$", "ab\n", 1 },
		{ "^ab$", "abc", 0 },
		{ "", "", 1 },
		{ "^$", "\n", 1 },
		{ "(?P<n>a)(?P=n)", "aa", 1 },
		{ "(?<n>a)", "a", -1 },
		{ "(a)\\1", "aa", 1 },
		{ "(a)\\01", "a\1", 1 },
		{ "\\x41\\u0042\\U00000043\\104", "ABCD", 1 },
		{ "\\x4", "A", -1 },
		{ "\\ud800", "A", -1 },
		{ "\\N{DASH}", "-", -1 },
		{ "\\v", "\v", 1 },
		{ "\\v", "\n", 0 },
		{ "\\h", " ", -1 },
		{ "\\Qa.b\\E", "a.b", -1 },
		{ "\\p{L}", "a", -1 },
		{ "[\\w]{,2}x", "abx", 1 },
		{ "^a{,2}$", "aa", 1 },
		{ "^a{,}$", "aaaa", 1 },
		{ "^a{,x}$", "a{,x}", 1 },
		{ "[[:alpha:]]", "l]", 1 },
		{ "[[:alpha:]]", "x", 0 },
		{ "[]a]", "]", 1 },
		{ "[^]a]", "]", 0 },
		{ "[a", "a", -1 },
		{ "[\\b]", "\b", 1 },
		{ "[\\B]", "B", -1 },
		{ "[\\101]", "A", 1 },
		{ "[\\8]", "8", -1 },
		{ "(?i)ABC", "abc", 1 },
		{ "a(?i)B", "ab", -1 },
		{ "a(?i:B)", "ab", 1 },
		{ "a(?-i:b)", "ab", 1 },
		{ "(?q)", "", -1 },
		{ "(?x) a b # (comment", "ab", 1 },
		{ "a(?x: b)", "ab", -1 },
		{ "(?a)\\w", "\303\244", 0 },
		{ "\\w", "\303\244", 1 },
		{ "(?u)a", "a", 1 },
		{ "(?L)a", "a", -1 },
		{ "(?s).", "\n", 1 },
		{ ".", "\n", 0 },
		{ "(?#no)a", "a", 1 },
		{ "(*UTF)a", "a", -1 },
		{ "(?R)", "", -1 },
		{ "(?", "", -1 },
		{ "x(?i", "", -1 },
		{ "(?|a)", "a", -1 },
		{ "(?1)", "", -1 },
		{ "(?>a)", "a", 1 },
		{ "(a)?(?(1)b|c)", "ab", 1 },
		{ "(?P<R>a)?(?(R)b|c)$", "ab", 1 },
		{ "(?(x)b)", "b", -1 },
		{ "a++", "aa", 1 },
		{ "(?<=a)b", "ab", 1 },
		{ "(?<!a)b", "ab", 0 },
		{ "a\\", "a", -1 },
		{ "*a", "a", -1 },
		{ "(", "", -1 },
		{ "\\\303\244", "\303\244", 1 },
		{ "\\.\\-\\/", ".-/", 1 },
		{ "(?m)^b$", "a\nb\nc", 1 },
		{ "(?m)a\n^$", "a\n", 1 },
	};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		int result = python(rows[i].pattern, rows[i].subject);

		if (result != rows[i].result)
			fprintf(stderr, "%s on %s\n", rows[i].pattern, rows[i].subject);
		CHECK(result == rows[i].result);
	}
}

static void literals(void)
{
	CHECK(search("example\\.com", 0, TEXT("www.example.com.")) == 1);
	CHECK(search("example\\.com", 0, TEXT("www.example_com.")) == 0);
	CHECK(search("^www", 0, TEXT("www.example.com")) == 1);
	CHECK(search("com$", 0, TEXT("www.example.com")) == 1);
	CHECK(search("com$", 0, TEXT("www.example.com\n")) == 0);
	CHECK(search("com$", REGEX_PYTHON, TEXT("www.example.com\n")) == 1);
	CHECK(search("\n$", REGEX_PYTHON, TEXT("a\n")) == 1);
	CHECK(search("com", REGEX_WHOLE, TEXT("com")) == 1);
	CHECK(search("com", REGEX_WHOLE, TEXT("comm")) == 0);
	CHECK(search("com", REGEX_WHOLE | REGEX_PYTHON, TEXT("com\n")) == 0);
	CHECK(search("COM", REGEX_NOCASE, TEXT("com")) == 1);
	CHECK(search("a", 0, NO_TEXT) == 0);
	CHECK(search("", 0, NO_TEXT) == 1);
	CHECK(search("a\\$b$", 0, TEXT("a$b")) == 1);
}

static void effort_is_limited(void)
{
	char subject[40];

	memset(subject, 'a', sizeof subject);
	CHECK(search("^(a|aa|aaa)++b|(a+)+$b", REGEX_PYTHON, (struct text){ subject, sizeof subject }) == 0);
	CHECK(search("(.*)\\1", REGEX_PYTHON, (struct text){ "\xff", 1 }) == 0);
}

/* What is said to match no text with such pairs must match none; and what is far from it should be told. */
static void pairs(void)
{
	static const char *const patterns[] = { "gate1\\.php", "gate1\\.php\\?", "ab?c", "ab*cd", "ab+cd", "abc{0}d", "a(bc)?d", "a[bc]d", "(?:ab|cd)",
		"ab|cd", "x\\dgate", "\\x61bc", "^ab$", "a(?=bc)bc", "(?i)ab", "(a)\\1b", "ab\\b cd", "a[]b]c", "a[^]b]cd", "\xc3\xa4?bc", "a.cd", "a{2}b",
		"[[:alpha:]]bc", "(?#ab)cd", "gate", "a(b\\)c)d", "(?P<n>a)b", "a$\\n?", "(?(1)ab|cd)ef", "[a\\]b]cd" };
	static const char *const texts[] = { "gate1.php", "gate1.php?x", "ac", "acd", "abbcd", "abd", "ad", "abd", "cd", "ab", "x1gate", "abc", "AB", "aab",
		"ab cd", "a]c", "axcd", "bc", "\xc3\xa4" "bc", "aab", "gate", "ab)cd", "ef", "abef", "]cd", "", "a", "zzzz" };
	unsigned told = 0;

	for (size_t i = 0; i < LENGTH(patterns); i++)
		for (unsigned flags = 0; flags <= REGEX_PYTHON; flags += REGEX_PYTHON) {
			struct problem problem;
			struct regex *r = regex_new(text_of(patterns[i]), flags, &problem);

			for (size_t k = 0; r && k < LENGTH(texts); k++) {
				struct regex_pairs there = regex_pairs_of(text_of(texts[k]));
				bool may = regex_may_match(r, &there);

				check_that(may || !regex_search(r, text_of(texts[k])), __FILE__, __LINE__, patterns[i]);
				told += !may;
			}
			regex_free(r);
		}
	CHECK(told > 500);
}

int main(void)
{
	pairs();
	same_as_python();
	literals();
	effort_is_limited();
	return check_end();
}
