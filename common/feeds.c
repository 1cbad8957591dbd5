#include "feeds.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include "alloc.h"
#include "buf.h"
#include "files.h"

static int visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* Calls SEEN for what is in FOLDER, in order of name. */
static bool each_in(const char *folder, bool (*seen)(const char *path, void *context), void *context)
{
	struct dirent **entries;
	int count = scandir(folder, &entries, visible, alphasort);
	bool more = true;

	for (int i = 0; i < count; i++) {
		struct buf path = BUF_INIT;

		buf_printf(&path, "%s/%s", folder, entries[i]->d_name);
		more = more && seen(buf_cstr(&path), context);
		buf_free(&path);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	return more;
}

struct each {
	bool (*seen)(const char *file, void *context);
	void *context;
};

static bool each_file(const char *path, void *context)
{
	const struct each *each = context;

	return !text_ends(text_of(path), TEXT(".yaml")) || each->seen(path, each->context);
}

static bool each_folder(const char *path, void *context)
{
	return text_ends(text_of(path), TEXT(".yaml")) ? each_file(path, context) : each_in(path, each_file, context);
}

/* The folders of users' own definitions, which come before the catalogue's. The caller frees the first. */
static void own_folders(char *folders[2])
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	struct buf path = BUF_INIT;

	if (config && *config == '/')
		buf_printf(&path, "%s/imq/feeds", config);
	else if (home && *home)
		buf_printf(&path, "%s/.config/imq/feeds", home);
	folders[0] = alloc_string(buf_view(&path));
	folders[1] = "/etc/imq/feeds";
	buf_free(&path);
}

bool feeds_each(bool (*seen)(const char *file, void *context), void *context, struct problem *problem)
{
	struct each each = { seen, context };
	char *folder = share_path("feeds");
	bool there = access(folder, R_OK | X_OK) == 0, more = true;
	char *own[2];

	own_folders(own);
	for (size_t i = 0; i < LENGTH(own) && more; i++)
		more = each_in(own[i], each_folder, &each);
	free(own[0]);
	if (there && more)
		each_in(folder, each_folder, &each);
	else if (!there)
		problem_at(problem, folder, 0, 0, "the catalogue of feeds cannot be read");
	free(folder);
	return there;
}
