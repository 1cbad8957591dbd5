#include "clock.h"
#include "time_template.h"

#include "from_http.h"

bool url_read(const char *option, const char *url, struct text formatting, struct buf *out, struct problem *problem)
{
	struct problem why = { .line = 0 };
	bool formatted;
	long long delta;

	if (!time_template_option(formatting, &formatted, &delta, &why))
		return problem_set(problem, "--%s-formatting: %s", option, why.text);
	if (!formatted)
		buf_string(out, url);
	else if (!time_template_write(text_of(url), clock_now() + delta, out, problem))
		return false;
	if (!text_starts(buf_view(out), TEXT("http://")) && !text_starts(buf_view(out), TEXT("https://")))
		return problem_set(problem, "--%s: not an http: or https: URL: \"%s\"", option, buf_cstr(out));
	return true;
}
