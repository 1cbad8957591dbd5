/* imq-tor-nodes: mark addresses that are exits of the Tor network, by a list of them. */
#include "event.h"
#include "filter.h"
#include "ipmap.h"
#include "log.h"
#include "watch.h"

enum { LARGEST = 256 << 20 };

static struct {
	const char *database;
	bool overwrite, autoupdate;
	struct ipmap nodes;
	struct watch watch;
} my;

static const struct opt options[] = {
	OPT_TEXT('d', "database", &my.database, "/opt/intelmq/var/lib/bots/tor_nodes/tor_nodes.dat",
		"the list, an address a line"),
	OPT_BOOL('o', "overwrite", &my.overwrite, false, "mark also where the event says otherwise"),
	OPT_BOOL(0, "autoupdate-cached-database", &my.autoupdate, true,
		"without effect: imq fetches no databases by itself"),
	OPT_END
};

static const struct {
	enum field ip, tor_node;
} sides[] = {
	{ F_SOURCE_IP, F_SOURCE_TOR_NODE },
	{ F_DESTINATION_IP, F_DESTINATION_TOR_NODE },
};

static bool load(struct problem *problem)
{
	struct buf file = BUF_INIT;
	struct ipmap nodes = { NULL, 0, 0 };
	struct text rest, line;
	long number = 0;

	watch_note(&my.watch, my.database);
	if (!file_read(my.database, LARGEST, &file, problem)) {
		buf_free(&file);
		return false;
	}
	for (rest = buf_view(&file); text_split(&rest, '\n', &line);) {
		struct ip ip;

		number++;
		line = text_trim(line);
		if (line.len == 0 || line.at[0] == '#')
			continue;
		if (ip_parse(line, &ip))
			ipmap_add(&nodes, &ip, 1);
		else
			log_record(my.database, number, TEXT("not an IP address: the line is left out"));
	}
	ipmap_finish(&nodes);
	ipmap_free(&my.nodes);
	my.nodes = nodes;
	buf_free(&file);
	return true;
}

/* Whether one of the addresses in F is listed. */
static bool is_node(struct event *ev, enum field f)
{
	struct event_values values = event_values(ev, f);
	struct value v;
	long long unused;
	struct ip ip;

	while (event_next_value(&values, &v))
		if (ip_parse(event_value_form(ev, v), &ip) && ipmap_find(&my.nodes, &ip, &unused))
			return true;
	return false;
}

static enum verdict mark_nodes(struct event *ev)
{
	for (size_t i = 0; i < LENGTH(sides); i++)
		if ((my.overwrite || !event_has(ev, sides[i].tor_node)) && is_node(ev, sides[i].ip))
			event_set_boolean(ev, sides[i].tor_node, true);
	return PASS;
}

static int64_t look_again(const struct batch *batch)
{
	(void)batch;
	return watch_again(&my.watch, load);
}

static void stop(void)
{
	ipmap_free(&my.nodes);
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv,
		&(struct filter){ .name = "imq-tor-nodes",
			.module = "intelmq.bots.experts.tor_nodes.expert",
			.summary = "mark addresses that are Tor exits",
			.options = options,
			.start = load,
			.event = mark_nodes,
			.timer = look_again,
			.reload = load,
			.stop = stop });
}
