/* Reading and writing addresses. inet_pton() takes other texts than these (leading zeros) and needs a NUL. */
#include "ip.h"

static bool parse_v4(struct text t, unsigned char bytes[4])
{
	const char *p = t.at, *end = t.at + t.len;

	for (int part = 0; part < 4; part++) {
		const char *start = p;
		unsigned value = 0;

		if (part && (p == end || *p++ != '.'))
			return false;
		start = p;
		while (p < end && *p >= '0' && *p <= '9' && p - start < 4)
			value = value * 10 + (unsigned)(*p++ - '0');
		if (p == start || p - start > 3 || value > 255 || (*start == '0' && p - start > 1))
			return false;
		bytes[part] = (unsigned char)value;
	}
	return p == end;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool parse_v6(struct text t, unsigned char bytes[16])
{
	const char *p = t.at, *end = t.at + t.len;
	int at = 0, gap = -1; /* bytes filled; where the `::` stands */

	if (p[0] == ':') {
		if (p[1] != ':')
			return false;
		gap = 0;
		p += 2;
	}
	while (p < end) {
		const char *group = p;
		unsigned value = 0;

		while (p < end && p - group < 5 && hex_value(*p) >= 0)
			value = value << 4 | (unsigned)hex_value(*p++);
		if (p < end && *p == '.') {
			if (at > 12 || !parse_v4((struct text){ group, (size_t)(end - group) }, bytes + at))
				return false;
			at += 4;
			break;
		}
		if (p == group || p - group > 4 || at == 16)
			return false;
		bytes[at++] = (unsigned char)(value >> 8);
		bytes[at++] = (unsigned char)value;
		if (p == end)
			break;
		if (*p++ != ':' || p == end)
			return false;
		if (*p == ':') {
			if (gap >= 0)
				return false;
			gap = at;
			p++;
		}
	}
	if (gap < 0)
		return at == 16;
	if (at == 16)
		return false;
	memmove(bytes + 16 - (at - gap), bytes + gap, (size_t)(at - gap));
	memset(bytes + gap, 0, (size_t)(16 - at));
	return true;
}

bool ip_parse(struct text t, struct ip *ip)
{
	/* Neither kind is longer than 45 characters; an IPv6 address has a colon in its first five. */
	if (t.len < 2 || t.len > 45)
		return false;
	*ip = (struct ip){ { 0 }, memchr(t.at, ':', t.len < 5 ? t.len : 5) ? 128 : 32 };
	return ip->bits == 32 ? parse_v4(t, ip->bytes) : parse_v6(t, ip->bytes);
}

/* The number of leading ones of a mask whose ones all lead. */
static bool mask_length(uint32_t mask, unsigned *prefix)
{
	unsigned ones = mask == UINT32_MAX ? 32 : (unsigned)__builtin_clz(~mask);

	*prefix = ones;
	return ones == 32 || mask << ones == 0;
}

bool ip_parse_prefix(const struct ip *ip, struct text t, unsigned *prefix)
{
	unsigned char mask[4];
	uint32_t bits;

	*prefix = 0;
	for (size_t i = 0; i < t.len; i++) {
		if (t.at[i] < '0' || t.at[i] > '9') {
			if (ip->bits != 32 || !parse_v4(t, mask))
				return false;
			bits = (uint32_t)mask[0] << 24 | (uint32_t)mask[1] << 16 | (uint32_t)mask[2] << 8 |
			       mask[3];
			return mask_length(bits, prefix) || mask_length(~bits, prefix);
		}
		if (*prefix <= ip->bits)
			*prefix = *prefix * 10 + (unsigned)(t.at[i] - '0');
	}
	return t.len && *prefix <= ip->bits;
}

bool ip_parse_network(struct text t, struct ip *ip, unsigned *prefix)
{
	struct text address;

	if (!text_split(&t, '/', &address) || !ip_parse(address, ip))
		return false;
	*prefix = ip->bits;
	return !t.at || ip_parse_prefix(ip, t, prefix);
}

bool ip_of_number(struct text t, struct ip *ip)
{
	unsigned __int128 number = 0;

	if (t.len == 0)
		return false;
	for (size_t i = 0; i < t.len; i++) {
		if (t.at[i] < '0' || t.at[i] > '9')
			return false;
		if (__builtin_mul_overflow(number, (unsigned __int128)10, &number) ||
			__builtin_add_overflow(number, (unsigned __int128)(unsigned)(t.at[i] - '0'), &number))
			return false;
	}
	*ip = (struct ip){ { 0 }, number >> 32 ? 128 : 32 };
	for (unsigned i = ip->bits / 8; i-- > 0; number >>= 8)
		ip->bytes[i] = (unsigned char)(number & 255);
	return true;
}

static char *put_decimal(char *out, unsigned byte)
{
	if (byte >= 100)
		*out++ = (char)('0' + byte / 100);
	if (byte >= 10)
		*out++ = (char)('0' + byte / 10 % 10);
	*out++ = (char)('0' + byte % 10);
	return out;
}

static const char hex_digits[] = "0123456789abcdef";

static char *put_group(char *out, unsigned group)
{
	bool started = false;

	for (int shift = 12; shift >= 0; shift -= 4) {
		started = started || shift == 0 || group >> shift;
		if (started)
			*out++ = hex_digits[group >> shift & 15];
	}
	return out;
}

/* The longest run of two or more zero groups, the first of equals; of length 0 if there is none. */
static void zero_run(const unsigned groups[8], int *start, int *length)
{
	*start = -1;
	*length = 0;
	for (int i = 0, run = 0; i < 8; i++) {
		run = groups[i] ? 0 : run + 1;
		if (run > 1 && run > *length) {
			*length = run;
			*start = i - run + 1;
		}
	}
}

size_t ip_format(const struct ip *ip, char out[IP_SIZE])
{
	char *p = out;
	unsigned groups[8];
	int gap, length;

	if (ip->bits == 32) {
		for (int i = 0; i < 4; i++) {
			if (i)
				*p++ = '.';
			p = put_decimal(p, ip->bytes[i]);
		}
		*p = '\0';
		return (size_t)(p - out);
	}
	for (int i = 0; i < 8; i++)
		groups[i] = (unsigned)ip->bytes[2 * i] << 8 | ip->bytes[2 * i + 1];
	zero_run(groups, &gap, &length);
	for (int i = 0; i < 8; i++) {
		if (i == gap) {
			*p++ = ':';
			i += length - 1;
			if (i == 7)
				*p++ = ':';
			continue;
		}
		if (i)
			*p++ = ':';
		p = put_group(p, groups[i]);
	}
	*p = '\0';
	return (size_t)(p - out);
}

void ip_write(struct buf *out, const struct ip *ip)
{
	out->len += ip_format(ip, buf_room(out, IP_SIZE));
}

void ip_reverse_name(struct buf *out, const struct ip *ip)
{
	char *start = buf_room(out, 80), *p = start;

	for (unsigned i = ip->bits / 8; i-- > 0;) {
		if (ip->bits == 32) {
			p = put_decimal(p, ip->bytes[i]);
		} else {
			*p++ = hex_digits[ip->bytes[i] & 15];
			*p++ = '.';
			*p++ = hex_digits[ip->bytes[i] >> 4];
		}
		*p++ = '.';
	}
	out->len += (size_t)(p - start);
	buf_string(out, ip->bits == 32 ? "in-addr.arpa." : "ip6.arpa.");
}

void ip_mask(struct ip *ip, unsigned prefix)
{
	unsigned whole = prefix / 8;

	if (whole >= sizeof ip->bytes)
		return;
	ip->bytes[whole] &= (unsigned char)(0xff00U >> prefix % 8);
	memset(ip->bytes + whole + 1, 0, sizeof ip->bytes - whole - 1);
}

bool ip_same_network(const struct ip *a, const struct ip *b, unsigned prefix)
{
	struct ip x = *a, y = *b;

	ip_mask(&x, prefix);
	ip_mask(&y, prefix);
	return ip_cmp(&x, &y) == 0;
}

int ip_cmp(const struct ip *a, const struct ip *b)
{
	return a->bits != b->bits ? (a->bits > b->bits) - (a->bits < b->bits)
				  : memcmp(a->bytes, b->bytes, 16);
}
