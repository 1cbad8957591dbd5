/* imq-format-field: strip characters off fields, replace in a field, split a field, in this order. */
#include <stdlib.h>

#include "alloc.h"
#include "event.h"
#include "filter.h"
#include "rewrite.h"

static struct {
	struct list strip_columns;
	const char *strip_chars, *replace_column, *old_value, *new_value, *split_column, *split_separator;
	long long replace_count;
	enum field *stripped; /* one per column */
	enum field replaced, split;
	struct text chars, old, new, separator;
	struct buf parts;
	struct buf scratch;
} my;

static const struct opt options[] = {
	OPT_LIST(0, "strip-columns", &my.strip_columns, "", "fields to strip"),
	OPT_TEXT(0, "strip-chars", &my.strip_chars, " ", "the characters that go at both ends"),
	OPT_TEXT(0, "replace-column", &my.replace_column, NULL, "the field to replace in"),
	OPT_TEXT(0, "old-value", &my.old_value, "", "the text to replace"),
	OPT_TEXT(0, "new-value", &my.new_value, "", "the text to put in its place"),
	OPT_INTEGER(0, "replace-count", &my.replace_count, "1",
		"how often, from the left; negative: everywhere"),
	OPT_TEXT(0, "split-column", &my.split_column, NULL, "the field to split into a list"),
	OPT_TEXT(0, "split-separator", &my.split_separator, ",", "what stands between the parts"),
	OPT_END
};

/* The field NAME; an empty one is F_NONE. */
static bool known(struct text name, enum field *f, struct problem *problem)
{
	*f = name.len ? field_intern(name) : F_NONE;
	return name.len == 0 || field_check(*f, problem);
}

static bool start(struct problem *problem)
{
	my.chars = text_of(my.strip_chars);
	my.old = text_of(my.old_value);
	my.new = text_of(my.new_value);
	my.separator = text_of(my.split_separator);
	my.stripped = alloc_zero(my.strip_columns.count + 1, sizeof *my.stripped);
	for (size_t i = 0; i < my.strip_columns.count; i++)
		if (!known(my.strip_columns.items[i], &my.stripped[i], problem))
			return false;
	if (!known(text_of(my.replace_column), &my.replaced, problem) ||
		!known(text_of(my.split_column), &my.split, problem))
		return false;
	if (my.split == F_EXTRA)
		return problem_set(problem, "--split-column: extra as a whole is no list");
	return my.split == F_NONE || my.separator.len ||
	       problem_set(problem, "--split-separator must not be empty");
}

/* Bytes of the character at the start of T, which is not empty. */
static size_t first_character(struct text t)
{
	size_t n = 1;

	while (n < t.len && ((unsigned char)t.at[n] & 0xc0) == 0x80)
		n++;
	return n;
}

static size_t last_character(struct text t)
{
	size_t n = 1;

	while (n < t.len && ((unsigned char)t.at[t.len - n] & 0xc0) == 0x80)
		n++;
	return n;
}

/* UTF-8 finds no character but whole ones. */
static bool goes(const char *character, size_t n)
{
	return memmem(my.chars.at, my.chars.len, character, n) != NULL;
}

static bool strip(struct text in, struct buf *out)
{
	size_t before = in.len, n;

	while (in.len && (n = first_character(in), goes(in.at, n)))
		in = text_from(in, n);
	while (in.len && (n = last_character(in), goes(in.at + in.len - n, n)))
		in.len -= n;
	buf_text(out, in);
	return in.len < before;
}

/* The new text before each of so many characters, and at the end if there are that many. */
static bool insert(struct text in, struct buf *out)
{
	long long left = my.replace_count;

	for (; in.len && left != 0; left -= left > 0) {
		size_t n = first_character(in);

		buf_text(out, my.new);
		buf_add(out, in.at, n);
		in = text_from(in, n);
	}
	buf_text(out, in.len == 0 && left != 0 ? my.new : in);
	return my.replace_count != 0 && my.new.len;
}

static bool replace(struct text in, struct buf *out)
{
	long long left = my.replace_count;
	bool any = false;
	const char *found;

	if (my.old.len == 0)
		return insert(in, out);
	for (; left != 0 && in.len && (found = memmem(in.at, in.len, my.old.at, my.old.len));
		left -= left > 0) {
		any = true;
		buf_add(out, in.at, (size_t)(found - in.at));
		buf_text(out, my.new);
		in = text_from(in, (size_t)(found - in.at) + my.old.len);
	}
	buf_text(out, in);
	return any;
}

/* Takes the part of *REST before the separator. */
static bool next_part(struct text *rest, struct text *part)
{
	const char *found;

	if (!rest->at)
		return false;
	*part = *rest;
	found = memmem(rest->at, rest->len, my.separator.at, my.separator.len);
	if (found)
		part->len = (size_t)(found - rest->at);
	*rest = found ? text_from(*rest, part->len + my.separator.len) : NO_TEXT;
	return true;
}

/* In `extra` a list of all parts; of other fields, which may have several values, each part that is not empty
 * is one. */
static void split(struct event *ev)
{
	struct value v = event_value(ev, my.split);
	struct text rest = value_text(v, event_arena(ev)), part;
	bool free = field_is_extra(my.split);
	size_t count = 0;

	if (v.kind != VALUE_STRING)
		return;
	buf_clear(&my.parts);
	while (next_part(&rest, &part)) {
		if (!free && part.len == 0)
			continue;
		buf_char(&my.parts, count++ ? ',' : '[');
		if (field_sanitise(my.split, VALUE_STRING, part, &my.parts) != FIELD_FINE) {
			event_mark(ev, "%s: a part of it is refused", my.split_column);
			return;
		}
	}
	buf_char(&my.parts, ']');
	if (free || count > 1)
		event_set_raw(ev, my.split, buf_view(&my.parts));
	else if (count == 1)
		event_set_raw(ev, my.split, (struct text){ my.parts.at + 1, my.parts.len - 2 });
	else
		event_delete(ev, my.split);
}

static enum verdict format(struct event *ev)
{
	for (size_t i = 0; i < my.strip_columns.count; i++)
		if (my.stripped[i] != F_NONE)
			event_rewrite(ev, my.stripped[i], strip, &my.scratch);
	if (my.replaced != F_NONE)
		event_rewrite(ev, my.replaced, replace, &my.scratch);
	if (my.split != F_NONE)
		split(ev);
	return PASS;
}

static void stop(void)
{
	free(my.stripped);
	buf_free(&my.parts);
	buf_free(&my.scratch);
}

int main(int argc, char **argv)
{
	return filter_main(argc, argv,
		&(struct filter){ .name = "imq-format-field",
			.module = "intelmq.bots.experts.format_field.expert",
			.summary = "strip, replace and split the text of fields",
			.options = options,
			.start = start,
			.event = format,
			.stop = stop });
}
