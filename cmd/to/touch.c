/* imq-to-touch: a file's times become now when events come, for watchdogs that look at them. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "filter.h"

static struct {
	const char *path;
	bool due; /* there were events since */
} my;

static const struct opt options[] = {
	{ .kind = OPT_KIND_TEXT, .letter = 'p', .name = "path", .to.text = &my.path, .argument = "FILE", .help = "the file, which must exist" },
	OPT_END
};

static bool touch(struct problem *problem)
{
	if (utimensat(AT_FDCWD, my.path, NULL, 0) != 0)
		return problem_at(problem, my.path, 0, 0, "%s", strerror(errno));
	my.due = false;
	return true;
}

static enum verdict note(struct event *ev)
{
	(void)ev;
	my.due = true;
	return PASS;
}

static void idle(void)
{
	struct problem problem = { .line = 0 };

	if (my.due && !touch(&problem))
		filter_fail(EXIT_IO, &problem);
}

static bool barrier(const struct batch *batch, struct problem *problem)
{
	(void)batch;
	return !my.due || touch(problem);
}

static bool start(struct problem *problem)
{
	struct stat unused;

	if (!my.path)
		return problem_set(problem, "--path is missing");
	return stat(my.path, &unused) == 0 || problem_at(problem, my.path, 0, 0, "%s", strerror(errno));
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv, &(struct filter){
		.name = "imq-to-touch", .module = "intelmq.bots.outputs.touch.output", .summary = "set the times of a file when events come",
		.options = options, .sink = true, .start = start, .event = note, .idle = idle, .barrier = barrier });
}
