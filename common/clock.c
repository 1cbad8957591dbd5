/* The clock, and the clock that tests hold in their hands. */
#include "clock.h"

#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "when.h"

static int64_t read_clock(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static bool overridden(const char *now, int64_t *microseconds)
{
	char content[64];
	ssize_t n;
	int fd;

	if (now[0] != '@')
		return when_parse_iso(text_of(now), microseconds);
	fd = open(now + 1, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, content, sizeof content);
	close(fd);
	return n > 0 && when_parse_iso(text_trim((struct text){ content, (size_t)n }), microseconds);
}

static struct {
	bool held;
	int64_t moment; /* 0: not known yet */
} hold;

void clock_hold(int64_t moment)
{
	hold.held = true;
	hold.moment = moment;
}

static int64_t look(void)
{
	static const char *override;
	static bool looked;
	int64_t microseconds;

	if (!looked) {
		override = getenv("IMQ_NOW");
		looked = true;
	}
	return override && overridden(override, &microseconds) ? microseconds : read_clock(CLOCK_REALTIME);
}

int64_t clock_now(void)
{
	if (!hold.held)
		return look();
	if (!hold.moment)
		hold.moment = look();
	return hold.moment;
}

int64_t clock_steady(void)
{
	return read_clock(CLOCK_MONOTONIC);
}
