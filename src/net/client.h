/*
 * Outgoing HTTP requests on a loop, through libcurl: to addresses of the service file only, never
 * to one that came in a message. No redirects are followed, no proxies of the environment are used.
 *
 * A request may reach the server twice, when a kept connection breaks before an answer; so only
 * what bears repetition is sent. Names are looked up on threads; nothing blocks the loop.
 *
 * Ownership: client_create() to client_close(). A request is the caller's memory until `done`.
 * Threads: the loop's. Errors: client_answer.problem.
 * Limits: 16 connections to a server, 64 in all, the rest wait; each request has its own time and
 * size.
 */
#ifndef ROWLOCK_NET_CLIENT_H
#define ROWLOCK_NET_CLIENT_H

#include "base/buf.h"

struct client;
struct client_request;
struct client_transfer;
struct loop;

struct client_answer {
	int status;          /* 0: none came */
	struct str body;     /* "" when the request takes parts */
	const char *problem; /* NULL: the answer is whole; else why it is not, for people */
	bool sent;           /* the server may have got the request */
	struct client_transfer *transfer;
};

struct client_request {
	const char *method;
	struct str url;    /* http: or https: */
	struct str fields; /* further fields, each ended by "\r\n" */
	struct str body;
	uint64_t timeout_ms; /* from now to the end of the answer */
	size_t answer_bytes; /* of the body; a longer one is a problem */
	/* Takes the body of an answer with this status as it comes. False: no more until
	 * client_resume(). NULL: the body is kept for `done`. May not call functions of a client. */
	bool (*part)(struct client_request *request, int status, struct str bytes);
	/* Called once, never before client_start() returns; not after client_cancel(). */
	void (*done)(struct client_request *request, const struct client_answer *answer);

	struct client_transfer *transfer; /* its own, from here on */
};

/* NULL when this program was built without libcurl. */
struct client *client_create(struct loop *loop);
/* No request is under way. Accepts NULL. It frees itself while the loop runs to its end. */
void client_close(struct client *client);
void client_start(struct client *client, struct client_request *request);
/* The request is the caller's again; nothing is called any more. Not within `part`. */
void client_cancel(struct client_request *request);
/* Goes on with a body after `part` was false. Not within `part`. */
void client_resume(struct client_request *request);
/* A field of the answer whose body comes, within `part`; the first of that name; "" without one. */
struct str client_request_field(const struct client_request *request, const char *name);
/* A field of the answer, within `done`; the first of that name; "" without one. */
struct str client_answer_field(const struct client_answer *answer, const char *name);

#endif
