/* Values in Python's notation, which IntelMQ's data format uses in two places: the text form of a value in a
 * String field and the bytes that a message's hash is taken over. */
#ifndef IMQ_REPR_H
#define IMQ_REPR_H

#include "buf.h"
#include "text.h"
#include "value.h"

/* Appends T, which is UTF-8, in quotes: '…', or "…" where it holds ' but no ". */
void repr_string(struct buf *out, struct text t);
/* Appends V: `True`, `None`, `['a', 1.0]`, `{'b': 1}` in stored order. */
void repr_value(struct buf *out, struct value v);
/* Appends the JSON number RAW as Python would write it: `1e2` is `100.0`, `-0` is `0`. Numbers beyond a
 * double stay. */
void repr_number(struct buf *out, struct text raw);
/* Whether the JSON number RAW is an integer: neither fraction nor exponent. */
bool repr_is_integer(struct text raw);

#endif
