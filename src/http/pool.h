/*
 * Blocks and exchanges that are used again, and the memory budget of the process.
 *
 * Ownership: what is taken is given back to the same server.
 * Threads: the server's loop. Errors: out of memory aborts.
 * Limits: 256 blocks and 128 exchanges are kept; limits->memory_bytes.
 */
#ifndef ROWLOCK_HTTP_POOL_H
#define ROWLOCK_HTTP_POOL_H

#include "http/http_priv.h"

struct http_block *http_block_take(struct http_server *server);
struct http_block *http_block_create(size_t capacity);
void http_block_give(struct http_server *server, struct http_block *block);
struct http_exchange *http_exchange_take(struct http_connection *connection);
void http_exchange_give(struct http_server *server, struct http_exchange *exchange);
void http_pools_finish(struct http_server *server);
/* Empties a buffer; one that has grown above `keep_bytes` gives its memory back. */
void http_buf_reuse(struct buf *buf, size_t keep_bytes);
/* Counts a piece of memory whose size is now `bytes`; *accounted is what was counted for it. */
void http_account(struct http_server *server, size_t *accounted, size_t bytes);
/* Would `bytes` more pass the memory budget of the process? */
bool http_over_budget(const struct http_server *server, size_t bytes);

#endif
