/*
 * Reads across services, in files: remote.c is the session and runs a request in a fiber;
 * remote_join.c reads the tree level by level; remote_stream.c asks for the rows of one level;
 * remote_rows.c reads them; remote_text.c writes what is asked.
 *
 * Ownership: a run owns what belongs to one request. Threads: the loop's. Errors, Limits: remote.h.
 */
#ifndef ROWLOCK_LINK_REMOTE_PRIV_H
#define ROWLOCK_LINK_REMOTE_PRIV_H

#include "base/limits.h"
#include "base/map.h"
#include "link/remote.h"
#include "link/remote_rows.h"
#include "link/remote_text.h"
#include "net/client.h"
#include "net/fiber.h"

struct remote_session {
	struct store_session_base base;
	struct loop *loop;
	struct store_session *local;
	struct client *client;
	struct limits limits;
	struct fiber_pool fiber_pool;
	struct loop_tick tick;
	struct remote_run *runs;
};

/* One request, on its fiber's stack. */
struct remote_run {
	struct remote_session *session;
	struct store_request *request;
	struct fiber *fiber;
	struct error *error; /* the request's */
	struct arena arena;  /* of the plan */
	struct remote_run *next, *previous;
	struct task wake;
	bool wake_posted;
	bool waiting;            /* for a stream or for the caller */
	uint64_t expires_ms;     /* of the wait; UINT64_MAX: none */
	bool late;               /* it is over */
	uint64_t head_ms;        /* until when the first row must be there */
	bool first_row;          /* it is */
	bool paused, delivering; /* the caller wants no more; is inside its part() */
	bool streaming;
	bool stop; /* the client has gone */
};

/* Gives the thread back until something happens; the caller looks what. */
void remote_wait(struct remote_run *run, uint64_t expires_ms);
/* Something has happened: the fiber goes on when this turn of the loop ends. */
void remote_wake(struct remote_run *run);

/* ---- remote_stream.c ---- */

/* The rows of one question, as they come. */
struct remote_stream {
	struct remote_run *run;
	const struct remote_asks *asks;
	struct remote_rows rows;
	struct arena arena; /* of what is asked */
	bool started;
	bool over;   /* nothing more comes */
	bool paused; /* until what has come is read */
	bool want_total;
	uint64_t total; /* with want_total, once the first row is here */
	bool has_total;
	struct error error; /* with `over`: why it is not whole; ERROR_NONE */
	/* One of the two. */
	struct client_request http;
	struct store_request local;
	struct buf body; /* of `local` */
	struct query query;
};

/* Begins to ask. `asks` and what it leads to live until remote_stream_finish(). */
bool remote_stream_start(struct remote_stream *stream, struct remote_run *run,
						 const struct remote_asks *asks, bool want_total);
/* The next row; waits for it. */
enum row_step remote_stream_next(struct remote_stream *stream, const struct value **ret_values);
/* Ends it wherever it is. Accepts one that was not started, all zero. */
void remote_stream_finish(struct remote_stream *stream);

/* ---- remote_join.c ---- */

struct remote_join;
struct remote_join *remote_join_create(struct remote_run *run, const struct query *query);
void remote_join_destroy(struct remote_join *join);
/* Reads all rows of the query and writes them; calls `wrote` after each. */
bool remote_join_run(struct remote_join *join, struct rows *rows,
					 bool (*wrote)(struct remote_run *run, struct rows *rows));

#endif
