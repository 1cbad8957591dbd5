/* Making mails of the events in the store, and what is done with them: shown, sent to a tester, sent and removed. */
#include <stdio.h>
#include <time.h>

#include "batch.h"
#include "clock.h"
#include "log.h"
#include "unicode.h"

enum { TIME_TEXT = 4096 };

static struct {
	struct store *store;
	struct table table;
	struct mailboxes from, to, bcc;
	struct buf subject, filename, zip, parts, entity, message, line, plain;
	int64_t now;
	enum exit_status status;
} my;

static void fail(enum exit_status status, const struct problem *problem)
{
	log_problem(problem);
	if (my.status == EXIT_FINE || status != EXIT_REJECTED)
		my.status = status;
}

/* The status that a problem with the store makes. */
static enum exit_status store_failure(const struct problem *problem)
{
	return problem->away ? EXIT_REMOTE : EXIT_IO;
}

/* ---- the mail ---- */

/* Appends FORMAT with the local time filled in. */
static void put_time(struct buf *out, const char *format)
{
	time_t seconds = (time_t)(my.now / 1000000);
	char text[TIME_TEXT];
	struct tm tm;

	localtime_r(&seconds, &tm);
	buf_add(out, text, strftime(text, sizeof text, format, &tm));
}

/* A name that nobody has to quote. */
static void name_attachment(void)
{
	buf_clear(&my.filename);
	put_time(&my.filename, settings.attachment_name);
	for (size_t i = 0; i < my.filename.len; i++)
		if (my.filename.at[i] <= ' ' || my.filename.at[i] > '~' || strchr("\"\\/:", my.filename.at[i]))
			my.filename.at[i] = '_';
	buf_string(&my.filename, ".zip");
}

static bool sign_entity(struct problem *problem)
{
	struct buf signature = BUF_INIT;
	const char *hash;
	bool fine = sign_text(buf_view(&my.parts), &signature, &hash, problem);

	if (fine)
		mail_signed(&my.entity, buf_view(&my.parts), buf_view(&signature), hash);
	buf_free(&signature);
	return fine;
}

/* Makes the mail with the table, which is packed, for those in my.to. */
static bool write_mail(struct problem *problem)
{
	struct mail_part parts[] = { { .type = "text/plain", .body = buf_view(&settings.body) }, { .type = "application/zip" } };

	name_attachment();
	parts[1].filename = buf_cstr(&my.filename);
	parts[1].body = buf_view(&my.zip);
	buf_clear(&my.parts);
	mail_parts(&my.parts, parts, LENGTH(parts));
	buf_clear(&my.entity);
	if (settings.gpg_key && *settings.gpg_key) {
		if (!sign_entity(problem))
			return false;
	} else {
		buf_text(&my.entity, buf_view(&my.parts));
	}
	buf_clear(&my.message);
	mail_write(&my.message, &(struct mail){ .from = &my.from, .to = &my.to, .subject = buf_view(&my.subject),
		.entity = buf_view(&my.entity), .identity = buf_view(&my.table.csv), .date = my.now });
	return true;
}

/* Who gets the mail, and its subject. */
static bool address_mail(struct text recipients, struct problem *problem)
{
	mailboxes_clear(&my.to);
	buf_clear(&my.subject);
	put_time(&my.subject, settings.subject);
	buf_string(&my.subject, settings.test ? " (intended for " : " (");
	buf_text(&my.subject, recipients);
	buf_char(&my.subject, ')');
	if (!mailboxes_add(&my.to, settings.test ? text_of(settings.testing_to) : recipients, problem))
		return false;
	return my.to.count || problem_set(problem, "no address to mail to");
}

/* ---- what is done with it ---- */

/* The mail as one line of JSON. */
static void show(const char *contact, struct text recipients, const char *done)
{
	buf_clear(&my.line);
	buf_clear(&my.plain);
	unicode_repair(text_of(contact), &my.plain); /* in Redis somebody else may have made it */
	buf_string(&my.line, "{\"contact\":");
	buf_json(&my.line, buf_view(&my.plain));
	buf_clear(&my.plain);
	unicode_repair(settings.test ? text_of(settings.testing_to) : recipients, &my.plain);
	buf_string(&my.line, ",\"to\":");
	buf_json(&my.line, buf_view(&my.plain));
	buf_string(&my.line, ",\"subject\":");
	buf_clear(&my.plain);
	unicode_repair(buf_view(&my.subject), &my.plain);
	buf_json(&my.line, buf_view(&my.plain));
	buf_printf(&my.line, ",\"events\":%zu,\"too_old\":%zu,\"bytes\":%zu%s}\n", my.table.events, my.table.ignored,
		my.zip.len, done);
	fwrite(my.line.at, 1, my.line.len, stdout);
	fflush(stdout);
}

/* False: it was not taken, or only by some. */
static bool deliver(const char *contact)
{
	struct problem problem = { .line = 0 }, why = { .line = 0 };
	enum smtp_outcome outcome = smtp_send(&settings.smtp, &my.from, &my.to, NULL, buf_view(&my.message), &why);

	if (outcome != SMTP_TAKEN) {
		problem_set(&problem, "%s: %s", contact, why.text);
		fail(outcome == SMTP_AWAY ? EXIT_REMOTE : EXIT_REJECTED, &problem);
		return false;
	}
	if (my.bcc.count == 0 || settings.test)
		return true;
	outcome = smtp_send(&settings.smtp, &my.from, &my.bcc, NULL, buf_view(&my.message), &why);
	if (outcome != SMTP_TAKEN) { /* the events are not kept for that: who they are for has them */
		problem_set(&problem, "%s: the copy: %s", contact, why.text);
		fail(EXIT_REJECTED, &problem);
	}
	return true;
}

/* Deals with as many events of CONTACT as go into a mail. False: no more of them. */
static bool deal(const char *contact, struct text recipients)
{
	struct problem problem = { .line = 0 }, why = { .line = 0 };
	const char *done = settings.send ? ",\"sent\":true" : settings.clear ? ",\"removed\":true" : settings.test ? ",\"tested\":true" : "";

	table_clear(&my.table);
	my.table.contact = contact;
	if (!my.store->kind->read(my.store, table_add, &my.table, &problem)) {
		fail(store_failure(&problem), &problem);
		return false;
	}
	if (my.table.events + my.table.ignored == 0)
		return false;
	if (!address_mail(recipients, &why) && !settings.clear) {
		problem_set(&problem, "%s: %s", contact, why.text);
		fail(EXIT_REJECTED, &problem);
		return false;
	}
	buf_clear(&my.zip);
	if (my.table.events && !settings.clear && !table_zip(&my.table, my.now, &my.zip, &problem)) {
		fail(EXIT_IO, &problem);
		return false;
	}
	if (my.table.events && (settings.send || settings.test)) {
		if (!write_mail(&problem)) {
			fail(EXIT_USAGE, &problem);
			return false;
		}
		if (!deliver(contact))
			return false;
	}
	if ((settings.send || settings.clear) && !my.store->kind->remove(my.store, &problem)) {
		problem_set(&why, "%s: %s: %s", contact,
			settings.send ? "the mail is sent, but its events are not removed" : "not removed", problem.text);
		fail(problem.away ? EXIT_REMOTE : EXIT_IO, &why);
		return false;
	}
	show(contact, recipients, done);
	return my.table.full && !run_stopping();
}

static void deal_with(const char *contact)
{
	struct problem problem = { .line = 0 };

	if (!my.store->kind->open(my.store, text_of(contact), settings.send || settings.clear, &problem)) {
		fail(store_failure(&problem), &problem);
		return;
	}
	while (deal(contact, settings_recipients(text_of(contact))))
		;
	if (!my.store->kind->leave(my.store, &problem))
		fail(store_failure(&problem), &problem);
}

static void deal_with_all(const struct names *names)
{
	long long count = 0;

	for (size_t i = 0; i < names->count; i++) {
		if (settings.only && strcmp(settings.only, names->items[i]) != 0)
			continue;
		if (settings.limit_results && count == settings.limit_results)
			break;
		if (run_stopping() || (my.status != EXIT_FINE && my.status != EXIT_REJECTED))
			break;
		deal_with(names->items[i]);
		count++;
	}
}

/* ---- the start ---- */

static bool read_addresses(struct problem *problem)
{
	struct problem why = { .line = 0 };

	if (!mailboxes_add(&my.from, text_of(settings.email_from ? settings.email_from : ""), &why) || my.from.count != 1)
		return problem_set(problem, "--email-from: %s", why.text[0] ? why.text : "one address expected");
	for (size_t i = 0; i < settings.bcc.count; i++)
		if (!mailboxes_add(&my.bcc, settings.bcc.items[i], &why))
			return problem_set(problem, "--bcc: %s", why.text);
	if (settings.test && (!settings.testing_to || !mailboxes_add(&my.to, text_of(settings.testing_to), &why) || my.to.count == 0))
		return problem_set(problem, "--testing-to: %s", why.text[0] ? why.text : "an address expected");
	return true;
}

static bool prepare(struct problem *problem)
{
	my.now = clock_now();
	my.table.oldest = settings.ignore_days ? my.now - settings.ignore_days * INT64_C(86400000000) : INT64_MIN;
	if (settings.list + settings.test + settings.send + settings.clear > 1)
		return problem_set(problem, "--list, --test, --send, --clear: only one of them");
	if (!settings_read(problem))
		return false;
	return settings.clear || settings.list ||
	       (read_addresses(problem) && settings_read_server(problem) && smtp_start(&settings.smtp, problem));
}

static void finish(void)
{
	struct buf *bufs[] = { &my.subject, &my.filename, &my.zip, &my.parts, &my.entity, &my.message, &my.line, &my.plain };

	store_close(my.store);
	smtp_stop(&settings.smtp);
	table_free(&my.table);
	mailboxes_free(&my.from);
	mailboxes_free(&my.to);
	mailboxes_free(&my.bcc);
	for (size_t i = 0; i < LENGTH(bufs); i++)
		buf_free(bufs[i]);
}

enum exit_status act(void)
{
	struct problem problem = { .line = 0 };
	struct names names = { NULL, 0, 0 };

	if (!prepare(&problem) || !(my.store = settings_open_store(false, &problem)))
		fail(problem.away ? EXIT_REMOTE : EXIT_USAGE, &problem);
	else if (((settings.send || settings.clear) && !my.store->kind->lock(my.store, &problem)) ||
		 !my.store->kind->contacts(my.store, &names, &problem))
		fail(store_failure(&problem), &problem);
	else
		deal_with_all(&names);
	names_free(&names);
	finish();
	if (!opt_flush() && my.status != EXIT_REMOTE)
		my.status = EXIT_IO;
	return my.status;
}
