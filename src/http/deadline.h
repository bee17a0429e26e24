/*
 * The deadlines of connections: one list a class, swept every 100 ms, and no timers.
 *
 * Ownership: none.
 * Threads: the server's loop. Errors: none.
 * Limits: header_ms, body_ms, body_bytes_per_s, idle_ms, stalled_ms.
 */
#ifndef ROWLOCK_HTTP_DEADLINE_H
#define ROWLOCK_HTTP_DEADLINE_H

#include "http/http_priv.h"

void http_deadlines_init(struct http_server *server);
/* Starts one, in place of what ran; NONE stops it. */
void http_deadline_set(struct http_connection *connection, enum http_deadline deadline);
void http_deadlines_sweep(struct http_server *server, uint64_t now_ms);

#endif
