/*
 * From the bytes of a connection to calls of the handler.
 *
 * Ownership: bytes lie in the block of the connection, bodies in it or in the exchange.
 * Threads: the server's loop. Errors: are answered to the client.
 * Limits: those of the parser and of bodies.
 */
#ifndef ROWLOCK_HTTP_INPUT_H
#define ROWLOCK_HTTP_INPUT_H

#include "http/http_priv.h"

/* Parses requests and calls the handler until it owes an answer or bytes are missing. */
void http_input_consume(struct http_connection *connection);
void http_input_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf);
void http_input_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf);

#endif
