/* Fuzz target: any pattern, in Python's language, on any text: the first line is the pattern, the rest the text. */
#include <stdint.h>
#include <stdlib.h>

#include "regex.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text rest = { (const char *)data, size }, pattern, groups[3];
	struct problem problem;
	struct regex *r;
	bool found;

	if (size == 0)
		return 0;
	text_split(&rest, '\n', &pattern);
	r = regex_new(pattern, REGEX_PYTHON, &problem);
	if (!r)
		return 0;
	found = regex_search(r, rest);
	if (found != regex_match(r, rest, groups, LENGTH(groups)))
		abort();
	if (found && groups[0].len > rest.len)
		abort();
	regex_free(r);
	return 0;
}
