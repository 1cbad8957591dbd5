/* Tables in pyasn's text format: `network/length TAB number` a line. */
#include <string.h>

#include "asn.h"

enum { LONGEST_LINE = 511 };

const char *table_line(struct text line, struct netmap *networks)
{
	struct text asn = line, network;
	unsigned long long number = 0;
	struct ip ip;
	unsigned prefix;

	text_split(&asn, '\t', &network);
	if (!asn.at)
		return "no TAB";
	if (!memchr(network.at, '/', network.len) || !ip_parse_network(network, &ip, &prefix))
		return "not a network";
	if (prefix == 0)
		return "a network of length 0";
	for (size_t i = 0; i < asn.len && asn.at[i] >= '0' && asn.at[i] <= '9' && number <= UINT32_MAX; i++)
		number = number * 10 + (unsigned long long)(asn.at[i] - '0');
	if (number == 0 || number > UINT32_MAX)
		return "not an AS number";
	netmap_add(networks, &ip, prefix, (uint32_t)number);
	return NULL;
}

bool table_read(const char *path, struct netmap *networks, struct problem *problem)
{
	char *files[] = { (char *)(uintptr_t)path, NULL };
	enum reader_state state;
	const char *wrong = NULL;
	struct reader reader;
	struct text line;

	reader_init(&reader, files, LONGEST_LINE);
	while (!wrong && (state = reader_next(&reader, &line)) != READER_END) {
		if (state == READER_WAIT)
			reader_wait(&reader, -1);
		else if (state == READER_LONG)
			wrong = "longer than 511 bytes";
		else if (state == READER_FAILED)
			wrong = reader.problem.text;
		else if (state == READER_RECORD && line.at[0] != ';' && line.at[0] != '#')
			wrong = table_line(line, networks);
	}
	if (wrong)
		problem_at(problem, path, wrong == reader.problem.text ? 0 : reader.line, 0, "%s", wrong);
	else
		netmap_finish(networks);
	reader_free(&reader);
	return !wrong;
}
