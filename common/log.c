#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "buf.h"

/* stderr belongs to the process, and so does what was said on it last. */
static struct {
	const char *name;
	struct buf line, last;
	unsigned long repeats;
} log_state = { .name = "imq" };

void log_name(const char *name)
{
	log_state.name = name;
}

static bool coloured(void)
{
	const char *no_color = getenv("NO_COLOR");

	return (!no_color || !*no_color) && isatty(STDERR_FILENO);
}

static void put_line(struct text place, struct text message)
{
	struct buf *b = &log_state.line;
	bool colour = coloured();
	const char *p;
	size_t left;

	buf_clear(b);
	buf_printf(b, "%s%s:%s ", colour ? "\033[1m" : "", log_state.name, colour ? "\033[0m" : "");
	buf_text(b, place);
	for (size_t i = 0; i < message.len; i++) {
		unsigned char c = (unsigned char)message.at[i];

		/* C1 controls are two bytes in UTF-8; terminals obey them too. */
		if (c < 0x20 || c == 0x7f)
			buf_printf(b, "\\x%02x", c);
		else if (c == 0xc2 && i + 1 < message.len && (unsigned char)message.at[i + 1] < 0xa0)
			buf_printf(b, "\\x%02x", (unsigned char)message.at[++i]);
		else
			buf_char(b, (char)c);
	}
	buf_char(b, '\n');
	for (p = b->at, left = b->len; left;) {
		ssize_t n = write(STDERR_FILENO, p, left);

		if (n <= 0)
			break;
		p += n;
		left -= (size_t)n;
	}
}

void log_flush(void)
{
	if (log_state.repeats) {
		char text[64];
		int n = snprintf(text, sizeof text, "the same of %lu more", log_state.repeats);

		log_state.repeats = 0;
		put_line(NO_TEXT, (struct text){ text, (size_t)n });
	}
	buf_clear(&log_state.last);
}

void log_message(const char *format, ...)
{
	char message[1024];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(message, sizeof message, format, args);
	va_end(args);
	log_flush();
	put_line(NO_TEXT, (struct text){ message, n < 0 ? 0 : (size_t)n < sizeof message ? (size_t)n : sizeof message - 1 });
}

void log_record(const char *file, long line, struct text reason)
{
	struct buf place = BUF_INIT;

	if (log_state.last.len && text_eq(buf_view(&log_state.last), reason)) {
		log_state.repeats++;
		return;
	}
	log_flush();
	buf_printf(&place, "%s:", file);
	if (line)
		buf_printf(&place, "%ld:", line);
	buf_char(&place, ' ');
	put_line(buf_view(&place), reason);
	buf_free(&place);
	buf_text(&log_state.last, reason);
}

void log_problem(const struct problem *problem)
{
	struct buf place = BUF_INIT;

	log_flush();
	if (problem->file[0])
		buf_printf(&place, "%s:", problem->file);
	if (problem->file[0] && problem->line)
		buf_printf(&place, "%ld:", problem->line);
	if (problem->file[0] && problem->line && problem->column)
		buf_printf(&place, "%ld:", problem->column);
	if (place.len)
		buf_char(&place, ' ');
	put_line(buf_view(&place), text_of(problem->text));
	buf_free(&place);
}
