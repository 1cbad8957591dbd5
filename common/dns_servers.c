/* Whom to ask: ADDRESS or ADDRESS#PORT, IPv6 addresses with a zone where they need one (fe80::1%eth0). */
#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>

#include "dns_priv.h"
#include "files.h"
#include "ip.h"

enum { DNS_SERVICE = 53, RESOLV_CONF_MAX = 65536 };

static void to_sockaddr(struct server *server, const struct ip *ip, unsigned port, unsigned zone)
{
	if (ip->bits == 32) {
		struct sockaddr_in *v4 = (struct sockaddr_in *)&server->address;

		*v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
		memcpy(&v4->sin_addr, ip->bytes, 4);
		server->size = sizeof *v4;
	} else {
		struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&server->address;

		*v6 = (struct sockaddr_in6){
			.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port), .sin6_scope_id = zone
		};
		memcpy(&v6->sin6_addr, ip->bytes, 16);
		server->size = sizeof *v6;
	}
}

bool dns_add_server(struct dns_state *s, struct text text, struct problem *problem)
{
	struct server *server = &s->servers[s->server_count];
	struct text rest = text, address, zone;
	char zone_name[IF_NAMESIZE] = "";
	long long port = DNS_SERVICE;
	unsigned index = 0;
	struct ip ip;

	if (s->server_count == DNS_SERVERS)
		return problem_set(problem, "more than %d name servers", DNS_SERVERS);
	text_split(&rest, '#', &address);
	zone = address;
	text_split(&zone, '%', &address);
	if (zone.at && zone.len < sizeof zone_name) {
		memcpy(zone_name, zone.at, zone.len);
		index = if_nametoindex(zone_name);
	}
	if (!ip_parse(address, &ip) || (zone.at && (ip.bits == 32 || !index)) ||
		(rest.at && (!text_integer(rest, &port) || port < 1 || port > 65535)))
		return problem_set(problem, "not ADDRESS or ADDRESS#PORT of a name server: \"%.*s\"", TEXT_ARGS(text));
	*server = (struct server){ .size = 0 };
	to_sockaddr(server, &ip, (unsigned)port, index);
	s->server_count++;
	return true;
}

void dns_read_resolv_conf(struct dns_state *s, const char *path)
{
	struct buf content = BUF_INIT;
	struct problem unused = { .line = 0 };
	struct text rest, line;

	if (file_read(path, RESOLV_CONF_MAX, &content, &unused)) {
		rest = buf_view(&content);
		while (text_split(&rest, '\n', &line)) {
			line = text_trim(line);
			if (!text_starts(line, TEXT("nameserver")))
				continue;
			line = text_from(line, strlen("nameserver"));
			if (line.len && (*line.at == ' ' || *line.at == '\t'))
				dns_add_server(s, text_trim(line), &unused);
		}
	}
	buf_free(&content);
}

/* IMQ_NAMESERVER: several with commas or blanks between them. */
static bool read_environment(struct dns_state *s, struct text value, struct problem *problem)
{
	const char *end = value.at + value.len;

	for (const char *p = value.at; p < end;) {
		size_t n = strcspn(p, ", \t\n");

		if (n && !dns_add_server(s, (struct text){ p, n }, problem))
			return false;
		p += n + 1;
	}
	return true;
}

bool dns_find_servers(struct dns_state *s, struct problem *problem)
{
	const struct list *told = &s->dns->nameservers;
	struct text environment = text_of(getenv("IMQ_NAMESERVER"));

	for (size_t i = 0; i < told->count; i++)
		if (!dns_add_server(s, told->items[i], problem))
			return false;
	if (!s->server_count && environment.at && !read_environment(s, environment, problem))
		return false;
	if (!s->server_count)
		dns_read_resolv_conf(s, "/etc/resolv.conf");
	if (!s->server_count) /* as resolv.conf(5) has it */
		dns_add_server(s, TEXT("127.0.0.1"), problem);
	return true;
}
