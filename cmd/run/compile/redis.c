/* What IntelMQ's redis_cache_* parameters become. Only where a file names them: their defaults are every bot's own, and a cache of one's
 * own needs no server. */
#include <stdlib.h>

#include "compile.h"
#include "http.h"

/* Whether the command keeps in Redis what the bot keeps there, under the bot's id. */
static bool shares_lists(const struct config *c, const struct bot *bot)
{
	char *host = json_is_true(json_object_get(bot->command, "intelmq_state")) ? config_text(c, bot, "redis_cache_host") : NULL;
	bool shares = host && *host;

	free(host);
	return shares;
}

bool uses_intelmq_keys(const struct config *c, const struct bot *bot)
{
	char *keys = commands_parameter(bot->command, "keys") ? config_text(c, bot, "keys") : NULL;
	bool uses = keys && strcmp(keys, "intelmq") == 0;

	free(keys);
	return uses || shares_lists(c, bot);
}

/* The URL that the parameters come to. False: none of them is there, and it is the default one. */
static bool cache_url(const struct config *c, const struct bot *bot, struct buf *url, bool *secret)
{
	char *host = config_text(c, bot, "redis_cache_host"), *port = config_text(c, bot, "redis_cache_port");
	char *db = config_text(c, bot, "redis_cache_db"), *password = config_text(c, bot, "redis_cache_password");
	bool given = host || port || db || password;

	*secret = password && *password;
	if (is_socket(host)) {
		append_socket(url, host, db, password);
	} else {
		buf_string(url, "redis://");
		if (*secret) {
			buf_char(url, ':');
			http_encode(url, text_of(password));
			buf_char(url, '@');
		}
		buf_string(url, host && *host ? host : "127.0.0.1");
		if (port)
			buf_printf(url, ":%s", port);
		if (db)
			buf_printf(url, "/%s", db);
	}
	if (shares_lists(c, bot)) {
		buf_char(url, '#');
		http_encode(url, text_of(bot->id));
	}
	free(host);
	free(port);
	free(db);
	free(password);
	return given;
}

void append_redis(const struct config *c, const struct bot *bot, struct buf *line, struct config_file *file)
{
	const char *name = uses_intelmq_keys(c, bot) ? "state" : commands_parameter(bot->command, "cache") ? "cache" : NULL;
	struct buf url = BUF_INIT, word = BUF_INIT;
	bool secret = false;

	if (name && !config_parameter(c, bot, name) && (cache_url(c, bot, &url, &secret) || strcmp(name, "state") == 0)) {
		if (file && secret && file->wanted) {
			struct buf json = BUF_INIT;

			buf_json(&json, buf_view(&url));
			add_to_file(file, name, buf_view(&json));
			buf_free(&json);
		} else {
			if (file && secret && !file->secret)
				file->secret = "redis_cache_password";
			buf_printf(&word, "--%s=%s", name, buf_cstr(&url));
			append_word(line, buf_view(&word));
		}
	}
	buf_free(&url);
	buf_free(&word);
}
