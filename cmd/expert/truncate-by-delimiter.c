/* imq-truncate-by-delimiter: shorten a field from the left, in whole pieces between delimiters. */
#include "event.h"
#include "filter.h"
#include "rewrite.h"

static struct {
	const char *delimiter, *field;
	long long max_length;
	struct text between;
	enum field f;
	struct buf scratch;
} my;

static const struct opt options[] = {
	OPT_TEXT('d', "delimiter", &my.delimiter, ".", "what the pieces end with"),
	OPT_INTEGER('l', "max-length", &my.max_length, "200", "characters that need no shortening"),
	OPT_TEXT('f', "field", &my.field, "source.fqdn", "the field to shorten"),
	OPT_END
};

static bool start(struct problem *problem)
{
	my.between = text_of(my.delimiter);
	if (my.between.len == 0)
		return problem_set(problem, "--delimiter must not be empty");
	my.f = field_intern(text_of(my.field));
	return field_check(my.f, problem);
}

static long long characters(struct text t)
{
	long long count = 0;

	for (size_t i = 0; i < t.len; i++)
		count += ((unsigned char)t.at[i] & 0xc0) != 0x80;
	return count;
}

static bool shorten(struct text in, struct buf *out)
{
	long long length = characters(in);
	size_t before = in.len;
	const char *found;

	while (length > my.max_length && in.len &&
		(found = memmem(in.at, in.len, my.between.at, my.between.len))) {
		size_t n = (size_t)(found - in.at) + my.between.len;

		length -= characters((struct text){ in.at, n });
		in = text_from(in, n);
	}
	buf_text(out, in);
	return in.len < before;
}

static enum verdict truncate_field(struct event *ev)
{
	if (event_rewrite(ev, my.f, shorten, &my.scratch) == REWRITE_NOT_TEXT)
		event_mark(ev, "%s: not a text", my.field);
	return PASS;
}

static void stop(void)
{
	buf_free(&my.scratch);
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv,
		&(struct filter){ .name = "imq-truncate-by-delimiter",
			.module = "intelmq.bots.experts.truncate_by_delimiter.expert",
			.summary = "shorten a field from the left at delimiters",
			.options = options,
			.start = start,
			.event = truncate_field,
			.stop = stop });
}
