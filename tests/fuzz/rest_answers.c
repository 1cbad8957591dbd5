/* Fuzz target: what web services answer, by the readers of all commands that ask one; the first byte picks the
 * reader, the second the status. A found answer is UTF-8 without control characters but the reader's own line
 * feed, JSON where it should be, and a range that is said to be known holds the address. */
#include <stdint.h>
#include <stdlib.h>

#include "../../cmd/expert/do-portal/answer.c"
#include "../../cmd/expert/lookyloo/answer.c"
#include "../../cmd/expert/misp/answer.c"
#include "../../cmd/expert/national-cert-contact-certat/answer.c"
#include "../../cmd/expert/ripe/answer.c"
#include "../../cmd/expert/splunk-saved-search/answer.c"
#include "../../cmd/expert/tuency/answer.c"
#include "value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum rest_verdict (*const readers[])(const struct http_reply *, struct buf *, struct problem *) = {
	do_portal_read, lookyloo_read, misp_read, certat_read, tuency_read,
	splunk_read_job, splunk_read_results };

static enum rest_verdict read_ripe(unsigned service, const struct http_reply *reply, struct buf *answer,
	struct problem *problem)
{
	static const struct ip about = { .bits = 32, .bytes = { 192, 0, 2, 1 } };
	struct ripe_range range;
	enum rest_verdict verdict = ripe_read(service, reply, &about, answer, &range, problem);
	struct value_error error;
	struct value v;

	if (range.known && (ip_cmp(&range.from, &about) > 0 || ip_cmp(&about, &range.to) > 0))
		abort();
	if (verdict == REST_FOUND && service == RIPE_GEOLOCATION && !value_parse(buf_view(answer), &v, &error))
		abort();
	return verdict;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_reply reply = { .status = 200, .url = "https://service.example/", .phrase = "" };
	struct problem problem = { .line = 0 };
	struct buf answer = BUF_INIT;
	enum rest_verdict verdict;
	unsigned reader;

	if (size < 2)
		return 0;
	reader = data[0] % (LENGTH(readers) + 3);
	if (data[1] & 1)
		reply.status = 404;
	reply.body = (struct text){ (const char *)data + 2, size - 2 };
	if (reader < LENGTH(readers))
		verdict = readers[reader](&reply, &answer, &problem);
	else
		verdict = read_ripe(reader - LENGTH(readers), &reply, &answer, &problem);
	if (verdict == REST_BROKEN ? !problem.text[0] : (verdict == REST_FOUND) != (answer.len > 0))
		abort();
	if (verdict == REST_FOUND && !unicode_valid(buf_view(&answer)))
		abort();
	for (size_t i = 0; verdict == REST_FOUND && i < answer.len; i++)
		if ((unsigned char)answer.at[i] < ' ' && answer.at[i] != '\n')
			abort();
	buf_free(&answer);
	return 0;
}
