/*
 * TLS between a connection's socket and the rest of http: what is read is decrypted before
 * http_input_read() sees it, what is written is encrypted before http_output_raw() sends it. A
 * connection without TLS has `secure` NULL and comes by here never.
 *
 * Ownership: a connection owns its struct http_secure. Threads: the server's loop.
 * Errors: a client that speaks no TLS is told so and cut; plain HTTP gets a 400.
 * Limits: as much is decrypted as the connection has room for; the rest waits, at most what one
 * read brought.
 */
#ifndef ROWLOCK_HTTP_SECURE_H
#define ROWLOCK_HTTP_SECURE_H

#include "http/http_priv.h"

void http_secure_server_init(struct http_server *server);
void http_secure_server_finish(struct http_server *server);
/* For a connection that was just accepted, when the server has TLS. */
void http_secure_open(struct http_connection *connection);
/* Accepts a connection without it. */
void http_secure_close(struct http_connection *connection);
/* As uv_read_start(); what waited is decrypted when the turn ends. */
int http_secure_read_start(struct http_connection *connection);
/* The texts, encrypted. */
void http_secure_write(struct http_connection *connection, const uv_buf_t *bufs, unsigned count);
/* Tells the client that nothing more comes, once. May close the connection. */
void http_secure_goodbye(struct http_connection *connection);
/* Goes on with connections that read again. */
void http_secure_end_turn(struct http_server *server);

#endif
