/*
 * What goes to a client: gathered, sent with one write(), kept only when it must wait.
 *
 * Ownership: texts are borrowed during the call.
 * Threads: the server's loop. Errors: a connection that cannot be written to is lost.
 * Limits: 32 bits of length a write.
 */
#ifndef ROWLOCK_HTTP_OUTPUT_H
#define ROWLOCK_HTTP_OUTPUT_H

#include "http/http_priv.h"

/* The buffer for what goes to the connection next. */
struct buf *http_output_cork(struct http_connection *connection);
/* Sends what is corked and then the two texts (which may be empty) without copying them, unless
 * the kernel is short of room. */
void http_output_send(struct http_connection *connection, struct str body, struct str tail);
/* Sends the texts as they are, encrypted or never to be. */
void http_output_raw(struct http_connection *connection, const uv_buf_t *bufs, unsigned count,
					 size_t total);
void http_output_flush(struct http_connection *connection);
/* What is corked is sent when the turn of the loop ends, or before what is corked next. */
void http_output_wait(struct http_connection *connection);
/* Sends all that waits for that. */
void http_output_end_turn(struct http_server *server);
size_t http_output_queued(const struct http_connection *connection);
void http_output_drop(struct http_connection *connection);

/* Drops what is corked of a connection that has closed. */
void http_output_forget(struct http_connection *connection);

#endif
