/* Fuzz target: any rules of imq-modify on any event. The first line is the event, the rest the rules; what
 * comes out must be an event. */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../cmd/expert/modify/load.c"
#include "../../cmd/expert/modify/run.c"
#include "stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text source = { (const char *)data, size }, line;
	struct problem problem = { .line = 0 };
	struct value_error error;
	struct buf out = BUF_INIT;
	struct rules *rules;
	struct event *ev, *again;
	char path[64];
	int fd;

	if (!text_split(&source, '\n', &line) || !source.at || (fd = memfd_create("rules", 0)) < 0)
		return 0;
	write_all(fd, source.at, source.len);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	rules = rules_load(path, true, &problem);
	close(fd);
	if (!rules)
		return 0;
	ev = event_new();
	again = event_new();
	if (event_read(ev, line, &error)) {
		rules_apply(rules, ev, OVERWRITE_YES, 0);
		event_write(ev, &out);
		if (!event_read(again, buf_view(&out), &error))
			abort();
	}
	event_free(ev);
	event_free(again);
	rules_free(rules);
	buf_free(&out);
	return 0;
}
