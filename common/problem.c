#include "problem.h"

#include <stdarg.h>
#include <stdio.h>

bool problem_set(struct problem *p, const char *format, ...)
{
	va_list args;

	p->away = p->disk = false;
	va_start(args, format);
	vsnprintf(p->text, sizeof p->text, format, args);
	va_end(args);
	return false;
}

bool problem_at(struct problem *p, const char *file, long line, long column, const char *format, ...)
{
	va_list args;

	snprintf(p->file, sizeof p->file, "%s", file ? file : "");
	p->line = line;
	p->column = column;
	p->away = p->disk = false;
	va_start(args, format);
	vsnprintf(p->text, sizeof p->text, format, args);
	va_end(args);
	return false;
}

enum exit_status problem_status(const struct problem *p)
{
	return p->away ? EXIT_REMOTE : p->disk ? EXIT_IO : EXIT_USAGE;
}
