/* Lines of key=value pairs. As IntelMQ has it (parsers-1.md 4.3), the last separator of a piece counts, what has none
 * or no key is passed over, and quotes protect nothing. */
#include "alloc.h"
#include "parse.h"

static struct text unquoted(const struct program *p, struct text t)
{
	if (!p->strip_quotes || t.len == 0 || t.at[0] != '"' || t.at[t.len - 1] != '"')
		return t;
	return t.len < 2 ? (struct text){ t.at, 0 } : (struct text){ t.at + 1, t.len - 2 };
}

/* The last SEPARATOR in T; NULL: none. */
static const char *last_of(struct text t, struct text separator)
{
	for (size_t i = t.len; i-- >= separator.len && i + 1 >= separator.len;)
		if (memcmp(t.at + i + 1 - separator.len, separator.at, separator.len) == 0)
			return t.at + i + 1 - separator.len;
	return NULL;
}

/* One pair: its name into the header, its value into the cells. */
static void take_pair(struct session *s, struct text pair)
{
	const struct program *p = s->program;
	const char *hit = last_of(pair, p->kv_separator);
	size_t n = s->header_count;

	if (!hit || hit == pair.at)
		return;
	alloc_grow(&s->header, &s->header_cap, n + 1, sizeof *s->header);
	s->header[n] = (struct text){ pair.at, (size_t)(hit - pair.at) };
	session_cells(s, n + 1)[n] =
		cell_of(unquoted(p, text_from(pair, (size_t)(hit - pair.at) + p->kv_separator.len)));
	s->header_count++;
}

/* Where the definition's inputs stand in this line. False: one stands there twice. */
static bool find_inputs(struct session *s)
{
	struct program *p = s->program;

	for (size_t i = 0; i < p->input_count; i++)
		p->inputs[i].column = SIZE_MAX;
	for (size_t c = 0; c < s->header_count; c++)
		for (size_t i = 0; i < p->input_count; i++)
			if (text_eq(p->inputs[i].name, s->header[c])) {
				if (p->inputs[i].column != SIZE_MAX)
					return false;
				p->inputs[i].column = c;
			}
	return true;
}

void take_pairs(struct session *s, struct text line)
{
	const struct program *p = s->program;
	struct record r = { .source = line, .line = s->line };
	struct text rest = line;

	s->header_count = 0;
	while (rest.at) {
		const char *hit = memmem(rest.at, rest.len, p->pair_separator.at, p->pair_separator.len);

		take_pair(s, hit ? (struct text){ rest.at, (size_t)(hit - rest.at) } : rest);
		rest = hit ? text_from(rest, (size_t)(hit - rest.at) + p->pair_separator.len) : NO_TEXT;
	}
	if (!find_inputs(s)) {
		session_reject(s, line, s->line, "a key stands here twice");
		return;
	}
	r.cells = s->row.at;
	r.count = s->header_count;
	session_record(s, &r);
}
