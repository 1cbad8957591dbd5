/* Fuzz target: any rules on any event. The first line is the event, the rest the rules; what comes out must
 * be an event. */
#include <stdint.h>
#include <stdlib.h>

#include "../../cmd/expert/sieve/lexer.c"
#include "../../cmd/expert/sieve/parser.c"
#include "../../cmd/expert/sieve/dates.c"
#include "../../cmd/expert/sieve/compile.c"
#include "../../cmd/expert/sieve/match.c"
#include "../../cmd/expert/sieve/code.c"
#include "../../cmd/expert/sieve/tests.c"
#include "../../cmd/expert/sieve/run.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text rules = { (const char *)data, size }, line;
	struct problem problem = { .line = 0 };
	struct event *ev, *again;
	struct program *p;
	struct decision decision;
	struct value_error error;
	struct buf out = BUF_INIT;

	if (!text_split(&rules, '\n', &line) || !rules.at || memmem(rules.at, rules.len, "file", 4))
		return 0; /* no files */
	p = program_of_text("fuzz", rules, &problem);
	if (!p)
		return 0;
	ev = event_new();
	again = event_new();
	if (event_read(ev, line, &error)) {
		program_run(p, ev, &decision);
		event_write(ev, &out);
		if (!event_read(again, buf_view(&out), &error))
			abort();
	}
	event_free(ev);
	event_free(again);
	program_free(p);
	buf_free(&out);
	return 0;
}
