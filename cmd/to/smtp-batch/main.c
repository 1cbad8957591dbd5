/* imq-to-smtp-batch: events wait in a store, a list for each abuse contact, until this command is called to mail them: then each
 * contact gets one mail, with a table of all its events, packed. Gathering and sending are two processes, which need not know of each
 * other. */
#include "batch.h"

enum { MAX_EVENTS = 5000, MAX_BYTES = 8 << 20 /* gathered before they go to the store */ };

static struct {
	struct store *store;
	long long number; /* of the batch at hand, -1: not numbered */
	struct mailboxes boxes;
	struct buf text;
} my;

/* What there is to do is in the settings, and the store wants to know of batches. */
static bool start_store(void *self, const struct filter *filter, const struct batch *batch, struct problem *problem)
{
	(void)self, (void)filter;
	my.number = batch->numbered ? batch->number : -1;
	return settings_read(problem) && (my.store = settings_open_store(true, problem)) != NULL &&
	       my.store->kind->begin(my.store, batch, problem);
}

static bool act_instead(void *self, const struct filter *filter, enum exit_status *status)
{
	(void)self, (void)filter;
	if (!settings.list && !settings.test && !settings.send && !settings.clear)
		return false;
	*status = act();
	return true;
}

static const struct mixin store_mixin = { .name = "store", .start = start_store, .instead = act_instead };

#define FIELDS \
	"time.source,source.ip,classification.taxonomy,classification.type,time.observation,source.geolocation.cc,source.asn," \
	"event_description.text,malware.name,feed.name,feed.url,raw"

static const struct opt options[] = {
	OPT_BOOL('l', "list", &settings.list, false, "show the mails that are due, instead of gathering events"),
	OPT_BOOL('t', "test", &settings.test, false, "send them to the tester, and keep the events"),
	OPT_BOOL('s', "send", &settings.send, false, "send them, and remove the events"),
	OPT_BOOL(0, "clear", &settings.clear, false, "remove the events unsent"),
	OPT_TEXT('o', "only", &settings.only, NULL, "for this contact alone"),
	OPT_TEXT(0, "state", &settings.state, NULL, "events wait in this file (SQLite), or redis://HOST[:PORT][/DB][#BOT]"),
	OPT_FILE(0, "mail-template", &settings.mail_template, "the text of the mails is in FILE"),
	OPT_TEXT('f', "email-from", &settings.email_from, NULL, "sender"),
	OPT_TEXT(0, "subject", &settings.subject, "IntelMQ warning (%Y-%m-%d)", "subject, in strftime's manner"),
	OPT_TEXT(0, "attachment-name", &settings.attachment_name, "intelmq_%Y-%m-%d", "name of the attachment, to which .zip is added"),
	OPT_LIST(0, "bcc", &settings.bcc, NULL, "who gets a copy"),
	OPT_FILE(0, "alternative-mails", &settings.alternative_mails, "CSV file with a contact and whom to mail to instead"),
	OPT_TEXT(0, "gpg-key", &settings.gpg_key, NULL, "sign with this key of GnuPG"),
	OPT_SECRET("gpg-pass", &settings.gpg_pass, "its passphrase"),
	OPT_VALUE(0, "smtp-server", &settings.server, "localhost", "host, [host, port, user, password], or a map of these"),
	OPT_TEXT(0, "http-verify-cert", &settings.smtp.verify_cert, "true", "true, false, or a file of certificates to trust"),
	OPT_INTEGER(0, "ignore-older-than-days", &settings.ignore_days, "0", "leave out events that are older by time.observation (0: none)"),
	OPT_INTEGER(0, "limit-results", &settings.limit_results, "0", "at most that many contacts (0: all)"),
	OPT_TEXT(0, "testing-to", &settings.testing_to, NULL, "the tester"),
	{ .kind = OPT_KIND_TEXT, .name = "tester", .to.text = &settings.testing_to, .help = "the same by another name" },
	OPT_LIST(0, "allowed-fieldnames", &settings.fieldnames, FIELDS, "columns of the table"),
	OPT_VALUE(0, "fieldnames-translation", &settings.translation, NULL, "their titles, a list or a map (default: short ones)"),
	OPT_INTEGER(0, "max-events", &settings.max_events, "100000", "that many events in a mail, more make another one (0: any)"),
	OPT_BYTES(0, "max-table", &settings.max_table, "64M", "that many bytes of table in a mail, before it is packed"),
	SMTP_TRY_OPTIONS(&settings.smtp),
	OPT_MIXIN(&store_mixin, &my),
	OPT_END
};

/* WHOLE: the batch is complete. */
static bool flush(bool whole, struct problem *problem)
{
	if (!my.store->kind->commit(my.store, my.number, whole, problem)) {
		filter_fail(problem->away ? EXIT_REMOTE : EXIT_IO, problem);
		return false;
	}
	filter_delivered(my.store->count);
	my.store->count = 0;
	buf_clear(&my.store->texts);
	return true;
}

static enum verdict gather(struct event *ev)
{
	struct text contact = event_text(ev, F_SOURCE_ABUSE_CONTACT);
	struct problem problem = { .line = 0 };

	if (!contact.len)
		return DROP;
	mailboxes_clear(&my.boxes);
	if (!mailboxes_add(&my.boxes, settings_recipients(contact), &problem) || my.boxes.count == 0) {
		event_mark(ev, "source.abuse_contact: %s", problem.text[0] ? problem.text : "no address");
		return REJECT;
	}
	if ((my.store->count >= MAX_EVENTS || my.store->texts.len >= MAX_BYTES) && !flush(my.number < 0, &problem))
		return MERGE;
	event_delete(ev, F_MESSAGE_TYPE);
	event_delete(ev, F_MESSAGE_PATH);
	event_flatten(ev);
	event_drop_ignored(ev);
	buf_clear(&my.text);
	event_write(ev, &my.text);
	store_gather(my.store, contact, buf_view(&my.text));
	return MERGE;
}

/* Under a pump a batch is complete at its barrier only. */
static void idle(void)
{
	struct problem problem = { .line = 0 };

	if (my.number < 0 && my.store->count)
		flush(true, &problem);
}

static bool barrier(const struct batch *batch, struct problem *problem)
{
	if (batch->numbered && batch->last)
		return true;
	if (!flush(true, problem))
		return false;
	if (batch->numbered)
		my.number = batch->number + 1;
	return true;
}

/* Where IntelMQ's bot has its lists, --state may have them too: imq-compile makes it of redis_cache_host and the bot's id. */
static void describe(struct buf *json)
{
	buf_string(json, ",\"intelmq_state\":true");
}

static void stop(void)
{
	store_close(my.store);
	settings_free();
	mailboxes_free(&my.boxes);
	buf_free(&my.text);
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv, &(struct filter){ .name = "imq-to-smtp-batch", .module = "intelmq.bots.outputs.smtp_batch.output",
		.summary = "gather events and mail them contact by contact", .options = options, .sink = true, .event = gather, .idle = idle,
		.barrier = barrier, .stop = stop, .describe = describe });
}
