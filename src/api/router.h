/*
 * From a path to what is there: a tree of path segments, literal ones before parameters.
 *
 * Ownership: nodes are arena. Threads: immutable once built.
 * Errors: none; a path that is not there gives NULL. Limits: ROUTER_PARAMETERS a path.
 */
#ifndef ROWLOCK_API_ROUTER_H
#define ROWLOCK_API_ROUTER_H

#include "base/arena.h"
#include "http/http.h"

enum { ROUTER_PARAMETERS = 16 };

struct call;
struct plan;
struct resource;
struct segment;

/* What one method does at one path. */
struct operation {
	void (*run)(struct call *call);
	enum http_method method;
	struct str pattern;      /* the path as it was declared: the label in logs and metrics */
	const struct plan *plan; /* a route of the service file; NULL elsewhere */
	const struct resource *resource; /* the general API; NULL elsewhere */
	bool own_errors;                 /* errors take the shape of the service file */
	bool open;                       /* needs no token */
	bool inner;                      /* between services: in no document */
	size_t number;
};

/* Everything at one path. */
struct endpoint {
	const struct operation *operations[HTTP_METHODS]; /* NULL: 405. HEAD is GET's. */
	const struct segment *segments; /* arena; parameters are named as by the first operation */
	size_t segment_count;
	struct endpoint *next; /* in the order in which paths were added */
};

struct router_node;

struct router {
	struct arena *arena; /* borrowed */
	struct router_node *root;
	struct endpoint *endpoints; /* all of them; NULL: none */
	struct endpoint *last;
};

/* The decoded texts of the path's parameters, in order. */
struct router_match {
	const struct endpoint *endpoint;
	struct str parameters[ROUTER_PARAMETERS];
	size_t parameter_count;
};

void router_init(struct router *router, struct arena *arena);
/* Adds an operation at its path. False when that method is there already: the first one stays. */
bool router_add(struct router *router, const struct segment *segments, size_t count,
				const struct operation *operation);
/* False when nothing is at this path. One trailing slash is ignored. Literals are compared with the
 * percent-decoded segment. */
bool router_find(const struct router *router, struct str path, struct arena *arena,
				 struct router_match *ret_match);
/* Methods of an endpoint for `Allow`: "OPTIONS,GET,HEAD,PUT". */
void endpoint_allow(const struct endpoint *endpoint, struct buf *text);

#endif
