/* Types of incidents in IDEA (idea.cesnet.cz). */
#include "idea.h"

static const struct idea_type types[] = {
	{ "application-compromise", "Intrusion.AppCompromise", NULL },
	{ "blacklist", "Other", NULL },
	{ "brute-force", "Attempt.Login", NULL },
	{ "burglary", "Intrusion", NULL },
	{ "c2-server", "Intrusion.Botnet", "CC" },
	{ "copyright", "Fraud.Copyright", NULL },
	{ "data-leak", "Information", NULL },
	{ "data-loss", "Information", NULL },
	{ "ddos", "Availability.DDoS", NULL },
	{ "ddos-amplifier", "Intrusion.Botnet", NULL },
	{ "dga-domain", "Anomaly.Behaviour", "DGA" },
	{ "dos", "Availability.DoS", NULL },
	{ "exploit", "Attempt.Exploit", NULL },
	{ "harmful-speech", "Abusive.Harassment", NULL },
	{ "ids-alert", "Attempt.Exploit", NULL },
	{ "infected-system", "Malware", NULL },
	{ "information-disclosure", "Information.UnauthorizedAccess", NULL },
	{ "malware", "Malware", NULL },
	{ "malware-configuration", "Malware", "MalwareConf" },
	{ "malware-distribution", "Malware", "Malware" },
	{ "masquerade", "Fraud.Scam", NULL },
	{ "misconfiguration", "Availability.Outage", NULL },
	{ "other", "Other", NULL },
	{ "outage", "Availability.Outage", NULL },
	{ "phishing", "Fraud.Phishing", "Phishing" },
	{ "potentially-unwanted-accessible", "Vulnerable.Open", NULL },
	{ "privileged-account-compromise", "Intrusion.AdminCompromise", NULL },
	{ "proxy", "Vulnerable.Config", "Proxy" },
	{ "sabotage", "Availability.Sabotage", NULL },
	{ "scanner", "Recon.Scanning", NULL },
	{ "sniffing", "Recon.Sniffing", NULL },
	{ "social-engineering", "Recon.SocialEngineering", NULL },
	{ "spam", "Abusive.Spam", NULL },
	{ "system-compromise", "Intrusion.AdminCompromise", NULL },
	{ "test", "Test", NULL },
	{ "tor", "Other", "Tor" },
	{ "unauthorised-information-access", "Information.UnauthorizedAccess", NULL },
	{ "unauthorised-information-modification", "Information.UnauthorizedModification", NULL },
	{ "unauthorized-use-of-resources", "Fraud.UnauthorizedUsage", NULL },
	{ "undetermined", "Other", NULL },
	{ "unprivileged-account-compromise", "Intrusion.UserCompromise", NULL },
	{ "violence", "Abusive.Violence", NULL },
	{ "vulnerable-system", "Vulnerable.Config", NULL },
	{ "weak-crypto", "Vulnerable.Config", NULL },
};

const struct idea_type *idea_type(struct text type)
{
	const struct idea_type *undetermined = NULL;

	for (size_t i = 0; i < LENGTH(types); i++) {
		if (text_is(type, types[i].type))
			return &types[i];
		if (strcmp(types[i].type, "undetermined") == 0)
			undetermined = &types[i];
	}
	return undetermined;
}
