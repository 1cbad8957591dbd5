/* Folders as web servers list them. */
#include <string.h>

#include "asn.h"

/* Whether T is like PATTERN, in which # stands for a digit. */
static bool is_like(struct text t, const char *pattern)
{
	if (t.len != strlen(pattern))
		return false;
	for (size_t i = 0; i < t.len; i++)
		if (pattern[i] == '#' ? t.at[i] < '0' || t.at[i] > '9' : t.at[i] != pattern[i])
			return false;
	return true;
}

bool listing_newest(struct text page, const char *pattern, const char *before, char out[LISTING_NAME])
{
	static const struct text key = TEXT("href=\"");
	const char *at;

	out[0] = 0;
	while ((at = memmem(page.at, page.len, key.at, key.len))) {
		struct text link;

		page = text_from(page, (size_t)(at - page.at) + key.len);
		text_split(&page, '"', &link);
		if (!page.at)
			break;
		if (is_like(link, pattern) && text_cmp(link, text_of(out)) > 0 &&
			(!before || text_cmp(link, text_of(before)) < 0)) {
			memcpy(out, link.at, link.len);
			out[link.len] = 0;
		}
	}
	return out[0];
}
