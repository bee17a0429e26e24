/*
 * Addresses to listen on, as people write them.
 *
 * Ownership, Threads: plain data. Errors: ERROR_CONFIG naming the address, with a hint.
 * Limits: none.
 */
#ifndef ROWLOCK_NET_ADDRESS_H
#define ROWLOCK_NET_ADDRESS_H

#include <sys/socket.h>

#include "base/error.h"

/* An address `HOST:PORT`, `[V6]:PORT`, or `:PORT` (all interfaces). Only numeric hosts and
 * `localhost`: nothing is looked up. */
struct address {
	struct sockaddr_storage sockaddr;
	char text[64]; /* HOST:PORT as it is shown */
	bool loopback;
};
bool address_parse(struct str text, struct address *ret_address, struct error *error);
/* Fails when a process, this one included, listens on the address already. SO_REUSEPORT would let
 * two servers of one user share an address without a word; so the first loop asks before it binds.
 * True for port 0. */
bool address_check_free(const struct address *address, struct error *error);
/* Writes HOST:PORT, or [V6]:PORT. */
void address_format(const struct sockaddr *sockaddr, char ret_text[64]);
/* Bytes of the sockaddr that its family uses. */
socklen_t address_bytes(const struct address *address);
/* Sets "cannot listen on ..." for an errno, and a hint; returns false. */
bool address_refused(const struct address *address, int errnum, struct error *error);

#endif
