#include "regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>

#include "alloc.h"
#include "regex_priv.h"

enum { REGEX_PAIRS_LENGTH = 512 }; /* longer texts have so many pairs that it is no use */
enum { MATCH_LIMIT = 1000000, DEPTH_LIMIT = 10000, HEAP_LIMIT_KIB = 16 * 1024 };

struct regex {
	struct regex_pairs pairs; /* that every text has that it matches */
	/* A literal has no code, but what it looks for. */
	struct buf literal;
	bool at_start, at_end, before_line_feed; /* the literal stands there; the end may also be that before
						    a last line feed */
	struct buf prefix; /* what every text begins with that CODE matches: an expression that begins with ^
			      mostly fails there */
	pcre2_code *code;
	pcre2_match_data *data;
	pcre2_match_context *context;
};

/* Whether PATTERN is ^, literal characters, $ or a part of that; LITERAL gets the characters. */
static bool is_literal(struct text pattern, unsigned flags, struct regex *r)
{
	static const char special[] = "\\^$.|?*+()[]{}";

	if (flags & (REGEX_NOCASE | REGEX_MULTILINE) || memchr(pattern.at, 0, pattern.len))
		return false;
	r->at_start = r->at_end = flags & REGEX_WHOLE;
	if (text_starts(pattern, TEXT("^"))) {
		r->at_start = true;
		pattern = text_from(pattern, 1);
	}
	for (size_t i = 0; i < pattern.len; i++) {
		char c = pattern.at[i];

		if (c == '$' && i + 1 == pattern.len) {
			r->before_line_feed = flags & REGEX_PYTHON && !r->at_end;
			r->at_end = true;
			break;
		}
		if (c == '\\' && i + 1 < pattern.len && strchr(special, pattern.at[i + 1]))
			c = pattern.at[++i];
		else if (strchr(special, c))
			return false;
		buf_char(&r->literal, c);
	}
	return true;
}

/* Where the bracket is that ends the set that opens at I; PATTERN's end if there is none. */
static size_t set_end(struct text pattern, size_t i)
{
	i += i + 1 < pattern.len && pattern.at[i + 1] == '^';
	i += i + 1 < pattern.len && pattern.at[i + 1] == ']'; /* a bracket that comes first is itself */
	while (++i < pattern.len && pattern.at[i] != ']')
		i += pattern.at[i] == '\\';
	return i < pattern.len ? i : pattern.len;
}

/* Whether PATTERN has a | that is in no group, and with it several beginnings; also true where that is not
 * easily told. */
static bool has_alternatives(struct text pattern)
{
	size_t depth = 0;

	for (size_t i = 0; i < pattern.len; i++) {
		char c = pattern.at[i], next = i + 1 < pattern.len ? pattern.at[i + 1] : '\0';

		if (c == '\\') {
			i++;
		} else if (c == '[') {
			i = set_end(pattern, i);
		} else if (c == '(') {
			depth++;
			/* Comments and flags change how the rest reads. */
			if (next == '?' && (i + 2 >= pattern.len || !pattern.at[i + 2] ||
						   !strchr(":P=!<", pattern.at[i + 2])))
				return true;
		} else if (c == ')' && depth) {
			depth--;
		} else if (c == '|' && !depth) {
			return true;
		}
	}
	return false;
}

/* Finds the plain characters that follow a ^ at the beginning. */
static void find_prefix(struct text pattern, unsigned flags, struct regex *r)
{
	static const char special[] = "\\^$.|?*+()[]{}";

	if (flags != REGEX_PYTHON || !text_starts(pattern, TEXT("^")) || has_alternatives(pattern))
		return;
	for (size_t i = 1; i < pattern.len; i++) {
		char c = pattern.at[i];

		if (c == '\\' && i + 1 < pattern.len && pattern.at[i + 1] &&
			strchr(special, pattern.at[i + 1])) {
			c = pattern.at[++i];
		} else if (c && strchr("?*{", c)) {
			/* The character before may be absent; of a longer one all bytes go. */
			while (r->prefix.len && ((unsigned char)r->prefix.at[--r->prefix.len] & 0xc0) == 0x80)
				;
			return;
		} else if (!c || strchr(special, c)) {
			return;
		}
		buf_char(&r->prefix, c);
	}
}

static void add_pair(struct regex_pairs *pairs, char a, char b)
{
	unsigned number = ((unsigned)(unsigned char)a * 37 + (unsigned)(unsigned char)b * 101) % 256;

	pairs->bits[number / 64] |= UINT64_C(1) << number % 64;
}

struct regex_pairs regex_pairs_of(struct text t)
{
	struct regex_pairs pairs = { { 0 } };

	if (t.len > REGEX_PAIRS_LENGTH)
		return (struct regex_pairs){ { UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX } };
	for (size_t i = 1; i < t.len; i++)
		add_pair(&pairs, t.at[i - 1], t.at[i]);
	return pairs;
}

bool regex_may_match(const struct regex *r, const struct regex_pairs *pairs)
{
	uint64_t missing = 0;

	for (size_t i = 0; i < LENGTH(pairs->bits); i++)
		missing |= r->pairs.bits[i] & ~pairs->bits[i];
	return !missing;
}

/* Behind the group or the set that opens at I; nothing in it is looked at, as it need not be matched. */
static size_t skip_group(struct text pattern, size_t i)
{
	size_t depth = 0;

	for (; i < pattern.len; i++) {
		char c = pattern.at[i];

		if (c == '\\') {
			i++;
		} else if (c == '[') {
			i = set_end(pattern, i);
		} else if (c == '(') {
			depth++;
		} else if (c == ')') {
			depth--;
		}
		if (!depth)
			return i + 1;
	}
	return i;
}

/* Finds the pairs of plain characters that stand in the expression itself, outside of groups and sets. A character that may be
 * absent, or repeated, ends a run of them; what is not known for sure (letters behind a backslash) ends the search. */
static void find_pairs(struct text pattern, unsigned flags, struct regex *r)
{
	static const char special[] = "\\^$.|?*+()[]{}";
	char last = 0; /* the character before, 0: none that is sure to be next to the one that comes */

	if (flags & REGEX_NOCASE || memchr(pattern.at, 0, pattern.len) || has_alternatives(pattern) ||
		memmem(pattern.at, pattern.len, "(*", 2) || memmem(pattern.at, pattern.len, "[[", 2))
		return;
	for (size_t i = 0; i < pattern.len;) {
		char c = pattern.at[i], next;

		if (c == '(' || c == '[') {
			i = skip_group(pattern, i);
			last = 0;
			continue;
		}
		if (c == '\\' && i + 1 < pattern.len && strchr(special, pattern.at[i + 1])) {
			c = pattern.at[++i];
		} else if (c == '\\' && !(i + 1 < pattern.len && strchr("dDwWsSbB", pattern.at[i + 1]))) {
			return;
		} else if (c == '\\' || strchr(special, c)) {
			/* Of a count in braces the digits are no characters; braces that are no count end the search. */
			if (c == '{')
				return;
			i += c == '\\' ? 2 : 1;
			last = 0;
			continue;
		}
		next = ++i < pattern.len ? pattern.at[i] : '\0';
		/* Bytes of longer characters are left out: what follows would be about all of them. */
		if ((unsigned char)c >= 0x80 || (next && strchr("?*{", next))) {
			last = 0;
			continue;
		}
		if (last)
			add_pair(&r->pairs, last, c);
		last = c;
	}
}

static struct regex *compile(struct regex *r, struct text pattern, uint32_t options, struct problem *problem)
{
	int error;
	PCRE2_SIZE offset;

	r->code = pcre2_compile(
		(PCRE2_SPTR)(pattern.at ? pattern.at : ""), pattern.len, options, &error, &offset, NULL);
	if (!r->code) {
		PCRE2_UCHAR message[128];

		pcre2_get_error_message(error, message, sizeof message);
		problem_set(problem, "regular expression, character %zu: %s", (size_t)offset,
			(const char *)message);
		regex_free(r);
		return NULL;
	}
	pcre2_jit_compile(
		r->code, PCRE2_JIT_COMPLETE); /* where there is no JIT, the interpreter does the job */
	r->data = pcre2_match_data_create_from_pattern(r->code, NULL);
	r->context = pcre2_match_context_create(NULL);
	pcre2_set_match_limit(r->context, MATCH_LIMIT);
	pcre2_set_depth_limit(r->context, DEPTH_LIMIT);
	pcre2_set_heap_limit(r->context, HEAP_LIMIT_KIB);
	return r;
}

struct regex *regex_new(struct text pattern, unsigned flags, struct problem *problem)
{
	uint32_t options = PCRE2_UTF | PCRE2_UCP;
	struct regex *r = alloc_zero(1, sizeof *r);
	struct buf translated = BUF_INIT;

	if (is_literal(pattern, flags, r)) {
		r->pairs = regex_pairs_of(buf_view(&r->literal));
		return r;
	}
	buf_clear(&r->literal);
	find_pairs(pattern, flags, r);
	find_prefix(pattern, flags, r);
	if (flags & REGEX_NOCASE)
		options |= PCRE2_CASELESS;
	if (flags & REGEX_WHOLE)
		options |= PCRE2_ANCHORED | PCRE2_ENDANCHORED;
	if (flags & REGEX_MULTILINE)
		options |= PCRE2_MULTILINE;
	if (!(flags & REGEX_PYTHON))
		return compile(r, pattern, options | PCRE2_DOLLAR_ENDONLY, problem);
	options |= PCRE2_ALT_CIRCUMFLEX;
	if (regex_from_python(pattern, &translated, &options, problem)) {
		r = compile(r, buf_view(&translated), options, problem);
	} else {
		regex_free(r);
		r = NULL;
	}
	buf_free(&translated);
	return r;
}

void regex_free(struct regex *r)
{
	if (!r)
		return;
	pcre2_match_context_free(r->context);
	pcre2_match_data_free(r->data);
	pcre2_code_free(r->code);
	buf_free(&r->literal);
	buf_free(&r->prefix);
	free(r);
}

/* Where the literal is in T; .at is NULL if it is not there. */
static struct text find_literal(const struct regex *r, struct text t)
{
	struct text wanted = buf_view(&r->literal);
	struct text shorter = t;

	if (!t.at)
		t = shorter = TEXT("");
	if (r->before_line_feed && text_ends(t, TEXT("\n")))
		shorter.len--;
	if (r->at_start && r->at_end)
		return text_eq(t, wanted) || text_eq(shorter, wanted) ? (struct text){ t.at, wanted.len }
								      : NO_TEXT;
	if (r->at_start)
		return text_starts(t, wanted) ? (struct text){ t.at, wanted.len } : NO_TEXT;
	if (r->at_end) {
		if (!text_ends(shorter, wanted))
			shorter = t;
		return text_ends(shorter, wanted)
			       ? (struct text){ shorter.at + shorter.len - wanted.len, wanted.len }
			       : NO_TEXT;
	}
	return (struct text){ memmem(t.at, t.len, wanted.at, wanted.len), wanted.len };
}

bool regex_search(struct regex *r, struct text t)
{
	if (!r->code)
		return find_literal(r, t).at != NULL;
	if (r->prefix.len && !text_starts(t, buf_view(&r->prefix)))
		return false;
	return pcre2_match(r->code, (PCRE2_SPTR)(t.at ? t.at : ""), t.len, 0, 0, r->data, r->context) >= 0;
}

bool regex_match(struct regex *r, struct text t, struct text *groups, size_t count)
{
	const PCRE2_SIZE *ends;
	uint32_t known;

	/* Nothing, in which a group may be found: that one has an address. */
	if (!t.at)
		t = text_of("");
	if (!r->code) {
		for (size_t i = 0; i < count; i++)
			groups[i] = i ? NO_TEXT : find_literal(r, t);
		return find_literal(r, t).at != NULL;
	}
	if (!regex_search(r, t))
		return false;
	ends = pcre2_get_ovector_pointer(r->data);
	known = pcre2_get_ovector_count(r->data);
	for (size_t i = 0; i < count; i++) {
		if (i < known && ends[2 * i] != PCRE2_UNSET)
			groups[i] = (struct text){ t.at + ends[2 * i], ends[2 * i + 1] - ends[2 * i] };
		else
			groups[i] = NO_TEXT;
	}
	return true;
}

int regex_group(const struct regex *r, const char *name)
{
	int number = !r->code ? -1 : pcre2_substring_number_from_name(r->code, (PCRE2_SPTR)name);

	return number > 0 ? number : -1;
}

unsigned regex_groups(const struct regex *r)
{
	uint32_t count = 0;

	if (r->code)
		pcre2_pattern_info(r->code, PCRE2_INFO_CAPTURECOUNT, &count);
	return count;
}

struct text regex_exact(const struct regex *r)
{
	return !r->code && r->at_start && r->at_end ? buf_view(&r->literal) : NO_TEXT;
}
