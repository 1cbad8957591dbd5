/* Shadowserver's schema (parsers-2.md 3.13.1 and 3.13.2): read into assignments, checked, and brought up to date. What one
 * entry says wrongly costs the rows of that report type, not the others. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"
#include "files.h"
#include "filter.h"
#include "log.h"
#include "shadowserver.h"

enum { SCHEMA_MAX = 64 << 20, RETRY_SECONDS = 3600 };

#define NAME "shadowserver-schema.json"

static struct text text_in(const json_t *v)
{
	return json_is_string(v) ? (struct text){ json_string_value(v), json_string_length(v) } : NO_TEXT;
}

/* ---- reading ---- */

static bool known_field(struct text name)
{
	struct problem unused;

	return field_well_formed(name) && field_check(field_intern(name), &unused);
}

static void read_target(const json_t *v, bool required, struct assignment *m)
{
	m->target = text_in(v);
	if (json_is_false(v)) {
		m->kind = TARGET_IGNORED;
		m->broken = required ? "a required column cannot be ignored" : NULL;
	} else if (!m->target.at) {
		m->broken = "the target is no text";
	} else if (text_is(m->target, "extra.")) {
		m->kind = required ? TARGET_UNKNOWN : TARGET_COLUMN;
	} else if (text_starts(m->target, TEXT("extra."))) {
		m->kind = TARGET_EXTRA;
		m->broken = required && !field_well_formed(m->target) ? "the target is no name of a field" : NULL;
	} else {
		m->kind = known_field(m->target) ? TARGET_FIELD : TARGET_UNKNOWN;
	}
}

static void read_converter(const json_t *tuple, bool required, struct assignment *m)
{
	json_t *name = json_array_get(tuple, 2);
	bool row = json_is_true(json_array_get(tuple, 3));

	if (!name || json_is_null(name) || json_is_false(name))
		return;
	m->converter = converter_find(text_in(name));
	if (!m->converter)
		m->broken = required ? "the converter is unknown" : m->broken;
	else if (m->converter->row != row)
		m->broken = row ? "this converter takes no row" : "this converter wants the row";
}

static void read_assignments(const json_t *list, bool required, struct report_type *type)
{
	size_t i;
	json_t *tuple;

	if (!json_is_array(list))
		type->broken = required ? "the schema has no required_fields for it" :
					  "the schema has no optional_fields for it";
	json_array_foreach(list, i, tuple) {
		struct assignment *m = &type->assignments[type->count++];

		m->column = text_in(json_array_get(tuple, 1));
		if (!m->column.at) {
			m->column = TEXT("");
			m->broken = "an assignment is [target, column, converter, with_row]";
			continue;
		}
		read_target(json_array_get(tuple, 0), required, m);
		read_converter(tuple, required, m);
	}
	if (required)
		type->required = type->count;
}

static void read_type(json_t *v, struct report_type *type)
{
	json_t *required = json_object_get(v, "required_fields"), *optional = json_object_get(v, "optional_fields");

	type->feed_name = text_in(json_object_get(v, "feed_name"));
	type->file_name = text_in(json_object_get(v, "file_name"));
	type->url = text_in(json_object_get(v, "url"));
	type->constants = json_object_get(v, "constant_fields");
	type->assignments = alloc_zero(json_array_size(required) + json_array_size(optional) + 1, sizeof *type->assignments);
	read_assignments(required, true, type);
	read_assignments(optional, false, type);
}

/* Says what the driver does not know of a type: new converters, fields, keys. */
static void tell_type(const char *key, json_t *v, const struct report_type *type)
{
	static const char *const known[] = { "feed_name", "file_name", "url", "constant_fields", "required_fields",
		"optional_fields" };
	const char *member, *list;
	json_t *unused, *tuple;
	size_t i;

	json_object_foreach(v, member, unused) {
		bool found = false;

		for (size_t k = 0; k < LENGTH(known); k++)
			found |= strcmp(member, known[k]) == 0;
		if (!found)
			log_message("schema: %s: unknown key \"%s\"", key, member);
	}
	for (int optional = 0; optional < 2; optional++) {
		list = optional ? "optional_fields" : "required_fields";
		json_array_foreach(json_object_get(v, list), i, tuple) {
			struct text name = text_in(json_array_get(tuple, 2));

			if (name.at && !converter_find(name))
				log_message("schema: %s: unknown converter \"%.*s\"", key, TEXT_ARGS(name));
		}
	}
	for (i = 0; i < type->count; i++) {
		const struct assignment *m = &type->assignments[i];

		if (m->broken)
			log_message("schema: %s: %.*s: %s", key, TEXT_ARGS(m->column), m->broken);
		else if (m->kind == TARGET_UNKNOWN)
			log_message("schema: %s: %.*s: no such field: \"%.*s\": %s", key, TEXT_ARGS(m->column),
				TEXT_ARGS(m->target),
				i < type->required ? "left out" : "goes to extra");
	}
	if (type->broken)
		log_message("schema: %s: %s", key, type->broken);
}

static bool read_meta(const json_t *meta, struct schema *schema, struct problem *problem)
{
	if (!meta)
		return true;
	schema->created = text_in(json_object_get(meta, "date_created"));
	return schema->created.at || problem_set(problem, "_meta has no date_created");
}

static struct schema *schema_parse(json_t *root, bool tell, struct problem *problem)
{
	struct schema *schema = alloc_zero(1, sizeof *schema);
	const char *key;
	json_t *v;

	schema->root = root;
	schema->types = alloc_zero(json_object_size(root) + 1, sizeof *schema->types);
	if (!read_meta(json_object_get(root, "_meta"), schema, problem))
		goto bad;
	json_object_foreach(root, key, v) {
		struct report_type *type = &schema->types[schema->count];

		if (strcmp(key, "_meta") == 0)
			continue;
		read_type(v, type);
		schema->count++;
		if (!type->feed_name.at || !type->file_name.at) {
			problem_set(problem, "\"%s\" has no feed_name or no file_name", key);
			goto bad;
		}
		if (tell)
			tell_type(key, v, type);
	}
	if (schema->count)
		return schema;
	problem_set(problem, "there is no report type in it");
bad:
	schema_free(schema);
	return NULL;
}

static struct schema *schema_read(struct text text, bool tell, struct problem *problem)
{
	json_error_t error;
	json_t *root = json_loadb(text.at, text.len, JSON_REJECT_DUPLICATES, &error);

	if (!json_is_object(root)) {
		problem->line = root ? 0 : error.line;
		problem_set(problem, "%s", root ? "a schema is a JSON object" : error.text);
		json_decref(root);
		return NULL;
	}
	return schema_parse(root, tell, problem);
}

struct schema *schema_load(const char *path, bool tell, struct problem *problem)
{
	struct buf text = BUF_INIT;
	struct schema *schema = NULL;
	struct stat seen;

	problem_at(problem, path, 0, 0, "%s", "");
	if (stat(path, &seen) != 0) {
		problem_set(problem, "the schema of Shadowserver's reports cannot be read: %s; imq-parse shadowserver "
			"--update-schema gets one", strerror(errno));
		return NULL;
	}
	if (file_read(path, SCHEMA_MAX, &text, problem))
		schema = schema_read(buf_view(&text), tell, problem);
	buf_free(&text);
	if (schema) {
		schema->path = alloc_string(text_of(path));
		schema->seen = seen;
	}
	return schema;
}

void schema_free(struct schema *schema)
{
	if (!schema)
		return;
	for (size_t i = 0; i < schema->count + 1 && schema->types[i].assignments; i++)
		free(schema->types[i].assignments);
	free(schema->types);
	free(schema->path);
	json_decref(schema->root);
	free(schema);
}

/* Of types of one name the last one counts. */
const struct report_type *schema_by_feed(const struct schema *schema, struct text feed_name)
{
	for (size_t i = schema->count; i-- > 0;)
		if (text_eq(schema->types[i].feed_name, feed_name))
			return &schema->types[i];
	return NULL;
}

const struct report_type *schema_by_file(const struct schema *schema, struct text file_name)
{
	for (size_t i = schema->count; i-- > 0;)
		if (text_eq(schema->types[i].file_name, file_name))
			return &schema->types[i];
	return NULL;
}

/* ---- where it is ---- */

static char *in_folder(const char *folder, const char *below)
{
	struct buf path = BUF_INIT;

	buf_printf(&path, "%s%s/" NAME, folder, below);
	buf_cstr(&path);
	return path.at;
}

char *schema_path(void)
{
	static const char *const folders[] = { "/var/lib/imq", "/var/lib/intelmq/bots", "/opt/intelmq/var/lib/bots" };
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	char *own, *other;

	if (parameters.test_mode)
		return alloc_string(TEXT("files/shadowserver/schema.json"));
	if (parameters.schema && !strchr(parameters.schema, '/') && access(parameters.schema, F_OK) != 0) {
		struct buf name = BUF_INIT;

		/* One that comes with the feed's definition. */
		buf_printf(&name, "feeds/shadowserver/%s", parameters.schema);
		other = share_path(buf_cstr(&name));
		buf_free(&name);
		if (access(other, F_OK) == 0)
			return other;
		free(other);
	}
	if (parameters.schema)
		return alloc_string(text_of(parameters.schema));
	own = state && *state ? in_folder(state, "/imq") :
	      home && *home && getuid() ? in_folder(home, "/.local/state/imq") :
					  in_folder(folders[0], "");
	for (size_t i = 0; i < LENGTH(folders) && access(own, F_OK) != 0; i++) {
		other = in_folder(folders[i], "");
		if (access(other, F_OK) == 0) {
			free(own);
			return other;
		}
		free(other);
	}
	return own;
}

/* ---- bringing it up to date ---- */

static int failed(const char *path, const char *what)
{
	struct problem problem = { .line = 0 };

	problem_at(&problem, path, 0, 0, "%s: %s", what, strerror(errno));
	log_problem(&problem);
	return EXIT_IO;
}

/* Makes the folders that lead to PATH. */
static void make_folders(const char *path)
{
	char *folder = alloc_string(text_of(path));

	for (char *p = strchr(folder + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		mkdir(folder, 0755);
		*p = '/';
	}
	free(folder);
}

/* Writes TEXT to a file beside PATH, safely on disk; the caller frees the name. NULL: errno says why. */
static char *write_beside(const char *path, struct text text)
{
	struct buf name = BUF_INIT;
	size_t done = 0;
	int fd;

	make_folders(path);
	buf_printf(&name, "%s.XXXXXX", path);
	buf_cstr(&name);
	fd = mkstemp(name.at);
	while (fd >= 0 && done < text.len) {
		ssize_t n = write(fd, text.at + done, text.len - done);

		if (n < 0)
			break;
		done += (size_t)n;
	}
	if (fd >= 0 && done == text.len && fchmod(fd, 0644) == 0 && fsync(fd) == 0 && close(fd) == 0)
		return name.at;
	if (fd >= 0)
		unlink(name.at);
	buf_free(&name);
	return NULL;
}

/* PATH's file gets the further name PATH.bak, so that there is a schema at every moment. */
static bool keep_backup(const char *path)
{
	struct buf backup = BUF_INIT;
	bool fine;

	buf_printf(&backup, "%s.bak", path);
	unlink(buf_cstr(&backup));
	fine = link(path, buf_cstr(&backup)) == 0 || errno == ENOENT;
	buf_free(&backup);
	return fine;
}

int schema_install(const char *path, struct text text)
{
	struct problem problem = { .line = 0 };
	struct schema *fresh, *old = NULL;
	int status = EXIT_FINE;
	char *temporary;

	problem_at(&problem, "the new schema", 0, 0, "%s", "");
	fresh = schema_read(text, true, &problem);
	if (!fresh || !fresh->created.at) {
		if (fresh)
			problem_set(&problem, "_meta.date_created is missing");
		log_problem(&problem);
		schema_free(fresh);
		return EXIT_USAGE;
	}
	if (access(path, F_OK) == 0 && !(old = schema_load(path, false, &problem))) {
		log_problem(&problem);
		status = EXIT_USAGE;
	} else if (old && text_eq(old->created, fresh->created)) {
		log_message("%s: version %.*s is there already", path, TEXT_ARGS(fresh->created));
	} else {
		temporary = write_beside(path, text);
		if (!temporary || !keep_backup(path) || rename(temporary, path) != 0)
			status = failed(path, "the schema cannot be replaced");
		else
			log_message("%s: version %.*s with %zu report types, before %.*s", path,
				TEXT_ARGS(fresh->created), fresh->count,
				TEXT_ARGS(old && old->created.at ? old->created : TEXT("none")));
		if (temporary && status)
			unlink(temporary);
		free(temporary);
	}
	schema_free(old);
	schema_free(fresh);
	return status;
}

/* What imq-from-http prints, a report, or the schema itself: leaves the schema in TEXT. */
static bool unwrap(struct buf *text)
{
	struct event *report = event_new();
	struct value_error unused;
	struct text line = text_trim(buf_view(text));
	struct buf bytes = BUF_INIT;
	bool fine = true;

	if (event_read(report, line, &unused) && text_is(event_text(report, F_MESSAGE_TYPE), "Report")) {
		fine = buf_unbase64(&bytes, event_text(report, F_RAW));
		buf_clear(text);
		buf_text(text, buf_view(&bytes));
	}
	buf_free(&bytes);
	event_free(report);
	return fine;
}

static bool read_all(int fd, struct buf *text)
{
	ssize_t n;

	while ((n = read(fd, buf_room(text, 1 << 16), 1 << 16)) > 0) {
		text->len += (size_t)n;
		if (text->len > 2 * SCHEMA_MAX)
			return false;
	}
	return n == 0;
}

/* Runs imq-from-http, which knows about proxies, certificates and retries. */
static bool download(struct buf *text)
{
	char *folder = own_folder();
	struct buf beside = BUF_INIT;
	int ends[2], status = -1;
	bool fine;
	pid_t pid;

	buf_printf(&beside, "%s/imq-from-http", folder);
	free(folder);
	if (pipe2(ends, O_CLOEXEC) != 0) {
		buf_free(&beside);
		return false;
	}
	pid = fork();
	if (pid == 0) {
		dup2(ends[1], 1);
		execl(buf_cstr(&beside), "imq-from-http", "--http-url", parameters.schema_url, (char *)NULL);
		execlp("imq-from-http", "imq-from-http", "--http-url", parameters.schema_url, (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	buf_free(&beside);
	fine = pid > 0 && read_all(ends[0], text);
	close(ends[0]);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return fine && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int schema_update(const char *file)
{
	struct buf text = BUF_INIT;
	struct problem problem = { .line = 0 };
	char *path = schema_path();
	int status = EXIT_FINE;

	if (!file && !download(&text)) {
		log_message("%s: the schema was not downloaded", parameters.schema_url);
		status = EXIT_REMOTE;
	} else if (file && strcmp(file, "-") == 0 ? !read_all(0, &text) :
						    file && !file_read(file, SCHEMA_MAX, &text, &problem)) {
		if (problem.text[0])
			log_problem(&problem);
		status = EXIT_IO;
	} else if (!unwrap(&text)) {
		log_message("the raw of the report is not base64");
		status = EXIT_USAGE;
	} else {
		status = schema_install(path, buf_view(&text));
	}
	free(path);
	buf_free(&text);
	return status;
}

void schema_refresh(const char *path)
{
	struct buf check = BUF_INIT, text = BUF_INIT;
	size_t stem = strlen(path);
	struct stat seen;
	int fd;

	if (text_ends(text_of(path), TEXT(".json")))
		stem -= 5;
	buf_add(&check, path, stem);
	buf_string(&check, ".check");
	if (stat(buf_cstr(&check), &seen) != 0 || time(NULL) - seen.st_mtime >= RETRY_SECONDS) {
		make_folders(path);
		fd = open(buf_cstr(&check), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
		if (fd >= 0) {
			futimens(fd, NULL);
			close(fd);
		}
		if (!download(&text) || !unwrap(&text))
			log_message("%s: the schema was not downloaded: the old one stays", parameters.schema_url);
		else
			schema_install(path, buf_view(&text));
	}
	buf_free(&check);
	buf_free(&text);
}
