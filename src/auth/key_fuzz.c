/*
 * Any bytes as a set of keys: what is loaded of it has one algorithm and its key, and nothing is
 * lost.
 */
#include <assert.h>

#include "auth/key_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const enum auth_algorithm algorithms[] = {AUTH_NO_ALGORITHM, AUTH_RS256, AUTH_ES256, AUTH_EDDSA,
											  AUTH_HS256};
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
		const struct auth_key_source source = {
			.algorithm = algorithms[i],
			.jwks = {STR_INIT("set.json"), {1, 1}},
		};
		struct keys keys = {.count = 0};
		struct model_report report;
		arena_init(&keys.arena, 1024);
		model_report_init(&report);
		bool good = keys_add_set(&keys, &source, (struct str){(const char *)data, size}, &report);
		assert(good == (report.errors == 0) && (!good || keys.count > 0));
		for (size_t k = 0; k < keys.count; k++) {
			const struct key *key = &keys.list[k];
			bool symmetric = key->algorithm == AUTH_HS256;
			assert(key->algorithm != AUTH_NO_ALGORITHM);
			assert((key->pkey == NULL) == symmetric && (key->secret.len > 0) == symmetric);
			assert(algorithms[i] == AUTH_NO_ALGORITHM || algorithms[i] == key->algorithm);
		}
		model_report_finish(&report);
		keys_finish(&keys);
	}
	return 0;
}
