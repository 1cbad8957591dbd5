/* Which addresses URLs from events must not reach. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <curl/curl.h>

#include "http.h"
#include "ip.h"
#include "url.h"

/* Networks that are not global: RFC 6890 and its registry, multicast, what is reserved, and the tunnels
 * (6to4, Teredo, local NAT64) that would carry IPv4 addresses unseen. Documentation networks are in the
 * registry too. */
static const char *const closed[] = { "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8",
	"169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16",
	"198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "::/96",
	"64:ff9b:1::/48", "100::/64", "2001::/32", "2001:db8::/32", "2002::/16", "fc00::/7", "fe80::/10",
	"fec0::/10", "ff00::/8" };

static bool is_closed(const struct ip *ip)
{
	struct ip network;
	unsigned prefix;

	for (size_t i = 0; i < LENGTH(closed); i++)
		if (ip_parse_network(text_of(closed[i]), &network, &prefix) &&
			ip_same_network(ip, &network, prefix))
			return true;
	return false;
}

bool http_private_address(const struct sockaddr *address)
{
	/* IPv4-mapped (RFC 4291 2.5.5.2) and NAT64 (RFC 6052 2.1) addresses reach the IPv4 address in their
	 * last 32 bits. */
	static const unsigned char mapped[12] = { [10] = 0xff, 0xff }, nat64[12] = { 0, 0x64, 0xff, 0x9b };
	struct ip ip = { .bits = 32 };

	if (address->sa_family == AF_INET) {
		struct sockaddr_in v4;

		memcpy(&v4, address, sizeof v4);
		memcpy(ip.bytes, &v4.sin_addr, 4);
	} else if (address->sa_family == AF_INET6) {
		struct sockaddr_in6 v6;

		memcpy(&v6, address, sizeof v6);
		memcpy(ip.bytes, &v6.sin6_addr, 16);
		ip.bits = 128;
		if (memcmp(ip.bytes, mapped, 12) == 0 || memcmp(ip.bytes, nat64, 12) == 0) {
			memmove(ip.bytes, ip.bytes + 12, 4);
			memset(ip.bytes + 4, 0, 12);
			ip.bits = 32;
		}
	} else {
		return true;
	}
	return is_closed(&ip);
}

static bool private_host(const char *host)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	struct text name = text_of(host);

	/* libcurl has turned the odd forms of IPv4 addresses (0x7f.1, 2130706433) into the usual one. */
	if (inet_pton(AF_INET, host, &v4.sin_addr) == 1)
		return http_private_address((const struct sockaddr *)&v4);
	if (host[0] == '[') {
		char copy[INET6_ADDRSTRLEN + 16];
		size_t n = strcspn(host + 1, "]%");

		if (n >= sizeof copy)
			return true;
		memcpy(copy, host + 1, n);
		copy[n] = '\0';
		return inet_pton(AF_INET6, copy, &v6.sin6_addr) != 1 ||
		       http_private_address((const struct sockaddr *)&v6);
	}
	if (name.len && name.at[name.len - 1] == '.')
		name.len--;
	if (name.len > 10 && name.at[name.len - 10] == '.')
		name = text_from(name, name.len - 9);
	return text_eq_nocase(name, TEXT("localhost"));
}

bool http_private_url(const char *url)
{
	CURLU *parts = curl_url();
	char *scheme = NULL, *host = NULL;
	bool closed_url = true;

	if (parts && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
		curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
		curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK)
		closed_url =
			(strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0) || private_host(host);
	curl_free(scheme);
	curl_free(host);
	curl_url_cleanup(parts);
	return closed_url;
}

static void encode(struct buf *out, struct text t, bool form)
{
	for (size_t i = 0; i < t.len; i++) {
		unsigned char c = (unsigned char)t.at[i];

		if (form && c == ' ')
			buf_char(out, '+');
		else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			(c && strchr("-._~", c)))
			buf_char(out, (char)c);
		else
			buf_printf(out, "%%%02X", c);
	}
}

void http_encode(struct buf *out, struct text t)
{
	encode(out, t, false);
}

void http_encode_form(struct buf *out, struct text t)
{
	encode(out, t, true);
}

void http_clean_url(struct buf *out, struct text text)
{
	struct url url;
	size_t head;

	url_split(text, &url);
	head = url.location.at ? (size_t)(url.location.at - text.at) + url.location.len : 0;
	for (size_t i = 0; i < head; i++)
		if ((unsigned char)text.at[i] <= ' ' || text.at[i] == 0x7f)
			return;
	buf_add(out, text.at, head);
	for (size_t i = head; i < text.len && text.at[i] != '#'; i++) {
		unsigned char c = (unsigned char)text.at[i];

		if (c <= ' ' || c >= 0x7f || strchr("\"<>\\^`{|}", c))
			buf_printf(out, "%%%02X", c);
		else
			buf_char(out, (char)c);
	}
}
