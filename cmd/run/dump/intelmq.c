/* IntelMQ's dump files (tools.md B.1): one object, a time stamp for each message, the message as a text of JSON. */
#include "dump.h"

#include <stdlib.h>

#include "value.h"

static struct text string_of(struct dump *d, const json_t *value)
{
	return json_is_string(value) ? dump_keep(d, (struct text){ json_string_value(value), json_string_length(value) }) : TEXT("");
}

/* The last line of a traceback says what it was. */
static struct text last_line(struct text t)
{
	const char *feed;

	t = text_trim(t);
	feed = t.len ? memrchr(t.at, '\n', t.len) : NULL;
	return feed ? text_from(t, (size_t)(feed - t.at) + 1) : t;
}

static struct text reason_of(struct dump *d, const json_t *traceback)
{
	if (json_is_array(traceback) && json_array_size(traceback))
		traceback = json_array_get(traceback, json_array_size(traceback) - 1);
	return last_line(string_of(d, traceback));
}

/* Old files have an object; what could not be read has base64. */
static void read_message(struct dump *d, struct entry *entry, const json_t *value)
{
	const json_t *message = json_object_get(value, "message");
	const char *type = json_string_value(json_object_get(value, "message_type"));
	struct text text = string_of(d, message);
	struct buf b = BUF_INIT;

	if (json_is_object(message)) {
		char *json = json_dumps(message, JSON_COMPACT);

		text = dump_keep(d, text_of(json));
		free(json);
	} else if (type && strcmp(type, "base64") == 0) {
		text = buf_unbase64(&b, text) ? dump_keep(d, buf_view(&b)) : NO_TEXT;
	} else if (!json_is_string(message)) {
		text = NO_TEXT;
	}
	buf_free(&b);
	if (text.at)
		dump_set_record(entry, text);
}

static json_t *load(struct dump *d, struct text bytes, struct problem *problem)
{
	json_error_t error;
	json_t *root = json_loadb(bytes.at, bytes.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);

	if (!root)
		problem_at(problem, d->path, error.line, error.column, "%s", error.text);
	else if (!json_is_object(root))
		problem_at(problem, d->path, 0, 0, "neither rejects of imq nor a dump of IntelMQ");
	if (root && !json_is_object(root)) {
		json_decref(root);
		root = NULL;
	}
	return root;
}

static int by_time(const void *a, const void *b)
{
	return text_cmp(((const struct entry *)a)->place, ((const struct entry *)b)->place);
}

bool intelmq_read(struct dump *d, struct problem *problem)
{
	json_t *root = load(d, buf_view(&d->bytes), problem), *value;
	const char *key;
	bool fine = root != NULL;

	json_object_foreach(root, key, value) {
		struct entry *entry = dump_add(d);

		entry->place = dump_keep(d, text_of(key));
		entry->command = string_of(d, json_object_get(value, "bot_id"));
		entry->reason = reason_of(d, json_object_get(value, "traceback"));
		read_message(d, entry, value);
		if (!json_is_object(value) && fine)
			fine = problem_at(problem, d->path, 0, 0, "neither rejects of imq nor a dump of IntelMQ");
	}
	json_decref(root);
	if (d->count)
		qsort(d->entries, d->count, sizeof *d->entries, by_time);
	return fine;
}

bool intelmq_rewrite(struct dump *d, struct text bytes, const struct entry *entry, struct text record, struct buf *out,
	struct problem *problem)
{
	json_t *root = load(d, bytes, problem), *value;
	char *text;

	if (!root)
		return false;
	for (size_t i = 0; i < d->count; i++) {
		const struct entry *e = &d->entries[i];

		if (e == entry && (value = json_object_get(root, e->place.at))) {
			json_object_set_new(value, "message", json_stringn(record.at, record.len));
			json_object_del(value, "message_type");
		} else if (!entry && e->selected) {
			json_object_del(root, e->place.at);
		}
	}
	if (json_object_size(root)) {
		text = json_dumps(root, JSON_INDENT(4) | JSON_SORT_KEYS | JSON_ENSURE_ASCII);
		buf_string(out, text);
		free(text);
	}
	json_decref(root);
	return true;
}
