/*
 * How services know each other: a header field with the time and an HMAC-SHA256, under a key that
 * both have (LINK_KEY), of the time and the request. Without a key only this machine is believed.
 *
 *   Authorization: Rowlock-Link 1700000000 6f3e… (64 hexadecimal digits)
 *
 * The hash is of "rowlock-link-1", method, path and time, each with a line feed behind it, and the
 * body. A request may be repeated within the window: those between services are made for that.
 *
 * Ownership: texts are borrowed. Threads: all. Errors: ERROR_FORBIDDEN with the reason and a hint;
 * ERROR_CONFIG. Limits: keys of CREDENTIAL_LEAST_KEY_BYTES and more; clocks that differ by up to
 * CREDENTIAL_WINDOW_S.
 */
#ifndef ROWLOCK_LINK_CREDENTIAL_H
#define ROWLOCK_LINK_CREDENTIAL_H

#include "base/buf.h"
#include "base/error.h"

enum { CREDENTIAL_LEAST_KEY_BYTES = 16, CREDENTIAL_WINDOW_S = 60 };

/* As it goes over the wire; `path` as it stands in the request line. */
struct credential_request {
	struct str method;
	struct str path;
	struct str body;
};

/* Can it be used as a key? "" can: there is none. */
bool credential_check_key(struct str key, struct error *error);
/* Appends the value of `Authorization`; nothing without a key. Seconds since 1970. */
void credential_write(struct str key, const struct credential_request *request, int64_t now_s,
					  struct buf *field);
/* Is it a service that asks? `field` is the value of `Authorization`, "" for none; `loopback`: the
 * connection comes from this machine. */
bool credential_accept(struct str key, const struct credential_request *request, struct str field,
					   int64_t now_s, bool loopback, struct error *error);

#endif
