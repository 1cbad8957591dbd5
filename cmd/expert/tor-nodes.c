/* imq-tor-nodes: mark addresses that are exits of the Tor network, by a list of them. */
#include <errno.h>
#include <unistd.h>

#include "database.h"
#include "event.h"
#include "files.h"
#include "filter.h"
#include "ipmap.h"
#include "log.h"
#include "watch.h"

enum { LARGEST = 256 << 20, BLOCK = 65536 };

static struct {
	const char *database;
	bool overwrite;
	struct ipmap nodes;
	struct watch watch;
	struct database updates;
} my;

static const struct opt options[] = {
	OPT_TEXT('d', "database", &my.database, "/opt/intelmq/var/lib/bots/tor_nodes/tor_nodes.dat",
		"the list, an address a line"),
	OPT_BOOL('o', "overwrite", &my.overwrite, false, "mark also where the event says otherwise"),
	DATABASE_OPTIONS(&my.updates, "https://check.torproject.org/exit-addresses"),
	OPT_END
};

static const struct {
	enum field ip, tor_node;
} sides[] = {
	{ F_SOURCE_IP, F_SOURCE_TOR_NODE },
	{ F_DESTINATION_IP, F_DESTINATION_TOR_NODE },
};

static bool read_list(const char *path, struct ipmap *nodes, struct problem *problem)
{
	struct buf file = BUF_INIT;
	struct text rest, line;
	long number = 0;

	if (!file_read(path, LARGEST, &file, problem)) {
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
			ipmap_add(nodes, &ip, 1);
		else
			log_record(path, number, TEXT("not an IP address: the line is left out"));
	}
	ipmap_finish(nodes);
	buf_free(&file);
	return true;
}

static bool load(struct problem *problem)
{
	struct ipmap nodes = { NULL, 0, 0 };

	watch_note(&my.watch, my.database);
	if (!read_list(my.database, &nodes, problem))
		return false;
	ipmap_free(&my.nodes);
	my.nodes = nodes;
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

/* Makes the list of what the Tor project publishes: of `ExitAddress 192.0.2.1 2026-11-26 01:02:03` the address. */
static bool make_list(int in, struct writer *out, struct problem *problem)
{
	static const struct text key = TEXT("ExitAddress ");
	struct buf file = BUF_INIT;
	struct text rest, line, address;
	ssize_t n;

	while ((n = read(in, buf_room(&file, BLOCK), BLOCK)) > 0)
		file.len += (size_t)n;
	for (rest = buf_view(&file); n == 0 && text_split(&rest, '\n', &line);)
		if (text_starts(line, key)) {
			line = text_trim(text_from(line, key.len));
			text_split(&line, ' ', &address);
			buf_text(&out->buffer, address);
			buf_char(&out->buffer, '\n');
			writer_added(out);
		}
	buf_free(&file);
	return n == 0 || problem_set(problem, "%s", strerror(errno));
}

static bool check_list(const char *path, struct problem *problem)
{
	struct ipmap nodes = { NULL, 0, 0 };
	bool fine = read_list(path, &nodes, problem);

	if (fine && nodes.count == 0)
		fine = problem_set(problem, "no addresses in it");
	ipmap_free(&nodes);
	return fine;
}

static enum exit_status update(void)
{
	return database_fetch(&my.updates, &(struct database_file){ .path = my.database,
						   .url = my.updates.url,
						   .convert = make_list,
						   .check = check_list });
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
			.stop = stop,
			.update = update });
}
