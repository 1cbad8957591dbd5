/* Drivers: parsers in C for what no definition can say, chosen by a definition's `driver: NAME`. A driver gets the
 * document as UTF-8, as the formats do. Most make JSON objects of it, which the definition's fields then map
 * (driver_events()); Shadowserver's, which knows the fields itself, writes the events.
 *
 * Adding one: a file cmd/parse/NAME.c with a `const struct driver`, and a row in driver.c. */
#ifndef IMQ_PARSE_DRIVER_H
#define IMQ_PARSE_DRIVER_H

#include "parse.h"

struct driver {
	const char *name;
	/* Wants all of a document at once: feed() is called with the end of it only. */
	bool whole;
	/* The field of reports that it looks at, beyond those of the data format: known before reports are read. */
	const char *looks_at;
	/* A new document begins; s->report is it, NULL for raw input. NULL: nothing to do. False: s->reason says why. */
	bool (*start)(struct session *s);
	/* As session_feed(): cuts DATA, which is writable, into records and maps or rejects each; returns the bytes used. */
	size_t (*feed)(struct session *s, struct text data, bool last);
	/* Before anything is read; s->driver_state is to stay NULL if it fails. NULL: nothing to do. */
	bool (*open)(struct session *s, struct problem *problem);
	/* For drivers whose feed() is frame_csv(): the header is in s->row, COUNT cells; then each row. */
	void (*header)(struct session *s, size_t count);
	void (*row)(struct session *s, const struct record *r);
	/* Frees s->driver_state, which belongs to the driver. */
	void (*stop)(struct session *s);
};

/* Calls TAKE for each JSON object of DATA, with white space between them or none; what is no JSON is rejected by lines. The
 * result is feed()'s. */
size_t driver_values(struct session *s, struct text data, bool last,
	void (*take)(struct session *s, struct value v, long line));

extern const struct driver ctip_driver, cymru_driver, fireeye_driver, misp_driver, shadowserver_driver, shodan_driver,
	twitter_driver;

/* NULL: there is none called NAME. */
const struct driver *driver_find(struct text name);
/* The names of all, NULL-terminated. */
const char *const *driver_names(void);

/* SOURCE, a record at LINE, became JSON: an object or an array of objects, each of which is mapped to events. All of them
 * come out, or none and SOURCE is rejected. */
void driver_events(struct session *s, struct text source, long line, struct text json);

/* What users set for single parsers: IntelMQ's parameters of those names. */
struct parameters {
	const char *feedname, *schema, *schema_url;
	enum tristate overwrite;
	bool test_mode, auto_update;
	bool use_malware_family, minimal_mode, ignore_errors;
	long long verdict_severity;
	const char *domain_whitelist, *substitutions, *classification_type, *default_scheme;
};

extern struct parameters parameters;

/* clang-format off */
#define PARAMETER_OPTIONS \
	OPT_TEXT(0, "feedname", &parameters.feedname, NULL, "Shadowserver: the feed_name of the reports, instead of their file names"), \
	OPT_FILE(0, "schema", &parameters.schema, "Shadowserver: the schema of the report types"), \
	OPT_TEXT(0, "schema-url", &parameters.schema_url, "https://interchange.shadowserver.org/intelmq/v1/schema", \
		"Shadowserver: where the schema comes from"), \
	OPT_BOOL(0, "auto-update", &parameters.auto_update, false, "Shadowserver: download the schema at the start"), \
	OPT_TRISTATE(0, "overwrite", &parameters.overwrite, NULL, "let the names in the data replace the report's feed.name"), \
	OPT_BOOL(0, "test-mode", &parameters.test_mode, false, "Shadowserver: read files/shadowserver/schema.json"), \
	OPT_BOOL(0, "use-malware-familiy-as-classification-identifier", &parameters.use_malware_family, true, \
		"AnubisNetworks: the malware family is the classification.identifier"), \
	OPT_BOOL(0, "minimal-mode", &parameters.minimal_mode, false, "Shodan: only what every banner has"), \
	OPT_BOOL(0, "ignore-errors", &parameters.ignore_errors, true, "Shodan: leave out values that do not fit"), \
	OPT_INTEGER(0, "verdict-severity", &parameters.verdict_severity, "4", "McAfee: leave out reports of lower severity"), \
	OPT_TEXT(0, "domain-whitelist", &parameters.domain_whitelist, "t.co", "Twitter: names to leave out, with all below them"), \
	OPT_TEXT(0, "substitutions", &parameters.substitutions, "[.];.", "Twitter: texts and what they become, one after the other"), \
	OPT_TEXT(0, "classification-type", &parameters.classification_type, "blacklist", "Twitter: the type of the events"), \
	OPT_TEXT(0, "default-scheme", &parameters.default_scheme, "https", "Twitter: the scheme of the URLs")
/* clang-format on */

/* The row of a parameter, dashes and underscores being the same; NULL: none. */
const struct opt *parameter_find(struct text name);
/* Its value now: a text, number or boolean. */
struct cell parameter_get(const struct opt *row);

#endif
