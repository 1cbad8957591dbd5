/* imq-taxonomy: derive classification.taxonomy from classification.type by the Reference Security Incident Taxonomy.
 * What an event already says stays, even a contradiction: correcting a feed is the job of imq-modify. */
#include "event.h"
#include "filter.h"

static bool overwrite;

static const struct opt options[] = {
	OPT_BOOL('o', "overwrite", &overwrite, false, "derive the taxonomy even where the event has one"),
	OPT_END
};

/* One row per taxonomy: its name, then its types. */
static const char *const rsit[][9] = {
	{ "abusive-content", "harmful-speech", "spam", "violence" },
	{ "availability", "ddos", "dos", "misconfiguration", "outage", "sabotage" },
	{ "fraud", "copyright", "masquerade", "phishing", "unauthorized-use-of-resources" },
	{ "information-content-security", "data-leak", "data-loss", "unauthorised-information-access",
		"unauthorised-information-modification" },
	{ "information-gathering", "scanner", "sniffing", "social-engineering" },
	{ "intrusion-attempts", "brute-force", "exploit", "ids-alert" },
	{ "intrusions", "application-compromise", "burglary", "privileged-account-compromise", "system-compromise",
		"unprivileged-account-compromise" },
	{ "malicious-code", "c2-server", "infected-system", "malware-configuration", "malware-distribution" },
	{ "other", "blacklist", "dga-domain", "malware", "other", "proxy", "tor", "undetermined" },
	{ "test", "test" },
	{ "vulnerable", "ddos-amplifier", "information-disclosure", "potentially-unwanted-accessible",
		"vulnerable-system", "weak-crypto" },
};

/* The same from type to taxonomy, as a hash table: this is asked of every event. */
static struct slot {
	struct text type, taxonomy;
	struct buf raw; /* the taxonomy as the field writes it; empty: it is refused */
} slots[256];

static struct slot *slot_of(struct text type)
{
	size_t at = type.len;

	for (size_t i = 0; i < type.len; i++)
		at = at * 31 + (unsigned char)type.at[i];
	while (slots[at % LENGTH(slots)].type.at && !text_eq(slots[at % LENGTH(slots)].type, type))
		at++;
	return &slots[at % LENGTH(slots)];
}

static void add_type(const char *type, struct text taxonomy)
{
	struct slot *slot = slot_of(text_of(type));

	*slot = (struct slot){ text_of(type), taxonomy, BUF_INIT };
	field_sanitise(F_CLASSIFICATION_TAXONOMY, VALUE_STRING, taxonomy, &slot->raw);
}

static bool start(struct problem *problem)
{
	(void)problem;
	for (size_t row = 0; row < LENGTH(rsit); row++)
		for (size_t i = 1; i < LENGTH(rsit[row]) && rsit[row][i]; i++)
			add_type(rsit[row][i], text_of(rsit[row][0]));
	return true;
}

static void set_taxonomy(struct event *ev, const struct slot *slot)
{
	if (slot->raw.len)
		event_set_raw(ev, F_CLASSIFICATION_TAXONOMY, buf_view(&slot->raw));
	else
		event_set(ev, F_CLASSIFICATION_TAXONOMY, slot->taxonomy.at ? slot->taxonomy : TEXT("other"));
}

static enum verdict classify(struct event *ev)
{
	struct text type = event_text(ev, F_CLASSIFICATION_TYPE);

	if (overwrite || !event_has(ev, F_CLASSIFICATION_TAXONOMY))
		set_taxonomy(ev, slot_of(type));
	if (!type.len && !event_has(ev, F_CLASSIFICATION_TYPE))
		event_set(ev, F_CLASSIFICATION_TYPE, TEXT("undetermined"));
	return PASS;
}

static void stop(void)
{
	for (size_t i = 0; i < LENGTH(slots); i++)
		buf_free(&slots[i].raw);
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv, &(struct filter){ .name = "imq-taxonomy",
		.module = "intelmq.bots.experts.taxonomy.expert",
		.summary = "derive the taxonomy of events from their type", .options = options,
		.start = start, .event = classify, .stop = stop });
}
