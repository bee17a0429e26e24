/*
 * A server on a thread of its own, with a handler for tests, and a blocking client.
 *
 * Ownership: bed_start() to bed_stop(). Threads: the handler runs on the server's, all else on the
 * test's. Errors: a failure fails the test. Limits: the bed's.
 */
#ifndef ROWLOCK_HTTP_SERVER_TEST_BED_H
#define ROWLOCK_HTTP_SERVER_TEST_BED_H

#include <stdatomic.h>
#include <uv.h>

#include "http/http.h"
#include "net/loop.h"

enum { BED_HELD = 72 };

/*
 * What the handler does, by path:
 *   /echo      the method, path, query, and body
 *   /ok        "ok"                 /json?N     N bytes of JSON     /binary?N   N other bytes
 *   /later     "later", at the end of the turn  /held       nothing, until /release
 *   /release   "released"; answers what is held first
 *   /none?N    status N, no body    /close      "ok" and close      /tag        JSON with an ETag
 *   /gone      whether the held one is gone
 *   /vary?N    N bytes of JSON that vary by Accept and Range; /encoding?N  by Accept-Encoding too
 *   /stream?N  N parts of 1000 bytes, waiting for room    /abort?N    the same, and then cut
 */
struct bed {
	struct limits limits;
	struct http_shared shared;
	struct tls *tls; /* borrowed; NULL: plain HTTP */
	struct loop *loop;
	struct http_server *server;
	struct address address;
	uv_thread_t thread;
	struct task drain;
	_Atomic bool draining;
	_Atomic bool drained;
	/* What `finished` was told. */
	_Atomic unsigned finished;
	_Atomic int last_status;
	_Atomic uint64_t last_bytes;
	/* The handler's. */
	struct http_exchange *held[BED_HELD];
	size_t held_count;
	_Atomic size_t most_queued; /* parts that a stream was ahead of its reader */
	size_t body_limit;          /* of paths that begin with /small; 0: no such thing */
};

/* Fills in the default limits; change them before bed_start(). */
void bed_init(struct bed *bed);
void bed_start(struct bed *bed);
/* Begins to drain; bed_stop() waits for it. */
void bed_drain(struct bed *bed);
void bed_stop(struct bed *bed);
/* Descriptors that the process has open, and files without a name that it has mapped. */
size_t bed_descriptors(void);
size_t bed_mapped_files(void);
/* Waits, 10 s at most, until so many connections are open. */
void bed_wait(const struct bed *bed, uint64_t connections);

/* ---- the client ---- */

/* A socket with a time-out of 10 s. */
int client_connect(const struct bed *bed);
/* False when the server has closed or cut the connection. */
bool client_send(int fd, struct str text);
/* One answer, in the form STATUS BODY; between them stands what only some have: `close`,
 * `keep-alive`, `vary` (`vary=...` when it is not just by Accept-Encoding), `gzip` (BODY is
 * unpacked), `retry`, `chunked`, `etag=...`, `cut` (the end came too early). "end" when there is
 * none but the end of the connection, "reset" when it was reset, "silence" when nothing comes in
 * time. `head`: the answer has no body whatever it says. */
void client_answer(int fd, bool head, struct buf *ret_text);
/* Sends all, ends its side, and reads all answers, each followed by '|'. */
void client_talk(const struct bed *bed, struct str input, bool head, struct buf *ret_text);
void client_sleep(unsigned ms);

#endif
