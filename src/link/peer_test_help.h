/*
 * Another service for tests: a server of raw sockets that says what a test tells it to.
 *
 * Ownership: the caller's memory, from test_peer_start() to test_peer_stop().
 * Threads: its own; `lock` guards all but `ends`. Errors: they end the test.
 * Limits: a request of 4 MiB; one at a time.
 */
#ifndef ROWLOCK_LINK_PEER_TEST_HELP_H
#define ROWLOCK_LINK_PEER_TEST_HELP_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* A head without the length of its body, which is given behind. */
#define TEST_ANSWER(status) "HTTP/1.1 " status "\r\nConnection: close\r\n\r\n"

struct test_peer {
	int listener;
	int port;
	pthread_t thread;
	pthread_mutex_t lock;
	const char *says; /* NULL: closes without a word; "": nothing until it is told something else */
	bool echoes;      /* a decide: all ids are used */
	size_t huge_bytes; /* of a body that follows */
	char *last;        /* request */
	size_t requests;
	_Atomic bool ends;
};

/* The struct is zero. */
void test_peer_start(struct test_peer *peer);
/* It may have been stopped before: nobody listens any more. */
void test_peer_stop(struct test_peer *peer);
void test_peer_finish(struct test_peer *peer);
void test_peer_tell(struct test_peer *peer, const char *says);
/* How many have come. */
size_t test_peer_requests(struct test_peer *peer);

#endif
