/* imq-dump: what could not be processed is looked at, changed, sent to a command again, and removed once that has taken it. Reads the
 * --rejects of imq's commands and the dump files of IntelMQ. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alloc.h"
#include "dump.h"
#include "files.h"
#include "filter.h"
#include "log.h"
#include "opt.h"
#include "replay.h"
#include "stream.h"
#include "value.h"

enum { LINE = 200, MAX_EDITED = 64 << 20 };

static struct {
	struct list ids;
	const char *command, *reason, *edit;
	bool show, records, replay, delete;
	long long truncate;
	struct dump dump;
	struct buf out;
} my;

static const struct opt options[] = {
	OPT_BOOL('s', "show", &my.show, false, "show the records whole"),
	OPT_BOOL('p', "records", &my.records, false, "print the records as they are, one a line"),
	OPT_BOOL('r', "replay", &my.replay, false, "send them to the command they came from, or COMMAND, and remove them"),
	OPT_BOOL('d', "delete", &my.delete, false, "remove them"),
	OPT_TEXT('e', "edit", &my.edit, NULL, "change the record of this number in an editor"),
	OPT_LIST('i', "ids", &my.ids, "", "only these numbers, as 0,3-5"),
	OPT_TEXT('c', "command", &my.command, NULL, "only those of this command, or bot"),
	OPT_TEXT('g', "reason", &my.reason, NULL, "only those whose reason has this text in it"),
	OPT_INTEGER('t', "truncate", &my.truncate, "1000", "--show: cut what is longer (0: nothing)"),
	OPT_END
};

/* ---- which ---- */

static bool select_ids(struct text range, struct problem *problem)
{
	struct text rest = range, first;
	long long from, to;

	text_split(&rest, '-', &first);
	if (!text_integer(first, &from) || from < 0 || (rest.at && (!text_integer(rest, &to) || to < from)))
		return problem_set(problem, "--ids: not a number or range: \"%.*s\"", TEXT_ARGS(range));
	if (!rest.at)
		to = from;
	if (to >= (long long)my.dump.count)
		return problem_set(problem, "--ids: there is no %lld", to);
	for (; from <= to; from++)
		my.dump.entries[from].selected = true;
	return true;
}

static bool select_entries(struct problem *problem)
{
	bool fine = true;

	for (size_t i = 0; i < my.dump.count; i++)
		my.dump.entries[i].selected = !my.ids.count;
	for (size_t i = 0; fine && i < my.ids.count; i++)
		fine = select_ids(my.ids.items[i], problem);
	for (size_t i = 0; i < my.dump.count; i++) {
		struct entry *e = &my.dump.entries[i];

		if (my.command && !text_is(e->command, my.command))
			e->selected = false;
		if (my.reason && !memmem(e->reason.at, e->reason.len, my.reason, strlen(my.reason)))
			e->selected = false;
	}
	return fine;
}

static size_t selected(void)
{
	size_t n = 0;

	for (size_t i = 0; i < my.dump.count; i++)
		n += my.dump.entries[i].selected;
	return n;
}

/* ---- looking ---- */

/* Appends T for people: one line, controls escaped, the middle of what is too long left out. */
static void put_plain(struct buf *out, struct text t)
{
	struct buf quoted = BUF_INIT;
	struct text inside;

	buf_json(&quoted, t);
	inside = (struct text){ quoted.at + 1, quoted.len - 2 };
	if (inside.len > LINE) {
		size_t head = LINE / 2, tail = inside.len - LINE / 2;

		while (head && (inside.at[head] & 0xc0) == 0x80)
			head--;
		while (tail < inside.len && (inside.at[tail] & 0xc0) == 0x80)
			tail++;
		buf_add(out, inside.at, head);
		buf_string(out, "...");
		buf_text(out, text_from(inside, tail));
	} else {
		buf_text(out, inside);
	}
	buf_free(&quoted);
}

static void list_entry(size_t i, const struct entry *e)
{
	buf_printf(&my.out, "%3zu: %.*s ", i, TEXT_ARGS(e->place));
	put_plain(&my.out, e->command);
	buf_string(&my.out, ": ");
	put_plain(&my.out, e->reason);
	buf_char(&my.out, '\n');
}

static void put_cut(struct text t)
{
	size_t most = my.truncate > 0 ? (size_t)my.truncate : t.len;

	while (most < t.len && most && (t.at[most] & 0xc0) == 0x80)
		most--;
	buf_add(&my.out, t.at, most < t.len ? most : t.len);
	if (most < t.len)
		buf_string(&my.out, "...[truncated]");
}

/* A member a line, as an editor or a reader wants it. */
static void put_members(struct text record, bool cut)
{
	struct value_error unused;
	struct value v, key, member;
	struct value_walk walk;
	const char *before = "{\n  ";

	value_parse(record, &v, &unused);
	for (walk = value_walk(v); value_next_member(&walk, &key, &member); before = ",\n  ") {
		buf_string(&my.out, before);
		buf_text(&my.out, key.raw);
		buf_string(&my.out, ": ");
		if (cut)
			put_cut(member.raw);
		else
			buf_text(&my.out, member.raw);
	}
	buf_string(&my.out, before[0] == '{' ? "{}\n" : "\n}\n");
}

static void show_entry(size_t i, const struct entry *e)
{
	list_entry(i, e);
	if (e->event) {
		put_members(e->record, true);
	} else if (e->record.at) {
		struct buf quoted = BUF_INIT;

		buf_json(&quoted, e->record);
		put_cut(buf_view(&quoted));
		buf_char(&my.out, '\n');
		buf_free(&quoted);
	}
}

static enum exit_status look(void)
{
	for (size_t i = 0; i < my.dump.count; i++) {
		const struct entry *e = &my.dump.entries[i];

		if (!e->selected)
			continue;
		if (!my.records)
			(my.show ? show_entry : list_entry)(i, e);
		else if (e->event)
			put_in_one_line(&my.out, e->record);
		else if (e->record.at) {
			buf_text(&my.out, e->record);
			buf_char(&my.out, '\n');
		}
	}
	if (!write_all(STDOUT_FILENO, my.out.at ? my.out.at : "", my.out.len)) {
		if (errno == EPIPE)
			return EXIT_FINE;
		log_message("stdout: %s", strerror(errno));
		return EXIT_IO;
	}
	return selected() ? EXIT_FINE : EXIT_NO;
}

/* ---- changing ---- */

static enum exit_status bad(enum exit_status status, const struct problem *problem)
{
	log_problem(problem);
	return status;
}

/* What is no event stays. */
static enum exit_status leave_out_broken(void)
{
	size_t broken = 0;

	for (size_t i = 0; i < my.dump.count; i++) {
		struct entry *e = &my.dump.entries[i];

		if (e->selected && !e->event) {
			e->selected = false;
			broken++;
		}
	}
	if (broken)
		log_message("%s: %zu records are no events and stay there: --edit or --delete them", my.dump.path, broken);
	return broken ? EXIT_REJECTED : EXIT_FINE;
}

/* Each command gets its own. */
static bool replay_each(struct buf *again, struct problem *problem)
{
	for (size_t i = 0; i < my.dump.count; i++) {
		const struct entry *e = &my.dump.entries[i];
		char *words[2] = { NULL, NULL };
		bool first = e->selected, fine;

		for (size_t k = 0; first && k < i; k++)
			first = !(my.dump.entries[k].selected && text_eq(my.dump.entries[k].command, e->command));
		if (!first)
			continue;
		if (my.dump.intelmq || !text_starts(e->command, TEXT("imq-")) || memchr(e->command.at, '/', e->command.len))
			return problem_set(problem, "name a COMMAND to send to what came from \"%.*s\"", TEXT_ARGS(e->command));
		words[0] = alloc_string(e->command);
		fine = replay(&my.dump, words, e->command, again, problem);
		free(words[0]);
		if (!fine)
			return false;
	}
	return true;
}

static enum exit_status replay_all(char *const *words)
{
	struct problem problem = { .line = 0 };
	struct buf again = BUF_INIT;
	enum exit_status status = leave_out_broken();

	if (!selected())
		return status ? status : EXIT_NO;
	if (!(*words ? replay(&my.dump, words, NO_TEXT, &again, &problem) : replay_each(&again, &problem)) ||
		!dump_remove(&my.dump, buf_view(&again), &problem))
		status = bad(EXIT_IO, &problem);
	else if (again.len)
		status = EXIT_REJECTED;
	buf_free(&again);
	return status;
}

static bool run_editor(const char *file, struct problem *problem)
{
	/* As sensible-editor(1) chooses, which not every system has. */
	static const char script[] = "exec ${VISUAL:-${EDITOR:-sensible-editor}} \"$1\"";
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		execlp("sh", "sh", "-c", script, "sh", file, (char *)NULL);
		_exit(127);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0) || problem_set(problem, "the editor has failed");
}

static bool read_edited(const char *file, struct buf *line, struct problem *problem)
{
	struct buf text = BUF_INIT;
	struct value_error error;
	struct value v;
	bool fine = file_read(file, MAX_EDITED, &text, problem);

	if (fine && (!value_parse(buf_view(&text), &v, &error) || v.kind != VALUE_OBJECT))
		fine = problem_set(problem, "what the editor left is no event: nothing is changed");
	if (fine)
		put_in_one_line(line, v.raw);
	buf_free(&text);
	return fine;
}

static enum exit_status edit(void)
{
	char file[] = "/tmp/imq-dump.XXXXXX";
	struct problem problem = { .line = 0 };
	struct buf line = BUF_INIT;
	struct entry *e = NULL;
	long long number;
	bool fine;
	int fd;

	if (text_integer(text_of(my.edit), &number) && number >= 0 && number < (long long)my.dump.count)
		e = &my.dump.entries[number];
	if (!e || !e->record.at)
		return problem_set(&problem, "--edit: no record has the number \"%s\"", my.edit), bad(EXIT_USAGE, &problem);
	if (e->event)
		put_members(e->record, false);
	else
		buf_text(&my.out, e->record);
	fd = mkstemp(file);
	fine = fd >= 0 && write_all(fd, my.out.at ? my.out.at : "", my.out.len);
	if (!fine)
		problem_at(&problem, file, 0, 0, "%s", strerror(errno));
	if (fd >= 0)
		close(fd);
	fine = fine && run_editor(file, &problem) && read_edited(file, &line, &problem) &&
	       dump_replace(&my.dump, e, (struct text){ line.at, line.len - 1 }, &problem);
	if (fd >= 0)
		unlink(file);
	buf_free(&line);
	return fine ? EXIT_FINE : bad(EXIT_IO, &problem);
}

static enum exit_status act(char *const *words)
{
	struct problem problem = { .line = 0 };

	if (my.edit)
		return edit();
	if (my.replay)
		return replay_all(words);
	if (!my.delete)
		return look();
	if (!selected())
		return EXIT_NO;
	return dump_remove(&my.dump, NO_TEXT, &problem) ? EXIT_FINE : bad(EXIT_IO, &problem);
}

int main(int argc, char **argv)
{
	static const struct command command = { .name = "imq-dump", .summary = "look at rejected records and send them again",
		.operands = "FILE [-- COMMAND [ARGUMENT]...]", .options = options };
	struct problem problem = { .line = 0 };
	enum exit_status status;
	int operands, begun;

	if (!opt_start(&command, argc, argv, &operands, &begun))
		return begun;
	if (!argv[operands] || (argv[operands + 1] && !my.replay))
		problem_set(&problem, argv[operands] ? "only --replay takes a command" : "name a FILE of rejects");
	else if (my.show + my.records + my.replay + my.delete + (my.edit != NULL) > 1)
		problem_set(&problem, "one of --show, --records, --replay, --delete and --edit at a time");
	if (problem.text[0])
		return (int)bad(EXIT_USAGE, &problem);
	if (!dump_open(&my.dump, argv[operands], &problem))
		status = bad(EXIT_IO, &problem);
	else if (!select_entries(&problem))
		status = bad(EXIT_USAGE, &problem);
	else
		status = act(argv + operands + 1);
	dump_close(&my.dump);
	buf_free(&my.out);
	log_flush();
	return (int)status;
}
