#include "regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>

#include "alloc.h"

enum { MATCH_LIMIT = 1000000, DEPTH_LIMIT = 10000, HEAP_LIMIT_KIB = 16 * 1024 };

struct regex {
	pcre2_code *code;
	pcre2_match_data *data;
	pcre2_match_context *context;
};

struct regex *regex_new(struct text pattern, unsigned flags, struct problem *problem)
{
	uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_DOLLAR_ENDONLY;
	struct regex *r;
	int error;
	PCRE2_SIZE offset;
	pcre2_code *code;

	if (flags & REGEX_NOCASE)
		options |= PCRE2_CASELESS;
	if (flags & REGEX_WHOLE)
		options |= PCRE2_ANCHORED | PCRE2_ENDANCHORED;
	if (flags & REGEX_MULTILINE)
		options |= PCRE2_MULTILINE;
	code = pcre2_compile((PCRE2_SPTR)pattern.at, pattern.len, options, &error, &offset, NULL);
	if (!code) {
		PCRE2_UCHAR message[128];

		pcre2_get_error_message(error, message, sizeof message);
		problem_set(problem, "regular expression, character %zu: %s", (size_t)offset, (const char *)message);
		return NULL;
	}
	r = alloc_zero(1, sizeof *r);
	r->code = code;
	pcre2_jit_compile(code, PCRE2_JIT_COMPLETE); /* where there is no JIT, the interpreter does the job */
	r->data = pcre2_match_data_create_from_pattern(code, NULL);
	r->context = pcre2_match_context_create(NULL);
	pcre2_set_match_limit(r->context, MATCH_LIMIT);
	pcre2_set_depth_limit(r->context, DEPTH_LIMIT);
	pcre2_set_heap_limit(r->context, HEAP_LIMIT_KIB);
	return r;
}

void regex_free(struct regex *r)
{
	if (!r)
		return;
	pcre2_match_context_free(r->context);
	pcre2_match_data_free(r->data);
	pcre2_code_free(r->code);
	free(r);
}

bool regex_search(struct regex *r, struct text t)
{
	return pcre2_match(r->code, (PCRE2_SPTR)(t.at ? t.at : ""), t.len, 0, 0, r->data, r->context) >= 0;
}

bool regex_match(struct regex *r, struct text t, struct text *groups, size_t count)
{
	const PCRE2_SIZE *ends;
	uint32_t known;

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
	int number = pcre2_substring_number_from_name(r->code, (PCRE2_SPTR)name);

	return number > 0 ? number : -1;
}

unsigned regex_groups(const struct regex *r)
{
	uint32_t count = 0;

	pcre2_pattern_info(r->code, PCRE2_INFO_CAPTURECOUNT, &count);
	return count;
}
