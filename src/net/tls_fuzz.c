/* What a client sends before and after its hello, in two pieces: it is refused or waited for, and
 * what TLS has to say to it stays small. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "net/tls.h"
#include "net/tls_test_help.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A certificate is made once: that is not what is tried. */
static struct tls *shown;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct tls_pair pair;
	(void)argc;
	(void)argv;
	make_pair(&pair, "fuzz");
	shown = make_tls(&pair);
	drop_pair(&pair);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf out;
	char to[64];
	size_t count;
	if (size == 0) {
		return 0;
	}
	buf_init(&out, 1 << 20);
	struct tls_session *session = tls_accept(shown, &out);
	struct str text = {(const char *)data + 1, size - 1};
	size_t half = data[0] % (text.len + 1);
	struct str pieces[] = {str_slice(text, 0, half), str_slice(text, half, text.len)};
	for (size_t i = 0; i < 2; i++) {
		tls_feed(session, pieces[i]);
		while (tls_read(session, to, sizeof(to), &count) == TLS_BYTES) {
		}
		tls_keep(session);
	}
	assert(!tls_is_open(session) && out.len < 16384);
	tls_session_destroy(session);
	buf_finish(&out);
	return 0;
}
