/* imq-to-udp: each event is one datagram, as JSON or as a line of name:value. Nobody acknowledges datagrams: a barrier says that they have
 * been handed to the kernel, no more. */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <unictype.h>
#include <unistr.h>

#include "export.h"
#include "filter.h"
#include "log.h"

static struct {
	const char *host, *header, *delimiter, *format;
	long long port;
	bool delimited;
	struct export export;
	int fd;
	bool told;
	struct buf text, datagram;
} my = { .fd = -1 };

static const struct opt options[] = {
	OPT_TEXT(0, "udp-host", &my.host, "localhost", "where to send to"),
	OPT_INTEGER(0, "udp-port", &my.port, NULL, "its port"),
	OPT_TEXT(0, "format", &my.format, NULL, "json or delimited"),
	OPT_TEXT(0, "header", &my.header, "<header text>", "what each datagram begins with"),
	OPT_TEXT(0, "field-delimiter", &my.delimiter, "|", "delimited: what stands before each field"),
	OPT_BOOL(0, "keep-raw-field", &my.export.keep_raw, false, "send raw too"),
	OPT_END
};

/* Appends T without what is no character to be seen: Unicode's category C (controls, formats, private and unassigned ones). */
static void put_visible(struct buf *out, struct text t)
{
	while (t.len) {
		ucs4_t c;
		int n = u8_mbtouc(&c, (const uint8_t *)t.at, t.len);

		if (!uc_is_general_category(c, UC_CATEGORY_C))
			buf_add(out, t.at, (size_t)n);
		t = text_from(t, (size_t)n);
	}
}

static void put_fields(struct event *ev)
{
	size_t cursor = 0;
	struct text name;
	enum field f;
	struct value v;

	event_delete(ev, F_MESSAGE_TYPE);
	event_delete(ev, F_MESSAGE_PATH);
	if (!my.export.keep_raw)
		event_delete(ev, F_RAW);
	event_flatten(ev);
	event_drop_ignored(ev);
	while (event_next(ev, &cursor, &name, &f, &v)) {
		buf_string(&my.datagram, my.delimiter);
		buf_clear(&my.text);
		buf_text(&my.text, name);
		buf_char(&my.text, ':');
		export_text(ev, v, &my.text);
		put_visible(&my.datagram, buf_view(&my.text));
	}
}

/* An error may be that of an earlier datagram (nobody listens there): then this one is sent once more. */
static bool send_datagram(void)
{
	for (int tries = 0; tries < 3; tries++) {
		struct pollfd p = { my.fd, POLLOUT, 0 };

		if (send(my.fd, my.datagram.at, my.datagram.len, MSG_NOSIGNAL) >= 0)
			return true;
		if (errno == ECONNREFUSED && !my.told) {
			log_message("%s port %lld: nobody takes datagrams there", my.host, my.port);
			my.told = true;
		} else if (errno == EAGAIN || errno == ENOBUFS) {
			poll(&p, 1, 100);
		} else if (errno != ECONNREFUSED && errno != EINTR) {
			return false;
		}
	}
	return false;
}

static enum verdict deliver(struct event *ev)
{
	buf_clear(&my.datagram);
	buf_string(&my.datagram, my.header);
	if (my.delimited) {
		put_fields(ev);
	} else {
		buf_clear(&my.text);
		export_event(&my.export, ev, &my.text);
		put_visible(&my.datagram, buf_view(&my.text));
	}
	buf_char(&my.datagram, '\n');
	if (send_datagram())
		return PASS;
	event_mark(ev, "%s port %lld: %s", my.host, my.port, strerror(errno));
	return REJECT;
}

/* IntelMQ resolves to IPv4 only; here that comes first. */
static bool open_socket(struct problem *problem)
{
	struct addrinfo hints = { .ai_socktype = SOCK_DGRAM }, *found = NULL, *chosen;
	char port[24];
	int code;

	snprintf(port, sizeof port, "%lld", my.port);
	code = getaddrinfo(my.host, port, &hints, &found);
	if (code)
		return problem_set(problem, "--udp-host %s: %s", my.host, gai_strerror(code));
	for (chosen = found; chosen && chosen->ai_family != AF_INET; chosen = chosen->ai_next)
		;
	if (!chosen)
		chosen = found;
	my.fd = socket(chosen->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (my.fd < 0 || connect(my.fd, chosen->ai_addr, chosen->ai_addrlen) != 0)
		problem_set(problem, "%s port %s: %s", my.host, port, strerror(errno));
	freeaddrinfo(found);
	return !problem->text[0];
}

static bool start(struct problem *problem)
{
	if (my.port < 1 || my.port > 65535)
		return problem_set(problem, "--udp-port is missing, or none from 1 to 65535");
	my.delimited = my.format && text_eq_nocase(text_of(my.format), TEXT("delimited"));
	if (!my.delimited && !(my.format && text_eq_nocase(text_of(my.format), TEXT("json"))))
		return problem_set(problem, "--format: json or delimited");
	return export_start(&my.export, problem) && open_socket(problem);
}

static void stop(void)
{
	if (my.fd >= 0)
		close(my.fd);
	export_stop(&my.export);
	buf_free(&my.text);
	buf_free(&my.datagram);
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv, &(struct filter){
		.name = "imq-to-udp", .module = "intelmq.bots.outputs.udp.output", .summary = "send events as datagrams",
		.options = options, .sink = true, .start = start, .event = deliver, .stop = stop });
}
