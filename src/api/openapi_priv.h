/*
 * The parts of the OpenAPI document, for this folder: openapi.c writes the whole, openapi_paths.c
 * the general API and the system pages, openapi_routes.c the routes of the service file,
 * openapi_parameters.c what requests say, openapi_errors.c how they fail, openapi_schemas.c what
 * rows look like.
 *
 * Ownership: struct openapi lives on the stack of openapi_write().
 * Threads, Errors, Limits: see openapi.h.
 */
#ifndef ROWLOCK_API_OPENAPI_PRIV_H
#define ROWLOCK_API_OPENAPI_PRIV_H

#include "api/openapi.h"
#include "api/outline.h"
#include "query/query.h"

/* What requests of one kind can fail with; a set of answers is written once for each in use. */
enum openapi_errors {
	ERRORS_PAGE,
	ERRORS_CLOSED_PAGE, /* one that is not open; the same without `auth` */
	ERRORS_LIST,
	ERRORS_INSERT,
	ERRORS_UPDATE,
	ERRORS_PUT,
	ERRORS_DELETE,
	ERRORS_ITEM_GET,
	ERRORS_ITEM_PUT,
	ERRORS_ITEM_UPDATE,
	ERRORS_ITEM_DELETE,
	/* Routes of the service file: its own shape. */
	ERRORS_ROUTE_REPLY,
	ERRORS_ROUTE_READ,
	ERRORS_ROUTE_WRITE,
	ERRORS_ROUTE_DELETE,
	ERRORS_KINDS
};

/* X(NAME, key, name on the wire, in, schema, description) */
#define OPENAPI_PARAMETERS(X)                                                                      \
	X(SELECT, "query.select", "select", "query", "{\"type\":\"string\"}",                          \
	  "The columns of the answer, and rows of other resources: `a,b,alias:c,other(d)`")            \
	X(ORDER, "query.order", "order", "query", "{\"type\":\"string\"}",                             \
	  "The order: `a.desc,b.asc.nullsfirst`")                                                      \
	X(LIMIT, "query.limit", "limit", "query", "{\"type\":\"integer\",\"minimum\":0}",              \
	  "The most rows that are answered")                                                           \
	X(OFFSET, "query.offset", "offset", "query", "{\"type\":\"integer\",\"minimum\":0}",           \
	  "The rows that are passed over")                                                             \
	X(AND, "query.and", "and", "query", "{\"type\":\"string\"}",                                   \
	  "Conditions that hold together: `(a.eq.1,or(b.gt.2,c.is.null))`")                            \
	X(OR, "query.or", "or", "query", "{\"type\":\"string\"}",                                      \
	  "Conditions of which one holds: `(a.eq.1,b.gt.2)`")                                          \
	X(AFTER, "query.after", "after", "query", "{\"type\":\"string\"}",                             \
	  "The cursor of the page before, from its `Link`; empty for the first page")                  \
	X(DISTINCT, "query.distinct", "distinct", "query", "{\"type\":\"boolean\"}",                   \
	  "Equal rows are answered once")                                                              \
	X(COLUMNS, "query.columns", "columns", "query", "{\"type\":\"string\"}",                       \
	  "The fields that are read from the body; others are ignored")                                \
	X(ON_CONFLICT, "query.on_conflict", "on_conflict", "query", "{\"type\":\"string\"}",           \
	  "The fields of a unique rule that `Prefer: resolution` is about; the key when not given")    \
	X(PREFER, "header.prefer", "Prefer", "header", "{\"type\":\"string\"}",                        \
	  "RFC 7240: `count=exact`, `return=representation|minimal|headers-only`, "                    \
	  "`resolution=merge-duplicates|ignore-duplicates`, `missing=default`, "                       \
	  "`handling=strict|lenient`, `max-affected=N`, `timezone=NAME`, `tx=commit|rollback`")        \
	X(RANGE, "header.range", "Range", "header", "{\"type\":\"string\"}",                           \
	  "The rows that are answered, counted from 0: `0-19`")                                        \
	X(IF_NONE_MATCH, "header.if_none_match", "If-None-Match", "header", "{\"type\":\"string\"}",   \
	  "The `ETag` of what the client has: 304 when it still holds; with PUT `*`: only create")     \
	X(IF_MATCH, "header.if_match", "If-Match", "header", "{\"type\":\"string\"}",                  \
	  "The `ETag` of the row that is meant: 412 when it is another by now")                        \
	X(IDEMPOTENCY, "header.idempotency_key", "Idempotency-Key", "header",                          \
	  "{\"type\":\"string\",\"maxLength\":255}",                                                   \
	  "A request that is sent again under the same key is done once")

enum openapi_parameter {
#define X(name, key, wire, in, schema, description) PARAMETER_##name,
	OPENAPI_PARAMETERS(X)
#undef X
		PARAMETERS_END
};

struct openapi {
	const struct service *service;
	struct buf *text;
	struct arena arena;                   /* of the names that are made on the way */
	bool used[ERRORS_KINDS];              /* sets of errors that some operation refers to */
	bool used_parameters[PARAMETERS_END]; /* the same of shared parameters */
};

/* Who sees a schema: the answer, the body of a new row, or that of a change. */
enum openapi_view { VIEW_ROW, VIEW_INSERT, VIEW_UPDATE };

/* ---- openapi.c ---- */

/* A name as part of a component's key or an operationId: letters, digits, `_` and `-` stay, all
 * other bytes are --HH. Two names never become one. */
void openapi_name(struct buf *text, struct str name);
/* `"$ref":"#/components/KIND/NAME` + suffix, with the braces around it. */
void openapi_ref(struct openapi *openapi, const char *kind, struct str name, const char *suffix);

/* ---- openapi_paths.c ---- */

void openapi_write_paths(struct openapi *openapi);
/* The parameters of a path, named as in its template, inside `parameters: [`. `segments` are those
 * of the operation, which may name them otherwise; fields of `resource` give types (NULL: none). */
void openapi_path_parameters(struct openapi *openapi, const struct endpoint *endpoint,
							 const struct segment *segments, const struct resource *resource);
/* The shared answers of resources: rows and row. */
void openapi_write_answers(struct openapi *openapi);

/* ---- openapi_routes.c ---- */

/* Everything of an operation but its id and tags. */
void openapi_write_route(struct openapi *openapi, const struct operation *operation,
						 const struct endpoint *endpoint);

/* ---- openapi_parameters.c ---- */

/* References to shared parameters, inside `parameters: [`; the list ends with PARAMETERS_END. Names
 * in the query string that `plan` (may be NULL) gives a meaning of its own are left out. */
void openapi_refer(struct openapi *openapi, const enum openapi_parameter *list,
				   const struct plan *plan);
/* References to the filters of a resource's fields, but for names that mean something else. */
void openapi_refer_filters(struct openapi *openapi, const struct resource *resource,
						   const struct plan *plan);
void openapi_write_parameters(struct openapi *openapi);

/* ---- openapi_errors.c ---- */

/* `"400":{"$ref":…},…,"default":…` inside `responses: {`. */
void openapi_refer_errors(struct openapi *openapi, enum openapi_errors kind);
/* Is this status among them? */
bool openapi_errors_have(const struct openapi *openapi, enum openapi_errors kind, int status);
/* The reference to the schema of the errors of one kind. */
void openapi_error_schema(struct openapi *openapi, enum openapi_errors kind);
/* All sets that were referred to, inside `responses: {`. */
void openapi_write_errors(struct openapi *openapi);

/* ---- openapi_schemas.c ---- */

/* The schema of a field's values, as a whole. */
void openapi_field(struct openapi *openapi, const struct field *field, enum openapi_view view);
/* Its type and format alone, never null: for parameters. */
void openapi_field_plain(struct openapi *openapi, const struct field *field);
/* The schema of one row that a checked query answers. */
void openapi_row(struct openapi *openapi, const struct query *query);
/* The schema of one row in a body. `fixed` fields are known from the path, `needs` must be given;
 * either may be empty. */
void openapi_body_row(struct openapi *openapi, const struct resource *resource,
					  enum openapi_view view, const struct field_list *fixed,
					  const struct field_list *needs);
/* A schema that takes only what a JSON text says; texts with {message} and the like take any. */
void openapi_literal(struct openapi *openapi, struct str json);
/* The schemas of all resources and of errors, inside `schemas: {`. */
void openapi_write_schemas(struct openapi *openapi);

#endif
