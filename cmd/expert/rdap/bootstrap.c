#include "bootstrap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <jansson.h>

#include "alloc.h"
#include "buf.h"
#include "clock.h"
#include "files.h"
#include "log.h"
#include "stream.h"

enum { MAX_ROWS = 200000, FILE_LIMIT = 64 << 20 };

static const char *const files[] = { "dns.json", "ipv4.json", "ipv6.json", "asn.json" };

static bool is_url(const char *s)
{
	return strncmp(s, "http://", 7) == 0 || strncmp(s, "https://", 8) == 0;
}

static char *join(const char *a, const char *b)
{
	struct buf path = BUF_INIT;
	char *joined;

	buf_string(&path, a);
	if (path.len && path.at[path.len - 1] != '/')
		buf_char(&path, '/');
	buf_string(&path, b);
	joined = alloc_string(buf_view(&path));
	buf_free(&path);
	return joined;
}

static const struct server *add_server(struct servers *list, const char *url, const char *token)
{
	struct server *server = alloc_zero(1, sizeof *server);
	struct buf header = BUF_INIT;

	server->url = join(url, "");
	if (token) {
		buf_printf(&header, "Authorization: Bearer %s", token);
		server->authorization = alloc_string(buf_view(&header));
		buf_free(&header);
	}
	alloc_grow(&list->items, &list->cap, list->count + 1, sizeof(struct server *));
	list->items[list->count++] = server;
	return server;
}

static void clear_table(struct table *t)
{
	for (size_t i = 0; i < t->count; i++)
		free(t->rows[i].suffix);
	for (size_t i = 0; i < t->servers.count; i++) {
		free(t->servers.items[i]->url);
		free(t->servers.items[i]->authorization);
		free(t->servers.items[i]);
	}
	free(t->rows);
	free(t->servers.items);
	t->rows = NULL;
	t->servers = (struct servers){ NULL, 0, 0 };
	t->count = t->cap = 0;
}

static char *lower(const char *suffix)
{
	struct text t = text_of(suffix);
	char *copy;

	while (t.len && t.at[0] == '.')
		t = text_from(t, 1);
	copy = alloc_string(t);
	for (char *p = copy; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p | 0x20);
	return copy;
}

/* One entry of a registry's file. False: it is not of that kind. */
static bool read_entry(enum registry kind, const char *entry, struct delegation *row)
{
	struct text t = text_of(entry), first;
	long long from, to;

	switch (kind) {
	case DOMAINS:
		row->suffix = lower(entry);
		return row->suffix[0] != '\0';
	case IPV4:
	case IPV6:
		return ip_parse_network(t, &row->from, &row->prefix) &&
		       (row->from.bits == 32) == (kind == IPV4);
	default:
		text_split(&t, '-', &first);
		if (!text_integer(first, &from) || (t.at && !text_integer(t, &to)))
			return false;
		if (!t.at)
			to = from;
		row->first = (uint32_t)from;
		row->last = (uint32_t)to;
		return from >= 0 && from <= to && to <= UINT32_MAX;
	}
}

static struct delegation *add_row(struct table *t, const struct server *server)
{
	alloc_grow(&t->rows, &t->cap, t->count + 1, sizeof *t->rows);
	t->rows[t->count] = (struct delegation){ .server = server };
	return &t->rows[t->count++];
}

static int by_suffix(const void *a, const void *b)
{
	return strcmp(((const struct delegation *)a)->suffix, ((const struct delegation *)b)->suffix);
}

/* `services`: pairs of entries and URLs, of which the first counts (RFC 9224, 3). */
static bool read_services(struct table *t, enum registry kind, const json_t *root, struct problem *problem)
{
	const json_t *services = json_object_get(root, "services"), *service, *entry;
	size_t i, j;

	if (!json_is_array(services))
		return problem_set(problem, "no bootstrap file: no array \"services\"");
	json_array_foreach(services, i, service)
	{
		const char *url = json_string_value(json_array_get(json_array_get(service, 1), 0));
		const struct server *server;

		if (!url || !is_url(url))
			continue;
		server = add_server(&t->servers, url, NULL);
		json_array_foreach(json_array_get(service, 0), j, entry)
		{
			const char *text = json_string_value(entry);
			struct delegation *row;

			if (!text || t->count >= MAX_ROWS)
				continue;
			row = add_row(t, server);
			if (!read_entry(kind, text, row)) {
				free(row->suffix);
				t->count--;
			}
		}
	}
	if (kind == DOMAINS && t->count)
		qsort(t->rows, t->count, sizeof *t->rows, by_suffix);
	return true;
}

/* Replaces T by what JSON says; a bad file leaves T as it was. */
static bool read_table(struct table *t, enum registry kind, struct text json, struct problem *problem)
{
	struct table fresh = { .loaded = t->loaded, .etag = t->etag };
	json_error_t error;
	json_t *root = json_loadb(json.at, json.len, 0, &error);
	bool fine;

	if (!root)
		return problem_set(problem, "line %d: %s", error.line, error.text);
	fine = read_services(&fresh, kind, root, problem);
	json_decref(root);
	if (fine) {
		clear_table(t);
		*t = fresh;
	} else {
		clear_table(&fresh);
	}
	return fine;
}

static bool read_file(struct table *t, enum registry kind, const char *folder, struct problem *problem)
{
	struct buf json = BUF_INIT;
	char *path = join(folder, files[kind]);
	bool fine =
		file_read(path, FILE_LIMIT, &json, problem) && read_table(t, kind, buf_view(&json), problem);

	if (!fine && !problem->file[0])
		snprintf(problem->file, sizeof problem->file, "%s", path);
	free(path);
	buf_free(&json);
	return fine;
}

/* The cache folder: the file as fetched, and beside it the ETag that came with it. */

static void cached_etag(struct bootstrap *b, enum registry kind)
{
	struct problem unused = { .line = 0 };
	struct buf etag = BUF_INIT, name = BUF_INIT;
	char *path;

	buf_printf(&name, "%s.etag", files[kind]);
	path = join(b->cache, buf_cstr(&name));
	if (access(path, R_OK) == 0 && file_read(path, 1024, &etag, &unused) && etag.len &&
		read_file(&b->tables[kind], kind, b->cache, &unused))
		b->tables[kind].etag = alloc_string(text_trim(buf_view(&etag)));
	free(path);
	buf_free(&etag);
	buf_free(&name);
}

/* Writes under another name first, so that others never read half a file. */
static void write_file(const char *folder, const char *name, struct text content)
{
	struct buf part = BUF_INIT;
	char *path = join(folder, name);
	int fd;
	bool fine;

	buf_printf(&part, "%s.%ld", path, (long)getpid());
	fd = open(buf_cstr(&part), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	fine = fd >= 0 && write_all(fd, content.at, content.len);
	if (fd >= 0)
		close(fd);
	if (!fine || rename(buf_cstr(&part), path) != 0)
		log_message("%s: %s", path, strerror(errno));
	free(path);
	buf_free(&part);
}

static void keep_fetched(struct bootstrap *b, enum registry kind, const struct http_reply *reply)
{
	struct buf name = BUF_INIT;

	buf_printf(&name, "%s.etag", files[kind]);
	write_file(b->cache, files[kind], reply->body);
	write_file(b->cache, buf_cstr(&name), text_of(reply->etag ? reply->etag : ""));
	buf_free(&name);
}

static bool fetch(struct bootstrap *b, enum registry kind, struct problem *problem)
{
	struct table *t = &b->tables[kind];
	struct buf condition = BUF_INIT;
	const char *headers[] = { NULL, NULL };
	char *url = join(b->source, files[kind]);
	struct http_reply reply;
	bool fine;

	if (b->cache && !t->etag && !t->count)
		cached_etag(b, kind);
	if (t->etag) {
		buf_printf(&condition, "If-None-Match: %s", t->etag);
		headers[0] = buf_cstr(&condition);
	}
	fine = http_fetch(b->http, &(struct http_request){ .url = url, .headers = headers, .deadline = 120 },
		&reply, problem);
	if (fine && reply.status != 304) {
		fine = read_table(t, kind, reply.body, problem);
		if (!fine)
			snprintf(problem->file, sizeof problem->file, "%s", url);
		if (fine) {
			free(t->etag);
			t->etag = reply.etag ? alloc_string(text_of(reply.etag)) : NULL;
			if (b->cache)
				keep_fetched(b, kind, &reply);
		}
	}
	free(url);
	buf_free(&condition);
	return fine;
}

static void load_copy(struct bootstrap *b, enum registry kind)
{
	struct problem problem = { .line = 0 };
	char *folder = share_path("rdap");

	if (!read_file(&b->tables[kind], kind, folder, &problem))
		log_problem(&problem);
	free(folder);
}

static struct table *table_of(struct bootstrap *b, enum registry kind)
{
	struct table *t = &b->tables[kind];
	struct problem problem = { .line = 0 };
	int64_t now = clock_steady();

	if (t->loaded && now - t->loaded < (int64_t)(b->refresh * 1e6))
		return t;
	t->loaded = now;
	if (b->offline) {
		load_copy(b, kind);
	} else if (!is_url(b->source)) {
		if (!read_file(t, kind, b->source, &problem))
			log_problem(&problem);
	} else if (!fetch(b, kind, &problem)) {
		log_problem(&problem);
		if (!t->count) {
			log_message("using the copy of %s that came with imq", files[kind]);
			load_copy(b, kind);
		}
	}
	return t;
}

static const struct server *find_suffix(const struct table *t, struct text suffix)
{
	size_t low = 0, high = t->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = text_cmp(suffix, text_of(t->rows[middle].suffix));

		if (order == 0)
			return t->rows[middle].server;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const struct server *bootstrap_domain(struct bootstrap *b, struct text fqdn, struct text *suffix)
{
	const struct table *iana = table_of(b, DOMAINS);
	struct text rest = fqdn, label;

	while (rest.at) {
		const struct server *server = find_suffix(&b->own_table, rest);

		if (!server)
			server = find_suffix(iana, rest);
		*suffix = rest;
		if (server)
			return server;
		text_split(&rest, '.', &label);
	}
	return NULL;
}

const struct server *bootstrap_ip(struct bootstrap *b, const struct ip *ip)
{
	const struct table *t = table_of(b, ip->bits == 32 ? IPV4 : IPV6);
	const struct delegation *best = NULL;

	for (size_t i = 0; i < t->count; i++)
		if (ip_same_network(ip, &t->rows[i].from, t->rows[i].prefix) &&
			(!best || t->rows[i].prefix > best->prefix))
			best = &t->rows[i];
	return best ? best->server : NULL;
}

const struct server *bootstrap_as(struct bootstrap *b, uint32_t number)
{
	const struct table *t = table_of(b, AS_NUMBERS);

	for (size_t i = 0; i < t->count; i++)
		if (t->rows[i].first <= number && number <= t->rows[i].last)
			return t->rows[i].server;
	return NULL;
}

/* One of the user's servers: a URL, or {"url": …, "auth": {"type": "jwt", "token": …}}. */
static bool read_own(struct bootstrap *b, const char *suffix, const json_t *value, struct problem *problem)
{
	const json_t *auth = json_object_get(value, "auth");
	const char *url = json_is_string(value) ? json_string_value(value)
						: json_string_value(json_object_get(value, "url"));
	const char *type = json_string_value(json_object_get(auth, "type")),
		   *token = json_string_value(json_object_get(auth, "token"));

	if (!url || !is_url(url))
		return problem_set(problem, "--rdap-bootstrapped-servers: %s: no http or https URL", suffix);
	if (auth && !json_is_null(auth) &&
		(!type || strcmp(type, "jwt") != 0 || !token || strpbrk(token, "\r\n")))
		return problem_set(problem,
			"--rdap-bootstrapped-servers: %s: auth must have the type jwt and a token", suffix);
	add_row(&b->own_table, add_server(&b->own_table.servers, url, token))->suffix = lower(suffix);
	return true;
}

bool bootstrap_start(struct bootstrap *b, struct problem *problem)
{
	json_t *own = b->own.at ? json_loadb(b->own.at, b->own.len, JSON_DECODE_ANY, NULL) : NULL, *value;
	const char *suffix;
	bool fine = true;

	if (own && !json_is_object(own) && !json_is_null(own))
		fine = problem_set(problem, "--rdap-bootstrapped-servers: not a map of suffixes");
	json_object_foreach(own, suffix, value) fine = fine && read_own(b, suffix, value, problem);
	json_decref(own);
	if (b->own_table.count)
		qsort(b->own_table.rows, b->own_table.count, sizeof *b->own_table.rows, by_suffix);
	return fine;
}

void bootstrap_forget(struct bootstrap *b)
{
	for (int kind = 0; kind < REGISTRIES; kind++)
		b->tables[kind].loaded = 0;
}

void bootstrap_stop(struct bootstrap *b)
{
	clear_table(&b->own_table);
	for (int kind = 0; kind < REGISTRIES; kind++) {
		clear_table(&b->tables[kind]);
		free(b->tables[kind].etag);
	}
}
