/* Fuzz target: any bytes as Recorded Future's list. */
#include <stdint.h>

#define main command_main
int command_main(int argc, char **argv);
#include "../../cmd/expert/recordedfuture-iprisk.c"
#undef main

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct csv csv = { .rest = { (const char *)data, size } };
	struct ipmap risks = { NULL, 0, 0 };
	struct problem problem = { .line = 0 };
	long long score;
	int name, risk;

	if (read_header(&csv, &name, &risk) && read_rows(&csv, "fuzz", name, risk, &risks, &problem)) {
		ipmap_finish(&risks);
		for (size_t i = 0; i < risks.count; i++)
			if (!ipmap_find(&risks, &risks.entries[i].ip, &score) || score != risks.entries[i].value)
				__builtin_trap();
	}
	ipmap_free(&risks);
	buf_free(&csv.cell);
	return 0;
}
