/* DNS messages (RFC 1035, 4; EDNS0: RFC 6891) as far as a client needs them: building questions, reading
 * replies. Replies are hostile. Nothing here allocates but the text of dns_next(). */
#ifndef IMQ_DNS_WIRE_H
#define IMQ_DNS_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dns.h"
#include "text.h"

enum {
	DNS_NAME_SIZE = 255,            /* bytes of a name in wire format at most (RFC 1035, 2.3.4) */
	DNS_QUERY_SIZE = 12 + 255 + 4 + 11, /* of the longest question */
	DNS_UDP_SIZE = 1232,            /* what we say we take: fits any path without fragments */
	DNS_ALIASES = 16,               /* followed in all */
};

/* A name in wire format, uncompressed, with the root label. */
struct dns_name {
	unsigned char bytes[DNS_NAME_SIZE + 1];
	size_t len;
};

/* Reads a name as people write it; UTF-8 becomes IDNA. False: no name can be like that. */
bool dns_name_read(struct text text, struct dns_name *name);
/* Appends NAME without the dot at the end; `.` for the root. Odd bytes as `\DDD`. */
void dns_name_write(struct buf *out, const struct dns_name *name);

/* Writes a question with room for DNS_QUERY_SIZE; returns its length. */
size_t dns_query(unsigned char *out, uint16_t id, const struct dns_name *name, enum dns_type type, bool edns);

enum dns_reading {
	DNS_NOT_OURS,  /* no reply to this question: forged, late or lost its way */
	DNS_MALFORMED,
	DNS_TRUNCATED, /* ask by TCP */
	DNS_ODD,       /* the server does not understand the question: without EDNS it may */
	DNS_LAME,      /* the server is not responsible and does not recurse */
	DNS_ALIAS,     /* leads to another name, of which the reply says nothing: ask for that */
	DNS_READ,      /* REPLY is filled in */
};

/* Reads a message of LEN bytes as the reply to the question for NAME and TYPE with ID. On DNS_ALIAS, ALIAS is
 * the other name; *ALIASES counts those followed, REPLY->alias_ttl goes down with them: set both before the
 * first reply. REPLY->text is left alone. */
enum dns_reading dns_read(const unsigned char *packet, size_t len, uint16_t id, const struct dns_name *name,
	enum dns_type type, struct dns_reply *reply, struct dns_name *alias, unsigned *aliases);

#endif
