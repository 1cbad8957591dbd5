/* The routing tables that route collectors dump (MRT, RFC 6396): of each network the AS that announces it, by the first entry. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "asn.h"
#include "unpack.h"

enum {
	TABLE_DUMP = 12, TABLE_DUMP_V2 = 13, /* types */
	RIB_IPV4_UNICAST = 2, RIB_IPV6_UNICAST = 4, /* subtypes of the latter */
	AS_PATH = 2, AS_SET = 1, AS_SEQUENCE = 2, EXTENDED_LENGTH = 0x10, /* RFC 4271, 4.3 */
	LONGEST_RECORD = 64 << 20, HEADER = 12, BLOCK = 65536,
};

void routes_free(struct routes *r)
{
	free(r->items);
	free(r->slots);
	*r = (struct routes){ .count = 0 };
}

static size_t hash_of(const struct ip *ip, unsigned prefix)
{
	uint64_t hash = prefix | (uint64_t)ip->bits << 8;

	for (size_t i = 0; i < sizeof ip->bytes; i++)
		hash = (hash ^ ip->bytes[i]) * 1099511628211u;
	return (size_t)(hash ^ hash >> 29);
}

static uint32_t *slot_of(const struct routes *r, const struct ip *ip, unsigned prefix)
{
	size_t at = hash_of(ip, prefix) & (r->slot_count - 1);

	for (; r->slots[at]; at = (at + 1) & (r->slot_count - 1)) {
		const struct route *old = &r->items[r->slots[at] - 1];

		if (old->prefix == prefix && ip_cmp(&old->ip, ip) == 0)
			break;
	}
	return &r->slots[at];
}

static void make_room(struct routes *r)
{
	if (r->count == r->cap)
		alloc_grow(&r->items, &r->cap, r->count + 1, sizeof *r->items);
	if (r->count * 2 < r->slot_count)
		return;
	free(r->slots);
	r->slot_count = r->slot_count ? r->slot_count * 2 : 1024;
	r->slots = alloc_zero(r->slot_count, sizeof *r->slots);
	for (size_t i = 0; i < r->count; i++)
		*slot_of(r, &r->items[i].ip, r->items[i].prefix) = (uint32_t)i + 1;
}

/* A network that was there before keeps its origin; the default route is none. */
static void add_route(struct routes *r, struct ip *ip, unsigned prefix, uint32_t asn)
{
	uint32_t *slot;

	if (prefix == 0)
		return;
	if (asn == 0) {
		r->left_out++;
		return;
	}
	make_room(r);
	ip_mask(ip, prefix);
	slot = slot_of(r, ip, prefix);
	if (*slot)
		return;
	r->items[r->count] = (struct route){ *ip, prefix, asn };
	*slot = (uint32_t)++r->count;
	r->v4 += ip->bits == 32;
}

/* The next N bytes as a number, most significant byte first; bytes that are not there are zero and make REST NO_TEXT. */
static uint32_t number(struct text *rest, size_t n)
{
	uint32_t value = 0;

	if (!rest->at || rest->len < n) {
		*rest = NO_TEXT;
		return 0;
	}
	for (size_t i = 0; i < n; i++)
		value = value << 8 | (unsigned char)rest->at[i];
	*rest = text_from(*rest, n);
	return value;
}

/* The next N bytes; NO_TEXT, as REST then is, if they are not there. */
static struct text bytes_of(struct text *rest, size_t n)
{
	struct text bytes = { rest->at, n };

	if (!rest->at || rest->len < n)
		return *rest = NO_TEXT;
	*rest = text_from(*rest, n);
	return bytes;
}

/* Whether nobody announces networks under that number: reserved, for documentation or private use (IANA's registry, RFC 7607,
 * 5398, 6996, 7300). */
static bool is_bogus(uint32_t asn)
{
	return asn == 0 || (asn >= 64496 && asn <= 131071) || asn >= 4200000000u;
}

/* The last good number of an AS_PATH of WIDTH bytes a number; 0: none, or the path is of a kind that has no origin. */
static uint32_t origin_of(struct text path, size_t width)
{
	uint32_t origin = 0;

	for (bool first = true; path.len; first = false) {
		uint32_t kind = number(&path, 1), count = number(&path, 1);

		if (!path.at || (kind != AS_SEQUENCE && (first || kind != AS_SET)))
			return 0;
		for (uint32_t i = 0; i < count; i++) {
			uint32_t asn = number(&path, width);

			if (!path.at)
				return 0;
			if (!is_bogus(asn))
				origin = asn;
		}
	}
	return origin;
}

static uint32_t origin_in(struct text attributes, size_t width)
{
	while (attributes.len) {
		uint32_t flags = number(&attributes, 1), type = number(&attributes, 1);
		uint32_t length = number(&attributes, flags & EXTENDED_LENGTH ? 2 : 1);
		struct text value = bytes_of(&attributes, length);

		if (value.at && type == AS_PATH)
			return origin_of(value, width);
	}
	return 0;
}

/* RFC 6396, 4.3.2: the first entry of a network. */
static bool read_rib(struct routes *r, unsigned bits, struct text rest, struct problem *problem)
{
	struct ip ip = { .bits = bits };
	struct text network, attributes = NO_TEXT;
	unsigned prefix;

	number(&rest, 4); /* sequence number */
	prefix = number(&rest, 1);
	network = bytes_of(&rest, (prefix + 7) / 8);
	if (number(&rest, 2) > 0) { /* entries */
		bytes_of(&rest, 6); /* peer and time */
		attributes = bytes_of(&rest, number(&rest, 2));
	}
	if (!rest.at || prefix > bits)
		return problem_set(problem, "a broken entry of the routing table");
	memcpy(ip.bytes, network.at, network.len);
	add_route(r, &ip, prefix, origin_in(attributes, 4));
	return true;
}

/* RFC 6396, 4.2. */
static bool read_table_dump(struct routes *r, unsigned bits, struct text rest, struct problem *problem)
{
	struct ip ip = { .bits = bits };
	struct text network, attributes;
	unsigned prefix;

	number(&rest, 4); /* view, sequence number */
	network = bytes_of(&rest, bits / 8);
	prefix = number(&rest, 1);
	bytes_of(&rest, 1 + 4 + bits / 8 + 2); /* status, time, peer and its AS */
	attributes = bytes_of(&rest, number(&rest, 2));
	if (!rest.at || prefix > bits)
		return problem_set(problem, "a broken entry of the routing table");
	memcpy(ip.bytes, network.at, network.len);
	add_route(r, &ip, prefix, origin_in(attributes, 2));
	return true;
}

bool mrt_record(struct routes *r, unsigned type, unsigned subtype, struct text body, struct problem *problem)
{
	if (type == TABLE_DUMP && (subtype == 1 || subtype == 2))
		return read_table_dump(r, subtype == 1 ? 32 : 128, body, problem);
	if (type == TABLE_DUMP_V2 && (subtype == RIB_IPV4_UNICAST || subtype == RIB_IPV6_UNICAST))
		return read_rib(r, subtype == RIB_IPV4_UNICAST ? 32 : 128, body, problem);
	if (type != TABLE_DUMP_V2)
		return problem_set(problem, "not a dump of a routing table: a record of type %u, %u", type, subtype);
	return true;
}

/* Makes BUFFER hold N bytes from AT on, if there are so many. */
static bool fill(struct unpacker *u, struct buf *buffer, size_t *at, size_t n, struct problem *problem)
{
	ssize_t got = 1;

	if (*at > BLOCK) {
		memmove(buffer->at, buffer->at + *at, buffer->len - *at);
		buffer->len -= *at;
		*at = 0;
	}
	while (buffer->len - *at < n && (got = unpack_read(u, buf_room(buffer, BLOCK), BLOCK, problem)) > 0)
		buffer->len += (size_t)got;
	return got >= 0;
}

static bool read_records(struct routes *r, struct unpacker *u, struct buf *buffer, struct problem *problem)
{
	size_t at = 0;

	for (;;) {
		struct text head;
		uint32_t time, type, subtype, length;

		if (!fill(u, buffer, &at, HEADER, problem))
			return false;
		head = text_from(buf_view(buffer), at);
		if (head.len == 0)
			return r->count > 0 || problem_set(problem, "no networks in it");
		time = number(&head, 4);
		type = number(&head, 2);
		subtype = number(&head, 2);
		length = number(&head, 4);
		if (!head.at || length > LONGEST_RECORD)
			return problem_set(problem, "a broken record");
		if (!fill(u, buffer, &at, HEADER + (size_t)length, problem))
			return false;
		if (buffer->len - at < HEADER + (size_t)length)
			return problem_set(problem, "it ends within a record");
		if (!r->time)
			r->time = time;
		if (!mrt_record(r, type, subtype, (struct text){ buffer->at + at + HEADER, length }, problem))
			return false;
		at += HEADER + (size_t)length;
	}
}

bool mrt_read(struct routes *r, int in, struct problem *problem)
{
	char beginning[HEADER];
	struct buf buffer = BUF_INIT;
	ssize_t n = read(in, beginning, sizeof beginning);
	struct unpacker *u;
	bool fine;

	if (n < 0)
		return problem_set(problem, "%s", strerror(errno));
	u = unpack_new((struct text){ beginning, (size_t)n }, in, problem);
	fine = u && read_records(r, u, &buffer, problem);
	unpack_free(u);
	buf_free(&buffer);
	return fine;
}
