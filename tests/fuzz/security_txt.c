/* Fuzz target: a security.txt file. What is found is a list of mail addresses: no blanks, no controls. */
#include <stdint.h>
#include <stdlib.h>

#include "../../cmd/expert/security-txt/answer.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct problem problem = { .line = 0 };
	struct security_txt found;
	bool good = security_txt_read((struct text){ (const char *)data, size }, "https://a.example/", &found, &problem);

	if (!good && !problem.text[0])
		abort();
	if (!unicode_valid(buf_view(&found.mail)))
		abort();
	for (size_t i = 0; i < found.mail.len; i++)
		if ((unsigned char)found.mail.at[i] <= ' ')
			abort();
	buf_free(&found.mail);
	return 0;
}
