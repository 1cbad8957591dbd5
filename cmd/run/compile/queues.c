/* The URLs of queues: IntelMQ's own, or those that --queue says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compile.h"
#include "http.h"
#include "queue_url.h"

bool queues_has_password(const char *text)
{
	struct queue_url url;
	char *setting;
	bool has;

	/* Even what is no URL after all. */
	queue_url_read(&url, text_of(text));
	setting = queue_url_setting(&url, "password");
	has = url.password || setting;
	free(setting);
	queue_url_free(&url);
	return has;
}

/* Whether a bot that stays with IntelMQ reads or writes QUEUE. */
static bool is_foreign(const struct config *c, const char *queue)
{
	for (size_t i = 0; i < c->count; i++) {
		const struct bot *bot = c->bots[i];

		if (bot->command)
			continue;
		if (!bot->collector && strcmp(bot->source_queue, queue) == 0)
			return true;
		for (size_t k = 0; k < bot->link_count; k++)
			if (strcmp(bot->links[k].queue, queue) == 0)
				return true;
		if (bot->on_error && strcmp(bot->on_error, queue) == 0)
			return true;
	}
	return false;
}

static char *setting(const struct config *c, const struct bot *bot, const char *side, const char *what)
{
	char name[64];

	snprintf(name, sizeof name, "%s_pipeline_%s", side, what);
	return config_text(c, bot, name);
}

static void append_host(struct buf *url, const char *host)
{
	bool bare = strchr(host, ':') && host[0] != '['; /* an IPv6 address */

	if (strchr(host, ':'))
		buf_printf(url, bare ? "[%s]" : "%s", host);
	else
		http_encode(url, text_of(host));
}

static void append_login(struct buf *url, const char *user, const char *password)
{
	http_encode(url, text_of(user));
	buf_char(url, ':');
	http_encode(url, text_of(password));
	buf_char(url, '@');
}

static bool is_set(const char *text)
{
	return text && *text;
}

/* Up to the queue's name. */
static void append_amqp(const struct config *c, const struct bot *bot, const char *side, struct buf *url)
{
	char *host = setting(c, bot, side, "host"), *port = setting(c, bot, side, "port");
	char *user = setting(c, bot, side, "username"), *password = setting(c, bot, side, "password");
	char *vhost = setting(c, bot, side, "amqp_virtual_host"), *exchange = setting(c, bot, side, "amqp_exchange");
	char tls[64];

	snprintf(tls, sizeof tls, "%s_pipeline_ssl", side);
	buf_printf(url, "amqp%s://", config_true(c, bot, tls) ? "s" : "");
	if (is_set(user) && is_set(password))
		append_login(url, user, password);
	append_host(url, is_set(host) ? host : "127.0.0.1");
	buf_printf(url, ":%s", port ? port : "5672");
	if (is_set(vhost) && strcmp(vhost, "/") != 0) {
		buf_char(url, '/');
		http_encode(url, text_of(vhost));
	}
	if (is_set(exchange)) {
		buf_string(url, "?exchange=");
		http_encode(url, text_of(exchange));
	}
	free(host);
	free(port);
	free(user);
	free(password);
	free(vhost);
	free(exchange);
}

bool is_socket(const char *host)
{
	return host && (host[0] == '/' || strncmp(host, "unix://", 7) == 0);
}

void append_socket(struct buf *url, const char *host, const char *db, const char *password)
{
	char mark = '?';

	buf_string(url, "redis:");
	queue_url_add(url, text_of(host[0] == '/' ? host : host + 7));
	if (db) {
		buf_printf(url, "%cdb=%s", mark, db);
		mark = '&';
	}
	if (is_set(password)) {
		buf_printf(url, "%cpassword=", mark);
		http_encode(url, text_of(password));
	}
}

static void append_redis_queue(const struct config *c, const struct bot *bot, const char *side, struct buf *url)
{
	char *host = setting(c, bot, side, "host"), *port = setting(c, bot, side, "port");
	char *db = setting(c, bot, side, "db"), *password = setting(c, bot, side, "password");

	if (is_socket(host)) {
		append_socket(url, host, db ? db : "2", password);
	} else {
		buf_string(url, "redis://");
		if (is_set(password))
			append_login(url, "", password);
		append_host(url, is_set(host) ? host : "127.0.0.1");
		buf_printf(url, ":%s/%s", port ? port : "6379", db ? db : "2");
	}
	free(host);
	free(port);
	free(db);
	free(password);
}

/* As IntelMQ has queues with its broker (runtime.md 4), up to the name. */
static bool append_broker(const struct config *c, const struct bot *bot, const char *side, struct buf *url,
	struct problem *problem)
{
	char *broker = setting(c, bot, side, "broker");
	bool fine = true;

	if (!broker || strcasecmp(broker, "redis") == 0)
		append_redis_queue(c, bot, side, url);
	else if (strcasecmp(broker, "amqp") == 0)
		append_amqp(c, bot, side, url);
	else
		fine = problem_at(problem, c->file, bot->line, 0, "bot \"%s\": %s_pipeline_broker is redis or amqp, not \"%s\"", bot->id,
			side, broker);
	free(broker);
	return fine;
}

/* Queues of RabbitMQ that are imq's alone: with several records in a message they are many times faster, and of a machine that has lost
 * its connection the broker gives the records to another one. */
static void append_amqp_settings(const char *beginning, struct buf *url)
{
	if (!strstr(beginning, "records="))
		buf_printf(url, "%crecords=20", strchr(beginning, '?') ? '&' : '?');
	if (!strstr(beginning, "heartbeat="))
		buf_string(url, "&heartbeat=60");
}

/* BEGINNING is what --queue says; its name, if it has one, is that of the queue's beginning. */
static void append_beginning(const char *beginning, struct buf *url)
{
	const char *mark = strchrnul(beginning, '#');

	buf_add(url, beginning, (size_t)(mark - beginning));
	if (text_starts(text_of(beginning), TEXT("amqp")))
		append_amqp_settings(beginning, url);
	buf_string(url, *mark ? mark : "#");
}

char *queues_url(const struct config *c, const char *kind, const struct bot *bot, const char *side, const char *queue,
	struct problem *problem)
{
	struct buf url = BUF_INIT;

	if (strcmp(kind, "intelmq") == 0 || is_foreign(c, queue)) {
		if (!append_broker(c, bot, side, &url, problem)) {
			buf_free(&url);
			return NULL;
		}
		buf_char(&url, '#');
	} else if (strcmp(kind, "sqlite") == 0) {
		buf_string(&url, "sqlite:$IMQ_STATE/queues.db#");
	} else {
		append_beginning(kind, &url);
	}
	http_encode(&url, text_of(queue));
	buf_cstr(&url);
	return url.at;
}
