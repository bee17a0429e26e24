#include "net/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

static bool bad_address(struct str text, struct error *error)
{
	error_set(error, ERROR_CONFIG, "'%.*s' is not an address to listen on",
			  STR_ARG(str_slice(text, 0, 80)));
	return error_hint(error, "write HOST:PORT with a numeric host, such as 127.0.0.1:8888");
}

static bool parse_port(struct str text, uint16_t *ret_port)
{
	uint32_t port = 0;
	if (text.len == 0 || text.len > 5) {
		return false;
	}
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9') {
			return false;
		}
		port = port * 10 + (uint32_t)(text.ptr[i] - '0');
	}
	if (port > UINT16_MAX) {
		return false;
	}
	*ret_port = (uint16_t)port;
	return true;
}

/* inet_pton() wants a NUL behind the text. */
static bool parse_host(int family, struct str host, void *ret_host)
{
	char text[INET6_ADDRSTRLEN];
	if (host.len >= sizeof(text)) {
		return false;
	}
	memcpy(text, host.ptr, host.len);
	text[host.len] = '\0';
	return inet_pton(family, text, ret_host) == 1;
}

void address_format(const struct sockaddr *sockaddr, char ret_text[64])
{
	char host[INET6_ADDRSTRLEN] = "";
	if (sockaddr->sa_family == AF_INET6) {
		const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)sockaddr;
		inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof(host));
		snprintf(ret_text, 64, "[%s]:%u", host, ntohs(v6->sin6_port));
	} else {
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)sockaddr;
		inet_ntop(AF_INET, &v4->sin_addr, host, sizeof(host));
		snprintf(ret_text, 64, "%s:%u", host, ntohs(v4->sin_port));
	}
}

static bool parse_v6(struct str host, uint16_t port, struct address *address)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address->sockaddr;
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	if (!parse_host(AF_INET6, host, &v6->sin6_addr)) {
		return false;
	}
	address->loopback = IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr) ||
		(IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr) && v6->sin6_addr.s6_addr[12] == 127);
	return true;
}

static bool parse_v4(struct str host, uint16_t port, struct address *address)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&address->sockaddr;
	v4->sin_family = AF_INET;
	v4->sin_port = htons(port);
	if (host.len == 0) {
		v4->sin_addr.s_addr = htonl(INADDR_ANY);
	} else if (str_equal(host, STR("localhost"))) {
		v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	} else if (!parse_host(AF_INET, host, &v4->sin_addr)) {
		return false;
	}
	address->loopback = (ntohl(v4->sin_addr.s_addr) >> 24) == 127;
	return true;
}

bool address_parse(struct str text, struct address *ret_address, struct error *error)
{
	struct address address = {.loopback = false};
	size_t colon = text.len;
	while (colon > 0 && text.ptr[colon - 1] != ':') {
		colon--;
	}
	uint16_t port = 0;
	if (colon == 0 || !parse_port(str_slice(text, colon, text.len), &port)) {
		return bad_address(text, error);
	}
	struct str host = str_slice(text, 0, colon - 1);
	bool ok;
	if (host.len >= 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']') {
		ok = parse_v6(str_slice(host, 1, host.len - 1), port, &address);
	} else {
		ok = parse_v4(host, port, &address);
	}
	if (!ok) {
		return bad_address(text, error);
	}
	address_format((const struct sockaddr *)&address.sockaddr, address.text);
	*ret_address = address;
	return true;
}

socklen_t address_bytes(const struct address *address)
{
	return address->sockaddr.ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
												   : sizeof(struct sockaddr_in);
}

bool address_refused(const struct address *address, int errnum, struct error *error)
{
	error_set(error, ERROR_CONFIG, "cannot listen on %s: %s", address->text,
			  uv_strerror(uv_translate_sys_error(errnum)));
	switch (errnum) {
	case EADDRINUSE:
		return error_hint(error, "another program listens there: stop it or choose another port");
	case EACCES:
		return error_hint(error, "ports below 1024 need a privilege: choose a higher one");
	case EADDRNOTAVAIL:
		return error_hint(error, "no interface of this machine has that address");
	default:
		return false;
	}
}

bool address_check_free(const struct address *address, struct error *error)
{
	/* SO_REUSEADDR ignores connections of an earlier run that linger in TIME_WAIT, but not a
	 * listener; and since SO_REUSEPORT is not set here, no listener can share with us. */
	int on = 1;
	bool free = false;
	int fd = socket(address->sockaddr.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0) {
		free = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
			bind(fd, (const struct sockaddr *)&address->sockaddr, address_bytes(address)) == 0;
	}
	int errnum = errno;
	if (fd >= 0) {
		close(fd);
	}
	return free || address_refused(address, errnum, error);
}
