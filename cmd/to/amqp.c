/* imq-to-amqp: events published to an exchange of RabbitMQ. They are gathered and sent in one go; one is delivered once the broker has
 * confirmed it, and one that no queue takes is rejected. */
#include <stdlib.h>

#include "alloc.h"
#include "export.h"
#include "queue_amqp.h"
#include "queue_sink.h"
#include "queue_url.h"
#include "template.h"

enum { SHORT_STRING = 255 /* bytes of a short string (AMQP 0-9-1, 4.2.5.3) */ };

/* A gathered event: in my.sink.lines stand its key, its body and the line it came as, one behind the other. */
struct held {
	size_t at, key, body, line; /* where it begins, and lengths */
	const char *file;
	long number;
};

static struct {
	const char *routing_key, *content_type;
	long long delivery_mode;
	bool format_key, nested, nested_too, with_type, require_confirmation;
	struct amqp_options broker;
	struct export export;
	struct template *template;
	struct queue_sink sink;
	struct held *held;
	struct amqp_sending *sending;
	size_t cap, sending_cap;
} my;

static const struct opt options[] = {
	OPT_TEXT('k', "routing-key", &my.routing_key, NULL, "what the exchange routes by"),
	OPT_BOOL(0, "format-routing-key", &my.format_key, false, "the key has {ev[FIELD]} in it"),
	OPT_TEXT(0, "content-type", &my.content_type, "application/json", "property of the messages"),
	OPT_INTEGER(0, "delivery-mode", &my.delivery_mode, "2", "2: messages outlive a restart of the broker; 1: they do not"),
	OPT_BOOL(0, "require-confirmation", &my.require_confirmation, true, "without effect: the broker's confirms are always awaited"),
	AMQP_OPTIONS(&my.broker),
	EXPORT_OPTIONS(&my.export),
	OPT_BOOL(0, "message-hierarchical", &my.nested, false, "as --hierarchical-output"),
	OPT_BOOL(0, "message-hierarchical-output", &my.nested_too, false, "as --hierarchical-output"),
	OPT_BOOL(0, "with-type", &my.with_type, false, "as --message-with-type"),
	OPT_END
};

/* ---- delivering ---- */

static struct text held_key(const struct held *h)
{
	return (struct text){ my.sink.lines.at + h->at, h->key };
}

static struct text held_body(const struct held *h)
{
	return (struct text){ my.sink.lines.at + h->at + h->key, h->body };
}

static void refuse_returned(struct queue_sink *s)
{
	size_t count = s->count;
	struct buf reason = BUF_INIT;

	for (size_t i = 0; i < count; i++) {
		const struct held *h = &my.held[i];

		if (!my.sending[i].returned)
			continue;
		buf_clear(&reason);
		buf_printf(&reason, "no queue is bound to the exchange \"%s\" for the routing key \"%.*s\"",
			my.broker.exchange ? my.broker.exchange : "", TEXT_ARGS(held_key(h)));
		filter_refuse(h->file, h->number, buf_view(&reason),
			(struct text){ my.sink.lines.at + h->at + h->key + h->body, h->line });
		s->count--;
	}
	buf_free(&reason);
}

static bool deliver(struct queue_sink *s, struct problem *problem)
{
	alloc_grow(&my.sending, &my.sending_cap, s->count, sizeof *my.sending);
	for (size_t i = 0; i < s->count; i++)
		my.sending[i] = (struct amqp_sending){ .key = held_key(&my.held[i]), .body = held_body(&my.held[i]) };
	if (!queue_amqp_publish(s->queue, my.sending, s->count, problem))
		return false;
	refuse_returned(s);
	return true;
}

/* ---- gathering ---- */

static bool write_key(struct event *ev, struct buf *out)
{
	size_t before = out->len;

	if (!my.template)
		buf_string(out, my.routing_key);
	else if (!template_render(my.template, ev, NULL, out))
		return false;
	if (out->len - before <= SHORT_STRING)
		return true;
	event_mark(ev, "a routing key has at most %d bytes, this would have %zu", SHORT_STRING, out->len - before);
	return false;
}

static enum verdict gather(struct event *ev)
{
	struct buf *lines = &my.sink.lines;
	struct held h = { .at = lines->len };

	if (!write_key(ev, lines)) {
		lines->len = h.at;
		return REJECT;
	}
	h.key = lines->len - h.at;
	if (!export_event(&my.export, ev, lines)) {
		lines->len = h.at;
		return REJECT;
	}
	h.body = lines->len - h.at - h.key;
	h.line = event_line(ev).len;
	buf_text(lines, event_line(ev));
	filter_place(&h.file, &h.number);
	alloc_grow(&my.held, &my.cap, my.sink.count + 1, sizeof *my.held);
	my.held[my.sink.count] = h;
	queue_sink_added(&my.sink);
	return MERGE;
}

static void idle(void)
{
	queue_sink_flush(&my.sink);
}

static bool barrier(const struct batch *batch, struct problem *problem)
{
	(void)batch;
	return queue_sink_flush(&my.sink) || problem_set(problem, "events are not delivered");
}

/* ---- starting ---- */

static bool check_options(struct problem *problem)
{
	if (!my.routing_key)
		return problem_set(problem, "--routing-key is missing");
	if (my.delivery_mode != 1 && my.delivery_mode != 2)
		return problem_set(problem, "--delivery-mode: 1 or 2");
	if ((!my.format_key && strlen(my.routing_key) > SHORT_STRING) || strlen(my.content_type) > SHORT_STRING)
		return problem_set(problem, "--routing-key and --content-type: at most %d bytes", SHORT_STRING);
	if (my.format_key && !(my.template = template_format(text_of(my.routing_key), "ev", NULL, NULL, problem))) {
		struct problem why = *problem;

		return problem_set(problem, "--routing-key: %s", why.text);
	}
	return export_start(&my.export, problem);
}

static bool start(struct problem *problem)
{
	struct buf more = BUF_INIT;
	if (!check_options(problem))
		return false;
	my.export.hierarchical = my.export.hierarchical || my.nested || my.nested_too;
	my.export.with_type = my.export.with_type || my.with_type;
	buf_printf(&more, "&delivery_mode=%lld&content_type=", my.delivery_mode);
	queue_url_add(&more, text_of(my.content_type));
	my.sink.deliver = deliver;
	my.sink.queue = queue_amqp_open(&my.broker, QUEUE_GIVE, "-", buf_cstr(&more), problem);
	buf_free(&more);
	return my.sink.queue != NULL;
}

static void stop(void)
{
	queue_sink_close(&my.sink);
	export_stop(&my.export);
	template_free(my.template);
	free(my.held);
	free(my.sending);
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv, &(struct filter){ .name = "imq-to-amqp", .module = "intelmq.bots.outputs.amqptopic.output",
		.summary = "publish events to RabbitMQ", .options = options, .sink = true, .start = start, .event = gather,
		.idle = idle, .barrier = barrier, .stop = stop });
}
