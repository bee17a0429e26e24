#include "http/pool.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* What a pool keeps beyond what is in use. */
#define FREE_BLOCKS 256
#define FREE_EXCHANGES 128
#define FREE_BUFFER_BYTES KIB(32)
#define ARENA_BYTES KIB(4)

/* ---- blocks ---- */

struct http_block *http_block_create(size_t capacity)
{
	struct http_block *block = alloc_bytes(sizeof(*block) + capacity);
	block->next = NULL;
	block->capacity = capacity;
	return block;
}

struct http_block *http_block_take(struct http_server *server)
{
	struct http_block *block = server->free_blocks;
	if (block == NULL) {
		return http_block_create(HTTP_BLOCK_BYTES);
	}
	server->free_blocks = block->next;
	server->free_block_count--;
	return block;
}

void http_block_give(struct http_server *server, struct http_block *block)
{
	if (block->capacity != HTTP_BLOCK_BYTES || server->free_block_count >= FREE_BLOCKS) {
		free(block);
		return;
	}
	block->next = server->free_blocks;
	server->free_blocks = block;
	server->free_block_count++;
}

/* ---- exchanges ---- */

static struct http_exchange *exchange_create(struct http_server *server)
{
	size_t fields = (size_t)server->limits->header_fields;
	struct http_exchange *exchange = alloc_bytes(sizeof(*exchange) +
												 fields * sizeof(exchange->fields[0]));
	memset(exchange, 0, sizeof(*exchange));
	arena_init(&exchange->arena, ARENA_BYTES);
	http_body_init(&exchange->body, server);
	buf_init(&exchange->part, (size_t)server->limits->memory_bytes);
	for (size_t i = 0; i < 2; i++) {
		buf_init(&exchange->buffers[i], (size_t)server->limits->memory_bytes);
	}
	http_link_init(&exchange->dirty);
	return exchange;
}

static void exchange_destroy(struct http_exchange *exchange)
{
	arena_finish(&exchange->arena);
	http_body_finish(&exchange->body);
	buf_finish(&exchange->part);
	for (size_t i = 0; i < 2; i++) {
		buf_finish(&exchange->buffers[i]);
	}
	free(exchange);
}

struct http_exchange *http_exchange_take(struct http_connection *connection)
{
	struct http_server *server = connection->server;
	struct http_exchange *exchange = server->free_exchanges;
	if (exchange == NULL) {
		exchange = exchange_create(server);
	} else {
		server->free_exchanges = exchange->next;
		server->free_exchange_count--;
	}
	exchange->connection = connection;
	return exchange;
}

void http_buf_reuse(struct buf *buf, size_t keep_bytes)
{
	if (buf->capacity > keep_bytes) {
		size_t max_bytes = buf->max_bytes;
		buf_finish(buf);
		buf_init(buf, max_bytes);
	} else {
		buf_clear(buf);
	}
}

void http_exchange_give(struct http_server *server, struct http_exchange *exchange)
{
	if (server->free_exchange_count >= FREE_EXCHANGES) {
		exchange_destroy(exchange);
		return;
	}
	arena_reset(&exchange->arena);
	http_body_clear(&exchange->body, FREE_BUFFER_BYTES);
	http_buf_reuse(&exchange->part, FREE_BUFFER_BYTES);
	http_buf_reuse(&exchange->buffers[0], FREE_BUFFER_BYTES);
	http_buf_reuse(&exchange->buffers[1], FREE_BUFFER_BYTES);
	exchange->request = (struct http_request){.method = HTTP_GET};
	exchange->data = NULL;
	exchange->status = 0;
	exchange->sent_bytes = 0;
	exchange->body_received = 0;
	exchange->streaming = false;
	exchange->answered = false;
	exchange->close = false;
	exchange->discard = false;
	exchange->plain = false;
	exchange->resume = NULL;
	exchange->connection = NULL;
	assert(exchange->gzip == NULL && exchange->dirty.next == &exchange->dirty);
	exchange->next = server->free_exchanges;
	server->free_exchanges = exchange;
	server->free_exchange_count++;
}

void http_pools_finish(struct http_server *server)
{
	while (server->free_blocks != NULL) {
		free(http_block_take(server));
	}
	free(server->block);
	server->block = NULL;
	while (server->free_exchanges != NULL) {
		struct http_exchange *exchange = server->free_exchanges;
		server->free_exchanges = exchange->next;
		exchange_destroy(exchange);
	}
}

/* ---- the memory budget ---- */

void http_account(struct http_server *server, size_t *accounted, size_t bytes)
{
	size_t now = bytes >= HTTP_SMALL_BYTES ? bytes : 0;
	if (now == *accounted) {
		return;
	}
	if (now > *accounted) {
		atomic_fetch_add_explicit(&server->shared->memory_bytes, now - *accounted,
								  memory_order_relaxed);
	} else {
		atomic_fetch_sub_explicit(&server->shared->memory_bytes, *accounted - now,
								  memory_order_relaxed);
	}
	*accounted = now;
}

bool http_over_budget(const struct http_server *server, size_t bytes)
{
	uint64_t used = atomic_load_explicit(&server->shared->memory_bytes, memory_order_relaxed);
	return bytes > server->limits->memory_bytes || used > server->limits->memory_bytes - bytes;
}
