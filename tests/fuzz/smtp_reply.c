/* Fuzz target: a mail server says anything, at any time. A line that begins with `>` is what we have said, any other is an answer. Every
 * recipient has one fate in the end, and what is told of it is short. */
#include "../../common/smtp.c"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct recipient recipients[] = { { "a@example.com", WAITING }, { "b@example.com", TAKEN }, { "c@example.com", WAITING } };
	struct smtp_state s = { .recipients = recipients, .count = LENGTH(recipients) };
	struct text rest = { (const char *)data, size }, line;
	struct problem problem = { .line = 0 };

	buf_string(&s.url, "smtp://localhost");
	while (text_split(&rest, '\n', &line)) {
		bool ours = text_starts(line, TEXT(">"));

		line = text_from(line, ours);
		on_debug(NULL, ours ? CURLINFO_HEADER_OUT : CURLINFO_HEADER_IN, (char *)line.at, line.len, &s);
	}
	judge(&s, size % 2 ? CURLE_OK : CURLE_RECV_ERROR);
	outcome(&s, CURLE_RECV_ERROR, &problem);
	if (count_fate(&s, PROMISED) || recipients[1].fate != TAKEN || s.reply.len > 200 || s.refusals.len > 2000)
		abort();
	buf_free(&s.url);
	buf_free(&s.reply);
	buf_free(&s.refusals);
	return 0;
}
