/* imq-remove-affix: cut a beginning or an end off a field, once. */
#include "event.h"
#include "filter.h"
#include "rewrite.h"

static struct {
	bool remove_prefix;
	const char *affix, *field;
	struct text cut;
	enum field f;
	struct buf scratch;
} my;

static const struct opt options[] = {
	OPT_BOOL('p', "remove-prefix", &my.remove_prefix, true,
		"cut at the beginning (--no-remove-prefix: at the end)"),
	OPT_TEXT('a', "affix", &my.affix, "www.", "what to cut"),
	OPT_TEXT('f', "field", &my.field, "source.fqdn", "the field to cut"),
	OPT_END
};

static bool start(struct problem *problem)
{
	my.cut = text_of(my.affix);
	my.f = field_intern(text_of(my.field));
	return field_check(my.f, problem);
}

static bool cut(struct text in, struct buf *out)
{
	if (my.cut.len == 0 || !(my.remove_prefix ? text_starts : text_ends)(in, my.cut))
		return false;
	buf_add(out, in.at + (my.remove_prefix ? my.cut.len : 0), in.len - my.cut.len);
	return true;
}

static enum verdict remove_affix(struct event *ev)
{
	if (event_rewrite(ev, my.f, cut, &my.scratch) == REWRITE_NOT_TEXT)
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
		&(struct filter){ .name = "imq-remove-affix",
			.module = "intelmq.bots.experts.remove_affix.expert",
			.summary = "cut a prefix or a suffix off a field",
			.options = options,
			.start = start,
			.event = remove_affix,
			.stop = stop });
}
