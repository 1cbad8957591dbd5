/* What the options say, and the files that they name. */
#include <stdlib.h>

#include "alloc.h"
#include "batch.h"
#include "event.h"
#include "files.h"
#include "redis.h"
#include "unicode.h"
#include "value.h"

enum { FILE_LIMIT = 16 << 20, LIST_FIELDS = 4 /* host, port, user, password */ };

struct batch_settings settings;

/* Mails for `contact` go to `recipients` instead. */
struct alternative {
	char *contact, *recipients;
};

/* ---- columns ---- */

/* The titles IntelMQ gives to fields. */
static const char *const titles[][2] = { { "time.source", "time_detected" }, { "source.ip", "ip" }, { "classification.taxonomy", "class" },
	{ "classification.type", "type" }, { "time.observation", "time_delivered" }, { "source.geolocation.cc", "country_code" },
	{ "source.asn", "asn" }, { "event_description.text", "description" }, { "malware.name", "malware" }, { "feed.name", "feed_name" },
	{ "feed.url", "feed_url" }, { "raw", "raw" } };

static struct text title_of(struct text field)
{
	for (size_t i = 0; i < LENGTH(titles); i++)
		if (text_is(field, titles[i][0]))
			return text_of(titles[i][1]);
	return field;
}

/* A copy that lives as long as the settings. */
static struct text keep(struct text t)
{
	char *copy = alloc_string(t);

	return (struct text){ copy, t.len };
}

static struct text text_of_value(struct value v, struct arena *a)
{
	return v.kind == VALUE_STRING ? value_text(v, a) : v.raw;
}

/* --fieldnames-translation: a list in the order of the columns, or a map from field to title. */
static bool read_titles(struct problem *problem)
{
	struct list *names = &settings.fieldnames;
	struct arena arena = { 0 };
	struct value_error unused;
	struct value_walk walk;
	struct value v = NO_VALUE, key, one;
	size_t count = 0;

	settings.titles = alloc_zero(names->count + 1, sizeof *settings.titles);
	settings.fields = alloc_zero(names->count + 1, sizeof *settings.fields);
	if (settings.translation.at)
		value_parse(settings.translation, &v, &unused);
	for (size_t i = 0; i < names->count; i++)
		settings.titles[i] = title_of(names->items[i]);
	if (v.kind == VALUE_OBJECT)
		for (walk = value_walk(v); value_next_member(&walk, &key, &one);)
			for (size_t i = 0; i < names->count; i++)
				if (text_eq(names->items[i], value_text(key, &arena)))
					settings.titles[i] = text_of_value(one, &arena);
	if (v.kind == VALUE_ARRAY)
		for (walk = value_walk(v); value_next(&walk, &one); count++)
			if (count < names->count)
				settings.titles[count] = text_of_value(one, &arena);
	if (v.kind == VALUE_STRING && v.raw.len > 2)
		for (struct text rest = value_text(v, &arena), part; text_split(&rest, ',', &part); count++)
			if (count < names->count)
				settings.titles[count] = text_trim(part);
	for (size_t i = 0; i < names->count; i++) {
		settings.titles[i] = keep(settings.titles[i]);
		settings.fields[i] = field_intern(names->items[i]);
	}
	arena_free(&arena);
	if (count && count != names->count)
		return problem_set(problem, "--fieldnames-translation: %zu titles for %zu columns", count, names->count);
	return names->count || problem_set(problem, "--allowed-fieldnames: no column");
}

/* ---- other recipients ---- */

/* The field at *REST, maybe in quotes, and the comma behind it. */
static struct text next_field(struct text *rest)
{
	struct text field = text_trim(*rest);
	const char *end;

	if (field.len && field.at[0] == '"' && (end = memchr(field.at + 1, '"', field.len - 1))) {
		*rest = text_from(*rest, (size_t)(end + 1 - rest->at));
		field = (struct text){ field.at + 1, (size_t)(end - field.at) - 1 };
		text_split(rest, ',', &(struct text){ NULL, 0 });
		return field;
	}
	text_split(rest, ',', &field);
	return text_trim(field);
}

static bool read_alternatives(struct problem *problem)
{
	struct text rest, line, contact, recipients;
	struct mailboxes boxes = { .items = NULL };
	struct problem why = { .line = 0 };
	bool fine = true;

	if (!settings.alternative_mails || !*settings.alternative_mails)
		return true;
	if (!file_read(settings.alternative_mails, FILE_LIMIT, &settings.alternative_file, problem))
		return false;
	rest = buf_view(&settings.alternative_file);
	for (long number = 1; fine && text_split(&rest, '\n', &line); number++) {
		struct alternative *a;

		if (text_trim(line).len == 0)
			continue;
		contact = next_field(&line);
		recipients = line.at ? next_field(&line) : NO_TEXT;
		alloc_grow(&settings.alternatives, &settings.alternative_cap, settings.alternative_count + 1, sizeof *settings.alternatives);
		a = &settings.alternatives[settings.alternative_count++];
		*a = (struct alternative){ alloc_string(contact), alloc_string(recipients.at ? recipients : TEXT("")) };
		for (char *p = a->recipients; *p; p++)
			if (*p == ';')
				*p = ',';
		mailboxes_clear(&boxes);
		if (!recipients.at)
			fine = problem_at(problem, settings.alternative_mails, number, 0, "two addresses expected, with a comma between them");
		else if (number > 1 && !mailboxes_add(&boxes, text_of(a->recipients), &why)) /* the first line may be titles */
			fine = problem_at(problem, settings.alternative_mails, number, 0, "%s", why.text);
	}
	mailboxes_free(&boxes);
	return fine;
}

struct text settings_recipients(struct text contact)
{
	for (size_t i = 0; i < settings.alternative_count; i++)
		if (text_is(contact, settings.alternatives[i].contact))
			return text_of(settings.alternatives[i].recipients);
	return contact;
}

/* ---- the server ---- */

static const char *kept_text(struct value v, struct arena *a)
{
	return v.kind == VALUE_NONE || v.kind == VALUE_NULL ? NULL : alloc_string(text_of_value(v, a));
}

/* --smtp-server: a host, a list of host, port, user and password, or a map of them. */
bool settings_read_server(struct problem *problem)
{
	static const char *const names[LIST_FIELDS] = { "host", "port", "user", "password" };
	struct value parts[LIST_FIELDS] = { NO_VALUE, NO_VALUE, NO_VALUE, NO_VALUE };
	struct arena arena = { 0 };
	struct value_error unused;
	struct value_walk walk;
	struct value v, key, one;
	bool fine = true;

	value_parse(settings.server, &v, &unused);
	if (v.kind == VALUE_ARRAY) {
		size_t i = 0;

		for (walk = value_walk(v); value_next(&walk, &one); i++)
			if (i < LIST_FIELDS)
				parts[i] = one;
		fine = i <= LIST_FIELDS;
	} else if (v.kind == VALUE_OBJECT) {
		for (walk = value_walk(v); value_next_member(&walk, &key, &one);) {
			size_t i = 0;

			while (i < LIST_FIELDS && !text_is(value_text(key, &arena), names[i]))
				i++;
			if (i < LIST_FIELDS)
				parts[i] = one;
			fine = fine && i < LIST_FIELDS;
		}
	} else {
		parts[0] = v;
	}
	settings.smtp.host = v.kind == VALUE_NULL ? alloc_string(TEXT("localhost")) : kept_text(parts[0], &arena);
	settings.smtp.username = kept_text(parts[2], &arena);
	settings.smtp.password = kept_text(parts[3], &arena);
	settings.smtp.port = 25;
	fine = fine && settings.smtp.host && (parts[1].kind == VALUE_NONE || parts[1].kind == VALUE_NULL ||
		text_integer(text_of_value(parts[1], &arena), &settings.smtp.port));
	arena_free(&arena);
	settings.smtp.ssl = settings.smtp.port == 465;
	settings.smtp.starttls = settings.smtp.port == 587;
	return fine || problem_set(problem, "--smtp-server: a host, [host, port, user, password], or a map of these expected");
}

/* ---- all of it ---- */

struct store *settings_open_store(bool create, struct problem *problem)
{
	if (!settings.state || !*settings.state) {
		problem_set(problem, "--state is missing: the events have to wait somewhere");
		return NULL;
	}
	return redis_is_url(settings.state) ? store_redis_open(settings.state, problem) : store_file_open(settings.state, create, problem);
}

bool settings_read(struct problem *problem)
{
	if (settings.ignore_days < 0 || settings.limit_results < 0 || settings.max_events < 0)
		return problem_set(problem, "--ignore-older-than-days, --limit-results, --max-events: not negative");
	if (settings.mail_template && *settings.mail_template &&
		!file_read(settings.mail_template, FILE_LIMIT, &settings.body, problem))
		return false;
	if (!unicode_valid(buf_view(&settings.body)) || !unicode_valid(text_of(settings.subject)))
		return problem_set(problem, "--mail-template, --subject: no UTF-8");
	return read_titles(problem) && read_alternatives(problem);
}

void settings_free(void)
{
	for (size_t i = 0; settings.titles && i < settings.fieldnames.count; i++)
		free((char *)settings.titles[i].at);
	for (size_t i = 0; i < settings.alternative_count; i++) {
		free(settings.alternatives[i].contact);
		free(settings.alternatives[i].recipients);
	}
	free(settings.alternatives);
	free(settings.titles);
	free(settings.fields);
	free((char *)settings.smtp.host);
	free((char *)settings.smtp.username);
	free((char *)settings.smtp.password);
	buf_free(&settings.body);
	buf_free(&settings.alternative_file);
}
