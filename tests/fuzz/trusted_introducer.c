/* Fuzz target: the Trusted Introducer's directory. Every domain and AS in it is found. */
#include <stdint.h>
#include <stdlib.h>

#include "../../cmd/expert/trusted-introducer-lookup/teams.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct problem problem = { .line = 0 };
	struct teams teams = { .domain_count = 0 };

	if (teams_read(&teams, (struct text){ (const char *)data, size }, &problem)) {
		for (size_t i = 0; i < teams.domain_count; i++)
			if (!teams_of_domain(&teams, text_of(teams.texts.at + teams.domains[i].domain)).at)
				abort();
		for (size_t i = 0; i < teams.as_count; i++)
			if (!teams_of_as(&teams, teams.ases[i].asn).at)
				abort();
		teams_of_domain(&teams, TEXT("a.b.example.com"));
	}
	teams_free(&teams);
	return 0;
}
