/* imq-sieve: filter, change and route events by the rules of a small language, imq-sieve-rules(5), or by one
 * condition on the command line. Rules are compiled when the command starts, so that what is wrong with them
 * is said before the first event. */
#include "sieve.h"

#include <stdio.h>

#include "log.h"

#define DEFAULT_FILE "/opt/intelmq/var/lib/bots/sieve/filter.sieve"

static struct {
	const char *file, *expression;
	bool invert, explain;
	struct program *program;
	struct buf message;
} my;

static const struct opt options[] = { OPT_TEXT('f', "file", &my.file, DEFAULT_FILE, "the file of rules"),
	OPT_TEXT('e', "expression", &my.expression, NULL,
		"in place of a file: let events pass that this condition holds for"),
	OPT_BOOL('v', "invert", &my.invert, false, "let the other events pass (only with a condition)"),
	OPT_BOOL(0, "explain", &my.explain, false,
		"say on stderr what became of each event and which rule decided it"),
	OPT_END };

static struct program *load(struct problem *problem)
{
	return my.expression ? program_of_expression(my.expression, my.invert, problem)
			     : program_load(my.file, problem);
}

/* As with grep: without a file of rules, or -e, the first operand is the condition. */
static bool take_expression(const char *operand)
{
	if (my.expression || strcmp(my.file, DEFAULT_FILE) != 0 || strcmp(operand, "-") == 0)
		return false;
	my.expression = operand;
	return true;
}

static bool start(struct problem *problem)
{
	if (my.expression && strcmp(my.file, DEFAULT_FILE) != 0)
		return problem_set(problem, "--file and --expression exclude each other");
	if (my.invert && !my.expression)
		return problem_set(problem, "--invert goes with a condition only");
	my.program = load(problem);
	return my.program != NULL;
}

static bool reload(struct problem *problem)
{
	struct program *fresh = load(problem);

	if (!fresh)
		return false;
	program_free(my.program);
	my.program = fresh;
	return true;
}

static void put_place(struct place place)
{
	buf_printf(&my.message, " %s:%ld:%ld", my.program->file, place.line, place.column);
}

static void explain(const struct decision *d, enum verdict verdict)
{
	const char *file;
	long line;

	filter_place(&file, &line);
	buf_clear(&my.message);
	buf_printf(&my.message, "%s:%ld: %s", file, line, d->what);
	if (verdict == PASS && d->path)
		for (size_t i = 0; i < d->path->path_count; i++)
			buf_printf(&my.message, "%s %s", i ? "," : " to", d->path->paths[i]);
	if (d->at.line) {
		buf_string(&my.message, " by");
		put_place(d->at);
	} else if (!my.expression && verdict == PASS) {
		buf_string(&my.message, ", end of rules");
	}
	if (verdict == PASS && d->path) {
		buf_string(&my.message, ", path of");
		put_place(d->path->place);
	}
	if (d->rule.line) {
		buf_string(&my.message, ", in branch");
		put_place(d->rule);
	}
	fprintf(stderr, "imq-sieve: %s\n", buf_cstr(&my.message));
}

static enum verdict sift(struct event *ev)
{
	struct decision decision;
	enum verdict verdict = program_run(my.program, ev, &decision);

	if (my.explain)
		explain(&decision, verdict);
	return verdict;
}

static void stop(void)
{
	program_free(my.program);
	buf_free(&my.message);
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv,
		&(struct filter){ .name = "imq-sieve",
			.module = "intelmq.bots.experts.sieve.expert",
			.summary = "filter, change and route events by rules",
			.options = options,
			.operands = "[CONDITION] [FILE]...",
			.first_operand = take_expression,
			.start = start,
			.event = sift,
			.reload = reload,
			.stop = stop });
}
