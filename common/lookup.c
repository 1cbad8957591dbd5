/* Two tables: the slots, which hold events in the order in which they came, and the questions, each with the
 * list of wants it will satisfy. Slots, wants and questions are kept and used again; a question that cannot
 * be asked yet waits in line.
 *
 * An event that has nothing to wait for, with nobody before it, goes straight out: cached answers cost no
 * more than the copy of the line. */
#include "lookup.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "clock.h"
#include "filter.h"
#include "log.h"
#include "transport.h"
#include "value.h"

enum {
	MAX_TRANSPORTS = 4,
	MESSAGES = 20,   /* about single failures */
	WORK_EVERY = 16, /* records, while the input does not pause */
};

const char *const lookup_failures[] = { "pass", "reject", "stop", NULL };

/* An answer that waits for the others of its event (filter.filled); in the event's arena. */
struct kept {
	struct kept *next;
	unsigned tag;
	bool come, failed;
	struct text answer;
};

struct slot {
	struct slot *next, *previous;
	struct event *ev;
	const char *file;
	long line;
	size_t size;      /* bytes of the record */
	unsigned waiting; /* wants */
	bool dropped;     /* lookup_drop() */
	enum verdict verdict;
	struct kept *kept, **last_kept;
};

struct want {
	struct want *next;
	struct slot *slot;
	struct kept *kept; /* NULL: the answer is filled in at once */
	unsigned tag;
};

struct lookup_question {
	struct lookup *lookup;
	struct lookup_question *next; /* in its bucket, in line, or among the spare */
	struct lookup_question *in_line;
	struct want *wants, **last;
	struct buf key, space;
	struct ip number;
	bool numbered;
	uint64_t hash;
};

struct lookup_state {
	const struct filter *filter;
	struct slot *first, *end; /* held, in order */
	struct slot *current;     /* handed out by slot(), not admitted */
	struct slot *filling;     /* the one whose event is in the hands of fill() or filled() */
	struct slot *spare_slots;
	struct want *spare_wants;
	struct lookup_question *spare_questions;
	struct lookup_question *line, **line_end; /* to be asked */
	struct lookup_question **buckets;
	size_t bucket_count;
	long long held, in_flight;
	size_t held_size;
	unsigned unworked; /* records since work() */
	bool finished;     /* something came out since wait() began */
	bool asking;       /* ask_more() is running */
	bool stopped;      /* --on-failure stop has happened */
	uint64_t lookups, cached, coalesced, failed, negative;
	struct {
		const struct transport *transport;
		void *self;
	} transports[MAX_TRANSPORTS];
	size_t transport_count;
};

/* Answers that are filled in together */

static struct kept *keep(struct slot *slot, unsigned tag)
{
	struct kept *kept = arena_zero(event_arena(slot->ev), sizeof *kept);

	kept->tag = tag;
	*slot->last_kept = kept;
	slot->last_kept = &kept->next;
	return kept;
}

static void put_answer(struct kept *kept, struct slot *slot, struct text answer)
{
	kept->come = true;
	kept->answer = answer.at ? arena_text(event_arena(slot->ev), answer) : NO_TEXT;
}

static void fill_kept(struct lookup_state *s, struct slot *slot)
{
	bool failed = false;

	if (!slot->kept)
		return;
	s->filling = slot;
	for (const struct kept *kept = slot->kept; kept; kept = kept->next) {
		if (kept->come)
			s->filter->fill(slot->ev, kept->tag, kept->answer);
		failed |= kept->failed;
	}
	s->filter->filled(slot->ev, failed);
	slot->kept = NULL;
}

/* Out of the window */

static void release(struct lookup_state *s, struct slot *slot)
{
	slot->next = s->spare_slots;
	s->spare_slots = slot;
}

static void unlink_slot(struct lookup_state *s, struct slot *slot)
{
	if (slot->previous)
		slot->previous->next = slot->next;
	else
		s->first = slot->next;
	if (slot->next)
		slot->next->previous = slot->previous;
	else
		s->end = slot->previous;
	s->held--;
	s->held_size -= slot->size;
}

static void let_go(struct lookup_state *s, struct slot *slot, enum verdict verdict)
{
	unlink_slot(s, slot);
	filter_finish(slot->ev, slot->dropped ? DROP : verdict, slot->file, slot->line);
	s->finished = true;
	release(s, slot);
}

/* SLOT has got all it wanted. */
static void complete(struct lookup *l, struct slot *slot)
{
	struct lookup_state *s = l->state;

	if (slot == s->current)
		return; /* still in its callback */
	fill_kept(s, slot);
	if (l->unordered)
		let_go(s, slot, slot->verdict);
	else
		while (s->first && !s->first->waiting && !s->stopped)
			let_go(s, s->first, s->first->verdict);
}

/* Questions */

static struct lookup_question **bucket_of(struct lookup_state *s, uint64_t hash)
{
	return &s->buckets[hash & (s->bucket_count - 1)];
}

static void ask_more(struct lookup *l)
{
	struct lookup_state *s = l->state;

	if (s->asking)
		return; /* an answer came from within ask(): the loop below goes on */
	s->asking = true;
	while (s->line && s->in_flight < l->concurrency && !s->stopped) {
		struct lookup_question *question = s->line;

		s->line = question->in_line;
		if (!s->line)
			s->line_end = &s->line;
		s->in_flight++;
		s->filter->ask(question, buf_view(&question->key));
	}
	s->asking = false;
}

static struct lookup_question *new_question(struct lookup *l, struct text key, uint64_t hash)
{
	struct lookup_state *s = l->state;
	struct lookup_question *question = s->spare_questions;

	if (question)
		s->spare_questions = question->next;
	else
		question = alloc_zero(1, sizeof *question);
	question->lookup = l;
	question->hash = hash;
	question->numbered = false;
	question->wants = NULL;
	question->last = &question->wants;
	question->in_line = NULL;
	buf_clear(&question->key);
	buf_text(&question->key, key);
	question->next = *bucket_of(s, hash);
	*bucket_of(s, hash) = question;
	*s->line_end = question;
	s->line_end = &question->in_line;
	s->lookups++;
	return question;
}

static void add_want(struct lookup_state *s, struct lookup_question *question, unsigned tag)
{
	struct want *want = s->spare_wants;

	if (want)
		s->spare_wants = want->next;
	else
		want = alloc_zero(1, sizeof *want);
	*want = (struct want){ NULL, s->current, s->filter->filled ? keep(s->current, tag) : NULL, tag };
	*question->last = want;
	question->last = &want->next;
	s->current->waiting++;
}

static void want(struct lookup *l, unsigned tag, struct text key, struct text space, const struct ip *number)
{
	struct lookup_state *s = l->state;
	uint64_t hash = value_hash(key);
	struct lookup_question *question = *bucket_of(s, hash);

	while (question && (question->hash != hash || !text_eq(buf_view(&question->key), key)))
		question = question->next;
	if (question) {
		s->coalesced++;
	} else {
		question = new_question(l, key, hash);
		if (number) {
			question->number = *number;
			question->numbered = true;
			buf_clear(&question->space);
			buf_text(&question->space, space);
		}
	}
	add_want(s, question, tag);
}

/* What the cache says. False: nothing. */
static bool take_cached(
	struct lookup *l, struct event *ev, unsigned tag, enum cache_answer answer, struct text value)
{
	struct lookup_state *s = l->state;

	if (answer == CACHE_MISS)
		return false;
	s->cached++;
	s->filling = s->current;
	if (s->filter->filled)
		put_answer(keep(s->current, tag), s->current, answer == CACHE_FOUND ? value : NO_TEXT);
	else if (answer == CACHE_FOUND)
		s->filter->fill(ev, tag, value);
	if (answer == CACHE_NOTHING)
		s->negative++;
	return true;
}

void lookup_want(struct lookup *l, struct event *ev, unsigned tag, struct text key)
{
	struct text value;

	if (!take_cached(l, ev, tag, cache_get(&l->cache, key, &value), value))
		want(l, tag, key, NO_TEXT, NULL);
}

void lookup_want_in_range(struct lookup *l, struct event *ev, unsigned tag, struct text key,
	struct text space, const struct ip *number)
{
	struct text value;

	if (!take_cached(l, ev, tag, cache_get(&l->cache, key, &value), value) &&
		!take_cached(l, ev, tag, cache_get_range(&l->cache, space, number, &value), value))
		want(l, tag, key, space, number);
}

/* Answers */

static void forget_question(struct lookup_state *s, struct lookup_question *question)
{
	enum { KEEP = 4096 };
	struct lookup_question **place = bucket_of(s, question->hash);

	while (*place != question)
		place = &(*place)->next;
	*place = question->next;
	question->wants = NULL;
	if (question->key.cap > KEEP)
		buf_free(&question->key);
	question->next = s->spare_questions;
	s->spare_questions = question;
	s->in_flight--;
}

/* Ends QUESTION: ANSWER goes to all who want it; FAILURE, if not NULL, is the reason why there is none. */
static void settle(struct lookup_question *question, struct text answer, const char *failure)
{
	struct lookup *l = question->lookup;
	struct lookup_state *s = l->state;
	struct want *next;

	for (struct want *w = question->wants; w; w = next) {
		struct slot *slot = w->slot;

		next = w->next;
		s->filling = slot;
		if (w->kept && failure)
			w->kept->failed = true;
		else if (w->kept)
			put_answer(w->kept, slot, answer);
		else if (answer.at)
			s->filter->fill(slot->ev, w->tag, answer);
		if (failure && l->on_failure == LOOKUP_REJECT)
			event_mark(slot->ev, "%s", failure);
		w->next = s->spare_wants;
		s->spare_wants = w;
		if (--slot->waiting == 0)
			complete(l, slot);
	}
	forget_question(s, question);
	ask_more(l);
}

void lookup_found(struct lookup_question *question, struct text answer, double ttl)
{
	cache_set(&question->lookup->cache, buf_view(&question->key), answer, ttl);
	settle(question, answer, NULL);
}

void lookup_found_range(struct lookup_question *question, struct text answer, double ttl,
	const struct ip *from, const struct ip *to)
{
	if (question->numbered && from->bits == question->number.bits && to->bits == from->bits &&
		ip_cmp(from, &question->number) <= 0 && ip_cmp(&question->number, to) <= 0) {
		cache_set_range(&question->lookup->cache, buf_view(&question->space), from, to, answer, ttl);
		settle(question, answer, NULL);
	} else {
		lookup_found(question, answer, ttl);
	}
}

void lookup_nothing(struct lookup_question *question, double ttl)
{
	question->lookup->state->negative++;
	cache_set(&question->lookup->cache, buf_view(&question->key), NO_TEXT, ttl);
	settle(question, NO_TEXT, NULL);
}

void lookup_failed(struct lookup_question *question, const char *reason)
{
	struct lookup *l = question->lookup;
	struct lookup_state *s = l->state;
	struct problem problem = { .line = 0 };

	s->failed++;
	problem_set(&problem, "%.*s: %s", TEXT_ARGS(buf_view(&question->key)), reason);
	if (l->on_failure == LOOKUP_STOP && !s->stopped) {
		/* Nothing may come out any more: neither this one without its answer, nor later ones before
		 * it. */
		s->stopped = true;
		filter_fail(EXIT_REMOTE, &problem);
	}
	if (s->stopped)
		return;
	/* A dead server must not fill the disk with messages: the first few, then ever fewer. */
	if (l->on_failure == LOOKUP_PASS && (s->failed <= MESSAGES || (s->failed & (s->failed - 1)) == 0))
		log_message("%s%s", problem.text,
			s->failed == MESSAGES ? "; further failures are told now and then" : "");
	settle(question, NO_TEXT, problem.text);
}

void lookup_drop(struct lookup *l)
{
	l->state->filling->dropped = true;
}

struct text lookup_key(const struct lookup_question *question)
{
	return buf_view(&question->key);
}

const struct ip *lookup_number(const struct lookup_question *question)
{
	return question->numbered ? &question->number : NULL;
}

/* The window */

static void work(void *self)
{
	struct lookup *l = self;
	struct lookup_state *s = l->state;

	s->unworked = 0;
	ask_more(l);
	if (s->in_flight)
		for (size_t i = 0; i < s->transport_count; i++)
			s->transports[i].transport->work(s->transports[i].self);
}

static struct event *slot(void *self)
{
	struct lookup *l = self;
	struct lookup_state *s = l->state;
	struct slot *slot;

	if (s->held && ++s->unworked >= WORK_EVERY)
		work(self); /* which may let go of slots */
	if (s->held >= l->window || s->held_size >= l->window_size)
		return NULL;
	slot = s->current ? s->current : s->spare_slots;
	if (!slot) {
		slot = alloc_zero(1, sizeof *slot);
		slot->ev = event_new();
	} else if (!s->current) {
		s->spare_slots = slot->next;
	}
	slot->waiting = 0;
	slot->dropped = false;
	slot->kept = NULL;
	slot->last_kept = &slot->kept;
	s->current = slot;
	return slot->ev;
}

static void admit(void *self, enum verdict verdict, const char *file, long line)
{
	struct lookup *l = self;
	struct lookup_state *s = l->state;
	struct slot *slot = s->current;

	s->current = NULL;
	if (!slot->waiting)
		fill_kept(s, slot);
	if (!slot->waiting && (!s->first || l->unordered)) {
		filter_finish(slot->ev, slot->dropped ? DROP : verdict, file, line);
		release(s, slot);
		return;
	}
	slot->verdict = verdict;
	slot->file = file;
	slot->line = line;
	slot->size = event_line(slot->ev).len;
	slot->next = NULL;
	slot->previous = s->end;
	if (s->end)
		s->end->next = slot;
	else
		s->first = slot;
	s->end = slot;
	s->held++;
	s->held_size += slot->size;
	ask_more(l);
}

static size_t held(void *self)
{
	return (size_t)((struct lookup *)self)->state->held;
}

/* Milliseconds until a transport wants to work, at most TIMEOUT (-1: for ever). */
static int until_due(const struct lookup_state *s, int timeout)
{
	int64_t now = clock_steady();

	for (size_t i = 0; i < s->transport_count; i++) {
		int64_t due = s->transports[i].transport->due(s->transports[i].self), left;

		if (due < 0)
			continue;
		left = due <= now ? 0 : (due - now + 999) / 1000;
		if (timeout < 0 || left < timeout)
			timeout = left > 60000 ? 60000 : (int)left;
	}
	return timeout;
}

static void wait(void *self, int fd, int timeout)
{
	struct lookup *l = self;
	struct lookup_state *s = l->state;
	int64_t end = timeout < 0 ? -1 : clock_steady() + (int64_t)timeout * 1000;
	struct pollfd watch[MAX_TRANSPORTS + 1] = { { .fd = fd, .events = POLLIN } };

	s->finished = false;
	for (size_t i = 0; i < s->transport_count; i++)
		watch[i + 1] =
			(struct pollfd){ s->transports[i].transport->fd(s->transports[i].self), POLLIN, 0 };
	for (;;) {
		int64_t left = end < 0 ? -1 : (end - clock_steady() + 999) / 1000;
		int n;

		work(self);
		if (s->finished || s->stopped || !s->held)
			return;
		n = poll(watch, s->transport_count + 1,
			until_due(s, end < 0    ? -1
				     : left < 0 ? 0
						: (int)left));
		if ((n < 0 && errno == EINTR) || (n > 0 && watch[0].revents) ||
			(end >= 0 && clock_steady() >= end))
			return;
	}
}

/* The command ends before its time: what is still held stays pending. */
static void abandon(void *self)
{
	struct lookup_state *s = ((struct lookup *)self)->state;

	while (s->first)
		let_go(s, s->first, MERGE);
}

static const struct window window = { slot, admit, wait, held, abandon };

/* Start and end */

static bool start(void *self, const struct filter *filter, const struct batch *batch, struct problem *problem)
{
	struct lookup *l = self;
	struct lookup_state *s = alloc_zero(1, sizeof *s);

	(void)batch;
	l->state = s;
	s->filter = filter;
	s->line_end = &s->line;
	if (l->concurrency < 1 || l->concurrency > 100000)
		return problem_set(problem, "--concurrency: must be from 1 to 100000");
	if (l->window < 0)
		return problem_set(problem, "--window: must not be negative");
	if (l->window == 0)
		l->window = l->concurrency > 100 ? 5 * l->concurrency : 500;
	for (s->bucket_count = 64; (long long)s->bucket_count < l->window && s->bucket_count < (1U << 20);)
		s->bucket_count *= 2;
	s->buckets = alloc_zero(s->bucket_count, sizeof(struct lookup_question *));
	for (const struct opt *row = filter->options; row->kind != OPT_KIND_END; row++)
		if (row->kind == OPT_KIND_MIXIN && row->mixin->transport &&
			s->transport_count < MAX_TRANSPORTS) {
			s->transports[s->transport_count].transport = row->mixin->transport;
			s->transports[s->transport_count++].self = row->to.mixin;
		}
	return true;
}

static void stats(void *self, struct buf *json)
{
	const struct lookup_state *s = ((struct lookup *)self)->state;

	buf_printf(json,
		",\"lookups\":%llu,\"cached\":%llu,\"coalesced\":%llu,\"failed\":%llu,\"negative\":%llu",
		(unsigned long long)s->lookups, (unsigned long long)s->cached,
		(unsigned long long)s->coalesced, (unsigned long long)s->failed,
		(unsigned long long)s->negative);
}

static void free_slots(struct slot *slot)
{
	for (struct slot *next; slot; slot = next) {
		next = slot->next;
		event_free(slot->ev);
		free(slot);
	}
}

static void free_questions(struct lookup_question *question)
{
	for (struct lookup_question *next; question; question = next) {
		next = question->next;
		for (struct want *w = question->wants, *after; w; w = after) {
			after = w->next;
			free(w);
		}
		buf_free(&question->key);
		buf_free(&question->space);
		free(question);
	}
}

static void stop(void *self)
{
	struct lookup *l = self;
	struct lookup_state *s = l->state;

	if (!s)
		return;
	free_slots(s->first);
	free_slots(s->spare_slots);
	if (s->current) {
		s->current->next = NULL;
		free_slots(s->current);
	}
	for (size_t i = 0; s->buckets && i < s->bucket_count; i++)
		free_questions(s->buckets[i]);
	free_questions(s->spare_questions);
	for (struct want *w = s->spare_wants, *next; w; w = next) {
		next = w->next;
		free(w);
	}
	free(s->buckets);
	free(s);
	l->state = NULL;
}

const struct mixin lookup_mixin = {
	.name = "lookup", .start = start, .stats = stats, .stop = stop, .window = &window
};
