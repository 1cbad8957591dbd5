/* Fuzz target: files of rejects and IntelMQ's dump files, which a full disk or anybody may have left broken. Whatever is in them: what is chosen
 * is removed, and the rest can be read again. */
#include <stdint.h>
#include <stdlib.h>

#include "../../cmd/run/dump/file.c"
#include "../../cmd/run/dump/intelmq.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool count(const char *path, size_t *entries)
{
	struct problem problem = { .line = 0 };
	struct dump d;
	bool fine = dump_open(&d, path, &problem);

	*entries = d.count;
	dump_close(&d);
	return fine;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[] = "/tmp/imq-fuzz.XXXXXX";
	struct problem problem = { .line = 0 };
	size_t left = 0, found;
	struct dump d;
	int fd = mkstemp(path);

	if (fd < 0 || !write_all(fd, (const char *)data, size))
		abort();
	close(fd);
	if (dump_open(&d, path, &problem)) {
		for (size_t i = 0; i < d.count; i++) {
			struct value_error unused;
			struct value v;

			d.entries[i].selected = i % 3 == 0;
			left += !d.entries[i].selected;
			if (d.entries[i].event && !value_parse(d.entries[i].record, &v, &unused))
				abort();
		}
		if (!dump_remove(&d, TEXT(""), &problem))
			abort();
		dump_close(&d);
		/* Broken lines alone are nobody's. */
		if (access(path, F_OK) == 0 && (count(path, &found) ? found != left : d.intelmq))
			abort();
	} else {
		dump_close(&d);
	}
	unlink(path);
	return 0;
}
