/*
 * Any bytes as the address of a MariaDB server: what is accepted is whole texts, and what is
 * refused is never shown.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "store/maria_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	struct maria_url url;
	struct error error = {.code = ERROR_NONE};
	arena_init(&arena, 4096);
	if (maria_url_parse((struct str){(const char *)data, size}, &arena, &url, &error)) {
		assert(strlen(url.user) > 0 && strlen(url.host) > 0 && strlen(url.database) > 0);
		assert(strlen(url.password) <= size);
		assert(url.port > 0 && url.port <= 65535);
		assert(url.ca == NULL || url.tls == MARIA_TLS_VERIFY);
	} else {
		assert(error.code == ERROR_CONFIG);
		assert(strlen(error.message) < 100);
	}
	arena_finish(&arena);
	return 0;
}
