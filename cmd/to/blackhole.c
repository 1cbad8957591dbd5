/* imq-to-blackhole: events vanish. For trying out pipelines, and for paths that nobody wants. */
#include "filter.h"

static const struct opt options[] = { OPT_END };

static enum verdict swallow(struct event *ev)
{
	(void)ev;
	return PASS;
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv, &(struct filter){
		.name = "imq-to-blackhole", .module = "intelmq.bots.outputs.blackhole.output",
		.summary = "take events and do nothing with them", .options = options, .sink = true, .event = swallow });
}
