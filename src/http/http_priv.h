/*
 * The data that the files of http/ share: the server of one loop, its connections, and the exchange
 * that a connection has while a request is read or answered.
 *
 * Ownership: a server owns its connections, a connection its exchange, block and output. Blocks and
 * exchanges come from the server's pools: an idle connection has none of them.
 * Threads: all of it belongs to the server's loop; only counters are read by others.
 * Errors: none. Limits: struct limits, and the constants below.
 */
#ifndef ROWLOCK_HTTP_HTTP_PRIV_H
#define ROWLOCK_HTTP_HTTP_PRIV_H

#include <assert.h>
#include <stdatomic.h>
#include <uv.h>

#include "http/body.h"
#include "http/chunked.h"
#include "http/gzip.h"
#include "http/http.h"
#include "http/parser.h"
#include "http/response.h"
#include "net/loop.h"
#include "net/tls.h"

#define HTTP_BLOCK_BYTES KIB(8)
/* Pieces of memory below it are not counted against the budget, and are kept for the next use. */
#define HTTP_SMALL_BYTES KIB(64)
/* A body of this size and more is handed to the kernel from where it lies, not copied. */
#define HTTP_COPY_BYTES KIB(16)
/* No answer or part of one is longer: libuv counts in 32 bits. */
#define HTTP_WRITE_BYTES MIB(1024)
/* A stream stops its writer above the first and lets it go on below the second. */
#define HTTP_STREAM_HIGH_BYTES KIB(256)
#define HTTP_STREAM_LOW_BYTES KIB(128)
#define HTTP_CHUNK_BYTES KIB(16)
/* So many answers wait for the end of the turn. */
#define HTTP_LATE_MOST 64
/* After an error the rest of the input is read and dropped, so that the client sees the answer. */
#define HTTP_LINGER_BYTES MIB(8)
#define HTTP_LINGER_MS 1000
/* A body may be slow for this long. */
#define HTTP_BODY_GRACE_MS 5000

/* A ring of things embedded in other structs; an unlinked one points to itself. */
struct http_link {
	struct http_link *prev, *next;
};

/* Memory to read into. */
struct http_block {
	struct http_block *next; /* in the pool */
	size_t capacity;
	char bytes[];
};

/* Deadlines of one class are all equally long, so each list is in the order of its deadlines. */
enum http_deadline {
	HTTP_DEADLINE_HEADER,
	HTTP_DEADLINE_BODY,
	HTTP_DEADLINE_IDLE,
	HTTP_DEADLINE_STALL,
	HTTP_DEADLINE_LINGER,
	HTTP_DEADLINES,
	HTTP_DEADLINE_NONE = HTTP_DEADLINES,
};

enum http_phase {
	HTTP_PHASE_IDLE,      /* between requests */
	HTTP_PHASE_HEAD,      /* some bytes of a head are there */
	HTTP_PHASE_BODY,      /* the head is, the body is not */
	HTTP_PHASE_HANDLING,  /* the handler owes an answer */
	HTTP_PHASE_STREAMING, /* the handler writes one */
	HTTP_PHASE_ENDING,    /* nothing more is read; what was answered goes out */
	HTTP_PHASE_LINGER,    /* input is read and dropped */
	HTTP_PHASE_CLOSED,    /* the handle is closed, or about to be */
};

/* What the kernel did not take at once. */
struct http_output {
	uv_write_t write;
	struct buf sending; /* in the hands of uv_write() */
	struct buf waiting; /* what came since */
	size_t accounted;   /* counted in shared->memory_bytes */
	size_t seen_bytes;  /* the queue when the reader last took something */
	uint64_t seen_ms;   /* when that was */
};

struct http_connection {
	uv_tcp_t tcp;
	struct http_server *server;
	struct http_exchange *exchange;
	struct http_block *block; /* holds [from, to): bytes that were read but not consumed */
	size_t from, to;
	struct http_output *output; /* NULL: all that was written is sent */
	struct http_secure *secure; /* owned; NULL: no TLS */
	struct http_link all;       /* in server->connections */
	struct http_link timed;     /* in server->deadlines[deadline] */
	uint64_t deadline_ms;
	uint64_t lingered_bytes;
	enum http_deadline deadline;
	enum http_phase phase;
	bool reading;
	bool ended;         /* the client sends no more */
	bool linger;        /* bytes may come that nobody will read */
	bool processing;    /* http_connection_process() is on the stack */
	bool handle_closed; /* uv is done with tcp */
	bool fresh;         /* nothing was ever received */
	bool late;          /* in server->late */
	char peer[48];
};

struct http_exchange {
	struct http_connection *connection;
	struct http_parser parser;
	struct http_request request;
	struct http_chunked chunked;
	struct arena arena;
	struct http_body body; /* of the request, when it is not in the block */
	uint64_t body_limit;
	uint64_t body_begun_ms;
	uint64_t body_received; /* on the wire */
	uint64_t begun_ns;      /* when the handler was called; only when `finished` asks */
	struct buf buffers[2];  /* the handler's */
	void *data;
	int status; /* sent; 0 before */
	uint64_t sent_bytes;
	bool in_handler;
	bool streaming;
	bool answered;
	bool close;             /* end the connection after the answer */
	bool discard;           /* HEAD: parts of a stream are counted, not sent */
	bool plain;             /* a stream for HTTP/1.0: no chunks */
	struct buf part;        /* of a stream, not sent yet */
	struct http_gzip *gzip; /* NULL unless the stream is compressed */
	struct http_link dirty; /* in server->dirty while `part` waits for the end of the turn */
	void (*resume)(void *context);
	void *resume_context;
	struct http_exchange *next; /* in the pool */
	struct http_field fields[]; /* limits->header_fields */
};

struct http_counters {
	_Atomic uint64_t connections, accepted, refused, requests, bad_requests, bytes_in, bytes_out;
	_Atomic uint64_t handshakes, handshake_failures;
};

/* An answer in server->out that is sent when the turn ends. */
struct http_late {
	struct http_connection *connection; /* NULL: it has closed */
	size_t from, bytes;
};

struct http_server {
	struct http_server_options options;
	const struct limits *limits;
	struct http_shared *shared;
	struct http_shared own_shared; /* when the options name none */
	struct loop *loop;
	uv_tcp_t listener;
	bool started, accept_waits;
	bool draining, listener_closed, drained;
	uv_timer_t drain_timer; /* keeps the loop running until all is answered */
	void (*drain_done)(void *context);
	void *drain_context;
	struct loop_tick tick;
	struct task turn_task; /* sends what waits for the end of the turn: `late`, `dirty` */
	bool turn_task_queued;
	struct http_link dirty;
	struct http_link connections;
	struct http_link deadlines[HTTP_DEADLINES];
	uint64_t deadline_ms[HTTP_DEADLINES]; /* how long each is */
	struct http_block *block;             /* where the next bytes are read to */
	struct http_block *free_blocks;
	size_t free_block_count;
	struct http_exchange *free_exchanges;
	size_t free_exchange_count;
	struct buf out; /* answers not yet written: those of `late`, then all of `corked` */
	struct http_connection *corked;
	size_t corked_at;
	struct http_late late[HTTP_LATE_MOST];
	size_t late_count;
	struct buf packed;       /* a compressed body */
	struct buf sealed;       /* what TLS has written; empty between calls */
	char *wire;              /* owned: what was read and is not decrypted; NULL before */
	struct http_link unread; /* of TLS: connections that read again */
	struct http_gzip *gzip;
	char date[HTTP_DATE_BYTES];
	int64_t date_second;
	struct http_counters counters;
};

static inline void http_link_init(struct http_link *link)
{
	link->prev = link;
	link->next = link;
}

static inline void http_link_remove(struct http_link *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	http_link_init(link);
}

static inline void http_link_append(struct http_link *list, struct http_link *link)
{
	link->prev = list->prev;
	link->next = list;
	list->prev->next = link;
	list->prev = link;
}

#define HTTP_CONTAINER(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

/* Only the loop writes, so it needs no atomic addition. */
static inline void http_count(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
						  memory_order_relaxed);
}

#endif
