/* imq-to-smtp: a mail for each event, its subject, text and addresses made of the event, with a table of fields as an attachment.
 * Mails cannot be taken back: under imq-pump a journal says which of a batch have gone, for when the batch comes again. */
#include <stdlib.h>

#include "alloc.h"
#include "clock.h"
#include "csv.h"
#include "export.h"
#include "filter.h"
#include "journal.h"
#include "mail.h"
#include "nest.h"
#include "smtp.h"
#include "template.h"
#include "unicode.h"
#include "value.h"

static struct {
	struct smtp smtp;
	const char *mail_from, *mail_to, *subject;
	struct text text; /* JSON: a text, or null */
	struct list fieldnames;
	int on_failure;

	struct template *from_template, *to_template, *subject_template, *text_template;
	enum field *fields;
	struct mailboxes from, to;
	struct buf header, body, table, cell, entity, message, id;

	struct journal journal;
	long long batch; /* its number, -1: not numbered */
} my = { .journal.fd = -1 };

static bool start_journal(void *self, const struct filter *filter, const struct batch *batch, struct problem *problem)
{
	(void)self, (void)filter;
	my.batch = batch->numbered ? batch->number : -1;
	return journal_open(&my.journal, batch, problem);
}

static const struct mixin journal_mixin = { .name = "journal", .start = start_journal };

static const char *const failures[] = { "stop", "reject", NULL };
enum { STOP };

#define DEFAULT_TEXT \
	"Dear network owner,\n\nwe have been told of a security problem in your network. The attached table says what is known about it.\n\n" \
	"Your localhost CERT"

static const struct opt options[] = {
	OPT_TEXT('s', "smtp-host", &my.smtp.host, "localhost", "the mail server"),
	OPT_INTEGER('p', "smtp-port", &my.smtp.port, "25", "its port"),
	OPT_TEXT('u', "smtp-username", &my.smtp.username, NULL, "log in with this name, where there is a password too"),
	OPT_SECRET("smtp-password", &my.smtp.password, "its password"),
	OPT_BOOL(0, "ssl", &my.smtp.ssl, false, "talk TLS from the start"),
	OPT_BOOL(0, "starttls", &my.smtp.starttls, true, "change to TLS after the greeting; a server that cannot gets no mail"),
	OPT_TEXT(0, "http-verify-cert", &my.smtp.verify_cert, "true", "true, false, or a file of certificates to trust"),
	OPT_TEXT('f', "mail-from", &my.mail_from, "cert@localhost", "sender, may have {ev[FIELD]} in it"),
	OPT_TEXT('t', "mail-to", &my.mail_to, "{ev[source.abuse_contact]}", "recipients, separated by commas, may have {ev[FIELD]} in it"),
	OPT_TEXT(0, "subject", &my.subject, "Incident in your AS {ev[source.asn]}", "subject, may have {ev[FIELD]} in it"),
	OPT_VALUE(0, "text", &my.text, DEFAULT_TEXT, "the mail's text, may have {ev[FIELD]} in it; null or empty: none"),
	OPT_LIST(0, "fieldnames", &my.fieldnames,
		"classification.taxonomy,classification.type,classification.identifier,source.ip,source.asn,source.port",
		"fields of the table that is attached; empty: none"),
	OPT_CHOICE(0, "on-failure", &my.on_failure, failures, "stop", "where the server is away: stop, or reject the events"),
	OPT_FILE(0, "state", &my.journal.path, "under imq-pump: note in FILE what is mailed of a batch, which may come again"),
	SMTP_TRY_OPTIONS(&my.smtp),
	OPT_MIXIN(&journal_mixin, &my.journal),
	OPT_END
};

/* ---- the mail ---- */

static void put_cell(struct csv_row *row, struct event *ev, enum field f)
{
	struct value v = event_value(ev, f);

	buf_clear(&my.cell);
	if (f == F_EXTRA)
		nest_write(ev, TEXT("extra"), &my.cell);
	else if (v.kind != VALUE_NONE)
		export_text(ev, v, &my.cell);
	csv_put(row, buf_view(&my.cell));
}

static void write_table(struct event *ev)
{
	struct csv_row row;

	buf_clear(&my.table);
	row = csv_row(&my.table, ';');
	for (size_t i = 0; i < my.fieldnames.count; i++)
		csv_put(&row, my.fieldnames.items[i]);
	csv_end(&row, "\n");
	row = csv_row(&my.table, ';');
	for (size_t i = 0; i < my.fieldnames.count; i++)
		put_cell(&row, ev, my.fields[i]);
	csv_end(&row, "\n");
}

/* Reads the addresses that TEMPLATE comes to. False: EV is marked. */
static bool find_addresses(struct event *ev, const struct template *template, struct mailboxes *boxes, size_t most, const char *what)
{
	struct problem problem = { .line = 0 };

	buf_clear(&my.header);
	mailboxes_clear(boxes);
	if (!template_render(template, ev, NULL, &my.header))
		return false;
	if (!mailboxes_add(boxes, buf_view(&my.header), &problem))
		event_mark(ev, "%s: %s", what, problem.text);
	else if (boxes->count == 0)
		event_mark(ev, "%s: no address", what);
	else if (boxes->count > most)
		event_mark(ev, "%s: more than one address", what);
	return !event_marked(ev);
}

/* Makes the message. False: EV is marked. */
static bool write_message(struct event *ev)
{
	struct mail_part parts[2];
	struct mail mail;
	size_t count = 0;

	buf_clear(&my.body);
	if (!find_addresses(ev, my.from_template, &my.from, 1, "--mail-from") ||
		!find_addresses(ev, my.to_template, &my.to, SIZE_MAX, "--mail-to") ||
		(my.text_template && !template_render(my.text_template, ev, NULL, &my.body)))
		return false;
	buf_clear(&my.header);
	if (!template_render(my.subject_template, ev, NULL, &my.header))
		return false;
	if (my.text_template || my.fieldnames.count == 0)
		parts[count++] = (struct mail_part){ .type = "text/plain", .body = buf_view(&my.body) };
	if (my.fieldnames.count) {
		write_table(ev);
		parts[count++] = (struct mail_part){ .type = "text/csv", .filename = "events.csv", .body = buf_view(&my.table) };
	}
	buf_clear(&my.entity);
	mail_parts(&my.entity, parts, count);
	mail = (struct mail){ .from = &my.from, .to = &my.to, .subject = buf_view(&my.header), .entity = buf_view(&my.entity),
		.date = clock_now() };
	buf_clear(&my.message);
	mail_write(&my.message, &mail);
	buf_clear(&my.id);
	mail_id(&my.id, &mail);
	return true;
}

/* What has become of the mail, now that the server has answered, is noted. */
static enum verdict settle(struct event *ev, enum fate fate, const char *reason)
{
	struct problem problem = { .line = 0 };

	if (!journal_note(&my.journal, my.batch, my.id.at, fate, &problem)) {
		filter_fail(EXIT_IO, &problem);
		return MERGE;
	}
	if (fate == FATE_TAKEN)
		return PASS;
	event_mark(ev, "%s", reason);
	return REJECT;
}

static enum verdict send(struct event *ev)
{
	struct problem problem = { .line = 0 };
	enum smtp_outcome outcome;
	enum fate fate;

	if (!write_message(ev))
		return REJECT;
	if (!journal_find(&my.journal, my.batch, my.id.at, &fate, &problem)) {
		filter_fail(EXIT_IO, &problem);
		return MERGE;
	}
	if (fate == FATE_TAKEN)
		return PASS;
	if (fate == FATE_REFUSED) {
		event_mark(ev, "the mail was refused, or taken for some only, when the batch came before");
		return REJECT;
	}
	outcome = smtp_send(&my.smtp, &my.from, &my.to, NULL, buf_view(&my.message), &problem);
	if (outcome == SMTP_AWAY && my.on_failure == STOP) {
		filter_fail(EXIT_REMOTE, &problem);
		return MERGE;
	}
	return settle(ev, outcome == SMTP_TAKEN ? FATE_TAKEN : FATE_REFUSED, problem.text);
}

static bool barrier(const struct batch *batch, struct problem *problem)
{
	(void)problem;
	if (batch->numbered)
		my.batch = batch->number + 1;
	return true;
}

/* ---- the start ---- */

static struct template *read_template(struct text source, const char *option, bool none, struct problem *problem)
{
	struct problem why = { .line = 0 };
	struct template *t = NULL;

	if (!unicode_valid(source))
		problem_set(&why, "no UTF-8");
	else
		t = template_format(source, "ev", NULL, NULL, &why);
	if (!t)
		problem_set(problem, "%s: %s", option, why.text);
	else if (none)
		template_print_none(t);
	return t;
}

static bool read_text(struct problem *problem)
{
	struct arena arena = { 0 };
	struct value_error unused;
	struct value v;
	struct text text;
	bool fine = true;

	value_parse(my.text, &v, &unused);
	text = v.kind == VALUE_STRING ? value_text(v, &arena) : v.raw;
	if (v.kind != VALUE_NULL && text.len)
		fine = (my.text_template = read_template(text, "--text", true, problem)) != NULL;
	arena_free(&arena);
	return fine;
}

static bool start(struct problem *problem)
{
	my.from_template = read_template(text_of(my.mail_from), "--mail-from", false, problem);
	if (my.from_template)
		my.to_template = read_template(text_of(my.mail_to), "--mail-to", false, problem);
	if (my.to_template)
		my.subject_template = read_template(text_of(my.subject), "--subject", true, problem);
	if (!my.subject_template || !read_text(problem))
		return false;
	my.fields = alloc_zero(my.fieldnames.count + 1, sizeof *my.fields);
	for (size_t i = 0; i < my.fieldnames.count; i++)
		if ((my.fields[i] = field_intern(my.fieldnames.items[i])) == F_NONE)
			return problem_set(problem, "--fieldnames: too many, or one is too long");
	return smtp_start(&my.smtp, problem);
}

static void stop(void)
{
	struct template *templates[] = { my.from_template, my.to_template, my.subject_template, my.text_template };
	struct buf *bufs[] = { &my.header, &my.body, &my.table, &my.cell, &my.entity, &my.message, &my.id };

	smtp_stop(&my.smtp);
	journal_close(&my.journal);
	for (size_t i = 0; i < LENGTH(templates); i++)
		template_free(templates[i]);
	for (size_t i = 0; i < LENGTH(bufs); i++)
		buf_free(bufs[i]);
	mailboxes_free(&my.from);
	mailboxes_free(&my.to);
	free(my.fields);
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv, &(struct filter){ .name = "imq-to-smtp", .module = "intelmq.bots.outputs.smtp.output",
		.summary = "mail events", .options = options, .sink = true, .start = start,
		.event = send, .barrier = barrier, .stop = stop });
}
