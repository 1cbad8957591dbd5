#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "alloc.h"
#include "files.h"
#include "stream.h"
#include "text.h"

enum { LIMIT = 256 << 20 /* bytes: more mails than a batch has */ };

#define FIRST_LINE "imq-to-smtp, batch "

static bool failed(const struct journal *j, struct problem *problem)
{
	return problem_at(problem, j->path, 0, 0, "%s", strerror(errno));
}

static void add_entry(struct journal *j, struct text line)
{
	struct journal_entry *e;

	alloc_grow(&j->entries, &j->cap, j->count + 1, sizeof *j->entries);
	e = &j->entries[j->count++];
	e->fate = line.at[0];
	e->met = false;
	memcpy(e->id, line.at + 1, MAIL_ID);
}

/* What the file says of batches that come again; any line may have been cut. */
static bool read_notes(struct journal *j, struct text rest, const struct batch *batch, struct problem *problem)
{
	struct text line, first = TEXT(FIRST_LINE);

	if (!text_starts(rest, first) && !text_starts(first, rest))
		return problem_at(problem, j->path, 0, 0, "this is not a file of imq-to-smtp");
	text_split(&rest, '\n', &line);
	if (!rest.at || !text_integer(text_from(line, first.len), &j->read) || j->read < batch->undo || j->read > batch->number) {
		j->read = -1;
		return true;
	}
	while (text_split(&rest, '\n', &line))
		if (rest.at && line.len == 1 + MAIL_ID && (line.at[0] == FATE_TAKEN || line.at[0] == FATE_REFUSED))
			add_entry(j, line);
	return true;
}

bool journal_open(struct journal *j, const struct batch *batch, struct problem *problem)
{
	struct buf text = BUF_INIT;
	bool fine;

	j->fd = -1;
	j->read = -1;
	if (!j->path || !batch->numbered)
		return true;
	j->fd = open(j->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (j->fd < 0)
		return failed(j, problem);
	if (flock(j->fd, LOCK_EX | LOCK_NB) != 0)
		return problem_at(problem, j->path, 0, 0, "another process is using this file");
	fine = file_read(j->path, LIMIT, &text, problem) && read_notes(j, buf_view(&text), batch, problem);
	while (text.len && text.at[text.len - 1] != '\n')
		text.len--;
	if (fine && ftruncate(j->fd, j->read < 0 ? 0 : (off_t)text.len) != 0)
		fine = failed(j, problem);
	j->number = j->read;
	buf_free(&text);
	return fine;
}

static struct journal_entry *find(struct journal *j, const char *id)
{
	for (size_t i = 0; i < j->count; i++) {
		size_t at = (j->next + i) % j->count; /* they come again in the same order, as a rule */

		if (j->entries[at].met || memcmp(j->entries[at].id, id, MAIL_ID) != 0)
			continue;
		j->next = at + 1;
		return &j->entries[at];
	}
	return NULL;
}

bool journal_find(struct journal *j, long long number, const char *id, enum fate *fate, struct problem *problem)
{
	struct journal_entry *e = find(j, id);

	*fate = e ? (enum fate)e->fate : FATE_UNKNOWN;
	if (!e)
		return true;
	e->met = true;
	return number == j->read || journal_note(j, number, id, *fate, problem);
}

bool journal_note(struct journal *j, long long number, const char *id, enum fate fate, struct problem *problem)
{
	struct buf text = BUF_INIT;
	bool fine = true;

	if (j->fd < 0)
		return true;
	if (number != j->number) {
		if (ftruncate(j->fd, 0) != 0)
			return failed(j, problem);
		buf_printf(&text, FIRST_LINE "%lld\n", number);
		j->number = number;
	}
	buf_printf(&text, "%c%.*s\n", fate, MAIL_ID, id);
	if (!write_all(j->fd, text.at, text.len))
		fine = failed(j, problem);
	buf_free(&text);
	return fine;
}

void journal_close(struct journal *j)
{
	if (j->fd >= 0)
		close(j->fd);
	free(j->entries);
}
