#include "probe.h"

#include <string.h>

#include "unicode.h"
#include "url.h"

bool probe_start(struct probe *p, struct problem *problem)
{
	p->field = field_intern(text_of(p->field_name));
	p->reason = field_intern(TEXT("extra.reason"));
	if (!field_check(p->field, problem)) {
		char why[PROBLEM_SIZE];

		memcpy(why, problem->text, sizeof why);
		return problem_set(problem, "--field: %s", why);
	}
	return true;
}

void probe_stop(struct probe *p)
{
	buf_free(&p->key);
	buf_free(&p->url);
}

enum verdict probe_want(struct probe *p, struct event *ev, struct text kind)
{
	struct text url = event_text(ev, p->field);

	if (!url.at || (!p->overwrite && event_has(ev, F_STATUS)))
		return PASS;
	buf_clear(&p->key);
	buf_text(&p->key, kind);
	buf_char(&p->key, ' ');
	p->head = p->key.len;
	buf_text(&p->key, url_clean(url, event_arena(ev)));
	lookup_want(&p->lookup, ev, 0, buf_view(&p->key));
	return PASS;
}

void probe_ask(struct probe *p, struct text key, bool (*chunk)(void *, const struct http_reply *, struct text),
	void (*done)(void *, const struct http_reply *), void *context)
{
	buf_clear(&p->url);
	http_clean_url(&p->url, text_from(key, p->head));
	http_send(&p->http, &(struct http_request){ .url = buf_cstr(&p->url),
				    .from_event = true,
				    .deadline = p->lookup.deadline,
				    .chunk = chunk,
				    .done = done,
				    .context = context });
}

void probe_outcome(const struct http_reply *reply, struct buf *out)
{
	bool failed = reply->error && !reply->cut;

	buf_printf(out, "%ld ", failed ? 0 : reply->status);
	unicode_repair(text_of(failed ? reply->error : reply->phrase), out);
}

void probe_put(struct probe *p, struct event *ev, bool online, struct text reason)
{
	event_set(ev, F_STATUS, online ? TEXT("online") : TEXT("offline"));
	if (!online && reason.len)
		event_try(ev, p->reason, reason);
}
