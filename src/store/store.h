/*
 * A place where rows live, behind one table of functions. The program opens a store once and
 * attaches one session a loop; sessions run checked queries and call back on their loop.
 *
 * Ownership: a request is the caller's memory from store_run() until `done`, which is called
 * exactly once, perhaps before store_run() returns.
 * Threads: a session belongs to its loop; open and close to the main thread.
 * Errors: of the table in base/error.h; constraint errors carry SQLSTATE codes on every store.
 * Limits: deadlines, queues and output sizes of struct limits.
 */
#ifndef ROWLOCK_STORE_STORE_H
#define ROWLOCK_STORE_STORE_H

#include "net/loop.h"
#include "query/query.h"

struct store;         /* a back end's own; begins with struct store_base */
struct store_session; /* a back end's own; begins with struct store_session_base */
struct store_migrator;

struct store_result;
struct store_transaction; /* a back end's own: the write transaction of one request */

/* See store_secret(). */
enum { STORE_SECRET_BYTES = 128 };

enum companion_verdict {
	COMPANION_GO_ON,
	COMPANION_FAIL, /* with the error: all is rolled back */
	COMPANION_ANSWERED,
	COMPANION_ROLL_BACK,
};

/*
 * What rides along with a write, in the same transaction, without the store knowing its meaning:
 * preconditions, kept answers of repeated requests, decisions about the outcome. Both functions are
 * called on the store's thread, while the loop leaves the request alone; each may be called again
 * when a transaction is repeated. Either may be NULL.
 */
struct store_companion {
	/* Before the request's own statements. With COMPANION_ANSWERED these are left out, and the
	 * transaction commits as it is. */
	enum companion_verdict (*before)(struct store_companion *companion,
									 struct store_transaction *transaction, struct error *error);
	/* After them, when they went well. COMPANION_ROLL_BACK keeps the answer and undoes the rest. */
	enum companion_verdict (*after)(struct store_companion *companion,
									struct store_transaction *transaction,
									const struct store_result *result, struct error *error);
};

struct store_result {
	/* With request->want_version: the version of the very snapshot that the rows were read from,
	 * before the first part; has_version is false when nothing can be said of it. */
	uint64_t version;
	bool has_version;
	uint64_t rows;     /* in the answer, or changed */
	uint64_t inserted; /* of an insert or upsert: rows that are new */
	uint64_t total;    /* rows that match, when query->total */
	int64_t made_key;  /* integer key that the store made for the last row inserted */
	bool has_made_key;
	bool streamed;    /* the rows went through `part`, not into `body` */
	uint64_t tag;     /* of the one row, when query->tag_count > 0: a hash of all its values */
	bool rolled_back; /* a companion asked for it */
	bool answered;    /* a companion had the answer: nothing else was done */
};

struct store_request {
	const struct query *query; /* lives until done */
	struct buf *body;          /* rows are written here in query->format; empty at first */
	/* JSON array of the last row's cursor values, when query->cursor_count > 0; such an answer is
	 * never handed out in parts. */
	struct buf *cursor;
	struct store_companion *companion; /* of a write; NULL: none */
	/* Called once, on the session's loop. `error` is NULL when it went well. After parts were
	 * handed out an error means that the answer must be cut. */
	void (*done)(struct store_request *request, const struct store_result *result,
				 const struct error *error);
	/* A further part of a large LIST, in order, on the loop; the bytes are borrowed for the call.
	 * Returns false when it wants no more until store_resume(). A total is in `result` before the
	 * first part. NULL: a LIST that does not fit limits->memory_bytes fails. */
	bool (*part)(struct store_request *request, struct str bytes);
	uint64_t deadline_ms; /* loop_now_ms() after which it fails; 0: by limits->read_ms, write_ms */
	bool want_version;    /* of a read: see struct store_result */
	/* The caller's `Authorization`, for rows of services that it is passed on to; "": none. */
	struct str token;

	/* The store's own, from here on. */
	struct task task;
	struct store_session *session;
	struct store_request *next;
	void *work;
	uint64_t expires_ms; /* the deadline that holds */
	struct store_result result;
	struct error error;
};

/* A question for the version of all that a query reads; the caller's memory until `done`. */
struct store_version_request {
	const struct query *query; /* lives until done */
	/* Called once, on the session's loop, perhaps before store_version_ask() returns. Without
	 * `known` nothing can be said: a write to some of it is under way, the store keeps no versions
	 * or cannot be reached. */
	void (*done)(struct store_version_request *request, bool known, uint64_t version);

	/* The store's own, from here on. */
	struct task task;
	struct store_session *session;
	struct store_version_request *next;
	void *work;
};

struct store_options {
	const struct model *model;
	bool existing;  /* the database is somebody's: nothing is made in it */
	bool read_only; /* and nothing is written: others may write it meanwhile */
	const struct limits *limits;
	struct str location; /* what follows the scheme: a file's path */
	/* Called, on any thread, when the store cannot go on (a failed sync): the program must end
	 * without answering anything more. Does not return. */
	void (*fatal)(void *context, const struct error *error);
	void *context;
};

struct store_stats {
	uint64_t reads_inline;
	uint64_t reads_worker;
	uint64_t reads_refused; /* the workers' queue was full */
	uint64_t writes;        /* committed */
	uint64_t writes_failed; /* rolled back */
	uint64_t groups;        /* commits */
	uint64_t write_queue;   /* waiting now */
	uint64_t read_queue;
	uint64_t checkpoints;
	uint64_t wal_bytes;
	uint64_t group_sizes[8]; /* commits of 1, 2-3, 4-7, … 128 and more writes */
	/* Of a database server. */
	uint64_t connections;      /* made or being made */
	uint64_t connection_queue; /* requests that wait for one */
	uint64_t retries;          /* of writes that the server gave up */
};

struct describe_options {
	struct str url;    /* of the store, for the text */
	struct str listen; /* "" for none */
	bool write;        /* else every resource is read only */
	/* Set to whether the database has the table for kept answers (model->kept_answers). May be
	 * NULL. */
	bool *keeps_answers;
};

struct store_ops {
	const char *scheme; /* "sqlite" */
	/* Opens, recovers, makes the tables on an empty database. NULL with ERROR_CONFIG or ERROR_STORE
	 * and a hint when it cannot, or when the schema differs from the model. */
	struct store *(*open)(const struct store_options *options, struct error *error);
	/* All sessions are detached. */
	void (*close)(struct store *store);
	/* A service file was read again: checks that the schema is the one of `model` too, and uses it
	 * from then on. Requests of the old model may be under way. Any thread. */
	bool (*adopt)(struct store *store, const struct model *model, struct error *error);
	struct store_session *(*attach)(struct store *store, struct loop *loop, struct error *error);
	/* No request of the session is under way. */
	void (*detach)(struct store_session *session);
	void (*run)(struct store_session *session, struct store_request *request);
	/* Goes on with a request whose `part` returned false. */
	void (*resume)(struct store_session *session, struct store_request *request);
	/* The client has gone: a stream may end early; `done` is still called. */
	void (*cancel)(struct store_session *session, struct store_request *request);
	void (*stats)(const struct store *store, struct store_stats *ret_stats);
	/* See store_version_ask(). NULL: the store keeps none. */
	void (*version_ask)(struct store_session *session, struct store_version_request *request);
	/* See store_secret(). NULL: the store keeps none. */
	bool (*secret)(const struct store *store, unsigned char ret_secret[STORE_SECRET_BYTES]);
	/* Runs a query inside the transaction of a request; see store_transaction_run(). */
	bool (*transaction_run)(struct store_transaction *transaction, const struct query *query,
							struct buf *body, struct store_result *ret_result, struct error *error);
	/* See store_describe(). NULL: the store cannot. */
	bool (*describe)(struct str location, const struct describe_options *options, struct buf *yaml,
					 struct error *error);
	/* See store/migrator.h. NULL: the store cannot. */
	struct store_migrator *(*migrate)(struct str location, bool make, struct error *error);
};

struct store_transaction_base {
	const struct store_ops *ops;
};

struct store_base {
	const struct store_ops *ops;
};

struct store_session_base {
	const struct store_ops *ops;
};

/* By the URL's scheme (`sqlite:FILE`, `memory:`): ERROR_CONFIG names the known ones. The options'
 * location is set from the URL. */
struct store *store_open(struct str url, struct store_options *options, struct error *error);
/* Accepts NULL. */
void store_close(struct store *store);
bool store_adopt(struct store *store, const struct model *model, struct error *error);
struct store_session *store_attach(struct store *store, struct loop *loop, struct error *error);
/* Accepts NULL. */
void store_detach(struct store_session *session);
void store_run(struct store_session *session, struct store_request *request);
void store_resume(struct store_request *request);
void store_cancel(struct store_request *request);
/* A hash of the versions of all that the query reads. Taken before the query runs, or with it
 * (want_version), it is the answer's: as long as it stays the same, so does the answer. A version
 * never comes back once it has changed. */
void store_version_ask(struct store_session *session, struct store_version_request *request);
/* Random bytes that are the same for all programs on one database, and that only these can know.
 * False when the store keeps none. */
bool store_secret(const struct store *store, unsigned char ret_secret[STORE_SECRET_BYTES]);
/* Runs a query inside the transaction of a request: any action, without companions, streams or
 * totals. `body` gets the rows. For companions, on the thread that called them. */
bool store_transaction_run(struct store_transaction *transaction, const struct query *query,
						   struct buf *body, struct store_result *ret_result, struct error *error);
/* The service file of an existing database: every table and view with its keys, references, types
 * and constraints. Makes nothing. ERROR_CONFIG or ERROR_STORE with a hint. */
bool store_describe(struct str url, const struct describe_options *options, struct buf *yaml,
					struct error *error);
void store_get_stats(const struct store *store, struct store_stats *ret_stats);

#endif
