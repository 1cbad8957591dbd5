/* The peer: every line of stdin parsed into a tree and dumped again by jansson. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	while ((n = getline(&line, &cap, stdin)) > 0) {
		json_t *event = json_loadb(line, (size_t)n, JSON_REJECT_DUPLICATES, NULL);

		json_dumpf(event, stdout, JSON_COMPACT);
		putchar('\n');
		json_decref(event);
	}
	free(line);
	return 0;
}
