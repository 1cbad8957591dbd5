/* The pieces of imq-from-http. */
#ifndef IMQ_FROM_HTTP_H
#define IMQ_FROM_HTTP_H

#include "buf.h"
#include "http.h"
#include "opt.h"
#include "problem.h"

/* seen.c: what the server said of the document that was last delivered, in a file of one JSON line. */
struct seen {
	struct buf url, etag, last_modified;
};

/* Reads PATH; a missing file is an empty one. False with PROBLEM filled in. */
bool seen_read(struct seen *s, const char *path, struct problem *problem);
/* Replaces PATH by what REPLY says of the document asked for as URL: whole, or not at all. False with PROBLEM filled in. */
bool seen_write(const char *path, const char *url, const struct http_reply *reply, struct problem *problem);
void seen_free(struct seen *s);

/* feed.c: what a definition says about fetching. Texts are empty where it says nothing. */
struct feed_facts {
	struct buf url, name, provider, documentation, collector;
	/* While it is sought: */
	const struct command *command;
	const char *sought;
	struct problem *problem;
	bool found, fine;
};

/* Finds the feed called NAME, as imq-parse --list shows it, or the file NAME.yaml, and sets the options of COMMAND that its `fetch`
 * names, unless they are given. False with PROBLEM filled in. */
bool feed_find(struct feed_facts *facts, const struct command *command, const char *name, struct problem *problem);
/* Whether it has a URL that can be fetched as it is. False with PROBLEM filled in. */
bool feed_has_url(const struct feed_facts *facts, struct problem *problem);
void feed_free(struct feed_facts *facts);

#endif
