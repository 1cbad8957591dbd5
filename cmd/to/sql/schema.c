/* The EventDB's schema: a column for each field of an event, by its type. Numbers of AS and of rows are bigint: they do not fit
 * into 32 bits, which IntelMQ's own schema gives them. */
#include "sql.h"

#include "field.h"

static bool is_word(struct text t)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";

	if (!t.len || !t.at[0] || !strchr(letters, t.at[0]))
		return false;
	for (size_t i = 1; i < t.len; i++)
		if (!t.at[i] || (!strchr(letters, t.at[i]) && !strchr("0123456789", t.at[i])))
			return false;
	return true;
}

void sql_table(struct buf *out, struct text name)
{
	struct text part;
	bool first = true;

	while (text_split(&name, '.', &part)) {
		if (!first)
			buf_char(out, '.');
		if (is_word(part))
			buf_text(out, part);
		else
			buf_sql_name(out, part);
		first = false;
	}
}

static void put_type(const struct schema *s, const struct field_row *row, struct buf *out)
{
	static const struct {
		const char *type, *postgresql, *sqlite;
	} types[] = {
		{ "IPAddress", "inet", "text" },
		{ "IPNetwork", "inet", "text" },
		{ "DateTime", "timestamp with time zone", "text" },
		{ "Boolean", "boolean", "boolean" },
		{ "Integer", "integer", "integer" },
		{ "ASN", "bigint", "integer" },
		{ "Float", "double precision", "real" },
		{ "Accuracy", "real", "real" },
		{ "UUID", "uuid", "text" },
		{ "JSON", "json", "text" },
		{ "JSONDict", "json", "text" },
	};

	for (size_t i = 0; i < LENGTH(types); i++)
		if (strcmp(row->type, types[i].type) == 0) {
			buf_string(out, s->postgresql ? types[i].postgresql : types[i].sqlite);
			if (s->postgresql && s->jsonb && strcmp(types[i].postgresql, "json") == 0)
				buf_char(out, 'b');
			return;
		}
	if (row->length && s->postgresql)
		buf_printf(out, "varchar(%u)", row->length);
	else
		buf_string(out, "text");
}

/* Columns in the order of their names, which is the order of share/fields.tsv. */
static void put_columns(const struct schema *s, struct buf *out)
{
	for (enum field f = F_NONE + 1; f < F_MESSAGE_TYPE; f++) {
		const struct field_row *row = field_row(f);

		/* With a table for them, raw has no place here. */
		if (s->separate_raws && f == F_RAW)
			continue;
		buf_string(out, ",\n\t");
		buf_sql_name(out, text_of(row->name));
		buf_char(out, ' ');
		put_type(s, row, out);
	}
}

static void put_indexes(const char *table, struct buf *out)
{
	static const char *const columns[] = { "classification.identifier", "classification.taxonomy", "classification.type",
		"feed.code", "feed.name", "source.abuse_contact", "source.asn", "source.ip", "source.fqdn", "time.observation",
		"time.source" };

	for (size_t i = 0; i < LENGTH(columns); i++) {
		struct buf name = BUF_INIT;

		buf_printf(&name, "idx_%s_%s", table, columns[i]);
		buf_string(out, "CREATE INDEX IF NOT EXISTS ");
		buf_sql_name(out, buf_view(&name));
		buf_string(out, " ON ");
		sql_table(out, text_of(table));
		buf_string(out, " (");
		buf_sql_name(out, text_of(columns[i]));
		buf_string(out, ");\n");
		buf_free(&name);
	}
}

static void put_names(struct buf *out, const char *prefix)
{
	bool first = true;

	for (enum field f = F_NONE + 1; f < F_MESSAGE_TYPE; f++) {
		if (f == F_RAW)
			continue;
		buf_string(out, first ? prefix : ", ");
		if (!first)
			buf_string(out, prefix);
		buf_sql_name(out, field_name(f));
		first = false;
	}
}

/* `raw` in a table of its own; a view joins them, and splits what is inserted into it. */
static void put_raws(const struct schema *s, const char *table, struct buf *out)
{
	buf_string(out, "CREATE TABLE IF NOT EXISTS raws(\n\tevent_id bigint PRIMARY KEY");
	if (!s->partition_key) {
		buf_string(out, " REFERENCES ");
		sql_table(out, text_of(table));
		buf_string(out, "(id) ON DELETE CASCADE");
	}
	buf_printf(out, ",\n\traw text\n);\nCREATE OR REPLACE VIEW v_%s AS\n\tSELECT e.id, ", table);
	put_names(out, "e.");
	buf_string(out, ", r.event_id, r.raw\n\tFROM ");
	sql_table(out, text_of(table));
	buf_string(out, " AS e LEFT JOIN raws AS r ON r.event_id = e.id;\nCREATE OR REPLACE FUNCTION process_v_");
	buf_string(out, table);
	buf_string(out, "_insert() RETURNS trigger LANGUAGE plpgsql AS $$\n"
			"DECLARE\n\tnew_id bigint;\nBEGIN\n\tINSERT INTO ");
	sql_table(out, text_of(table));
	buf_string(out, " (");
	put_names(out, "");
	buf_string(out, ") VALUES (");
	put_names(out, "NEW.");
	buf_printf(out, ") RETURNING id INTO new_id;\n\tINSERT INTO raws(event_id, raw) VALUES (new_id, NEW.raw);\n"
			"\tRETURN NEW;\nEND $$;\n"
			"CREATE OR REPLACE TRIGGER tr_%s INSTEAD OF INSERT ON v_%s FOR EACH ROW"
			" EXECUTE FUNCTION process_v_%s_insert();\n", table, table, table);
}

void schema_write(const struct schema *s, const char *table, struct buf *out)
{
	buf_string(out, "CREATE TABLE IF NOT EXISTS ");
	sql_table(out, text_of(table));
	buf_string(out, !s->postgresql    ? " (\n\tid integer PRIMARY KEY"
			: s->partition_key ? " (\n\tid bigserial"
					   : " (\n\tid bigserial PRIMARY KEY");
	put_columns(s, out);
	if (s->partition_key) {
		buf_string(out, ",\n\tPRIMARY KEY (id, ");
		buf_sql_name(out, text_of(s->partition_key));
		buf_char(out, ')');
	}
	buf_string(out, "\n);\n");
	put_indexes(table, out);
	if (s->separate_raws)
		put_raws(s, table, out);
	buf_string(out, BATCH_TABLE ";\n");
}
