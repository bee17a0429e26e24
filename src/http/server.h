/*
 * What the server of a loop does for its connections.
 *
 * Ownership: the server owns them.
 * Threads: the server's loop. Errors: none.
 * Limits: limits->connections.
 */
#ifndef ROWLOCK_HTTP_SERVER_H
#define ROWLOCK_HTTP_SERVER_H

#include "http/http_priv.h"

/* Something waits for the end of this turn of the loop. */
void http_server_after_turn(struct http_server *server);
/* Something that a drain waits for is over. */
void http_server_check_drained(struct http_server *server);

#endif
