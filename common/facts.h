/* What rules ask of an event: each field is looked up once per event, however many rules ask for it, and
 * again only after a rule has changed something. Several values of a field are tested one by one
 * (imq-filter(7), "Multiple values"); a list below `extra` is one value. */
#ifndef IMQ_FACTS_H
#define IMQ_FACTS_H

#include <stdint.h>

#include "event.h"
#include "ip.h"
#include "regex.h"

enum fact_known { FACT_UNKNOWN, FACT_IS, FACT_IS_NOT };

struct fact {
	enum field field;
	uint32_t stamp;     /* of the facts, when this was looked up */
	struct value value; /* NO_VALUE: absent */
	struct text text;   /* of a single string; else NO_TEXT */
	bool several;       /* VALUE is an array of values, to be tested one by one */
	bool extra;         /* the field is extra or below it */
	/* Found out when first asked for. */
	uint8_t known_number, known_ip, known_hash, known_pairs; /* enum fact_known */
	double number;
	struct ip ip;
	uint64_t hash;
	struct regex_pairs pairs;
};

struct facts {
	struct fact *items;
	size_t count, cap;
	uint32_t stamps[2]; /* that of extra is the second */
	struct event *event;
};

void facts_free(struct facts *facts);
/* The index of the fact about F, for facts_get(). Called while rules are loaded. */
unsigned facts_want(struct facts *facts, enum field f);
/* Starts with EV, which must not be read anew before the next start. */
static inline void facts_start(struct facts *facts, struct event *ev)
{
	facts->event = ev;
	facts->stamps[0]++;
	facts->stamps[1]++;
}

/* F has changed. */
void facts_changed(struct facts *facts, enum field f);
void facts_look_up(struct facts *facts, struct fact *fact);

static inline struct fact *facts_get(struct facts *facts, unsigned index)
{
	struct fact *fact = &facts->items[index];

	if (fact->stamp != facts->stamps[fact->extra])
		facts_look_up(facts, fact);
	return fact;
}

/* A fact about one of several values. */
struct fact fact_of(struct event *ev, struct value v);

bool fact_find_number(struct fact *fact);
bool fact_find_ip(struct fact *fact);

/* Whether the value is a number (fact->number), an address as text or number (fact->ip). */
static inline bool fact_is_number(struct fact *fact)
{
	return fact->known_number ? fact->known_number == FACT_IS : fact_find_number(fact);
}

static inline bool fact_is_ip(struct fact *fact)
{
	return fact->known_ip ? fact->known_ip == FACT_IS : fact_find_ip(fact);
}

/* value_hash() of the text. */
static inline uint64_t fact_hash(struct fact *fact)
{
	if (!fact->known_hash) {
		fact->hash = value_hash(fact->text);
		fact->known_hash = FACT_IS;
	}
	return fact->hash;
}

/* Of the text. */
static inline const struct regex_pairs *fact_pairs(struct fact *fact)
{
	if (!fact->known_pairs) {
		fact->pairs = regex_pairs_of(fact->text);
		fact->known_pairs = FACT_IS;
	}
	return &fact->pairs;
}

/* The value of any field at this moment; `extra` as a whole is JSON text in a string. */
struct value facts_value(struct event *ev, enum field f);
/* The values of a fact, as event_next_value() gives them. */
struct event_values facts_values(const struct fact *fact);
/* V as rules see it when they ask for text: a string's characters, an object's JSON as json.dumps writes it,
 * everything else in Python's notation (`True`, `['a', 1]`). In EV's arena where it must be made. */
struct text facts_text(struct event *ev, struct value v);
/* Whether A and B are equal, kinds kept apart: numbers by value, strings by characters, arrays and objects
 * deep. */
bool value_equal(struct value a, struct value b);

#endif
