/* imq-to-smtp-batch: what its files share. */
#ifndef BATCH_H
#define BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "mail.h"
#include "opt.h"
#include "smtp.h"
#include "store.h"

struct batch_settings {
	const char *state, *mail_template, *email_from, *subject, *attachment_name, *alternative_mails, *gpg_key, *gpg_pass, *testing_to, *only;
	struct list bcc, fieldnames;
	struct text translation, server; /* JSON */
	long long ignore_days, limit_results, max_events;
	size_t max_table;
	bool list, test, send, clear;
	struct smtp smtp;

	struct text *titles; /* of fieldnames */
	enum field *fields;
	struct alternative *alternatives;
	size_t alternative_count, alternative_cap;
	struct buf body, alternative_file;
};

extern struct batch_settings settings;

/* settings.c: */
/* Reads what the options name. False: PROBLEM. */
bool settings_read(struct problem *problem);
/* Host, port and login of --smtp-server; for those who send. */
bool settings_read_server(struct problem *problem);
void settings_free(void);
/* CREATE: a file need not be there yet. */
struct store *settings_open_store(bool create, struct problem *problem);
/* Whom mails for CONTACT go to. */
struct text settings_recipients(struct text contact);

/* table.c: */
/* The events of a mail, as rows of a table. */
struct table {
	struct event *ev;
	struct buf csv, cell, plain;
	int64_t oldest;        /* microseconds; older events are left out. INT64_MIN: none is */
	size_t events, ignored; /* in the table; left out */
	bool full;
	const char *contact; /* for messages */
};

void table_clear(struct table *t);
/* Adds an event in JSON. False: the table is full, and it is not in it. */
bool table_add(void *table, struct text event);
/* Appends the table as a ZIP archive with one file in it. */
bool table_zip(const struct table *t, int64_t now, struct buf *out, struct problem *problem);
void table_free(struct table *t);

/* sign.c: */
/* Appends the detached signature of T by --gpg-key, armored. *HASH: its algorithm as RFC 3156 calls it, a constant. False: PROBLEM. */
bool sign_text(struct text t, struct buf *out, const char **hash, struct problem *problem);

/* send.c: */
/* Does what --list, --test, --send and --clear ask for. Returns the exit status. */
enum exit_status act(void);

#endif
