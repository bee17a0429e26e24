/*
 * One request under way, from the router to its answer.
 *
 * Ownership: lives in the exchange's arena. Threads: its loop's; while a write runs, its companion
 * is the store's. Errors: call_fail() answers them. Limits: none of its own.
 */
#ifndef ROWLOCK_API_CALL_H
#define ROWLOCK_API_CALL_H

#include "api/accept.h"
#include "api/api.h"
#include "api/companion.h"
#include "api/mount.h"
#include "api/preferences.h"
#include "api/router.h"
#include "auth/auth.h"
#include "cache/redis.h"
#include "http/http.h"
#include "link/user.h"
#include "query/check.h"
#include "store/store.h"

/* What is sent. `fields` is the answer's buffer, to be added to. */
struct reply {
	int status;
	struct str content_type; /* "" for none */
	struct str body;
	struct buf *fields;
	struct error error; /* with a code: this is answered, with `status` when that is not 0 */
};

/* Fills in a reply from what the store says. */
typedef void compose_reply(struct call *call, const struct store_result *result,
						   struct reply *reply);

struct call {
	struct http_exchange *exchange;
	const struct http_request *request;
	struct arena *arena;
	struct api_binding
		*binding;              /* the service on this loop; holds it while the call is under way */
	const struct mount *mount; /* of the gateway that it came through; NULL: none */
	struct str path;           /* of the request, as the service has it */
	struct str peer;           /* who sends it, beyond the proxies that are trusted */
	const struct operation *operation; /* NULL: no path or method matched */
	struct auth_caller caller;         /* held until the call ends */
	const struct principal *principal; /* who sends it; NULL: the service has no `auth` */
	struct caller asker;               /* of it; see call_caller() */
	uint64_t retry_after_s;            /* for a Retry-After; 0: the usual */
	struct router_match match;
	struct query query;
	struct store_request store;
	struct store_version_request version; /* of a read */
	struct redis_lookup lookup;           /* of a read */
	const struct plan *plan;              /* of the route that answers */
	compose_reply *compose;
	/* After a write that went well: goes on with the call instead of answering. NULL: answers. */
	void (*proceed)(struct call *call);
	/* Called before a list is streamed: status and fields; the body comes later. */
	compose_reply *stream_head;
	bool streaming;
	bool asked_holders;             /* links_held() was tried */
	bool written;                   /* the write is committed; what is read is its answer */
	struct str content_type;        /* of the rows */
	struct preferences preferences; /* general API */
	struct companion companion;     /* of a write */
	struct link_write *link;        /* of one whose rows refer to others' rows; NULL: none */
	struct query_batches *scan;     /* its rows, as they are read beforehand; NULL: none */
	const struct body_options *body_options; /* of a body in batches */
	struct buf cursor;                       /* of the last row, when the query asks for it */
	struct str cache_key;                    /* arena: where the answer is kept; "": nowhere */
	struct cached_answer kept;               /* what is said of a stream that is to be kept */
	struct buf kept_body;                    /* of it, so far; max_bytes 0: none is kept */
	uint64_t id;                             /* of the request, for the log */
	uint64_t times_ns[3]; /* with limits->server_timing: begun, at the store, done */
};

/* When a request has come in. */
void call_begin(struct call *call);
/* When it was answered, or its client has gone. */
void call_finish(struct call *call);
/* Runs call->query on the store and answers with what `compose` makes of the result; errors are
 * answered. */
void call_run(struct call *call, compose_reply *compose);
/* A write went well: goes on to its answer. */
void call_written(struct call *call, const struct store_result *result);
/* The rows in call->store.body. */
void reply_rows(struct call *call, struct reply *reply, int status);
/* Adds a field; the value must hold no CR or LF. */
void reply_add(struct reply *reply, struct str name, struct str value);

void call_answer(struct call *call, int status, struct str content_type, struct str body);
void call_answer_empty(struct call *call, int status);
void call_fail(struct call *call, const struct error *error);
/* The same with a status other than the table's. */
void call_fail_status(struct call *call, int status, const struct error *error);
/* Adds a field to the answer, before it is given. */
void call_add_field(struct call *call, struct str name, struct str value);

/* Who asks, for check. */
const struct caller *call_caller(struct call *call);
/* What rules made of who asks, of call->query: it is part of what tells answers apart. */
static inline struct str call_rules_key(const struct call *call)
{
	return call->query.rules != NULL ? call->query.rules->key : (struct str){NULL, 0};
}
/* `Cache-Control`: of an answer to a caller with a token nobody else keeps a copy. */
void call_add_cache_control(struct call *call);

static inline const struct limits *call_limits(const struct call *call)
{
	return &call->binding->service->model->limits;
}

#endif
