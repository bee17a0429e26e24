/*
 * One request under way, from the router to its answer.
 *
 * Ownership: lives in the exchange's arena. Threads: its loop's. Errors: call_fail() answers them.
 * Limits: none of its own.
 */
#ifndef ROWLOCK_API_CALL_H
#define ROWLOCK_API_CALL_H

#include "api/api.h"
#include "api/preferences.h"
#include "api/router.h"
#include "http/http.h"
#include "store/store.h"

struct call {
	struct http_exchange *exchange;
	const struct http_request *request;
	struct arena *arena;
	struct api_binding
		*binding; /* the service on this loop; holds it while the call is under way */
	const struct operation *operation; /* NULL: no path or method matched */
	struct router_match match;
	struct query query;
	struct store_request store;
	void (*answer)(struct call *call, const struct store_result *result);
	/* Called before a list is streamed: adds fields, and gives the status; NULL: 200. */
	int (*stream_head)(struct call *call);
	bool streaming;
	struct preferences preferences; /* general API */
	uint64_t id;                    /* of the request, for the log */
};

/* Runs call->query on the store; `answer` is called when it went well, errors are answered. */
void call_run(struct call *call,
			  void (*answer)(struct call *call, const struct store_result *result));
/* Answers with the rows in call->store.body. */
void call_answer_rows(struct call *call, int status);
void call_answer(struct call *call, int status, struct str content_type, struct str body);
void call_answer_empty(struct call *call, int status);
void call_fail(struct call *call, const struct error *error);
/* The same with a status other than the table's. */
void call_fail_status(struct call *call, int status, const struct error *error);
/* Adds a field to the answer; the value must hold no CR or LF. */
void call_add_field(struct call *call, struct str name, struct str value);

#endif
