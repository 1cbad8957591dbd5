/* IP addresses and networks, IPv4 and IPv6 by the same calls. Text forms: dotted decimal of exactly four
 * parts without leading zeros; RFC 4291 2.2 for IPv6, written as RFC 5952 says but with IPv4-mapped addresses
 * in hex groups. */
#ifndef IMQ_IP_H
#define IMQ_IP_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "text.h"

struct ip {
	unsigned char bytes[16]; /* network order; of an IPv4 address the first four, the rest is zero */
	unsigned bits;           /* 32 or 128 */
};

/* Bytes that the longest address needs as text, NUL included. */
enum { IP_SIZE = 40 };

/* Reads all of T: no blanks, no prefix, no scope id. False: no address. */
bool ip_parse(struct text t, struct ip *ip);
/* Reads what stands behind the slash of a network: a prefix length, for IPv4 also a netmask or its inverse.
 */
bool ip_parse_prefix(const struct ip *ip, struct text t, unsigned *prefix);
/* Reads an address, with a slash and a prefix or without (then PREFIX is IP->bits). Host bits may be set. */
bool ip_parse_network(struct text t, struct ip *ip, unsigned *prefix);
/* The address whose number is the decimal T: below 2^32 IPv4, below 2^128 IPv6. */
bool ip_of_number(struct text t, struct ip *ip);

/* Writes IP as text with a NUL; returns its length. */
size_t ip_format(const struct ip *ip, char out[IP_SIZE]);
void ip_write(struct buf *out, const struct ip *ip);
/* The name for questions about IP in the DNS, `4.3.2.1.in-addr.arpa.` (RFC 1035 3.5, RFC 3596 2.5), with the
 * dot. */
void ip_reverse_name(struct buf *out, const struct ip *ip);

/* Clears all bits behind the first PREFIX. */
void ip_mask(struct ip *ip, unsigned prefix);
/* Whether A and B are of one version and share the first PREFIX bits. */
bool ip_same_network(const struct ip *a, const struct ip *b, unsigned prefix);
/* Order: IPv4 before IPv6, then by number; like memcmp. */
int ip_cmp(const struct ip *a, const struct ip *b);

#endif
