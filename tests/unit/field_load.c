/* Local field tables: what harmonization.conf changes, and how mistakes in it are told. */
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "field.h"

static struct problem problem;

/* Loads CONTENT as a file. The problem's place and text, or "" if it was loaded. */
static const char *load(const char *content)
{
	static char told[PROBLEM_SIZE + 64];
	char path[] = "/tmp/imq-fields-XXXXXX";
	int fd = mkstemp(path);
	bool loaded;

	if (fd < 0 || write(fd, content, strlen(content)) < 0)
		return "no temporary file";
	close(fd);
	problem = (struct problem){ .line = 0 };
	loaded = field_load(path, &problem);
	CHECK(loaded || strcmp(problem.file, path) == 0);
	remove(path);
	snprintf(told, sizeof told, "%ld: %s", problem.line, problem.text);
	return loaded ? "" : told;
}

static enum field_verdict sanitised(const char *field, const char *text)
{
	struct buf out = BUF_INIT;
	enum field_verdict verdict =
		field_sanitise(field_intern(text_of(field)), VALUE_STRING, text_of(text), &out);

	buf_free(&out);
	return verdict;
}

static void mistakes(void)
{
	CHECK_SAME(load("{\"event\": {\n \"source.ip\": {\n  \"type\": \"IPAdress\"}}}"),
		"3: no such type: \"IPAdress\"");
	CHECK_SAME(load("event:\n  source.ip:\n    length: 3\n"), "2: field \"source.ip\" has no type");
	CHECK_SAME(load("event:\n  Source.ip:\n    type: String\n"), "2: not a field name: \"Source.ip\"");
	CHECK_SAME(load("event:\n  source.ip:\n    type: String\n    length: many\n"),
		"4: a number of characters is wanted here");
	CHECK_SAME(load("event:\n  source.ip: String\n"), "2: a map of names and values is wanted here");
	CHECK(strncmp(load("event:\n  aa:\n    type: String\n    regex: '('\n"), "4: ", 3) == 0);
	CHECK_SAME(load("report:\n  aa:\n    type: String\n"), "0: no fields of events are defined");
	CHECK_SAME(load(""), "0: no fields are defined");
	CHECK(strcmp(load("event: ["), "") != 0);
	/* None of them has changed anything. */
	CHECK(sanitised("source.ip", "192.0.2.1") == FIELD_FINE);
	CHECK(sanitised("source.ip", "x") == FIELD_REFUSED);
}

int main(void)
{
	CHECK(!field_load("/nonexistent/harmonization.conf", &problem));
	mistakes();
	/* A pattern that is compiled already must not outlive the table. */
	CHECK(sanitised("protocol.transport", "quic") == FIELD_MISMATCH);
	CHECK_SAME(load("{\n\t\"event\": {\n"
			"\t\t\"source.ip\": {\"type\": \"IPNetwork\", \"description\": \"\\u00e4\\/\"},\n"
			"\t\t\"protocol.transport\": {\"type\": \"LowercaseString\", \"iregex\": \"^QUIC$\", "
			"\"length\": 4},\n"
			"\t\t\"new.field\": {\"type\": \"Integer\", \"regex\": \"^[0-9]+$\"},\n"
			"\t\t\"extra\": {\"type\": \"JSON\"}\n\t},\n"
			"\t\"report\": {\"raw\": {\"type\": \"Base64\"}, \"source.ip\": {\"type\": "
			"\"IPAddress\"}}\n}\n"),
		"");
	CHECK(sanitised("source.ip", "192.0.2.0/24") == FIELD_FINE);
	CHECK(field_in_report(F_SOURCE_IP));
	CHECK(field_in_report(F_RAW));
	CHECK(!field_in_report(F_EXTRA));
	CHECK(sanitised("protocol.transport", "Quic") == FIELD_FINE);
	CHECK(sanitised("protocol.transport", "tcp") == FIELD_MISMATCH);
	CHECK(sanitised("protocol.transport", "quick") == FIELD_TOO_LONG);
	CHECK(sanitised("new.field", "12") == FIELD_FINE);
	CHECK(sanitised("new.field", "-12") == FIELD_MISMATCH);
	CHECK(sanitised("extra.anything", "x") == FIELD_FINE);
	CHECK(sanitised("source.fqdn", "example.com") == FIELD_UNKNOWN);
	CHECK(!field_check(F_SOURCE_FQDN, &problem));
	CHECK_SAME(load("# YAML\nevent:\n  source.fqdn: {type: FQDN}\n"), "");
	CHECK(sanitised("source.fqdn", "example.com") == FIELD_FINE);
	CHECK(sanitised("new.field", "12") == FIELD_UNKNOWN);
	CHECK(sanitised("extra.anything", "x") == FIELD_UNKNOWN);
	return check_end();
}
