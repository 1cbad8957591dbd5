/* A way to have questions answered (HTTP, DNS): something that works on descriptors of its own while the
 * command waits for it and for its input together. */
#ifndef IMQ_TRANSPORT_H
#define IMQ_TRANSPORT_H

#include <stdint.h>

struct transport {
	/* A descriptor to poll for reading: readable when there is work; an epoll descriptor as a rule. -1:
	 * none. */
	int (*fd)(void *self);
	/* The time of clock_steady() at which work() is wanted though the descriptor is quiet; -1: never. */
	int64_t (*due)(void *self);
	/* Does what can be done without waiting, and calls back for what is finished. */
	void (*work)(void *self);
};

#endif
