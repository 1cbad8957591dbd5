#include "queue_kafka.h"

#include "queue_priv.h"
#include "queue_url.h"

static void add_setting(struct buf *url, const char *key, const char *value)
{
	buf_printf(url, "&%s=", key);
	queue_url_add(url, text_of(value));
}

static bool check_options(const struct kafka_options *o, struct problem *problem)
{
	if (o->topic.count != 1 || !o->topic.items[0].len)
		return problem_set(problem, o->topic.count > 1 ? "--topic: one topic" : "--topic is missing");
	if (!o->servers.count)
		return problem_set(problem, "--bootstrap-servers: none");
	return true;
}

static void add_tls(const struct kafka_options *o, struct buf *url)
{
	const char *ca_file = o->ca_file ? o->ca_file : o->ca_file_too;
	const char *certificate = o->certificate ? o->certificate : o->certificate_too;

	if (!ca_file && !certificate)
		return;
	buf_string(url, "&security.protocol=ssl");
	if (ca_file)
		add_setting(url, "ssl.ca.location", ca_file);
	if (certificate) {
		add_setting(url, "ssl.certificate.location", certificate);
		add_setting(url, "ssl.key.location", certificate);
	}
	add_setting(url, "ssl.endpoint.identification.algorithm", o->check_hostname == TRISTATE_NO ? "none" : "https");
}

struct queue *queue_kafka_open(const struct kafka_options *o, enum queue_use use, const char *more, struct problem *problem)
{
	struct buf url = BUF_INIT, servers = BUF_INIT;
	struct queue *q;

	if (!check_options(o, problem))
		return NULL;
	for (size_t i = 0; i < o->servers.count; i++) {
		buf_string(&servers, i ? "," : "");
		buf_text(&servers, o->servers.items[i]);
	}
	/* As a setting, which may name any kind of address; the host of the URL is only its default. */
	buf_string(&url, "kafka://localhost?client.id=imq");
	add_setting(&url, "bootstrap.servers", buf_cstr(&servers));
	add_tls(o, &url);
	buf_string(&url, more);
	buf_char(&url, '#');
	queue_url_add(&url, o->topic.items[0]);
	q = queue_open_engine(&queue_kafka, buf_cstr(&url), use, NULL, problem);
	buf_free(&url);
	buf_free(&servers);
	return q;
}
