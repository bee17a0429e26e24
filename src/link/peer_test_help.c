#include "link/peer_test_help.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { REQUEST_BYTES = 4 << 20 };

static bool say(int fd, const char *text, size_t len)
{
	for (size_t sent = 0; sent < len;) {
		ssize_t part = send(fd, text + sent, len - sent, MSG_NOSIGNAL);
		if (part <= 0) {
			return false;
		}
		sent += (size_t)part;
	}
	return true;
}

/* Reads one request; false when none came. */
static bool take(int fd, char *request)
{
	size_t len = 0;
	const char *end = NULL;
	size_t body = 0;
	while (end == NULL || len < (size_t)(end + 4 - request) + body) {
		ssize_t got = recv(fd, request + len, (size_t)REQUEST_BYTES - 1 - len, 0);
		if (got <= 0) {
			return false;
		}
		len += (size_t)got;
		request[len] = '\0';
		end = strstr(request, "\r\n\r\n");
		const char *length = strstr(request, "Content-Length: ");
		body = end != NULL && length != NULL ? strtoul(length + 16, NULL, 10) : 0;
	}
	return true;
}

/* What it says now, once it is more than nothing. */
static const char *words_of(struct test_peer *peer)
{
	for (;;) {
		pthread_mutex_lock(&peer->lock);
		const char *says = peer->says;
		pthread_mutex_unlock(&peer->lock);
		if (says == NULL || says[0] != '\0' || atomic_load(&peer->ends)) {
			return says;
		}
		usleep(1000);
	}
}

static void answer(struct test_peer *peer, int fd, const char *request)
{
	const char *says = words_of(peer);
	if (says == NULL || !say(fd, says, strlen(says))) {
		return;
	}
	if (peer->echoes) {
		const char *ids = strchr(strstr(request, "\r\n\r\n"), '[');
		(void)(say(fd, "{\"used\":", 8) && say(fd, ids, strlen(ids) - 1) &&
			   say(fd, ",\"void\":[]}", 11));
	}
	if (peer->huge_bytes > 0) {
		char *body = calloc(1, peer->huge_bytes);
		(void)say(fd, body, peer->huge_bytes);
		free(body);
	}
}

static void serve(struct test_peer *peer, int fd)
{
	char *request = calloc(1, REQUEST_BYTES);
	char *copy = calloc(1, REQUEST_BYTES);
	if (take(fd, request)) {
		memcpy(copy, request, REQUEST_BYTES);
		pthread_mutex_lock(&peer->lock);
		free(peer->last);
		peer->last = request;
		peer->requests++;
		pthread_mutex_unlock(&peer->lock);
		answer(peer, fd, copy);
	} else {
		free(request);
	}
	free(copy);
	close(fd);
}

static void *run(void *context)
{
	struct test_peer *peer = context;
	for (;;) {
		int fd = accept(peer->listener, NULL, NULL);
		if (fd < 0 || atomic_load(&peer->ends)) {
			return NULL;
		}
		serve(peer, fd);
	}
}

void test_peer_start(struct test_peer *peer)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t bytes = sizeof(address);
	peer->listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(peer->listener, (struct sockaddr *)&address, bytes), 0);
	assert_int_equal(listen(peer->listener, 64), 0);
	getsockname(peer->listener, (struct sockaddr *)&address, &bytes);
	peer->port = ntohs(address.sin_port);
	pthread_mutex_init(&peer->lock, NULL);
	pthread_create(&peer->thread, NULL, run, peer);
}

void test_peer_stop(struct test_peer *peer)
{
	if (!atomic_exchange(&peer->ends, true)) {
		shutdown(peer->listener, SHUT_RDWR);
		pthread_join(peer->thread, NULL);
		close(peer->listener);
	}
}

void test_peer_finish(struct test_peer *peer)
{
	test_peer_stop(peer);
	free(peer->last);
	pthread_mutex_destroy(&peer->lock);
}

void test_peer_tell(struct test_peer *peer, const char *says)
{
	pthread_mutex_lock(&peer->lock);
	peer->says = says;
	pthread_mutex_unlock(&peer->lock);
}

size_t test_peer_requests(struct test_peer *peer)
{
	pthread_mutex_lock(&peer->lock);
	size_t requests = peer->requests;
	pthread_mutex_unlock(&peer->lock);
	return requests;
}
