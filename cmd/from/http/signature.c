#include <stdlib.h>

#include "from_http.h"

enum { MAX_SIGNATURE = 64 * 1024 /* bytes; one has a few hundred */ };

bool signature_start(struct signature *s, struct problem *problem)
{
	if (!s->wanted)
		return true;
	if (!s->signature_url)
		return problem_set(problem, "--verify-pgp-signatures: --signature-url is missing");
	if (!url_read("signature-url", s->signature_url, s->formatting, &s->url, problem))
		return false;
	s->keyring = gpgv_keyring(s->gpg_keyring, problem);
	return s->keyring;
}

static bool take(void *context, const struct http_reply *reply, struct text bytes)
{
	struct signature *s = context;

	(void)reply;
	buf_text(&s->bytes, bytes);
	return s->bytes.len <= MAX_SIGNATURE;
}

static const char *keep(struct buf *to, const char *header)
{
	if (header)
		buf_string(to, header);
	return header ? buf_cstr(to) : NULL;
}

/* What REPLY points to is gone with the next request. */
static void keep_document(struct signature *s, struct http_reply *reply)
{
	buf_text(&s->kept.body, reply->body);
	reply->body = buf_view(&s->kept.body);
	reply->etag = keep(&s->kept.etag, reply->etag);
	reply->last_modified = keep(&s->kept.last_modified, reply->last_modified);
}

bool signature_check(struct signature *s, struct http *http, struct http_reply *reply, enum exit_status *status,
	struct problem *problem)
{
	struct http_request request = { .url = buf_cstr(&s->url), .chunk = take, .context = s };
	struct http_reply answer;

	if (!s->wanted)
		return true;
	keep_document(s, reply);
	if (!http_fetch(http, &request, &answer, problem)) {
		*status = EXIT_REMOTE;
		if (s->bytes.len > MAX_SIGNATURE) {
			problem_set(problem, "signature: longer than %d bytes", MAX_SIGNATURE);
			*status = EXIT_REJECTED;
		}
		return false;
	}
	switch (gpgv_ask(s->keyring, reply->body, buf_view(&s->bytes), problem)) {
	case GPGV_GOOD:
		return true;
	case GPGV_REFUSED:
		*status = EXIT_REJECTED;
		return false;
	default:
		*status = problem_status(problem);
		return false;
	}
}

void signature_free(struct signature *s)
{
	free(s->keyring);
	buf_free(&s->url);
	buf_free(&s->bytes);
	buf_free(&s->kept.body);
	buf_free(&s->kept.etag);
	buf_free(&s->kept.last_modified);
}
