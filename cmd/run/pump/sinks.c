#include "pump.h"

#include <errno.h>
#include <stdlib.h>

#include "alloc.h"
#include "event.h"
#include "stream.h"

struct sink {
	struct text path;
	struct queue *queue; /* NULL: stdout */
	struct buf lines;
	bool stored, failed;
};

struct sinks {
	struct sink *all;
	size_t count;
	size_t *turns; /* of each sink's path, in the first sink of that path: whose turn is it */
	bool paths, load_balance;
	struct event *ev;
	struct run *run;
	struct buf line;
};

/* ---- opening ---- */

static bool add_sink(struct sinks *s, struct text path, struct text url, struct queue *source, struct problem *problem)
{
	struct sink *sink = &s->all[s->count];
	char *text = alloc_string(url);

	*sink = (struct sink){ .path = path, .queue = queue_open(text, QUEUE_GIVE, source, problem) };
	free(text);
	s->count += sink->queue != NULL;
	return sink->queue != NULL;
}

struct sinks *sinks_open(const struct list *to, const struct list *paths, bool load_balance, struct queue *source,
	struct run *run, struct problem *problem)
{
	struct sinks *s = alloc_zero(1, sizeof *s);
	bool fine = true;

	*s = (struct sinks){ .paths = paths->count > 0, .load_balance = load_balance, .ev = event_new(), .run = run };
	s->all = alloc_zero(to->count + paths->count + 1, sizeof *s->all);
	s->turns = alloc_zero(to->count + paths->count + 1, sizeof *s->turns);
	for (size_t i = 0; i < to->count && fine; i++)
		fine = add_sink(s, TEXT("_default"), to->items[i], source, problem);
	for (size_t i = 0; i < paths->count && fine; i++) {
		struct text url = paths->items[i], name;

		text_split(&url, '=', &name);
		fine = url.at ? add_sink(s, name, url, source, problem) :
				problem_set(problem, "--path: NAME=QUEUE is wanted: \"%.*s\"", TEXT_ARGS(name));
	}
	if (!s->count)
		s->all[s->count++] = (struct sink){ .path = TEXT("_default") };
	if (fine)
		return s;
	sinks_close(s);
	return NULL;
}

void sinks_close(struct sinks *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->count; i++) {
		queue_close(s->all[i].queue);
		buf_free(&s->all[i].lines);
	}
	event_free(s->ev);
	buf_free(&s->line);
	free(s->all);
	free(s->turns);
	free(s);
}

/* ---- sorting ---- */

void sinks_clear(struct sinks *s)
{
	for (size_t i = 0; i < s->count; i++) {
		buf_clear(&s->all[i].lines);
		s->all[i].stored = false;
	}
}

/* A copy of LINE to every sink of PATH, or to the one whose turn it is. False: there is no such sink. */
static bool put_line(struct sinks *s, struct text path, struct text line)
{
	size_t found = 0, first = 0, turn;

	for (size_t i = 0; i < s->count; i++)
		if (text_eq(s->all[i].path, path)) {
			first = found ? first : i;
			found++;
			if (!s->load_balance)
				buf_text(&s->all[i].lines, line);
		}
	if (!found || !s->load_balance)
		return found > 0;
	turn = s->turns[first]++ % found;
	for (size_t i = first; i < s->count; i++)
		if (text_eq(s->all[i].path, path) && turn-- == 0)
			buf_text(&s->all[i].lines, line);
	return true;
}

/* A record that is tagged with paths goes along them, without the tag. */
static void route_line(struct sinks *s, struct text line)
{
	struct text record = { line.at, line.len - 1 };
	struct event_values paths;
	struct value_error unused;
	struct value path;
	size_t cursor = 0, count = 0;

	if (!memmem(line.at, line.len, "\"__path\"", 8) || !event_read(s->ev, record, &unused) ||
		!event_has(s->ev, F_MESSAGE_PATH)) {
		put_line(s, TEXT("_default"), line);
		return;
	}
	/* The tag's values are read one by one: deleting the tag would take them away. */
	for (bool more = true; more; cursor++) {
		char *name = NULL;

		more = false;
		count = 0;
		event_read(s->ev, record, &unused);
		paths = event_values(s->ev, F_MESSAGE_PATH);
		while (event_next_value(&paths, &path))
			if (count++ == cursor) {
				name = alloc_string(event_value_form(s->ev, path));
				more = true;
			}
		if (!more)
			break;
		event_delete(s->ev, F_MESSAGE_PATH);
		buf_clear(&s->line);
		event_write(s->ev, &s->line);
		buf_char(&s->line, '\n');
		if (!put_line(s, text_of(name), buf_view(&s->line)))
			run_reject(s->run, name, 0, text_of("no --path of this name"), record);
		free(name);
	}
}

void sinks_put(struct sinks *s, struct text output)
{
	bool tagged = s->paths && output.len && memmem(output.at, output.len, "\"__path\"", 8);

	if (!tagged && (!s->load_balance || s->count == 1)) {
		output.len -= output.len && output.at[output.len - 1] == '\n'; /* the barrier */
		put_line(s, TEXT("_default"), output);
		return;
	}
	while (output.len) {
		const char *feed = memchr(output.at, '\n', output.len);
		struct text line = { output.at, feed ? (size_t)(feed - output.at) + 1 : output.len };

		output = text_from(output, line.len);
		if (line.len > 1 && tagged)
			route_line(s, line);
		else if (line.len > 1)
			put_line(s, TEXT("_default"), line);
	}
}

/* ---- storing ---- */

static bool store(struct sinks *s, struct sink *sink, struct problem *problem)
{
	struct writer *out = s->run->out;

	if (sink->stored)
		return true;
	if (!sink->queue) {
		buf_text(&out->buffer, buf_view(&sink->lines));
		sink->stored = writer_flush(out);
		if (!sink->stored) {
			s->run->failure = EXIT_IO; /* stdout does not come back */
			problem_set(problem, "stdout: %s", strerror(out->failure));
		}
		return sink->stored;
	}
	sink->stored = (!sink->failed || queue_recover(sink->queue, problem)) &&
	               queue_give(sink->queue, buf_view(&sink->lines), problem) && queue_commit(sink->queue, problem);
	sink->failed = !sink->stored;
	return sink->stored;
}

/* Those that share the source's transaction come last and go together. */
bool sinks_store(struct sinks *s, bool again, struct problem *problem)
{
	bool fine = true;

	for (size_t i = 0; i < s->count && fine; i++)
		if (!s->all[i].queue || !queue_is_joined(s->all[i].queue))
			fine = store(s, &s->all[i], problem);
	for (size_t i = 0; i < s->count; i++)
		if (s->all[i].queue && queue_is_joined(s->all[i].queue)) {
			s->all[i].stored = s->all[i].stored && !again;
			fine = fine && store(s, &s->all[i], problem);
		}
	for (size_t i = 0; i < s->count && !fine; i++)
		if (s->all[i].queue && queue_is_joined(s->all[i].queue))
			s->all[i].stored = false;
	return fine;
}

void sinks_beat(struct sinks *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->all[i].queue)
			queue_beat(s->all[i].queue);
}

bool sinks_full(struct sinks *s, long long limit)
{
	struct problem unused;
	long long waiting, in_flight;

	for (size_t i = 0; i < s->count && limit > 0; i++)
		if (s->all[i].queue && queue_count(s->all[i].queue, &waiting, &in_flight, &unused) && waiting >= limit)
			return true;
	return false;
}
