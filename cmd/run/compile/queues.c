/* The URLs of queues: IntelMQ's own, or those that --queue says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compile.h"

bool queues_has_password(const char *url)
{
	const char *at = strchr(url, '@'), *colon = strstr(url, "://");

	return at && colon && memchr(colon + 3, ':', (size_t)(at - colon > 3 ? at - colon - 3 : 0));
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

/* QUEUE as IntelMQ has it with its broker (runtime.md 4). SIDE: "source" or "destination". */
static char *intelmq_url(const struct config *c, const struct bot *bot, const char *side, const char *queue)
{
	char *broker = setting(c, bot, side, "broker"), *host = setting(c, bot, side, "host");
	char *port = setting(c, bot, side, "port"), *db = setting(c, bot, side, "db");
	char *password = setting(c, bot, side, "password"), *user = setting(c, bot, side, "username");
	struct buf url = BUF_INIT;

	if (broker && strcmp(broker, "amqp") == 0) {
		char *vhost = setting(c, bot, side, "amqp_virtual_host");
		bool tls = false;
		char *ssl = setting(c, bot, side, "ssl");

		tls = ssl && strcmp(ssl, "true") == 0;
		buf_printf(&url, "amqp%s://", tls ? "s" : "");
		if (user && password)
			buf_printf(&url, "%s:%s@", user, password);
		buf_printf(&url, "%s:%s", host ? host : "127.0.0.1", port ? port : "5672");
		if (vhost && strcmp(vhost, "/") != 0)
			buf_printf(&url, "/%s", vhost);
		free(vhost);
		free(ssl);
	} else if (host && (host[0] == '/' || strncmp(host, "unix://", 7) == 0)) {
		buf_printf(&url, "redis:%s?db=%s", host[0] == '/' ? host : host + 7, db ? db : "2");
	} else {
		buf_string(&url, "redis://");
		if (password)
			buf_printf(&url, ":%s@", password);
		buf_printf(&url, "%s:%s/%s", host ? host : "127.0.0.1", port ? port : "6379", db ? db : "2");
	}
	buf_printf(&url, "#%s", queue);
	buf_cstr(&url);
	free(broker);
	free(host);
	free(port);
	free(db);
	free(password);
	free(user);
	return url.at;
}

char *queues_url(const struct config *c, const char *kind, const struct bot *bot, const char *side, const char *queue)
{
	struct buf url = BUF_INIT;

	if (strcmp(kind, "intelmq") == 0 || is_foreign(c, queue))
		return intelmq_url(c, bot, side, queue);
	if (strcmp(kind, "sqlite") == 0)
		buf_printf(&url, "sqlite:$IMQ_STATE/queues.db#%s", queue);
	else
		buf_printf(&url, "%s%s%s", kind, strchr(kind, '#') ? "" : "#", queue);
	buf_cstr(&url);
	return url.at;
}
