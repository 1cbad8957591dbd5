/* Prints N events of about 900 bytes with 22 fields and __type, the same for the same N: the data of the benchmarks.
 *
 * Three feeds take turns as they do in a queue: each brings a few events at a time and has an order of fields of its own.
 * `raw` is the line of the feed in base64. As IntelMQ writes JSON, there is a blank behind commas and colons, and what is
 * not ASCII is escaped; one feed in three writes it as it is. There are up to 100,000 malware names and 65,536,000 addresses. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "buf.h"

static uint64_t state = 88172645463325252u;

/* xorshift64 */
static unsigned draw(unsigned below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 24) % below;
}

static const char *const types[] = { "infected-system", "scanner", "phishing", "brute-force", "c2-server", "malware-distribution" };
static const char *const identifiers[] = { "zeus", "open-portmapper", "conficker", "ssh-brute-force", "generic" };
static const char *const applications[] = { "http", "https", "ssh", "smtp", "portmapper" };
static const char *const countries[] = { "AT", "DE", "CZ", "FR", "US", "NL", "CN", "BR" };
static const char *const cities[] = { "Wien", "Frankfurt am Main", "Praha", "Paris", "Ashburn", "Amsterdam", "K\\u00f6ln", "Curitiba" };
static const char *const plain_cities[] = { "Wien", "Berlin", "Brno", "Lyon", "Chicago", "Haarlem", "K\xc3\xb6ln", "S\xc3\xa3o Paulo" };
static const char *const names[] = { "EXAMPLE-AS", "ACME-BACKBONE Acme Networks Ltd., GB", "HOSTING-NET Example Hosting GmbH, DE",
	"CLOUD-14 Example Cloud Inc., US", "TELEKOM-AT A1 Example Telekom AG, AT" };
static const char *const pages[] = { "index.php?id=", "wp-content/invoice.zip?download=", "login/account/verify.html?session=",
	"gate.php?bot=", "a/" };

#define PICK(list) list[draw(LENGTH(list))]

/* What the feeds tell of one event. */
struct facts {
	unsigned ip[4], port, asn, host, malware, day, hour, minute, second;
	const char *type, *identifier, *application, *cc, *city, *name, *page;
};

static struct facts invent(bool escaped)
{
	unsigned place = draw(LENGTH(countries)), clock = draw(86400);

	return (struct facts){ .ip = { 1 + draw(200), draw(256), draw(256), draw(250) }, .port = 1024 + draw(64000),
		.asn = 1000 + draw(60000), .host = draw(1000000), .malware = draw(100000), .day = 1 + draw(24),
		.hour = clock / 3600, .minute = clock / 60 % 60, .second = clock % 60, .type = PICK(types),
		.identifier = PICK(identifiers), .application = PICK(applications), .cc = countries[place],
		.city = escaped ? cities[place] : plain_cities[place], .name = PICK(names), .page = PICK(pages) };
}

static void put_raw(struct buf *out, struct buf *line, const struct facts *f)
{
	buf_clear(line);
	buf_printf(line, "2026-11-%02u %02u:%02u:%02u,%u.%u.%u.%u,%u,%u,%s,%s,family-%u", f->day, f->hour, f->minute,
		f->second, f->ip[0], f->ip[1], f->ip[2], f->ip[3], f->port, f->asn, f->cc, f->identifier, f->malware);
	buf_string(out, "\"raw\": \"");
	buf_base64(out, buf_view(line));
	buf_char(out, '"');
}

static void put_time(struct buf *out, const struct facts *f)
{
	buf_printf(out, "\"time.source\": \"2026-11-%02uT%02u:%02u:%02u+00:00\"", f->day, f->hour, f->minute, f->second);
}

static void put_source(struct buf *out, const struct facts *f)
{
	buf_printf(out, "\"source.ip\": \"%u.%u.%u.%u\", \"source.port\": %u, \"source.asn\": %u, \"source.as_name\": \"%s\", "
		"\"source.geolocation.cc\": \"%s\", \"source.geolocation.city\": \"%s\"",
		f->ip[0], f->ip[1], f->ip[2], f->ip[3], f->port, f->asn, f->name, f->cc, f->city);
}

static void put_url(struct buf *out, const struct facts *f)
{
	buf_printf(out, "\"source.fqdn\": \"host-%u.example.com\", \"source.url\": \"http://host-%u.example.com/%s%u\"", f->host, f->host,
		f->page, f->host * 7);
}

static void put_class(struct buf *out, const struct facts *f)
{
	buf_printf(out, "\"classification.type\": \"%s\", \"classification.identifier\": \"%s\"", f->type, f->identifier);
}

static void botnet_feed(struct buf *out, struct buf *line, const struct facts *f)
{
	buf_string(out, "\"feed.accuracy\": 100.0, \"feed.name\": \"Botnet Drone\", \"feed.provider\": \"Example Foundation\", "
			"\"feed.url\": \"https://feeds.example.net/reports/drone.csv\", \"time.observation\": \"2026-11-25T01:02:03+00:00\", ");
	put_time(out, f);
	buf_string(out, ", ");
	put_source(out, f);
	buf_string(out, ", ");
	put_url(out, f);
	buf_printf(out, ", \"destination.ip\": \"192.0.2.%u\", \"destination.port\": 443, \"protocol.application\": \"%s\", "
		"\"protocol.transport\": \"tcp\", ", f->ip[3], f->application);
	put_class(out, f);
	buf_printf(out, ", \"malware.name\": \"family-%u\", ", f->malware);
	put_raw(out, line, f);
	buf_string(out, ", \"__type\": \"Event\"");
}

static void scan_feed(struct buf *out, struct buf *line, const struct facts *f)
{
	buf_string(out, "\"__type\": \"Event\", \"time.observation\": \"2026-11-25T01:02:03+00:00\", \"feed.name\": \"Accessible-Portmapper\", "
			"\"feed.provider\": \"Example Scans\", \"feed.accuracy\": 95.0, ");
	put_class(out, f);
	buf_string(out, ", ");
	put_time(out, f);
	buf_string(out, ", ");
	put_source(out, f);
	buf_string(out, ", ");
	put_url(out, f);
	buf_printf(out, ", \"protocol.transport\": \"udp\", \"protocol.application\": \"%s\", \"extra.programs\": \"100000 4 %u/udp; 100000 3 %u/udp\", "
		"\"extra.naics\": %u, \"extra.tags\": [\"portmapper\", \"ttl-%u\"], \"malware.name\": \"family-%u\", ",
		f->application, f->port, f->port, f->asn * 3, f->ip[3], f->malware);
	put_raw(out, line, f);
}

static void url_feed(struct buf *out, struct buf *line, const struct facts *f)
{
	put_raw(out, line, f);
	buf_printf(out, ", \"malware.name\": \"family-%u\", ", f->malware);
	put_url(out, f);
	buf_string(out, ", ");
	put_source(out, f);
	buf_string(out, ", ");
	put_class(out, f);
	buf_string(out, ", ");
	put_time(out, f);
	buf_printf(out, ", \"event_description.text\": \"URL serving %s, seen by \\\"crawler-%u\\\"\", \"protocol.application\": \"http\", "
		"\"extra.status\": \"online\", \"malware.hash.md5\": \"%08x%08x%08x%08x\", \"feed.accuracy\": 90.0, \"feed.name\": \"Malware URLs\", "
		"\"feed.provider\": \"Example Tracker\", \"time.observation\": \"2026-11-25T01:02:03+00:00\", \"__type\": \"Event\"",
		f->identifier, f->host % 10, f->host * 2654435761u, f->port * 2654435761u, f->malware * 2654435761u, f->asn * 2654435761u);
}

int main(int argc, char **argv)
{
	static void (*const feeds[])(struct buf *, struct buf *, const struct facts *) = { botnet_feed, scan_feed, url_feed };
	long count = argc > 1 ? strtol(argv[1], NULL, 10) : 1000;
	struct buf out = BUF_INIT, line = BUF_INIT;
	unsigned feed = 0, run = 0;

	for (long i = 0; i < count && !ferror(stdout); i++) {
		struct facts facts;

		if (run-- == 0) {
			feed = draw(LENGTH(feeds));
			run = draw(40);
		}
		facts = invent(feed != 1);
		buf_clear(&out);
		buf_char(&out, '{');
		feeds[feed](&out, &line, &facts);
		buf_string(&out, "}\n");
		fwrite(out.at, 1, out.len, stdout);
	}
	buf_free(&out);
	buf_free(&line);
	return ferror(stdout) != 0;
}
