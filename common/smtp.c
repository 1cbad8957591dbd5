#include "smtp.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <curl/curl.h>

#include "alloc.h"

enum fate { WAITING, PROMISED /* RCPT was accepted in this try */, TAKEN, REFUSED };

struct recipient {
	const char *address;
	enum fate fate;
};

/* What was said last; libcurl tells it through its debug function, the only place where all answers pass. */
enum verb { COMMAND_OTHER, COMMAND_MAIL, COMMAND_RCPT, COMMAND_DATA, COMMAND_BODY, COMMAND_QUIT };

struct smtp_state {
	CURL *easy;
	char errors[CURL_ERROR_SIZE];
	struct buf url, reply, refusals;
	struct text message;
	size_t sent; /* bytes of it */
	struct recipient *recipients;
	size_t count, cap, next; /* the recipient that the next answer to RCPT is for */
	enum verb command, answered; /* the last one, and the last one that had an answer */
	int code;                    /* of that answer; 0: none */
};

/* ---- libcurl's callbacks ---- */

static size_t on_read(char *to, size_t size, size_t n, void *self)
{
	struct smtp_state *s = self;
	struct text rest = text_from(s->message, s->sent);
	size_t len = rest.len < size * n ? rest.len : size * n;

	memcpy(to, rest.at, len);
	s->sent += len;
	return len;
}

static void skip_settled(struct smtp_state *s)
{
	while (s->next < s->count && s->recipients[s->next].fate != WAITING)
		s->next++;
}

/* The server has said no to recipient R for good. */
static void note_refusal(struct smtp_state *s, struct recipient *r)
{
	r->fate = REFUSED;
	buf_printf(&s->refusals, "%s<%s>: %.*s", s->refusals.len ? "; " : "", r->address, TEXT_ARGS(buf_view(&s->reply)));
}

static void on_recipient(struct smtp_state *s)
{
	skip_settled(s);
	if (s->next == s->count)
		return;
	if (s->code / 100 == 2)
		s->recipients[s->next].fate = PROMISED;
	else if (s->code / 100 == 5)
		note_refusal(s, &s->recipients[s->next]);
	s->next++;
}

/* The last line of an answer: three digits and a blank (RFC 5321, 4.2.1). */
static void on_reply(struct smtp_state *s, struct text line)
{
	int code = 0;

	for (size_t i = 0; i < 3; i++) {
		if (i >= line.len || line.at[i] < '0' || line.at[i] > '9')
			return;
		code = code * 10 + (line.at[i] - '0');
	}
	if (line.len > 3 && line.at[3] == '-')
		return;
	s->code = code;
	s->answered = s->command;
	buf_clear(&s->reply);
	buf_text(&s->reply, line.len < 200 ? line : (struct text){ line.at, 200 });
	if (s->command == COMMAND_RCPT)
		on_recipient(s);
	else if (s->command == COMMAND_DATA && code == 354)
		s->command = COMMAND_BODY;
}

static int on_debug(CURL *easy, curl_infotype type, char *bytes, size_t n, void *self)
{
	static const struct { const char *word; enum verb command; } commands[] = { { "MAIL ", COMMAND_MAIL }, { "RCPT ", COMMAND_RCPT },
		{ "DATA", COMMAND_DATA }, { "QUIT", COMMAND_QUIT } };
	struct smtp_state *s = self;
	struct text line = text_trim((struct text){ bytes, n });

	(void)easy;
	if (s->command == COMMAND_QUIT) /* what counts came before */
		return 0;
	if (type == CURLINFO_HEADER_IN)
		on_reply(s, line);
	if (type != CURLINFO_HEADER_OUT)
		return 0;
	s->command = COMMAND_OTHER;
	for (size_t i = 0; i < LENGTH(commands); i++)
		if (text_starts(line, text_of(commands[i].word)))
			s->command = commands[i].command;
	return 0;
}

/* ---- settings ---- */

static bool read_trust(struct smtp *s, CURL *easy, struct problem *problem)
{
	struct text verify = text_of(s->verify_cert);

	if (text_eq_nocase(verify, TEXT("false")) || text_eq_nocase(verify, TEXT("no"))) {
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
	} else if (verify.len && !text_eq_nocase(verify, TEXT("true")) && !text_eq_nocase(verify, TEXT("yes"))) {
		if (access(s->verify_cert, R_OK) != 0)
			return problem_set(problem, "certificates to trust: %s: %s", s->verify_cert, strerror(errno));
		curl_easy_setopt(easy, CURLOPT_CAINFO, s->verify_cert);
	}
	return true;
}

static void set_callbacks(struct smtp_state *state)
{
	CURL *easy = state->easy;

	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, state->errors);
	curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
	curl_easy_setopt(easy, CURLOPT_READDATA, state);
	curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, on_debug);
	curl_easy_setopt(easy, CURLOPT_DEBUGDATA, state);
	curl_easy_setopt(easy, CURLOPT_VERBOSE, 1L);
	curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(easy, CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1L);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
}

bool smtp_start(struct smtp *s, struct problem *problem)
{
	struct smtp_state *state;
	bool six = strchr(s->host, ':') != NULL;

	if (!*s->host || strpbrk(s->host, "/@?#[]% \t\r\n") || s->port < 1 || s->port > 65535)
		return problem_set(problem, "no host and port of a mail server: \"%s\", %lld", s->host, s->port);
	if (s->tries < 1 || s->timeout < 0.001)
		return problem_set(problem, "--smtp-tries, --smtp-timeout: too small");
	curl_global_init(CURL_GLOBAL_DEFAULT);
	s->state = state = alloc_zero(1, sizeof *state);
	state->easy = curl_easy_init();
	if (!state->easy)
		return problem_set(problem, "libcurl cannot be used");
	set_callbacks(state);
	buf_printf(&state->url, "smtp%s://%s%s%s:%lld", s->ssl ? "s" : "", six ? "[" : "", s->host, six ? "]" : "", s->port);
	curl_easy_setopt(state->easy, CURLOPT_URL, buf_cstr(&state->url));
	curl_easy_setopt(state->easy, CURLOPT_USE_SSL, (long)(s->starttls && !s->ssl ? CURLUSESSL_ALL : CURLUSESSL_NONE));
	curl_easy_setopt(state->easy, CURLOPT_CONNECTTIMEOUT_MS, s->timeout < 30 ? (long)(s->timeout * 1000) : 30000L);
	curl_easy_setopt(state->easy, CURLOPT_SERVER_RESPONSE_TIMEOUT, (long)(s->timeout + 0.999));
	curl_easy_setopt(state->easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(state->easy, CURLOPT_LOW_SPEED_TIME, (long)(s->timeout + 0.999));
	if (s->username && *s->username && s->password && *s->password) {
		curl_easy_setopt(state->easy, CURLOPT_USERNAME, s->username);
		curl_easy_setopt(state->easy, CURLOPT_PASSWORD, s->password);
	}
	return read_trust(s, state->easy, problem);
}

void smtp_stop(struct smtp *s)
{
	struct smtp_state *state = s->state;

	if (!state)
		return;
	curl_easy_cleanup(state->easy);
	buf_free(&state->url);
	buf_free(&state->reply);
	buf_free(&state->refusals);
	free(state->recipients);
	free(state);
	s->state = NULL;
	curl_global_cleanup();
}

/* ---- sending ---- */

static void add_recipients(struct smtp_state *s, const struct mailboxes *m)
{
	for (size_t i = 0; m && i < m->count; i++) {
		alloc_grow(&s->recipients, &s->cap, s->count + 1, sizeof *s->recipients);
		s->recipients[s->count++] = (struct recipient){ mailbox_address(m, i), WAITING };
	}
}

static size_t count_fate(const struct smtp_state *s, enum fate fate)
{
	size_t n = 0;

	for (size_t i = 0; i < s->count; i++)
		n += s->recipients[i].fate == fate;
	return n;
}

/* Whether an answer is about us, not about the mail: RFC 4954 (6), RFC 3207 (4). */
static bool is_locked_out(int code)
{
	return code == 530 || code == 534 || code == 535 || code == 538;
}

/* One try for those who are waiting. */
static CURLcode perform(struct smtp_state *s, const char *sender)
{
	struct curl_slist *list = NULL;
	CURLcode result;

	for (size_t i = 0; i < s->count; i++)
		if (s->recipients[i].fate == WAITING)
			list = curl_slist_append(list, s->recipients[i].address);
	s->sent = s->next = 0;
	s->command = s->answered = COMMAND_OTHER;
	s->code = 0;
	s->errors[0] = '\0';
	buf_clear(&s->reply);
	curl_easy_setopt(s->easy, CURLOPT_MAIL_FROM, sender);
	curl_easy_setopt(s->easy, CURLOPT_MAIL_RCPT, list);
	curl_easy_setopt(s->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)s->message.len);
	result = curl_easy_perform(s->easy);
	curl_easy_setopt(s->easy, CURLOPT_MAIL_RCPT, NULL);
	curl_slist_free_all(list);
	return result;
}

/* What a try came to: the fates of recipients, and whether another try may change it. */
static bool judge(struct smtp_state *s, CURLcode result)
{
	bool about_mail = s->answered == COMMAND_MAIL || s->answered == COMMAND_DATA || s->answered == COMMAND_BODY;
	bool refused = result != CURLE_OK && about_mail && s->code / 100 == 5 && !is_locked_out(s->code);

	for (size_t i = 0; i < s->count; i++) {
		struct recipient *r = &s->recipients[i];

		if (r->fate == PROMISED)
			r->fate = result == CURLE_OK ? TAKEN : WAITING;
		if (refused && r->fate == WAITING)
			note_refusal(s, r);
	}
	return count_fate(s, WAITING) > 0 && result != CURLE_PEER_FAILED_VERIFICATION && result != CURLE_LOGIN_DENIED &&
	       result != CURLE_USE_SSL_FAILED && result != CURLE_SSL_CACERT_BADFILE && !is_locked_out(s->code);
}

static void wait_seconds(unsigned seconds)
{
	struct timespec left = { .tv_sec = seconds };

	while (nanosleep(&left, &left) != 0 && errno == EINTR)
		;
}

/* Why those who wait do still. */
static void describe(struct smtp_state *s, CURLcode result, struct problem *problem)
{
	const char *why = s->errors[0] ? s->errors : curl_easy_strerror(result);

	if (s->code / 100 == 4 || s->code / 100 == 5)
		problem_set(problem, "%s: %.*s", buf_cstr(&s->url), TEXT_ARGS(buf_view(&s->reply)));
	else
		problem_set(problem, "%s: %s", buf_cstr(&s->url), why);
}

static enum smtp_outcome outcome(struct smtp_state *s, CURLcode result, struct problem *problem)
{
	size_t waiting = count_fate(s, WAITING), refused = count_fate(s, REFUSED);
	struct problem why = { .line = 0 };

	if (waiting == 0 && refused == 0)
		return SMTP_TAKEN;
	describe(s, result, &why);
	if (waiting && waiting + refused == s->count) {
		*problem = why;
		problem->away = true;
		return SMTP_AWAY;
	}
	for (size_t i = 0; i < s->count; i++)
		if (s->recipients[i].fate == WAITING)
			buf_printf(&s->refusals, "%s<%s>: still not taken: %s", s->refusals.len ? "; " : "", s->recipients[i].address, why.text);
	problem_set(problem, "%s%.*s", waiting + refused < s->count ? "only some have it: " : "", TEXT_ARGS(buf_view(&s->refusals)));
	return SMTP_REFUSED;
}

enum smtp_outcome smtp_send(struct smtp *s, const struct mailboxes *from, const struct mailboxes *to, const struct mailboxes *bcc,
	struct text message, struct problem *problem)
{
	struct smtp_state *state = s->state;
	CURLcode result;
	unsigned pause = 1;

	state->message = message;
	state->count = 0;
	buf_clear(&state->refusals);
	add_recipients(state, to);
	add_recipients(state, bcc);
	for (long long try = 1;; try++) {
		size_t taken = count_fate(state, TAKEN);

		result = perform(state, mailbox_address(from, 0));
		if (!judge(state, result) || (try >= s->tries && count_fate(state, TAKEN) == taken))
			break;
		if (count_fate(state, TAKEN) > taken) { /* a server takes so many recipients at a time (RFC 5321, 4.5.3.1.10) */
			try = 0;
			pause = 1;
		}
		wait_seconds(pause);
		pause = pause < 64 ? pause * 2 : pause;
	}
	return outcome(state, result, problem);
}
