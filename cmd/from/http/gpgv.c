/* Detached signatures of OpenPGP (RFC 9580, 10.4). gpgv of GnuPG looks at them, a program made for that: it knows the
 * keys of one keyring and no others, has no agent, no network and no folder of its own. Both come to it as files in
 * memory, and it is limited: what comes from strangers could keep it busy for long. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "filter.h"
#include "stream.h"

#include "from_http.h"

enum {
	MAX_TOLD = 64 * 1024, /* bytes that gpgv writes */
	MAX_SECONDS = 60,     /* of processor time */
	MAX_MEMORY = 1 << 30, /* bytes */
	/* Exit statuses of a child that does not become gpgv. */
	CANNOT_START = 126,
	NOT_THERE = 127,
};

/* ---- the keyring ---- */

/* GnuPG's own, in GNUPGHOME or ~/.gnupg; pubring.gpg is what versions before 2.1 call it. */
static bool find_keyring(struct buf *path, struct problem *problem)
{
	static const char *const names[] = { "pubring.kbx", "pubring.gpg" };
	const char *gnupg = getenv("GNUPGHOME"), *home = getenv("HOME");

	for (size_t i = 0; i < LENGTH(names); i++) {
		buf_clear(path);
		if (gnupg && *gnupg)
			buf_printf(path, "%s/%s", gnupg, names[i]);
		else
			buf_printf(path, "%s/.gnupg/%s", home ? home : "", names[i]);
		if (access(buf_cstr(path), F_OK) == 0)
			return true;
	}
	return problem_set(problem, "--gpg-keyring is missing, and there is no keyring of GnuPG: %s", buf_cstr(path));
}

/* Whether gpgv can be given PATH: it does not say what it does not like about a keyring, only that keys are not in it. */
static bool check_keyring(const char *path, struct problem *problem)
{
	static const char armour[] = "-----BEGIN";
	char start[sizeof armour] = "";
	struct stat info;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool fine = fd >= 0 && fstat(fd, &info) == 0;

	if (!fine)
		problem_set(problem, "--gpg-keyring: %s: %s", path, strerror(errno));
	else if (!S_ISREG(info.st_mode) || read(fd, start, sizeof armour - 1) < 0)
		fine = problem_set(problem, "--gpg-keyring: %s: not a file that can be read", path);
	else if (strcmp(start, armour) == 0)
		fine = problem_set(problem, "--gpg-keyring: %s: keys as text; gpg --dearmor makes a keyring of them", path);
	if (fd >= 0)
		close(fd);
	return fine;
}

char *gpgv_keyring(const char *option, struct problem *problem)
{
	struct buf path = BUF_INIT;
	char *real = NULL;

	if (option && *option)
		buf_string(&path, option);
	/* gpgv takes names without a slash, and those with a tilde, for others. */
	if ((path.len || find_keyring(&path, problem)) && check_keyring(buf_cstr(&path), problem) &&
		!(real = realpath(buf_cstr(&path), NULL)))
		problem_set(problem, "--gpg-keyring: %s: %s", buf_cstr(&path), strerror(errno));
	buf_free(&path);
	return real;
}

/* ---- gpgv ---- */

/* A file in memory with BYTES, to be read from the start, beyond stdin, stdout and stderr; -1: none. */
static int memory_file(struct text bytes)
{
	int low = memfd_create("imq-from-http", MFD_CLOEXEC), fd = low < 0 ? -1 : fcntl(low, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

	if (low >= 0)
		close(low);
	if (fd >= 0 && (!write_all(fd, bytes.at, bytes.len) || lseek(fd, 0, SEEK_SET) != 0)) {
		close(fd);
		return -1;
	}
	return fd;
}

static void close_file(int fd)
{
	if (fd >= 0)
		close(fd);
}

static void limit(int what, rlim_t most)
{
	setrlimit(what, &(struct rlimit){ most, most });
}

/* What gpgv finds: the document as its stdin, the signature under its number, and a place for what it tells as its stdout. */
struct files {
	int document, signature, told;
};

/* Returns the process; -1 with errno set. */
static pid_t start_gpgv(const char *keyring, const struct files *f)
{
	char *const environment[] = { "LC_ALL=C", NULL };
	char name[32];
	const char *const words[] = { "gpgv", "--homedir", "/nonexistent", "--status-fd", "1", "--keyring", keyring,
		"--enable-special-filenames", "--", name, "-", NULL };
	pid_t pid;

	snprintf(name, sizeof name, "-&%d", f->signature);
	if ((pid = fork()) != 0)
		return pid;
	if (dup2(f->document, STDIN_FILENO) < 0 || dup2(f->told, STDOUT_FILENO) < 0 || fcntl(f->signature, F_SETFD, 0) < 0)
		_exit(CANNOT_START);
	close(STDERR_FILENO);
	if (open("/dev/null", O_WRONLY) != STDERR_FILENO)
		_exit(CANNOT_START);
	limit(RLIMIT_CPU, MAX_SECONDS);
	limit(RLIMIT_AS, MAX_MEMORY);
	limit(RLIMIT_FSIZE, MAX_TOLD);
	limit(RLIMIT_CORE, 0);
	execvpe(words[0], (char *const *)words, environment);
	_exit(errno == ENOENT ? NOT_THERE : CANNOT_START);
}

static enum gpgv_verdict refuse(struct problem *problem, const char *why, struct text key)
{
	if (key.len)
		problem_set(problem, "signature: %s: %.*s", why, TEXT_ARGS(key));
	else
		problem_set(problem, "signature: %s", why);
	return GPGV_REFUSED;
}

/* Waits for the end of gpgv, whose answer can be had then: GPGV_GOOD. A SIGTERM for us ends it. */
static enum gpgv_verdict await(pid_t pid, struct problem *problem)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		if (run_stopping())
			kill(pid, SIGKILL);
	if (run_stopping())
		problem_set(problem, "told to stop");
	else if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_THERE)
		problem_set(problem, "--verify-pgp-signatures: there is no gpgv (GnuPG)");
	else if (WIFEXITED(status) && WEXITSTATUS(status) <= 2) /* 2 is also a good signature beside one whose key is not there */
		return GPGV_GOOD;
	else
		return refuse(problem, "gpgv broke off over it", NO_TEXT);
	return GPGV_NOT_ASKED;
}

static bool read_told(int fd, struct buf *to)
{
	ssize_t n;

	to->len = 0;
	if (lseek(fd, 0, SEEK_SET) != 0)
		return false;
	while ((n = read(fd, buf_room(to, 4096), 4096)) > 0)
		to->len += (size_t)n;
	return n == 0;
}

/* What gpgv says of a signature (GnuPG's doc/DETAILS, "Format of the --status-fd output"), the later the more there is to it: of several
 * signatures a good one decides, as publishers sign by two keys while they change from one to the other. */
static const struct {
	const char *word, *means;
} statuses[] = {
	{ "NODATA", "not a detached one" },
	{ "ERRSIG", "of a kind that gpgv cannot check" },
	{ "NO_PUBKEY", "its key is not in the keyring" },
	{ "EXPSIG", "expired" },
	{ "EXPKEYSIG", "its key has expired" },
	{ "REVKEYSIG", "its key has been revoked" },
	{ "BADSIG", "the document is not what was signed" },
	{ "GOODSIG", NULL },
};

static enum gpgv_verdict judge(struct text told, struct problem *problem)
{
	struct text line, word, key, best_key = NO_TEXT;
	size_t best = 0;

	while (text_split(&told, '\n', &line)) {
		if (!text_starts(line, TEXT("[GNUPG:] ")))
			continue;
		line = text_from(line, strlen("[GNUPG:] "));
		text_split(&line, ' ', &word);
		if (!text_split(&line, ' ', &key))
			key = NO_TEXT;
		for (size_t i = best + 1; i < LENGTH(statuses); i++)
			if (text_is(word, statuses[i].word)) {
				best = i;
				best_key = key;
			}
	}
	return statuses[best].means ? refuse(problem, statuses[best].means, best_key) : GPGV_GOOD;
}

enum gpgv_verdict gpgv_ask(const char *keyring, struct text document, struct text signature, struct problem *problem)
{
	enum gpgv_verdict verdict = GPGV_NOT_ASKED;
	struct buf told = BUF_INIT;
	struct files files = { memory_file(document), memory_file(signature), memory_file(NO_TEXT) };
	pid_t pid = files.document >= 0 && files.signature >= 0 && files.told >= 0 ? start_gpgv(keyring, &files) : -1;

	if (pid > 0)
		verdict = await(pid, problem);
	if (verdict == GPGV_GOOD && read_told(files.told, &told)) {
		verdict = judge(buf_view(&told), problem);
	} else if (pid < 0 || verdict == GPGV_GOOD) {
		problem_set(problem, "gpgv: %s", strerror(errno));
		problem->disk = true; /* as passing as a full one */
		verdict = GPGV_NOT_ASKED;
	}
	close_file(files.document);
	close_file(files.signature);
	close_file(files.told);
	buf_free(&told);
	return verdict;
}
