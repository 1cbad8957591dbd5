/* Addresses and networks. data-format.md 2.10 and 2.11. */
#include "ip.h"
#include "repr.h"
#include "type_priv.h"

/* 0.0.0.0 stands for "no address" in feeds. */
static bool unspecified_v4(const struct ip *ip)
{
	return ip->bits == 32 && memcmp(ip->bytes, "\0\0\0\0", 4) == 0;
}

static void put_ip(struct buf *out, const struct ip *ip)
{
	buf_room(out, IP_SIZE + 2);
	buf_char(out, '"');
	ip_write(out, ip);
	buf_char(out, '"');
}

/* `address`, or a network that holds this one address, with a scope id or not. Whatever follows the % is
 * dropped. */
static bool ip_of_text(struct text t, struct ip *ip)
{
	struct text part;
	unsigned prefix;

	if (ip_of_number(t, ip))
		return t.len == 1 || t.at[0] != '0';
	return text_split(&t, '%', &part) && ip_parse_network(part, ip, &prefix) && prefix == ip->bits;
}

static bool ip_of_value(enum value_kind kind, struct text in, struct ip *ip)
{
	struct form form;
	bool read;

	if (kind == VALUE_TRUE || kind == VALUE_FALSE)
		return ip_of_number(kind == VALUE_TRUE ? TEXT("1") : TEXT("0"), ip);
	if (kind == VALUE_NUMBER && repr_is_integer(in))
		return ip_of_number(text_is(in, "-0") ? TEXT("0") : in, ip);
	if (!form_open(kind, in, &form))
		return false;
	read = ip_of_text(form.text, ip);
	form_close(&form);
	return read;
}

static bool address_sanitise(enum value_kind kind, struct text in, struct buf *out)
{
	struct ip ip;

	if (!ip_of_value(kind, in, &ip))
		return false;
	put_ip(out, &ip);
	return true;
}

static bool address_valid(enum value_kind kind, struct text in)
{
	struct ip ip;

	return kind == VALUE_STRING && ip_parse(in, &ip) && !unspecified_v4(&ip);
}

static bool address_accept(enum value_kind kind, struct text in, struct buf *out)
{
	struct ip ip;

	if (kind == VALUE_STRING && ip_parse(in, &ip) && ip.bits == 32) {
		/* There is but one way to write an IPv4 address. */
		if (unspecified_v4(&ip))
			return false;
		put_plain(out, in);
		return true;
	}
	if (!ip_of_value(kind, in, &ip) || unspecified_v4(&ip))
		return false;
	put_ip(out, &ip);
	return true;
}

const struct type type_ip_address = { "IPAddress", "an IP address", address_sanitise, address_valid,
	address_accept };

/* Reads `address[%scope][/prefix]`; SCOPE is NO_TEXT if there is none. */
static bool network_of_text(struct text t, struct ip *ip, struct text *scope, unsigned *prefix)
{
	struct text address, bare;

	if (!text_split(&t, '/', &address) || !text_split(&address, '%', &bare) || !ip_parse(bare, ip))
		return false;
	*scope = address;
	if (scope->at && (ip->bits == 32 || scope->len == 0 || memchr(scope->at, '%', scope->len)))
		return false;
	*prefix = ip->bits;
	return !t.at || ip_parse_prefix(ip, t, prefix);
}

static void put_network(struct buf *out, struct ip *ip, struct text scope, unsigned prefix)
{
	struct ip address = *ip;
	struct buf text = BUF_INIT;

	ip_mask(ip, prefix);
	if (!scope.at || ip_cmp(&address, ip) != 0) {
		buf_room(out, IP_SIZE + 8);
		buf_char(out, '"');
		ip_write(out, ip);
		buf_char(out, '/');
		buf_integer(out, prefix);
		buf_char(out, '"');
		return;
	}
	ip_write(&text, ip);
	buf_char(&text, '%');
	buf_text(&text, scope);
	buf_char(&text, '/');
	buf_integer(&text, prefix);
	buf_json(out, buf_view(&text));
	buf_free(&text);
}

static bool network_sanitise(enum value_kind kind, struct text in, struct buf *out)
{
	struct text scope;
	struct form form;
	unsigned prefix;
	struct ip ip;
	bool read;

	if (kind == VALUE_STRING && network_of_text(in, &ip, &scope, &prefix) && !scope.at) {
		put_network(out, &ip, scope, prefix);
		return true;
	}
	if (!form_open(kind, in, &form))
		return false;
	read = network_of_text(form.text, &ip, &scope, &prefix);
	if (read)
		put_network(out, &ip, scope, prefix);
	form_close(&form);
	return read;
}

static bool network_valid(enum value_kind kind, struct text in)
{
	struct ip ip, network;
	struct text scope;
	unsigned prefix;

	if (kind != VALUE_STRING || !network_of_text(in, &ip, &scope, &prefix))
		return false;
	network = ip;
	ip_mask(&network, prefix);
	return ip_cmp(&network, &ip) == 0;
}

const struct type type_ip_network = { "IPNetwork", "an IP network", network_sanitise, network_valid,
	network_sanitise };
