/*
 * What a route of a service file says: which requests it takes, and what they do.
 *
 * Ownership: parts of a model, in its arena. Threads: immutable once loaded. Errors: none.
 * Limits: those of model.h.
 */
#ifndef ROWLOCK_MODEL_ROUTE_H
#define ROWLOCK_MODEL_ROUTE_H

#include "model/model_report.h"
#include "model/reference.h"

enum route_action {
	ACTION_REPLY, /* touches no rows */
	ACTION_LIST,
	ACTION_GET,
	ACTION_INSERT,
	ACTION_UPSERT,
	ACTION_REPLACE,
	ACTION_UPDATE,
	ACTION_DELETE,
};

enum reply_kind { REPLY_NONE, REPLY_JSON, REPLY_TEXT, REPLY_STATUS };

struct segment {
	struct str text; /* literal, or the name of the parameter */
	bool parameter;
};

struct route {
	struct str method; /* GET, PUT, … */
	struct str path;   /* as it was written, without trailing slash */
	struct place place;
	const struct segment *segments;
	size_t segment_count;
	enum route_action action;
	const struct resource *resource; /* NULL for ACTION_REPLY */
	struct text select;              /* "" when not given */
	struct text order;
	const struct text *where;
	size_t where_count;
	struct str from; /* "" : the body itself holds the rows */
	struct field_list needs;
	const struct field *values; /* answer a list of bare values; NULL: objects */
	int empty_status;           /* answered instead of an empty list; 0: none */
	const struct route *then;   /* of a write: the read that answers in its place; NULL: none */
	enum reply_kind reply;
	struct str reply_text; /* JSON or text */
	int reply_status;
};

/* Paths of PEM files; both "" for plain HTTP. */
struct tls_files {
	struct text certificate;
	struct text key;
};

enum { MODEL_PROXIES_MAX = 100 };

#endif
