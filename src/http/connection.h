/*
 * The life of a connection: what comes after each read, answer and failure.
 *
 * Ownership: the server owns it until its handle is closed and its exchange answered.
 * Threads: the server's loop. Errors: are answered to the client.
 * Limits: limits->connections.
 */
#ifndef ROWLOCK_HTTP_CONNECTION_H
#define ROWLOCK_HTTP_CONNECTION_H

#include "http/http_priv.h"

/* Accepts one. */
void http_connection_open(struct http_server *server);
/* Goes on with what was received, sends what was answered, and settles what comes next. */
void http_connection_process(struct http_connection *connection);
/* The exchange is answered: forgets it. False when the connection is gone, its memory too. */
bool http_connection_answered(struct http_connection *connection);
/* Cuts it: the handle is closed at once. Idempotent. */
void http_connection_close(struct http_connection *connection);
/* The client is gone. */
void http_connection_lost(struct http_connection *connection);
/* Answers an error that http found itself, and ends the connection. `why` NULL: the table's. */
void http_connection_fail(struct http_connection *connection, enum error_code code,
						  const char *why);

#endif
