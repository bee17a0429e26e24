/*
 * Answers of unknown length, sent in chunks under back-pressure.
 *
 * Ownership: parts are copied.
 * Threads: the server's loop. Errors: a part that cannot be kept ends the connection.
 * Limits: 256 KiB wait.
 */
#ifndef ROWLOCK_HTTP_STREAM_H
#define ROWLOCK_HTTP_STREAM_H

#include "http/http_priv.h"

/* Sends the parts that were written in this turn of the loop. */
void http_streams_flush(struct http_server *server);
/* Calls what waits for room, if there is room or the connection is gone. */
void http_stream_wake(struct http_connection *connection);
/* Frees what a stream holds. */
void http_stream_finish(struct http_exchange *exchange);

#endif
