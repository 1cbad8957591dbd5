/* imq status, imq top: what the notes of pumps say (imq-pump --status), one line for each pipeline. */
#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "filter.h"
#include "imq.h"
#include "log.h"

enum { MAX_PIPELINES = 1000, MAX_NAME = 200, WAIT_SECONDS = 2 };

struct pipeline {
	char name[MAX_NAME];
	bool running;
	long long pid, in, out, waiting, restarts;
	char error[120];
};

struct table {
	struct pipeline rows[MAX_PIPELINES];
	size_t count;
};

static long long number(json_t *note, const char *key)
{
	return json_integer_value(json_object_get(note, key));
}

/* A number may have gone to another process since: its name tells. */
static bool is_pump(long long pid)
{
	char path[64], name[32] = "";
	FILE *comm;

	if (pid <= 0 || kill((pid_t)pid, 0) != 0)
		return false;
	snprintf(path, sizeof path, "/proc/%lld/comm", pid);
	comm = fopen(path, "r");
	if (!comm)
		return errno != ENOENT;
	if (!fgets(name, sizeof name, comm))
		name[0] = '\0';
	fclose(comm);
	return strcmp(name, "imq-pump\n") == 0;
}

/* What stands in files does not steer terminals. */
static void copy_printable(char *to, size_t size, const char *from)
{
	size_t n = 0;

	for (; from && *from && n + 1 < size; from++)
		to[n++] = (unsigned char)*from < ' ' || *from == 0x7f ? ' ' : *from;
	to[n] = '\0';
}

static void read_note(const char *folder, const char *file, size_t name_length, struct table *t)
{
	struct pipeline *p = &t->rows[t->count];
	char path[4096], name[MAX_NAME];
	json_error_t unused;
	json_t *note;

	if (name_length >= MAX_NAME || snprintf(path, sizeof path, "%s/%s", folder, file) >= (int)sizeof path)
		return;
	note = json_load_file(path, 0, &unused);
	if (!json_is_object(note)) {
		json_decref(note);
		return;
	}
	memcpy(name, file, name_length);
	name[name_length] = '\0';
	*p = (struct pipeline){ .pid = number(note, "pid"), .in = number(note, "in"), .out = number(note, "out"),
		.waiting = number(note, "waiting"), .restarts = number(note, "restarts") };
	copy_printable(p->name, sizeof p->name, name);
	copy_printable(p->error, sizeof p->error, json_string_value(json_object_get(note, "error")));
	p->running = is_pump(p->pid);
	t->count++;
	json_decref(note);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct pipeline *)a)->name, ((const struct pipeline *)b)->name);
}

/* False: there is no such folder, or nothing in it; said. */
static bool read_table(const char *folder, struct table *t)
{
	static const char suffix[] = ".status";
	DIR *dir = opendir(folder);
	struct dirent *entry;

	t->count = 0;
	if (!dir) {
		log_message("%s: %s", folder, strerror(errno));
		return false;
	}
	while ((entry = readdir(dir)) && t->count < MAX_PIPELINES) {
		size_t n = strlen(entry->d_name), end = sizeof suffix - 1;

		if (n > end && strcmp(entry->d_name + n - end, suffix) == 0)
			read_note(folder, entry->d_name, n - end, t);
	}
	closedir(dir);
	qsort(t->rows, t->count, sizeof *t->rows, by_name);
	if (!t->count)
		log_message("%s: no pipeline keeps a status there", folder);
	return t->count > 0;
}

static bool print_table(const struct table *t, const struct table *before)
{
	bool all = true;

	printf("%-24s %-8s %8s %12s %12s %10s %8s%s  %s\n", "PIPELINE", "STATE", "PID", "IN", "OUT", "WAITING", "RESTARTS",
		before ? "     IN/S    OUT/S" : "", "LAST ERROR");
	for (size_t i = 0; i < t->count; i++) {
		const struct pipeline *p = &t->rows[i], *old = NULL;

		for (size_t k = 0; before && k < before->count; k++)
			if (strcmp(before->rows[k].name, p->name) == 0 && before->rows[k].pid == p->pid)
				old = &before->rows[k];
		all = all && p->running;
		printf("%-24s %-8s %8lld %12lld %12lld %10lld %8lld", p->name, p->running ? "running" : "stopped",
			p->running ? p->pid : 0, p->in, p->out, p->waiting, p->restarts);
		if (before)
			printf(" %8lld %8lld", old ? (p->in - old->in) / WAIT_SECONDS : 0,
				old ? (p->out - old->out) / WAIT_SECONDS : 0);
		printf("  %s\n", p->error);
	}
	return all;
}

static struct table now, before;

int status_show(const char *folder)
{
	if (!read_table(folder, &now))
		return EXIT_USAGE;
	return print_table(&now, NULL) ? EXIT_FINE : EXIT_NO;
}

int status_top(const char *folder)
{
	bool terminal = isatty(STDOUT_FILENO);
	const struct timespec pause = { WAIT_SECONDS, 0 };

	if (!read_table(folder, &before))
		return EXIT_USAGE;
	while (nanosleep(&pause, NULL) == 0 && read_table(folder, &now)) {
		if (terminal)
			fputs("\033[H\033[J", stdout);
		print_table(&now, &before);
		if (fflush(stdout) != 0 || !terminal)
			break;
		before = now;
	}
	return EXIT_FINE;
}
