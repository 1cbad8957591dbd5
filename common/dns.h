/* Questions to the DNS, many in flight, over UDP with random ports and ids, over TCP what is truncated. It
 * asks recursive servers: those of --nameserver, else of IMQ_NAMESERVER, else of /etc/resolv.conf. No search
 * lists, no hosts file; answers are not validated (DNSSEC).
 *
 * A question is tried again, on other servers where there are some, with growing timeouts, until its tries or
 * its deadline are over. How many are in flight adapts to loss, beyond that they wait in line. Answers
 * count only from the server that was asked, to the port and id it was asked from, and for the name and type
 * that were asked for (RFC 5452). Aliases (CNAME) are followed. */
#ifndef IMQ_DNS_H
#define IMQ_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "opt.h"
#include "problem.h"
#include "text.h"
#include "transport.h"

struct dns_state;

/* Embed it, name it in the option table with DNS_OPTIONS(), and it is started and stopped with the command.
 */
struct dns {
	struct list nameservers; /* ADDRESS or ADDRESS#PORT */
	double timeout;          /* seconds, the longest for one try */
	long long tries;
	struct dns_state *state;
};

extern const struct mixin dns_mixin;

/* clang-format off */
#define DNS_OPTIONS(d) \
	OPT_LIST_MORE(0, "nameserver", &(d)->nameservers, "ask the server at ADDRESS[#PORT]; may be given again"), \
	OPT_SECONDS(0, "dns-timeout", &(d)->timeout, "2", "wait that long at most for the answer to one try"), \
	OPT_INTEGER(0, "dns-tries", &(d)->tries, "6", "how often to ask"), \
	OPT_MIXIN(&dns_mixin, d)
/* clang-format on */

/* RFC 1035 3.2.2, RFC 3596 2.1 */
enum dns_type { DNS_A = 1, DNS_CNAME = 5, DNS_SOA = 6, DNS_PTR = 12, DNS_TXT = 16, DNS_AAAA = 28 };

enum dns_status {
	DNS_ANSWER,   /* there are records: dns_next() */
	DNS_NODATA,   /* the name exists, but has no such record; or its aliases lead nowhere */
	DNS_NXDOMAIN, /* the name does not exist, or cannot */
	DNS_TIMEOUT,  /* no server answered */
	DNS_SERVFAIL, /* no server could find out */
	DNS_REFUSED,  /* no server wanted to: refused, does not know how, or is not responsible */
};

/* What came of a question. It holds until the callback returns. */
struct dns_reply {
	enum dns_status status;
	/* For DNS_NODATA and DNS_NXDOMAIN: how many seconds that may be remembered (RFC 2308, 5); -1: not
	 * said. */
	double ttl;
	/* The rest is for dns_next(). */
	const unsigned char *packet;
	size_t len, at; /* of the packet; where the next record starts */
	unsigned left;  /* records */
	enum dns_type type;
	uint32_t alias_ttl;       /* seconds, the least of the aliases followed */
	unsigned char owner[256]; /* in wire format */
	struct buf *text;
};

/* The next record as text: an address, a name without dot at the end and with odd bytes as `\DDD` (RFC 1035,
 * 5.1), or the strings of a TXT record joined. TTL in seconds. VALUE holds until the next call. Records whose
 * data is malformed are passed over. False: no more. */
bool dns_next(struct dns_reply *reply, struct text *value, double *ttl);
/* True for the last three of enum dns_status, with words for it in *REASON. */
bool dns_failed(const struct dns_reply *reply, const char **reason);

typedef void dns_answer(void *context, struct dns_reply *reply);

/* Asks for the records of TYPE at NAME, which is absolute with a dot at the end or without; UTF-8 becomes
 * IDNA (UTS 46, libidn2). DEADLINE: seconds for it all. ANSWERED is called once, from the transport, never
 * from dns_ask(). Nothing of the arguments is kept but CONTEXT. */
void dns_ask(struct dns *d, struct text name, enum dns_type type, double deadline, dns_answer *answered,
	void *context);

/* The mixin does it; others call it themselves. False: PROBLEM. */
bool dns_start(struct dns *d, struct problem *problem);
/* Frees everything; questions in flight end without a callback. */
void dns_stop(struct dns *d);
/* What lookup.h and other loops wait with. */
extern const struct transport dns_transport;

#endif
