/* Closed lists of words. data-format.md 2.16 to 2.18. */
#include "type_priv.h"
#include "unicode.h"

/* A list of words: the case they are written in, other words for them, and the words, each array ending with NULL. */
struct words {
	bool upper;
	bool empty_refused; /* by sanitising already */
	struct text (*trim)(struct text); /* what else is cut off, NULL: nothing */
	const char *const (*renamed)[2];
	const char *const *list;
};

static bool listed(const struct words *words, struct text t)
{
	for (const char *const *word = words->list; *word; word++)
		if (t.len && t.at[0] == **word && text_is(t, *word))
			return true;
	return false;
}

static bool words_put(const struct words *words, enum value_kind kind, struct text in, struct buf *out, bool must_be_listed)
{
	struct buf mapped = BUF_INIT;
	struct text word;
	bool taken;

	if (kind != VALUE_STRING || in.len == 0)
		return false;
	if (listed(words, in)) {
		put_plain(out, in);
		return true;
	}
	in = unicode_strip(in);
	taken = (words->upper ? unicode_upper : unicode_lower)(in, &mapped);
	word = buf_view(&mapped);
	if (words->trim)
		word = words->trim(word);
	for (const char *const (*pair)[2] = words->renamed; (*pair)[0]; pair++)
		if (text_is(word, (*pair)[0])) {
			word = text_of((*pair)[1]);
			break;
		}
	taken = taken && (must_be_listed ? listed(words, word) : word.len || !words->empty_refused);
	if (taken)
		buf_json(out, word);
	buf_free(&mapped);
	return taken;
}

static const struct words registries = {
	.upper = true,
	.renamed = (const char *const[][2]){ { "RIPENCC", "RIPE" }, { "RIPE-NCC", "RIPE" }, { NULL, NULL } },
	.list = (const char *const[]){ "AFRINIC", "APNIC", "ARIN", "LACNIC", "RIPE", NULL },
};

static const struct words taxonomies = {
	.empty_refused = true,
	.renamed = (const char *const[][2]){ { "abusive content", "abusive-content" },
		{ "information gathering", "information-gathering" }, { "intrusion attempts", "intrusion-attempts" },
		{ "malicious code", "malicious-code" }, { NULL, NULL } },
	.list = (const char *const[]){ "abusive-content", "availability", "fraud", "information-content-security",
		"information-gathering", "intrusion-attempts", "intrusions", "malicious-code", "other", "test", "vulnerable",
		NULL },
};

static const struct words classifications = {
	.empty_refused = true,
	.renamed = (const char *const[][2]){
		{ "botnet drone", "infected-system" },
		{ "infected system", "infected-system" },
		{ "ransomware", "infected-system" },
		{ "ids alert", "ids-alert" },
		{ "c&c", "c2-server" },
		{ "c2server", "c2-server" },
		{ "malware configuration", "malware-configuration" },
		{ "vulnerable client", "vulnerable-system" },
		{ "vulnerable service", "vulnerable-system" },
		{ "unknown", "undetermined" },
		{ "dga domain", "dga-domain" },
		{ "unauthorized-login", "system-compromise" },
		{ "unauthorized-command", "system-compromise" },
		{ "compromised", "system-compromise" },
		{ "backdoor", "system-compromise" },
		{ "defacement", "unauthorised-information-modification" },
		{ "dropzone", "other" },
		{ "leak", "data-leak" },
		{ NULL, NULL } },
	.list = (const char *const[]){ "application-compromise", "blacklist", "brute-force", "burglary", "c2-server",
		"copyright", "data-leak", "data-loss", "ddos", "ddos-amplifier", "dga-domain", "dos", "exploit",
		"harmful-speech", "ids-alert", "infected-system", "information-disclosure", "malware",
		"malware-configuration", "malware-distribution", "masquerade", "misconfiguration", "other", "outage",
		"phishing", "potentially-unwanted-accessible", "privileged-account-compromise", "proxy", "sabotage",
		"scanner", "sniffing", "social-engineering", "spam", "system-compromise", "test", "tor",
		"unauthorised-information-access", "unauthorised-information-modification",
		"unauthorized-use-of-resources", "undetermined", "unprivileged-account-compromise", "violence",
		"vulnerable-system", "weak-crypto", NULL },
};

/* `TLP: RED` is RED. */
static struct text without_tlp(struct text t)
{
	uint32_t rune;

	if (!text_starts(t, TEXT("TLP")))
		return t;
	t = text_from(t, 3);
	if (t.len && t.at[0] == ':')
		t = text_from(t, 1);
	for (struct text rest = t; unicode_next(&rest, &rune) && unicode_space(rune);)
		t = rest;
	return t;
}

static const struct words colours = {
	.upper = true,
	.trim = without_tlp,
	.renamed = (const char *const[][2]){ { "YELLOW", "AMBER" }, { NULL, NULL } },
	.list = (const char *const[]){ "WHITE", "GREEN", "AMBER", "RED", NULL },
};

/* A type's three functions know nothing but their arguments, so each list has its own. */
#define WORDS_TYPE(id, name, noun, words) \
	static bool id##_sanitise(enum value_kind kind, struct text in, struct buf *out) \
	{ \
		return words_put(&words, kind, in, out, false); \
	} \
	static bool id##_accept(enum value_kind kind, struct text in, struct buf *out) \
	{ \
		return words_put(&words, kind, in, out, true); \
	} \
	static bool id##_valid(enum value_kind kind, struct text in) \
	{ \
		return kind == VALUE_STRING && listed(&words, in); \
	} \
	const struct type type_##id = { name, noun, id##_sanitise, id##_valid, id##_accept }

WORDS_TYPE(registry, "Registry", "a regional Internet registry", registries);
WORDS_TYPE(taxonomy, "ClassificationTaxonomy", "a classification taxonomy", taxonomies);
WORDS_TYPE(classification, "ClassificationType", "a classification type", classifications);
WORDS_TYPE(tlp, "TLP", "a TLP colour", colours);
