/* Fuzz target: any YAML becomes JSON or is refused. */
#include <stdint.h>
#include <stdlib.h>

#include "buf.h"
#include "value.h"
#include "yaml_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text yaml = { (const char *)data, size };
	struct problem problem = { .line = 0 };
	struct buf json = BUF_INIT;
	struct value_error error;
	struct value v;

	if (yaml_to_json(yaml, "yaml", &json, &problem) && !value_parse(buf_view(&json), &v, &error))
		abort();
	buf_free(&json);
	return 0;
}
