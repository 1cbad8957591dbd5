#include "mmdb.h"

#include <netinet/in.h>

bool mmdb_open(struct mmdb *m, const char *path, bool *foreign, struct problem *problem)
{
	int status = MMDB_open(path, MMDB_MODE_MMAP, &m->db);

	m->path = path;
	m->open = status == MMDB_SUCCESS;
	if (foreign)
		*foreign = !m->open && status != MMDB_FILE_OPEN_ERROR;
	return m->open || problem_at(problem, path, 0, 0, "%s", MMDB_strerror(status));
}

void mmdb_close(struct mmdb *m)
{
	if (m->open)
		MMDB_close(&m->db);
	m->open = false;
}

struct text mmdb_type(const struct mmdb *m)
{
	return text_of(m->db.metadata.database_type);
}

/* IP as the library wants it. */
static void to_sockaddr(const struct ip *ip, struct sockaddr_storage *address)
{
	memset(address, 0, sizeof *address);
	if (ip->bits == 32) {
		struct sockaddr_in in = { .sin_family = AF_INET };

		memcpy(&in.sin_addr, ip->bytes, 4);
		memcpy(address, &in, sizeof in);
	} else {
		struct sockaddr_in6 in = { .sin6_family = AF_INET6 };

		memcpy(&in.sin6_addr, ip->bytes, 16);
		memcpy(address, &in, sizeof in);
	}
}

bool mmdb_find(const struct mmdb *m, const struct ip *ip, MMDB_entry_s *record, unsigned *prefix,
	struct problem *problem)
{
	struct sockaddr_storage address;
	MMDB_lookup_result_s result;
	int error = MMDB_SUCCESS;

	if (ip->bits == 128 && m->db.metadata.ip_version == 4)
		return false;
	to_sockaddr(ip, &address);
	result = MMDB_lookup_sockaddr(&m->db, (const struct sockaddr *)&address, &error);
	if (error != MMDB_SUCCESS)
		return problem_set(problem, "%s: %s", m->path, MMDB_strerror(error));
	if (!result.found_entry)
		return false;
	*record = result.entry;
	/* In a tree for IPv6 the prefix of an IPv4 address counts from its 96 zero bits on. */
	*prefix = result.netmask;
	if (ip->bits == 32 && m->db.metadata.ip_version == 6)
		*prefix = result.netmask >= 96 ? result.netmask - 96u : 0;
	return true;
}

bool mmdb_value(MMDB_entry_s *record, const char *const *path, MMDB_entry_data_s *value)
{
	return MMDB_aget_value(record, value, path) == MMDB_SUCCESS && value->has_data;
}
