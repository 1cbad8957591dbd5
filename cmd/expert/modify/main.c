/* imq-modify: set fields where regular expressions match others, by IntelMQ's rules: every one that holds is
 * applied, in the order of the file, and later ones see what earlier ones did. */
#include "modify.h"

static struct {
	const char *path;
	bool case_sensitive;
	long long limit;
	enum tristate overwrite;
	struct rules *rules;
} my;

static const struct opt options[] = { OPT_TEXT('f', "configuration-path", &my.path,
					      "/opt/intelmq/var/lib/bots/modify/modify.conf",
					      "the file of rules, JSON or YAML"),
	OPT_BOOL('c', "case-sensitive", &my.case_sensitive, true, "patterns tell upper from lower case"),
	OPT_INTEGER('m', "maximum-matches", &my.limit, "0", "stop after so many rules that hold (0: never)"),
	OPT_TRISTATE('o', "overwrite", &my.overwrite, "true", "replace fields that are already there"),
	OPT_END };

static bool load(struct problem *problem)
{
	struct rules *fresh = rules_load(my.path, my.case_sensitive, problem);

	if (!fresh)
		return false;
	rules_free(my.rules);
	my.rules = fresh;
	return true;
}

static enum verdict modify(struct event *ev)
{
	static const enum overwrite modes[] = { [TRISTATE_UNSET] = OVERWRITE_UNSET,
		[TRISTATE_NO] = OVERWRITE_NO,
		[TRISTATE_YES] = OVERWRITE_YES };

	rules_apply(my.rules, ev, modes[my.overwrite], my.limit);
	return PASS;
}

static void stop(void)
{
	rules_free(my.rules);
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv,
		&(struct filter){ .name = "imq-modify",
			.module = "intelmq.bots.experts.modify.expert",
			.summary = "set fields where patterns match others",
			.options = options,
			.start = load,
			.event = modify,
			.reload = load,
			.stop = stop });
}
