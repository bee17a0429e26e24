/*
 * Reads across services, in files: remote.c is the session and runs a request in a fiber;
 * remote_plan.c says what each level of the tree is asked for; remote_join.c reads it level by
 * level, remote_merge.c side by side; remote_stream.c asks for the rows of one level;
 * remote_rows.c reads them; remote_text.c writes what is asked.
 *
 * Ownership: a run owns what belongs to one request. Threads: the loop's. Errors, Limits: remote.h.
 */
#ifndef ROWLOCK_LINK_REMOTE_PRIV_H
#define ROWLOCK_LINK_REMOTE_PRIV_H

#include "base/limits.h"
#include "base/map.h"
#include "link/remote.h"
#include "link/remote_kept.h"
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
	struct remote_kept *kept;
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
	const struct remote_answer *known; /* NULL: none */
	struct buf seen;                   /* its body, if it may be kept */
	struct str etag;                   /* arena; "" for none */
	struct str known_as;               /* arena: the key under which it may be kept; "": not */
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

/* ---- remote_plan.c ---- */

/* The rows of one parent: they stand together. */
struct remote_group {
	size_t first;
	size_t count;
};

struct remote_level {
	const struct query *query;
	const struct query_embed *embed; /* NULL: the root */
	struct remote_level *children;
	size_t child_count;
	const struct field **extras; /* its keys to the parent, then those that children need */
	size_t extra_count;
	size_t parent_at;         /* in the parent's row: the first of the keys that lead here */
	const struct cond *where; /* what is asked; NULL: every row */
	bool must, must_not;      /* a parent needs rows here; needs none */
	bool filters;             /* some child has must or must_not */
	struct remote_asks asks;
	/* In batches. */
	struct map groups;         /* bytes of the keys -> struct remote_group */
	const struct value **rows; /* owned; the rows are of the batch's arena */
	size_t count, room;
	const struct value *none; /* the row of a parent without any, when it is all aggregates */
	size_t at, end;           /* of the rows that are open */
	bool gives_none;
	/* Merged. */
	bool merged;
	struct remote_stream stream;
	const struct value *ahead; /* the stream's row that is not given yet; NULL: read the next */
	bool dry;
	uint64_t left; /* of the parent's limit */
	struct value last_key, parent_key;
	char last_text[64]; /* of them, when they are texts */
	char parent_text[64];
};

struct remote_join {
	struct row_source base;
	struct remote_run *run;
	struct remote_level root;
	struct remote_level **by_number; /* arena of the run */
	size_t embeds;
	struct arena batch;
	size_t bytes;                /* of the batch */
	struct remote_stream stream; /* of the root */
	bool failed;
};

/* Values of a row of the level: those of its query's fetch, then the extras. */
static inline size_t remote_width(const struct remote_level *level)
{
	return level->query->fetch_count + level->extra_count;
}
/* One more than the highest number of an embed of the tree. */
size_t remote_count_embeds(const struct query *query);
/* Fills the level and those below it. False with ERROR_UNSUPPORTED. */
bool remote_plan(struct remote_join *join, struct remote_level *level);

/* ---- remote_merge.c ---- */

/* Do the rows of the root come in the order of the key that leads to the child? */
bool remote_can_merge(const struct remote_level *root, const struct remote_level *child);
/* Asks for the child's rows from those of this row on. */
bool remote_merge_start(struct remote_join *join, struct remote_level *child,
						const struct value *first);
/* A copy of a key for comparisons; `text` has 64 bytes. */
struct value remote_keep_key(const struct value *key, char *text);
/* Reads on to the first row whose key is not below this one. */
bool remote_merge_to(struct remote_join *join, struct remote_level *child, const struct value *key);
/* Has that row this key? */
bool remote_merge_has(const struct remote_level *child, const struct value *key);
/* The next row of level->parent_key. */
enum row_step remote_merge_next(struct remote_join *join, struct remote_level *level,
								const struct value **ret_values);

/* ---- remote_join.c ---- */

struct remote_join *remote_join_create(struct remote_run *run, const struct query *query);
void remote_join_destroy(struct remote_join *join);
/* Reads all rows of the query and writes them; calls `wrote` after each. */
bool remote_join_run(struct remote_join *join, struct rows *rows,
					 bool (*wrote)(struct remote_run *run, struct rows *rows));

#endif
